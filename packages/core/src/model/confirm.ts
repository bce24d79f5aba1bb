/**
 * How sure the leading terms are: a random half of the rows chooses them, the
 * other half, which had no part in the choice, fits exactly these terms again
 * and gives every coefficient an interval. The interval is for the coefficient
 * of the best approximation on the chosen terms, which need not be that of the
 * delivered model (shrunk by its penalty, among more terms).
 *
 * The whole choice (degree, penalty) is made anew on the first half: one made on
 * all rows would have seen the rows that are to confirm it.
 */
import { createRandom, FewfireError, pickNumbers, pickWholes, type RunOptions } from '../base/index.ts';
import { type CubePoints, selectRows } from '../cube/index.ts';
import { refitIntervals } from '../learn/index.ts';
import { type Polynomial, termCoordinates, termsBySize } from '../spectrum/index.ts';
import type { ConfirmationRecord, Loss } from './model.ts';
import type { LabelledPoints } from './prepare.ts';

export interface ConfirmOptions extends Pick<RunOptions, 'signal' | 'onProgress'> {
  readonly interval: 'normal' | 'bootstrap';
  readonly confidence: number;
  readonly simultaneous: boolean;
  readonly loss: Loss;
  readonly seed: number;
  /** Makes the choice on the first half and fits it there. */
  readonly choose: (half: LabelledPoints, target: Float64Array) => Promise<Polynomial>;
}

export type Confirmation =
  | { readonly record: ConfirmationRecord; readonly reason?: undefined }
  /** Why there are no intervals, unless none were wanted. */
  | { readonly record: null; readonly reason?: string };

/** Fewer rows than this, or groups, cannot be halved to any purpose. */
const FEWEST_ROWS = 60;
const FEWEST_GROUPS = 10;
/** At most so many terms are confirmed, and one per so many confirming rows. */
const MOST_TERMS = 40;
const ROWS_PER_TERM = 10;

/** @param target of the output, as learned */
export async function confirmTerms(
  data: LabelledPoints,
  target: Float64Array,
  options: ConfirmOptions,
): Promise<Confirmation> {
  const { interval, confidence, simultaneous, loss, seed, signal, onProgress } = options;
  const [choosing, confirming] = halves(data, seed);
  if (target.length < FEWEST_ROWS || choosing.length === 0) {
    const rows = target.length.toLocaleString('en-US');
    const few = data.clusters === undefined ? `${rows} rows are too few` : `${rows} rows in so few groups are too few`;
    return { record: null, reason: `no intervals: ${few} to choose terms on one half and confirm them on the other` };
  }
  const first = pick(data, target, choosing);
  const second = pick(data, target, confirming);
  if (loss === 'logistic' && second.target.every((value) => value === second.target[0])) {
    return {
      record: null,
      reason: 'no intervals: the half of the rows that would confirm the terms has one class only',
    };
  }
  try {
    const model = await options.choose(first.data, first.target);
    const most = Math.min(MOST_TERMS, Math.floor(confirming.length / ROWS_PER_TERM));
    const refit = await refitIntervals(second.data.points, second.target, {
      ...{ interval, confidence, simultaneous, loss, seed, signal, onProgress },
      terms: leadingCoordinates(model, most),
      rowWeights: second.data.weights,
      clusters: second.data.clusters,
    });
    const [constant, ...terms] = refit.intervals;
    return {
      record: {
        choosingRowCount: choosing.length,
        confirmingRowCount: confirming.length,
        ...{ interval, confidence, simultaneous },
        terms: [constant, ...terms.sort((a, b) => Math.abs(b.estimate) - Math.abs(a.estimate))],
        collinear: refit.collinear.map(({ coordinates }) => coordinates),
        unsupported: refit.unsupported,
        target: refit.target,
      },
    };
  } catch (error) {
    // Half the rows may be too few for what all of them allow: one class only, folds without rows, no finite fit.
    if (!(error instanceof FewfireError)) throw error;
    return { record: null, reason: `no intervals: on one half of the rows, ${error.message}` };
  }
}

function halves({ target, clusters }: LabelledPoints, seed: number): [Uint32Array, Uint32Array] {
  const random = createRandom(seed + 17);
  if (clusters === undefined) {
    const order = random.permutation(target.length);
    const middle = order.length >> 1;
    return [Uint32Array.from(order.slice(0, middle)).sort(), Uint32Array.from(order.slice(middle)).sort()];
  }
  const names = [...new Set(clusters)];
  if (names.length < FEWEST_GROUPS) return [new Uint32Array(0), new Uint32Array(0)];
  const order = random.permutation(names.length);
  const chosen = new Set(Array.from(order.slice(0, names.length >> 1), (k) => names[k]));
  const rows = Uint32Array.from(target.keys());
  return [rows.filter((row) => chosen.has(clusters[row])), rows.filter((row) => !chosen.has(clusters[row]))];
}

function pick(
  { points, weights, clusters, target: labels }: LabelledPoints,
  target: Float64Array,
  rows: Uint32Array,
): { data: LabelledPoints; target: Float64Array } {
  const part: CubePoints = selectRows(points, rows);
  return {
    data: {
      points: part,
      target: pickNumbers(labels, rows),
      weights: weights === undefined ? undefined : pickNumbers(weights, rows),
      clusters: clusters === undefined ? undefined : pickWholes(clusters, rows),
    },
    target: pickNumbers(target, rows),
  };
}

/** The coordinates of the terms with the largest coefficients, the constant left out. */
export function leadingCoordinates(model: Polynomial, most: number): number[][] {
  return termsBySize(model)
    .slice(0, most)
    .map((t) => Array.from(termCoordinates(model, t)));
}
