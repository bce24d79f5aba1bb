/**
 * Looks for a point with many active units: random points of the domain, and on the
 * cube climbing from them and from points where a chosen unit is most active. What
 * it finds is counted exactly, so it is a lower bound whatever the search does.
 */
import { createRandom, createTurn, type RunOptions, type Turn } from '../../base/index.ts';
import { bitAt } from '../../cube/index.ts';
import { domainBits, drawPoints } from '../domain.ts';
import type { NetworkDomain } from '../network.ts';
import type { AnyNetwork } from '../tree-network.ts';
import { countActive, countRowsExactly } from './rows.ts';
import type { TightenedNetwork } from './tighten.ts';

export interface FoundPoint {
  /** The bits (1 is -1) of the domain: coordinates of the cube, or y of a lift. */
  readonly bits: Uint8Array;
  readonly activeCount: number;
}

const RANDOM_POINTS = 2048;
const CLIMBS = 48;
/** Column entries looked at in all climbs together. */
const CLIMB_WORK = 2e8;

/** @param stopAt stops once so many active units are found */
export async function findActivePoint(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Exclude<NetworkDomain, { kind: 'rows' }>,
  options: RunOptions & { readonly stopAt?: number } = {},
): Promise<FoundPoint> {
  const { stopAt = Number.POSITIVE_INFINITY, seed = 1, signal, threads } = options;
  const onDomain = { inputCount: network.inputCount, domain };
  const bitCount = domainBits(onDomain);
  const random = createRandom(seed);
  // Few points where they would be slow, and few where the domain is small.
  const weightCount = network.inputCount * network.unitCount + 1;
  const pointCount = Math.max(16, Math.min(RANDOM_POINTS, Math.floor(4e9 / weightCount), 4 * 2 ** bitCount));
  const points = drawPoints(onDomain, pointCount, random);
  const counts = await countRowsExactly(network, tightened, points, { signal, threads });
  let best: FoundPoint = {
    bits: Uint8Array.from({ length: bitCount }, (_, i) => bitAt(points, counts.maximumRow, i)),
    activeCount: counts.maximum,
  };
  if (domain.kind !== 'cube' || best.activeCount >= stopAt) return best;

  const climber = createClimber(tightened, bitCount);
  const turn = createTurn(signal);
  for (let c = 0; c < CLIMBS && climber.work() < CLIMB_WORK && best.activeCount < stopAt; c++) {
    const bits = c === 0 ? best.bits.slice() : Uint8Array.from({ length: bitCount }, () => random.bits() & 1);
    if (c % 2 === 1 && tightened.liveUnits.length > 0) {
      const unit = tightened.units[tightened.liveUnits[random.integer(tightened.liveUnits.length)]];
      unit.inputs.forEach((input, k) => {
        bits[input] = unit.steps[k] < 0n ? 1 : 0;
      });
    }
    await climber.climb(bits, turn);
    const activeCount = countActive(tightened, (input) => bits[input]);
    if (activeCount > best.activeCount) best = { bits, activeCount };
  }
  return best;
}

interface Climber {
  climb(bits: Uint8Array, turn: Turn): Promise<void>;
  work(): number;
}

// Levels as doubles, relative to what a unit can reach: good enough to choose a direction.
function createClimber({ units, liveUnits }: TightenedNetwork, bitCount: number): Climber {
  const columns: { readonly at: number[]; readonly step: number[] }[] = Array.from({ length: bitCount }, () => ({
    at: [],
    step: [],
  }));
  const starts = new Float64Array(liveUnits.length);
  liveUnits.forEach((j, at) => {
    const unit = units[j];
    const span = Math.max(1, Number(unit.highest - unit.lowest));
    // Half a step of the unit's own grid below 1, so that 1 is active and 0 is not.
    starts[at] = (Number(unit.start) - 0.5) / span;
    unit.inputs.forEach((input, k) => {
      columns[input].at.push(at);
      columns[input].step.push(Number(unit.steps[k]) / span);
    });
  });
  const levels = new Float64Array(liveUnits.length);
  let work = 0;
  const gain = (bits: Uint8Array, i: number): number => {
    const { at, step } = columns[i];
    const sign = bits[i] === 1 ? 1 : -1;
    work += at.length;
    let total = 0;
    for (let e = 0; e < at.length; e++) {
      const old = levels[at[e]];
      const now = old + sign * step[e];
      total += (now > 0 ? 2 : now) - (old > 0 ? 2 : old);
    }
    return total;
  };
  const flip = (bits: Uint8Array, i: number): void => {
    const { at, step } = columns[i];
    const sign = bits[i] === 1 ? 1 : -1;
    for (let e = 0; e < at.length; e++) levels[at[e]] += sign * step[e];
    bits[i] ^= 1;
  };
  return {
    work: () => work,
    async climb(bits, turn) {
      levels.set(starts);
      for (let i = 0; i < bitCount; i++) {
        if (bits[i] === 0) continue;
        bits[i] = 0;
        flip(bits, i);
      }
      for (let round = 0; round < 4 * bitCount; round++) {
        let chosen = -1;
        let most = 1e-9;
        for (let i = 0; i < bitCount; i++) {
          const wait = turn();
          if (wait !== undefined) await wait;
          const value = gain(bits, i);
          if (value <= most) continue;
          most = value;
          chosen = i;
        }
        if (chosen < 0 || work > CLIMB_WORK) return;
        flip(bits, chosen);
      }
    },
  };
}
