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
import {
  drawOrder,
  drawParts,
  FewfireError,
  pickKeys,
  pickNumbers,
  pickWholes,
  placesIn,
  type RunOptions,
} from '../base/index.ts';
import { selectRows } from '../cube/index.ts';
import { refitIntervals } from '../learn/index.ts';
import { type Polynomial, termCoordinates, termsBySize } from '../spectrum/index.ts';
import type { ConfirmationRecord, Loss } from './model.ts';
import type { NoteOf } from './notes.ts';
import type { LabelledPoints } from './prepare.ts';

export interface ConfirmOptions extends Pick<RunOptions, 'signal' | 'onProgress' | 'memoryLimitBytes'> {
  readonly interval: 'normal' | 'bootstrap';
  readonly confidence: number;
  readonly simultaneous: boolean;
  readonly loss: Loss;
  readonly seed: number;
  /** Makes the choice on the first half, whose target is the output's, and fits it there. */
  readonly choose: (half: LabelledPoints) => Promise<Polynomial>;
}

export type Confirmation =
  | { readonly record: ConfirmationRecord; readonly obstacle?: undefined }
  /** Why there are no intervals, unless none were wanted. */
  | { readonly record: null; readonly obstacle?: IntervalObstacle };

type IntervalObstacle = NoteOf<'no-intervals-few-rows' | 'no-intervals-one-class' | 'no-intervals-failed'>;

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
  const { interval, confidence, simultaneous, loss, seed, signal, onProgress, memoryLimitBytes } = options;
  const [choosing, confirming] = halves(data, seed);
  if (target.length < FEWEST_ROWS || choosing.length === 0) {
    const few = { rowCount: target.length, inGroups: data.clusters !== undefined };
    return { record: null, obstacle: { kind: 'no-intervals-few-rows', ...few } };
  }
  if (loss === 'logistic' && confirming.every((row) => target[row] === target[confirming[0]])) {
    return { record: null, obstacle: { kind: 'no-intervals-one-class' } };
  }
  try {
    const model = await options.choose(pick(data, target, choosing));
    const half = pick(data, target, confirming);
    const most = Math.min(MOST_TERMS, Math.floor(confirming.length / ROWS_PER_TERM));
    const refit = await refitIntervals(half.points, half.target, {
      ...{ interval, confidence, simultaneous, loss, seed, signal, onProgress, memoryLimitBytes },
      terms: leadingCoordinates(model, most),
      rowWeights: half.weights,
      clusters: half.clusters,
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
    return { record: null, obstacle: { kind: 'no-intervals-failed', message: error.message } };
  }
}

function halves({ target, clusters, rowKeys, clusterKeys }: LabelledPoints, seed: number): [Uint32Array, Uint32Array] {
  const draw = { purpose: 'confirmation', seed } as const;
  if (clusters === undefined) {
    const middle = target.length >> 1;
    const halfOf = drawParts(draw, [middle, target.length - middle], rowKeys);
    return [placesIn(halfOf, 0), placesIn(halfOf, 1)];
  }
  const groups = Uint32Array.from(new Set(clusters));
  if (groups.length < FEWEST_GROUPS) return [new Uint32Array(0), new Uint32Array(0)];
  const order = drawOrder(draw, pickKeys(clusterKeys, groups));
  const chosen = new Set(Array.from(order.subarray(0, groups.length >> 1), (k) => groups[k]));
  const halfOf = clusters.map((group) => Number(!chosen.has(group)));
  return [placesIn(halfOf, 0), placesIn(halfOf, 1)];
}

// The target is the output's.
function pick(
  { points, weights, clusters, rowKeys, clusterKeys }: LabelledPoints,
  target: Float64Array,
  rows: Uint32Array,
): LabelledPoints {
  return {
    points: selectRows(points, rows),
    target: pickNumbers(target, rows),
    weights: weights === undefined ? undefined : pickNumbers(weights, rows),
    clusters: clusters === undefined ? undefined : pickWholes(clusters, rows),
    rowKeys: pickKeys(rowKeys, rows),
    clusterKeys,
  };
}

/** The coordinates of the terms with the largest coefficients, the constant left out. */
export function leadingCoordinates(model: Polynomial, most: number): number[][] {
  return termsBySize(model)
    .slice(0, most)
    .map((t) => Array.from(termCoordinates(model, t)));
}
