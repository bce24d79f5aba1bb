/**
 * Which columns matter, under the table's own distribution: how much worse a model predicts rows when one column's cells
 * are shuffled among them (permutation importance, Breiman 2001). All coordinates of a column move together, and so do
 * the outputs of several classes. Only the terms that touch the column are evaluated anew, by the code that its cell has:
 * terms alike but for this column share their product over the others.
 */

import type { RowKeys, RunOptions } from '../base/index.ts';
import {
  createRandom,
  createTurn,
  drawOrder,
  drawParts,
  pickKeys,
  pickNumbers,
  placesIn,
  sampleSeed,
} from '../base/index.ts';
import { type EncoderSpec, oddAnswers, selectRows } from '../cube/index.ts';
import { surprise } from '../learn/index.ts';
import { evaluatePolynomial, type Polynomial, termCoordinates } from '../spectrum/index.ts';
import type { ColumnImportance, ImportanceRecord } from './findings.ts';
import { expectedTarget, mostProbable } from './measurement.ts';
import { type Calibration, type Loss, predictionFromValues, type TargetSpec } from './model.ts';
import type { LabelledPoints } from './prepare.ts';
import { codesOf, signsByCode, type TableColumn, tableColumns } from './table-columns.ts';

export interface ImportanceOf {
  readonly spec: TargetSpec;
  readonly loss: Loss;
  readonly calibrations: readonly Calibration[];
  /** One per output, over the coordinates of `encoder`. */
  readonly polynomials: readonly Polynomial[];
  readonly encoder: EncoderSpec;
  readonly data: LabelledPoints;
  readonly rows: ImportanceRecord['rows'];
  readonly seed: number;
}

const MOST_ROWS = 20_000;
const FEWEST_ROWS = 500;
/** Nanoseconds that all columns together may take, as predicted: rows are drawn to stay below. */
const BUDGET_NS = 3e8;
const TERM_NS = 1.5;
const PREDICTION_NS = 250;
/** Few rows are shuffled more often, until so many have been predicted. */
const ROWS_SHUFFLED = 5000;
const MOST_SHUFFLES = 20;
const FEWEST_SHUFFLES = 3;

export async function columnImportance(of: ImportanceOf, options: RunOptions): Promise<ImportanceRecord> {
  const columns = tableColumns(of.encoder);
  const parts = partsByColumn(of.polynomials, columns);
  const order = rowOrder(of, rowsWithin(parts, of.polynomials.length));
  const rows = labelledRows(of.data, order);
  const rowCount = order.length;
  const shuffleCount = Math.max(FEWEST_SHUFFLES, Math.min(MOST_SHUFFLES, Math.ceil(ROWS_SHUFFLED / rowCount)));
  const random = createRandom(sampleSeed({ purpose: 'shuffles', seed: of.seed }));
  const shuffles = Array.from({ length: shuffleCount }, () => random.permutation(rowCount));
  const values: Float64Array[] = [];
  for (const polynomial of of.polynomials) values.push(await evaluatePolynomial(polynomial, rows.points, options));
  const quality = measureOf(of, rows);
  const whole = quality(values);
  const turn = createTurn(options.signal);
  const found: ColumnImportance[] = [];
  for (const [c, column] of columns.entries()) {
    let [lossRise, scoreFall] = [0, 0];
    if (parts[c].some((list) => list.length > 0)) {
      const codes = codesOf(rows.points, column);
      const moved: Float64Array[][] = [];
      for (const [k, list] of parts[c].entries()) {
        const wait = turn();
        if (wait !== undefined) await wait;
        moved.push(shuffledValues(values[k], list, rows.points, column, codes, shuffles));
      }
      for (let s = 0; s < shuffleCount; s++) {
        const shuffled = quality(moved.map((outputs) => outputs[s]));
        lossRise += (shuffled.loss - whole.loss) / shuffleCount;
        scoreFall += (whole.score - shuffled.score) / shuffleCount;
      }
    }
    found.push({ column: column.column, lossRise, scoreFall: Number.isFinite(scoreFall) ? scoreFall : null });
  }
  // Of equals the first in the table comes first.
  found.sort((a, b) => b.lossRise - a.lossRise);
  return { rows: of.rows, rowCount, shuffleCount, columns: found };
}

/** Terms that touch a column and are alike in all other coordinates: (sum of c_U chi_U over the column) chi_rest. */
interface ColumnPart {
  /** Coordinates of other columns. */
  readonly rest: readonly number[];
  /** The column's coordinates in each term, and its coefficient. */
  readonly terms: { readonly own: readonly number[]; readonly coefficient: number }[];
}

/** Of every column and output, with each term looked at once. */
function partsByColumn(polynomials: readonly Polynomial[], columns: readonly TableColumn[]): ColumnPart[][][] {
  const columnOf = new Map(columns.flatMap(({ coordinates }, c) => coordinates.map((s) => [s, c] as const)));
  const found = columns.map(() => polynomials.map(() => new Map<string, ColumnPart>()));
  for (const [k, polynomial] of polynomials.entries()) {
    for (let t = 0; t < polynomial.termCount; t++) {
      const members = Array.from(termCoordinates(polynomial, t));
      const touched = members.map((s) => columnOf.get(s) as number);
      for (const c of new Set(touched)) {
        const own = members.filter((_, j) => touched[j] === c);
        const rest = members.filter((_, j) => touched[j] !== c);
        const parts = found[c][k];
        const key = rest.join(' ');
        let part = parts.get(key);
        if (part === undefined) {
          part = { rest, terms: [] };
          parts.set(key, part);
        }
        part.terms.push({ own, coefficient: polynomial.coefficients[t] });
      }
    }
  }
  return found.map((outputs) => outputs.map((parts) => [...parts.values()]));
}

function rowsWithin(parts: readonly (readonly (readonly ColumnPart[])[])[], outputCount: number): number {
  let perRow = 0;
  for (const column of parts) {
    let terms = 0;
    for (const list of column) for (const { rest } of list) terms += rest.length + 1 + FEWEST_SHUFFLES;
    if (terms > 0) perRow += TERM_NS * terms + FEWEST_SHUFFLES * PREDICTION_NS * outputCount;
  }
  return Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, Math.floor(BUDGET_NS / Math.max(1, perRow))));
}

/** Places of at most so many rows, in an order that does not depend on that of the table. */
function rowOrder({ data, seed }: ImportanceOf, most: number): Uint32Array {
  return drawnRows(data.target.length, most, data.rowKeys, seed);
}

/** Places of rows drawn by their keys, at most `most`, in the order of their hashes. */
export function drawnRows(count: number, most: number, keys: RowKeys | undefined, seed: number): Uint32Array {
  const draw = { purpose: 'shuffles', seed } as const;
  const all = Uint32Array.from({ length: count }, (_, row) => row);
  const places = count <= most ? all : placesIn(drawParts(draw, [most, count - most], keys), 0);
  return drawOrder(draw, pickKeys(keys, places)).map((i) => places[i]);
}

/** Rows with what is known of each. */
export type LabelledRows = Pick<LabelledPoints, 'points' | 'target' | 'weights'>;

/** The rows at these places, in their order. */
export function labelledRows({ points, target, weights }: LabelledRows, order: Uint32Array): LabelledRows {
  return {
    points: selectRows(points, order),
    target: pickNumbers(target, order),
    weights: weights === undefined ? undefined : pickNumbers(weights, order),
  };
}

/** The values of rows when they have the column's cells of others, for every shuffle. */
function shuffledValues(
  values: Float64Array,
  parts: readonly ColumnPart[],
  points: LabelledRows['points'],
  column: TableColumn,
  codes: Uint32Array,
  shuffles: readonly Uint32Array[],
): Float64Array[] {
  const { rowCount } = points;
  const signs = new Map(column.coordinates.map((s) => [s, signsByCode(column, s)]));
  const moved = shuffles.map(() => values.slice());
  const movedCodes = shuffles.map((shuffle) => codes.map((_, row) => codes[shuffle[row]]));
  const byCode = new Float64Array(column.codeCount);
  // Of two codes it is enough to know by how much they differ.
  const differences = column.codeCount === 2 ? new Float64Array(rowCount) : undefined;
  for (const { rest, terms } of parts) {
    byCode.fill(0);
    for (const { own, coefficient } of terms) {
      const ofOwn = own.map((s) => signs.get(s) as Int8Array);
      for (let code = 0; code < byCode.length; code++) {
        byCode[code] += ofOwn.reduce((product, sign) => product * sign[code], coefficient);
      }
    }
    const odd = oddAnswers(points, rest);
    if (differences !== undefined) {
      const difference = byCode[1] - byCode[0];
      for (let row = 0; row < rowCount; row++) differences[row] += odd[row] === 1 ? -difference : difference;
      continue;
    }
    for (const [k, of] of moved.entries()) {
      const other = movedCodes[k];
      for (let row = 0; row < rowCount; row++) {
        const change = byCode[other[row]] - byCode[codes[row]];
        of[row] += odd[row] === 1 ? -change : change;
      }
    }
  }
  if (differences === undefined) return moved;
  for (const [k, of] of moved.entries()) {
    const other = movedCodes[k];
    for (let row = 0; row < rowCount; row++) of[row] += (other[row] - codes[row]) * differences[row];
  }
  return moved;
}

interface Quality {
  readonly loss: number;
  /** NaN where there is none. */
  readonly score: number;
}

function measureOf(
  { spec, loss, calibrations }: Pick<ImportanceOf, 'spec' | 'loss' | 'calibrations'>,
  { target, weights }: LabelledRows,
): (values: readonly Float64Array[]) => Quality {
  const weightOf = (row: number): number => (weights === undefined ? 1 : weights[row]);
  let total = 0;
  let mean = 0;
  for (let row = 0; row < target.length; row++) {
    total += weightOf(row);
    mean += weightOf(row) * target[row];
  }
  mean /= total;
  const variance = target.reduce((sum, y, row) => sum + weightOf(row) * (y - mean) ** 2, 0) / total;
  return (values) => {
    let lossSum = 0;
    let right = 0;
    if (spec.kind === 'regression') {
      const expected = expectedTarget(loss, values[0]);
      for (let row = 0; row < target.length; row++) lossSum += weightOf(row) * (target[row] - expected[row]) ** 2;
      const mse = lossSum / total;
      return { loss: mse, score: variance > 0 ? 1 - mse / variance : Number.NaN };
    }
    const { probabilities = [] } = predictionFromValues(spec, calibrations, values);
    for (let row = 0; row < target.length; row++) {
      const truth = target[row];
      lossSum += weightOf(row) * surprise(probabilities[truth][row]);
      right += weightOf(row) * Number(mostProbable(probabilities, row) === truth);
    }
    return { loss: lossSum / total, score: right / total };
  };
}
