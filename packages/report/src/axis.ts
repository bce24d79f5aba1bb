/** Where an axis begins and ends, its ticks, and how they are written. */
import { numberText } from '@fewfire/core/words';

export interface Axis {
  readonly domain: [number, number];
  readonly ticks: number[];
  readonly text: (value: number) => string;
}

/** A linear axis begins at 0 where the values begin below `zeroShare` of the largest. */
export function axis(values: readonly number[], scale: 'linear' | 'log', zeroShare: number): Axis {
  let low = values.length === 0 ? 1 : Math.min(...values);
  let high = values.length === 0 ? 10 : Math.max(...values);
  if (scale === 'log') {
    // In logarithms, where no ratio overflows.
    const middle = Math.log(low) / 2 + Math.log(high) / 2;
    const half = Math.max(Math.log(high) / 2 - Math.log(low) / 2, 0.4) * 1.06;
    low = Math.max(Number.MIN_VALUE, Math.exp(middle - half));
    high = Math.min(Number.MAX_VALUE, Math.exp(middle + half));
    return { domain: [low, high], ticks: logTicks(low, high), text: tickText };
  }
  if (low > 0 && low < zeroShare * high) low = 0;
  if (high === low) high = low + (Math.abs(low) || 1);
  const step = niceStep((high - low) / 5);
  const ticks = multiples(low, high, step);
  const room = 0.03 * (high - low);
  return { domain: [low === 0 ? 0 : low - room, high + room], ticks, text: tickText };
}

/** The least of 1, 2, 5, 10, 20, ... that is at least so much. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((f) => f * power).find((step) => step >= least * (1 - 1e-9)) ?? 10 * power;
}

function logTicks(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / 6));
  const powers: number[] = [];
  for (let e = first; e <= last; e++) if (e % every === 0) powers.push(Number(`1e${e}`));
  if (powers.length >= 3) return powers;
  const inside = [];
  for (const f of powers.length === 2 ? [1, 3] : [1, 2, 5]) {
    for (let e = first - 1; e <= last; e++) inside.push(Number(`${f}e${e}`));
  }
  const ticks = inside.filter((tick) => tick >= low && tick <= high).toSorted((a, b) => a - b);
  if (ticks.length >= 2) return ticks;
  // Less than a factor of five or so: as on a linear axis.
  const step = niceStep((high - low) / 4);
  return multiples(low, high, step);
}

/** The multiples of a step in a range; counted, because far from 0 adding a step may change nothing. */
export function multiples(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.min(12, Math.floor(high / step + 1e-9) - first + 1);
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function tickText(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e6)) return numberText(value, 6);
  const [digits, exponent] = value.toExponential().split('e');
  const power = `10${superscript(Number(exponent))}`;
  return digits === '1' ? power : `${digits}·${power}`;
}

function superscript(value: number): string {
  return String(value).replace(/./g, (c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]));
}
