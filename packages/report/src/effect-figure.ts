/**
 * Effects around 0, one per row: what the model has as a stem with a dot, an estimate with its interval below it, and
 * the range over several fits as a pale band behind. Names stand above their rows, where even long ones have room on a
 * telephone.
 */
import { axis, multiples, niceStep } from './axis.ts';
import { cleanText, escapeMarkup } from './markup.ts';
import type { EffectFigure } from './result.ts';
import { clipText, GREY, LEGEND_ROW, LETTER_WIDTH, svgFrame, WIDTH, wrap } from './svg.ts';

const LEFT = 14;
const RIGHT = WIDTH - 14;
const TOP = 8;
const MODEL_COLOUR = '#0072b2';
const ESTIMATE_COLOUR = '#c04f00';
const RANGE_COLOUR = '#d5d5d5';

type Row = EffectFigure['rows'][number];

/** The figure as SVG. Rows keep their order. */
export function effectSvg(figure: EffectFigure): string {
  const { rows, legend } = figure;
  const has = {
    estimate: rows.some((row) => row.estimate !== undefined),
    range: rows.some((row) => row.range !== undefined),
  };
  const ends = rows.flatMap(({ value, estimate, range }) => [
    value,
    ...(estimate === undefined ? [] : [estimate.low, estimate.high, estimate.value]),
    ...(range === undefined ? [] : [range.low, range.high]),
  ]);
  const scale = axis([0, ...ends.filter(Number.isFinite)], 'linear', 1);
  const [low, high] = scale.domain;
  // Closer than usual: there is room, and an effect is read off.
  const ticks = multiples(low, high, niceStep((high - low) / 8));
  const x = (value: number): number => {
    const at = LEFT + ((value - low) / (high - low)) * (RIGHT - LEFT);
    return Number(Math.min(RIGHT, Math.max(LEFT, at)).toFixed(1));
  };
  const names = rows.map(({ name }) => nameLines(cleanText(name)));
  const tops: number[] = [];
  let bottom = TOP;
  for (const lines of names) {
    tops.push(bottom);
    bottom += lines.length * LEGEND_ROW + (has.estimate ? 25 : 17);
  }
  bottom += 4;
  const grid = ticks.map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP}" y2="${bottom}" stroke="${tick === 0 ? GREY : '#e2e2e2'}"/>` +
      `<text x="${x(tick)}" y="${bottom + 16}" text-anchor="middle">${escapeMarkup(scale.text(tick))}</text>`,
  );
  const label = wrap(cleanText(figure.label), Math.floor((WIDTH - 20) / LETTER_WIDTH));
  let y = bottom + 36;
  const labelLines = label.map((line, i) => `<text x="${LEFT}" y="${y + i * LEGEND_ROW}">${escapeMarkup(line)}</text>`);
  y += label.length * LEGEND_ROW;
  const entries: string[] = [];
  const explain = (mark: (y: number) => string, text: string): void => {
    const lines = wrap(cleanText(text), Math.floor((WIDTH - 60) / LETTER_WIDTH));
    entries.push(
      mark(y),
      ...lines.map((line, i) => `<text x="52" y="${y + 5 + i * LEGEND_ROW}">${escapeMarkup(line)}</text>`),
    );
    y += lines.length * LEGEND_ROW;
  };
  explain((at) => stem(14, 44, at), legend.value);
  if (has.estimate) explain((at) => whisker(14, 29, 44, at), legend.estimate);
  if (has.range) explain((at) => band(14, 44, at), legend.range);
  const marks = rows.map((row, i) => rowMarks(row, names[i], tops[i], x));
  return svgFrame(figure, y, [...grid, ...marks, ...labelLines, ...entries].join(''));
}

// Two lines hold most combinations; of a longer one the second is shortened.
function nameLines(name: string): string[] {
  const [first, ...rest] = wrap(name, Math.floor((RIGHT - LEFT) / LETTER_WIDTH));
  const lines = rest.length === 0 ? [first] : [first, rest.join(' ')];
  return lines.map((line) => clipText(line, RIGHT - LEFT));
}

function rowMarks(
  { value, estimate, range }: Row,
  lines: readonly string[],
  top: number,
  x: (value: number) => number,
): string {
  // The white edge keeps names legible across grid lines.
  const parts = lines.map(
    (line, i) =>
      `<text x="${LEFT}" y="${top + 14 + i * LEGEND_ROW}" stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">${escapeMarkup(line)}</text>`,
  );
  const y = top + lines.length * LEGEND_ROW + 7;
  if (range !== undefined) parts.push(band(x(range.low), x(range.high), y));
  parts.push(stem(x(0), x(value), y));
  if (estimate !== undefined) parts.push(whisker(x(estimate.low), x(estimate.value), x(estimate.high), y + 11));
  return parts.join('');
}

function band(from: number, to: number, y: number): string {
  return `<rect x="${from}" y="${y - 6}" width="${Math.max(2, to - from).toFixed(1)}" height="12" fill="${RANGE_COLOUR}"/>`;
}

function stem(from: number, to: number, y: number): string {
  return (
    `<line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="${MODEL_COLOUR}" stroke-width="3"/>` +
    `<circle cx="${to}" cy="${y}" r="4.5" fill="${MODEL_COLOUR}"/>`
  );
}

function whisker(low: number, middle: number, high: number, y: number): string {
  return (
    `<path d="M${low},${y - 4}V${y + 4}M${low},${y}H${high}M${high},${y - 4}V${y + 4}" stroke="${ESTIMATE_COLOUR}" stroke-width="1.8" fill="none"/>` +
    `<rect x="${middle - 3.5}" y="${y - 3.5}" width="7" height="7" fill="${ESTIMATE_COLOUR}"/>`
  );
}
