/**
 * Whether the columns of new rows are those of the fit: swapped, negated or rescaled ones still encode, and predictions
 * from them are wrong without a word. The share of yes rows of every coordinate is compared with the one the model keeps.
 *
 * A column is named when Fisher's exact test finds it at a level of 1e-6 over all coordinates together, and a share differs
 * by a fifth of the rows besides: of many rows every small drift is beyond chance, and nobody wants to read of it; of few
 * rows none is. Rows count as independent and whatever they weigh. Marginal shares are all that is kept, so that columns of
 * one distribution may be swapped unseen.
 *
 * What happened is a guess: two columns of which each has the shares of the other, a column that has its own from the other
 * end, numbers that lie beyond all thresholds. A guess must fit far better than the column itself does.
 */
import { logFisherP } from '../base/index.ts';
import { type CubePoints, columnCoordinateNames, type EncodedColumn, thresholdsOf, yesCounts } from '../cube/index.ts';
import { type Model, modelCoordinates } from './model.ts';

/** What a column that is not as it was at the fit may be. */
export type DriftGuess =
  /** The column holds what is another's, and the other what is its. */
  | { readonly kind: 'swapped'; readonly with: string }
  /** Yes and no, or small and large, are the other way round. */
  | { readonly kind: 'negated' }
  /** All numbers are beyond the thresholds; `negated` where that would do it too. */
  | { readonly kind: 'rescaled'; readonly orNegated: boolean };

/** A column whose shares are not those of the fit, by the coordinate that differs most. */
export interface ColumnDrift {
  readonly column: string;
  /** Name of the coordinate. */
  readonly coordinate: string;
  /** Share of yes rows among those of the fit, and among the new ones. */
  readonly expected: number;
  readonly found: number;
  readonly expectedRowCount: number;
  readonly rowCount: number;
  readonly guess: DriftGuess | null;
}

export interface ColumnDriftMeter {
  /** Rows encoded by the model's encoder; they may come in parts. */
  add(points: CubePoints): void;
  /** Of all rows added; empty for a model of an older file, which keeps no shares. */
  result(): readonly ColumnDrift[];
}

/** Chance that rows like those of the fit have any column named. */
const FALSE_ALARM = 1e-6;
const LEAST_DIFFERENCE = 0.2;
/** Two columns that look swapped are named for less: together they are no accident. */
const LEAST_SWAPPED = 0.1;
/** A guess fits a share that differs by no more, or by what chance would often do. */
const FITTING_DIFFERENCE = 0.05;
const FITTING_LOG_P = Math.log(1e-3);
const FAR_BETTER = 1 / 3;
/** Numbers lie beyond the thresholds when all but so many do. */
const BEYOND = 0.01;

export function createColumnDriftMeter({ encoder, training }: Pick<Model, 'encoder' | 'training'>): ColumnDriftMeter {
  const counts = new Float64Array(training.yesCounts?.length ?? 0);
  let rowCount = 0;
  return {
    add(points) {
      if (counts.length === 0) return;
      rowCount += points.rowCount;
      for (const [j, count] of yesCounts(points).entries()) counts[j] += count;
    },
    result() {
      if (training.yesCounts === undefined || rowCount === 0 || training.sampleCount === 0) return [];
      const names = modelCoordinates(encoder);
      const level = Math.log(FALSE_ALARM / names.length);
      let first = 0;
      const columns = encoder.columns.map((column) => {
        const count = columnCoordinateNames(column).length;
        const part = compared(
          column,
          names.slice(first, first + count),
          {
            counts: (training.yesCounts as readonly number[]).slice(first, first + count),
            total: training.sampleCount,
          },
          { counts: [...counts.subarray(first, first + count)], total: rowCount },
          level,
        );
        first += count;
        return part;
      });
      return named(columns);
    },
  };
}

interface Shares {
  readonly counts: readonly number[];
  readonly total: number;
}

interface ComparedColumn {
  readonly column: EncodedColumn;
  readonly names: readonly string[];
  readonly fitted: Shares;
  readonly found: Shares;
  /** The coordinate that differs most of those that differ beyond chance; -1 without any. */
  readonly most: number;
  readonly difference: number;
}

function compared(
  column: EncodedColumn,
  names: readonly string[],
  fitted: Shares,
  found: Shares,
  level: number,
): ComparedColumn {
  let most = -1;
  let difference = 0;
  // Time goes on, and the rows of a day have one weekday: dates that differ are no news.
  for (let j = 0; j < names.length && column.type !== 'date'; j++) {
    const distance = Math.abs(share(fitted, j) - share(found, j));
    if (distance <= difference || distance < LEAST_SWAPPED) continue;
    if (logFisherP(fitted.counts[j], fitted.total, found.counts[j], found.total) > level) continue;
    most = j;
    difference = distance;
  }
  return { column, names, fitted, found, most, difference };
}

function share({ counts, total }: Shares, j: number): number {
  return counts[j] / total;
}

function named(columns: readonly ComparedColumn[]): ColumnDrift[] {
  const differ = columns.filter(({ most }) => most >= 0);
  const isLarge = ({ difference }: ComparedColumn): boolean => difference >= LEAST_DIFFERENCE;
  // Thresholds of another column say little of where its numbers lie between them, so small differences say nothing.
  const partners = differ.map((a) =>
    differ.filter(
      (b) => a !== b && (isLarge(a) || isLarge(b) || !isNumeric(a.column)) && swapFits(a, b) && swapFits(b, a),
    ),
  );
  return differ.flatMap((a, i) => {
    const [partner, ...others] = partners[i];
    const isSwapped = partner !== undefined && others.length === 0 && partners[differ.indexOf(partner)].length === 1;
    if (!isLarge(a) && !isSwapped) return [];
    return {
      column: a.column.column,
      coordinate: a.names[a.most],
      expected: share(a.fitted, a.most),
      found: share(a.found, a.most),
      expectedRowCount: a.fitted.total,
      rowCount: a.found.total,
      guess: isSwapped ? { kind: 'swapped', with: partner.column.column } : guessAlone(a),
    };
  });
}

function guessAlone(a: ComparedColumn): DriftGuess | null {
  const negated = fits(a, negatedRanges(a)) || isTurned(a);
  const codes = codeCount(a.column);
  if (a.column.type === 'number' && codes > 1) {
    const found = Array.from({ length: codes }, (_, j) => share(a.found, j));
    const present = presentCount(a.column, a.found) / a.found.total;
    if (found.every((part) => part <= BEYOND) || found.every((part) => part >= present - BEYOND)) {
      return { kind: 'rescaled', orNegated: negated };
    }
  }
  return negated ? { kind: 'negated' } : null;
}

// ---- what the fit's rows would have counted

/** The fit's yes rows of a coordinate lie between these. */
type Range = readonly [number, number];

/** Coordinates that say which value it is: all but `column missing`. */
function codeCount(column: EncodedColumn): number {
  return columnCoordinateNames(column).length - (column.missingCoordinate ? 1 : 0);
}

function presentCount(column: EncodedColumn, { counts, total }: Shares): number {
  return total - (column.missingCoordinate ? counts[counts.length - 1] : 0);
}

function isNumeric({ type }: EncodedColumn): boolean {
  return type === 'number';
}

function numberThresholds(column: EncodedColumn): readonly number[] | undefined {
  return column.type === 'number' ? thresholdsOf(column) : undefined;
}

function swapFits(a: ComparedColumn, b: ComparedColumn): boolean {
  return fits(a, rangesAs(a, b));
}

// Of a's coordinates, if its cells were those of b.
function rangesAs(a: ComparedColumn, b: ComparedColumn): readonly Range[] | undefined {
  const cuts = numberThresholds(a.column);
  const others = numberThresholds(b.column);
  if (cuts !== undefined && others !== undefined) {
    return cuts.map((t) => [aboveAtLeast(b, others, t), aboveAtMost(b, others, t)]);
  }
  if (cuts !== undefined || others !== undefined) return undefined;
  const own = valueCounts(a);
  const counts = valueCounts(b);
  if (own.size !== counts.size || [...own.keys()].some((value) => !counts.has(value))) return undefined;
  return codedValues(a.column).map((value) => [counts.get(value) as number, counts.get(value) as number]);
}

// More rows are above a smaller threshold, fewer above a larger one.
function aboveAtLeast({ fitted }: ComparedColumn, cuts: readonly number[], t: number): number {
  const j = cuts.findIndex((cut) => cut >= t);
  return j < 0 ? 0 : fitted.counts[j];
}

function aboveAtMost({ column, fitted }: ComparedColumn, cuts: readonly number[], t: number): number {
  const j = cuts.findLastIndex((cut) => cut <= t);
  return j < 0 ? presentCount(column, fitted) : fitted.counts[j];
}

function codedValues({ coding }: EncodedColumn): readonly string[] {
  return coding.kind === 'two-valued' ? [coding.yes] : coding.kind === 'categories' ? coding.values : [];
}

function valueCounts({ column, fitted }: ComparedColumn): Map<string | null, number> {
  const values = codedValues(column);
  const counts = new Map<string | null, number>(values.map((value, j) => [value, fitted.counts[j]]));
  const rest = presentCount(column, fitted) - values.reduce((sum, _, j) => sum + fitted.counts[j], 0);
  const { coding } = column;
  if (coding.kind === 'two-valued') counts.set(coding.no, rest);
  if (coding.kind === 'categories') counts.set(coding.reference, rest);
  return counts;
}

// Of a's coordinates, if its numbers had the other sign, or its yes were its no.
function negatedRanges(a: ComparedColumn): readonly Range[] | undefined {
  const present = presentCount(a.column, a.fitted);
  if (codeCount(a.column) === 1) return [[present - a.fitted.counts[0], present - a.fitted.counts[0]]];
  return mirroredRanges(a, 0);
}

// Of a's coordinates, if each number x were m - x.
function mirroredRanges(a: ComparedColumn, m: number): readonly Range[] | undefined {
  const present = presentCount(a.column, a.fitted);
  return numberThresholds(a.column)?.map((t, _, cuts) => {
    // m - x > t where x < m - t; no number lies on a cut.
    const at = m - t;
    const below = cuts.findLastIndex((cut) => cut <= at);
    const highest = below < 0 ? present : a.fitted.counts[below];
    return [present - highest, present - aboveAtLeast(a, cuts, at)];
  });
}

// Whether a's numbers run from the other end (5 stars for 1): about the middle between two of its cuts, where these are the
// steps of a scale and say for most of them how many rows would be above.
function isTurned(a: ComparedColumn): boolean {
  const cuts = numberThresholds(a.column) ?? [];
  const isScale = cuts.every((cut, j) => j < 2 || Math.abs(cut - 2 * cuts[j - 1] + cuts[j - 2]) < 1e-9 * Math.abs(cut));
  if (!isScale) return false;
  const sums = new Set(cuts.flatMap((low, i) => cuts.slice(i).map((high) => low + high)));
  return [...sums].some((m) => {
    const ranges = mirroredRanges(a, m) ?? [];
    const known = ranges.filter(([least, most]) => most - least <= FITTING_DIFFERENCE * a.fitted.total);
    return 2 * known.length > ranges.length && fits(a, ranges);
  });
}

function fits({ column, fitted, found }: ComparedColumn, ranges: readonly Range[] | undefined): boolean {
  if (ranges === undefined || ranges.length === 0) return false;
  let own = 0;
  let rest = 0;
  for (let j = 0; j < codeCount(column); j++) {
    const count = share(found, j) * fitted.total;
    const nearest = Math.min(Math.max(count, ranges[j][0]), ranges[j][1]);
    const distance = Math.abs(count - nearest) / fitted.total;
    if (distance > FITTING_DIFFERENCE) {
      if (logFisherP(nearest, fitted.total, found.counts[j], found.total) < FITTING_LOG_P) return false;
    }
    rest += distance;
    own += Math.abs(share(fitted, j) - share(found, j));
  }
  return rest <= FAR_BETTER * own;
}
