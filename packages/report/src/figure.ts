/**
 * A figure as one SVG that stands alone: no script, no style sheet, no identifiers that could meet others on a page.
 * Observable Plot draws axes and marks; the legend is ours, inside the SVG, because Plot's colour legend is HTML and a
 * figure must also print and be kept as a file.
 *
 * What was measured is a solid line with dots, its intervals bars or a band; what was computed as a bound is dashed.
 * So a figure reads without colour too. Colours are those of Okabe and Ito, chosen for the colour-blind.
 */

import { numberText } from '@fewfire/core/words';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { type Axis, axis } from './axis.ts';
import { cleanText, escapeMarkup } from './markup.ts';
import type { CountCell, Figure, Series } from './result.ts';
import { FONT_SIZE, LEGEND_ROW, LETTER_WIDTH, shade, svgFrame, WIDTH, wrap } from './svg.ts';

const WIDE_HEIGHT = 290;
const SQUARE_HEIGHT = 400;

// Vermilion, blue, green and so on, without yellow, which paper loses; black is for the axes and the last resort.
const MEASURED_COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#7f3c8d', '#000000'];
const BLACK = MEASURED_COLOURS.length - 1;
// Seven and six, eight and seven: looks repeat only after 42 and 56 curves.
const BOUND_COLOURS = ['#000000', '#8a4b08', '#5c5c5c', '#00573f', '#7a2f5d', '#004b75', '#a83200'];
const DASHES = ['7 3', '2 3', '9 3 2 3', '4 4', '12 4', '1 2'];
const SYMBOLS = ['circle', 'square', 'triangle', 'diamond', 'triangle2', 'star', 'wye'] as const;

type Point = Series['points'][number];

interface Drawn {
  readonly series: Series;
  readonly points: readonly Point[];
  readonly colour: string;
  readonly dash: string | undefined;
  readonly symbol: (typeof SYMBOLS)[number];
}

/**
 * Points that cannot be drawn: not finite, or not positive on a logarithmic axis.
 * @example
 * ```ts
 * import { undrawnCount } from '@fewfire/report';
 *
 * const figure = {
 *   title: 'Error by rows',
 *   x: { label: 'rows', scale: 'log' },
 *   y: { label: 'error', scale: 'linear' },
 *   series: [{ name: 'ridge', kind: 'estimate', points: [{ x: 0, y: 1 }, { x: 10, y: 0.5 }, { x: 100, y: 0.1 }] }],
 *   seen: 'The error falls.',
 * };
 * console.log(undrawnCount(figure)); // 1
 * ```
 */
export function undrawnCount(figure: Figure): number {
  return figure.series.reduce((sum, series) => sum + series.points.filter((p) => !drawable(p, figure)).length, 0);
}

/**
 * The figure as SVG. Points that no axis can show are left out: `undrawnCount` says how many.
 * @example
 * ```ts
 * import { figureSvg } from '@fewfire/report';
 *
 * const figure = {
 *   title: 'Error by rows',
 *   x: { label: 'rows', scale: 'log' },
 *   y: { label: 'error', scale: 'linear' },
 *   series: [{ name: 'ridge', kind: 'estimate', points: [{ x: 0, y: 1 }, { x: 10, y: 0.5 }, { x: 100, y: 0.1 }] }],
 *   seen: 'The error falls.',
 * };
 * console.log(figureSvg(figure).startsWith('<svg')); // true
 * ```
 */
export function figureSvg(figure: Figure): string {
  const drawn = assignLooks(figure);
  const all = drawn.flatMap(({ points }) => points);
  const { cells = [] } = figure;
  const xs = adapted(
    axis([...all.map((p) => p.x), ...cells.flatMap((cell) => [cell.x1, cell.x2])], figure.x.scale, 0.2),
    figure,
  );
  const ys = axis(
    [...all.flatMap((p) => [p.y, ...limits(p, figure)]), ...cells.flatMap((cell) => [cell.y1, cell.y2])],
    figure.y.scale,
    // A square is read along its diagonal: both axes begin alike.
    figure.shape === 'square' ? 0.2 : 0.5,
  );
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const root = Plot.plot({
    document: document as unknown as Document,
    width: WIDTH,
    height: plotHeight(figure),
    marginLeft: 14 + 8 * Math.max(...ys.ticks.map((tick) => ys.text(tick).length), 2),
    marginRight: 16,
    marginTop: 30,
    marginBottom: 46,
    style: { fontSize: `${FONT_SIZE}px` },
    x: { type: figure.x.scale, domain: xs.domain, label: null },
    y: { type: figure.y.scale, domain: ys.domain, label: null },
    marks: [
      Plot.gridY(ys.ticks, { strokeOpacity: 0.15 }),
      Plot.gridX(xs.ticks, { strokeOpacity: 0.08 }),
      Plot.axisX(xs.ticks, { label: null, tickFormat: (x: number) => xs.text(x), tickPadding: 4 }),
      Plot.axisY(ys.ticks, { label: null, tickFormat: (y: number) => ys.text(y), tickPadding: 4 }),
      Plot.text([cleanText(figure.x.label)], { frameAnchor: 'bottom-right', dy: 40, text: (label: string) => label }),
      Plot.text([cleanText(figure.y.label)], {
        frameAnchor: 'top-left',
        dy: -25,
        dx: -10,
        text: (label: string) => label,
      }),
      ...cellMarks(cells),
      ...drawn.flatMap((each) => marksOf(each, figure)),
    ],
  });
  const svg = (root as Element).tagName.toLowerCase() === 'svg' ? (root as Element) : root.querySelector('svg');
  if (svg === null) throw new Error('Plot gave no SVG');
  // Its style sheet would speak to the whole page, and a strict policy would silence it.
  for (const style of svg.querySelectorAll('style')) style.remove();
  return frame(svg.innerHTML, drawn, figure);
}

function plotHeight({ shape }: Figure): number {
  return shape === 'square' ? SQUARE_HEIGHT : WIDE_HEIGHT;
}

function cellMarks(cells: readonly CountCell[]): Plot.Markish[] {
  if (cells.length === 0) return [];
  const most = mostCount(cells);
  // One colour at a time, so that no scale of Plot's is needed.
  const fill = (cell: CountCell): string => shade(Math.sqrt(cell.count / most));
  return [Plot.rect(cells, { x1: 'x1', x2: 'x2', y1: 'y1', y2: 'y2', inset: 0, fill })];
}

function mostCount(cells: readonly CountCell[]): number {
  return cells.reduce((most, cell) => Math.max(most, cell.count), 1);
}

function drawable(point: Point, figure: Figure): boolean {
  const fits = (value: number, scale: 'linear' | 'log'): boolean =>
    Number.isFinite(value) && (scale === 'linear' || value > 0);
  return (isZeroTick(point, figure) || fits(point.x, figure.x.scale)) && fits(point.y, figure.y.scale);
}

function isZeroTick(point: Point, { x }: Figure): boolean {
  return point.x === 0 && x.zeroAt !== undefined;
}

function isBound({ kind }: Series): boolean {
  return kind === 'bound' || kind === 'published, constant 1' || kind === 'reference';
}

function assignLooks(figure: Figure): Drawn[] {
  let bounds = 0;
  let measured = 0;
  return figure.series.map((series) => {
    const bound = isBound(series);
    const ring = series.marks === 'ring';
    const at = ring ? BLACK : bound ? bounds++ : measured++;
    const colours = bound ? BOUND_COLOURS : MEASURED_COLOURS;
    return {
      series,
      points: series.points
        .filter((point) => drawable(point, figure))
        .map((point) => (isZeroTick(point, figure) ? { ...point, x: figure.x.zeroAt ?? point.x } : point))
        .toSorted((a, b) => a.x - b.x),
      colour: colours[at % colours.length],
      dash: bound ? DASHES[at % DASHES.length] : undefined,
      symbol: SYMBOLS[at % SYMBOLS.length],
    };
  });
}

// The ends of a point's interval that the axis can show.
function limits(point: Point, figure: Figure): number[] {
  return [point.low, point.high].filter(
    (value): value is number =>
      value !== undefined && Number.isFinite(value) && (figure.y.scale === 'linear' || value > 0),
  );
}

function marksOf({ series, points, colour, dash, symbol }: Drawn, figure: Figure): Plot.Markish[] {
  const marks: Plot.Markish[] = [];
  const line = series.marks === undefined || series.marks === 'line' || series.marks === 'curve';
  const x = (p: Point): number => p.x;
  const y = (p: Point): number => p.y;
  const between = points.filter((p) => p.low !== undefined && p.high !== undefined);
  if (between.length > 0) {
    // A lower limit of 0 has no place on a logarithmic axis; its bar then ends at the point.
    const y1 = (p: Point): number => (figure.y.scale === 'log' && !(p.low! > 0) ? p.y : p.low!);
    const y2 = (p: Point): number => (Number.isFinite(p.high) ? p.high! : p.y);
    if (between.length >= 12 && line) {
      marks.push(Plot.areaY(between, { x, y1, y2, fill: colour, fillOpacity: 0.2 }));
    } else marks.push(Plot.ruleX(between, { x, y1, y2, stroke: colour, strokeWidth: 1.3 }));
  }
  if (series.marks === 'ring') {
    marks.push(Plot.dot(points, { x, y, r: 8, stroke: colour, strokeWidth: 1.6, fill: 'none' }));
    return marks;
  }
  if (line && points.length > 1) {
    marks.push(Plot.line(points, { x, y, stroke: colour, strokeWidth: 1.8, strokeDasharray: dash }));
  }
  if ((dash === undefined && series.marks !== 'curve') || points.length === 1) {
    const crowded = points.length > 40;
    marks.push(
      Plot.dot(points, {
        x,
        y,
        symbol: dash === undefined ? symbol : 'times',
        r: crowded ? 2 : 3.4,
        stroke: dash === undefined ? undefined : colour,
        fill: dash === undefined ? colour : 'none',
        fillOpacity: series.marks === 'points' ? 0.65 : 1,
      }),
    );
  }
  return marks;
}

// With the place for 0 on a logarithmic axis, and ticks at whole numbers only where others mean nothing.
function adapted(whole: Axis, { x: { zeroAt, whole: wholeOnly } }: Figure): Axis {
  if (wholeOnly === true) return { ...whole, ticks: whole.ticks.filter(Number.isInteger) };
  if (zeroAt === undefined) return whole;
  const domain: [number, number] = [Math.min(zeroAt * 0.8, whole.domain[0]), whole.domain[1]];
  const ticks = [zeroAt, ...whole.ticks.filter((tick) => tick > 2 * zeroAt)];
  return { domain, ticks, text: (value) => (value === zeroAt ? '0' : whole.text(value)) };
}

/** The kinds as the legend names them, where the look does not say it all. */
const KIND_WORDS: Readonly<Record<Series['kind'], string>> = {
  exact: 'exact',
  bound: 'bound',
  estimate: 'estimate',
  'lower estimate': 'lower estimate',
  'published, constant 1': 'constant 1: no bound',
  observed: '',
  reference: '',
};

function legendText({ name, kind }: Series): string {
  if (kind === 'reference' || kind === 'observed') return name;
  return name.toLowerCase().includes(kind === 'published, constant 1' ? 'constant 1' : kind)
    ? name
    : `${name} (${KIND_WORDS[kind]})`;
}

function frame(inner: string, drawn: readonly Drawn[], figure: Figure): string {
  const texts = drawn.map(({ series }) => legendText(series));
  const longest = Math.max(0, ...texts.map((text) => text.length));
  const columns = longest <= 21 && texts.length > 2 ? 2 : 1;
  const columnWidth = (WIDTH - 16) / columns;
  const most = Math.floor((columnWidth - 42) / LETTER_WIDTH);
  const cells: string[] = [];
  let line = 0;
  texts.forEach((text, i) => {
    const column = i % columns;
    const x = 12 + column * columnWidth;
    const y = plotHeight(figure) + 12 + line * LEGEND_ROW;
    const lines = wrap(text, most);
    cells.push(
      swatch(drawn[i], x, y),
      ...lines.map((part, l) => `<text x="${x + 38}" y="${y + 4.5 + l * LEGEND_ROW}">${escapeMarkup(part)}</text>`),
    );
    if (column === columns - 1 || i === texts.length - 1) line += columns === 1 ? lines.length : 1;
  });
  const { cells: counted = [] } = figure;
  if (counted.length > 0) {
    const y = plotHeight(figure) + 12 + line++ * LEGEND_ROW;
    const most = mostCount(counted);
    cells.push(
      ...[1, Math.ceil(most / 4), most].map(
        (count, i) =>
          `<rect x="${12 + i * 10}" y="${y - 6}" width="10" height="12" fill="${shade(Math.sqrt(count / most))}"/>`,
      ),
      `<text x="50" y="${y + 4.5}">${most === 1 ? 'one row' : `1 to ${numberText(most)} rows, darker for more`}</text>`,
    );
  }
  return svgFrame(
    figure,
    plotHeight(figure) + 10 + line * LEGEND_ROW,
    `<g text-anchor="middle">${inner}</g><g text-anchor="start">${cells.join('')}</g>`,
  );
}

function swatch({ series, points, colour, dash, symbol }: Drawn, x: number, y: number): string {
  if (dash !== undefined && points.length === 1) {
    return `<path d="M-3.2,-3.2L3.2,3.2M-3.2,3.2L3.2,-3.2" transform="translate(${x + 15},${y})" stroke="${colour}" stroke-width="1.5"/>`;
  }
  if (series.marks === 'ring') {
    return `<circle cx="${x + 15}" cy="${y}" r="7" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
  }
  const line =
    series.marks === 'points'
      ? ''
      : `<line x1="${x}" x2="${x + 30}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="1.8"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/>`;
  if (dash !== undefined || series.marks === 'curve') return line;
  return `${line}<path d="${SYMBOL_PATHS[symbol]}" transform="translate(${x + 15},${y})" fill="${colour}"/>`;
}

// Close enough to what d3 draws at this size, so that a reader knows them again.
const SYMBOL_PATHS: Readonly<Record<(typeof SYMBOLS)[number], string>> = {
  circle: 'M3.4,0A3.4,3.4 0 1 1 -3.4,0A3.4,3.4 0 1 1 3.4,0',
  square: 'M-3,-3H3V3H-3Z',
  triangle: 'M0,-4.6L4,2.3H-4Z',
  diamond: 'M0,-4.6L2.7,0L0,4.6L-2.7,0Z',
  triangle2: 'M0,-3.5L3.1,1.8H-3.1Z',
  star: 'M0,-5L1.1,-1.5L4.7,-1.5L1.8,0.6L2.9,4L0,1.9L-2.9,4L-1.8,0.6L-4.7,-1.5L-1.1,-1.5Z',
  wye: 'M1.1,0.6V4H-1.1V0.6L-4,-1.1L-2.9,-3L0,-1.3L2.9,-3L4,-1.1Z',
};
