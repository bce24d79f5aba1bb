/**
 * What a model attributes to its inputs: exact quantities of its polynomials (THEORY section 6), for the model as a
 * whole and for single rows. Those of the whole are of the uniform cube and of games between "all yes" and "all no";
 * those of rows are of the answers the row gives, against a stated baseline. Effects are toward the output's class, as
 * in `effectScale`.
 */
import { checkRunOptions, type RunOptions } from '../base/index.ts';
import { type CubePoints, encoderCoordinates } from '../cube/index.ts';
import {
  attributeRows,
  banzhafValues,
  influences,
  levelWeights,
  shapleyInteractions,
  shapleyValues,
} from '../spectrum/index.ts';
import { type Model, outputOf } from './model.ts';
import { effectScale, leadingTerms } from './summary.ts';

/** What a coordinate counts for in a model. */
export interface CoordinateAttribution {
  readonly coordinate: string;
  /** Sum of squared coefficients of the terms with it: the mean square of half of what its answer changes. */
  readonly influence: number;
  /** Share of f(all yes) - f(all no); over all coordinates they add up to it. */
  readonly shapley: number;
  /** Mean of f(with a yes) - f(with a no) over all answers elsewhere. */
  readonly banzhaf: number;
}

/** What coordinates count for together in a model. */
export interface InteractionAttribution {
  readonly coordinates: readonly string[];
  /** Mean of the discrete derivative over all answers elsewhere. */
  readonly banzhaf: number;
  /** Shapley interaction index (Grabisch and Roubens 1999). */
  readonly shapley: number;
}

/** What counts in one output of a model, without rows. */
export interface ModelAttributions {
  /** Squared coefficients by degree, from degree 0, in squared units of the target as learned. */
  readonly levelWeights: readonly number[];
  /** By decreasing influence. */
  readonly coordinates: readonly CoordinateAttribution[];
  /** Pairs and larger sets by decreasing |Banzhaf interaction|. */
  readonly interactions: readonly InteractionAttribution[];
}

/**
 * What counts in one output of a model, without rows: influence, Shapley and Banzhaf values of coordinates, and their
 * interactions.
 * @param output which output, from 0
 * @param most interactions to list; all without it
 * @throws FewfireError `invalid-argument` for an output that is not there; `memory-budget` when the terms have too many
 *   subsets for Shapley interactions
 * @example
 * ```ts
 * import { fitTable, memoryTable, modelAttributions } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y', method: 'low-degree' });
 * const { interactions } = await modelAttributions(model);
 * console.log(interactions[0].coordinates); // [ 'a', 'b' ]
 * ```
 */
export async function modelAttributions(
  model: Model,
  output = 0,
  most: number = Number.POSITIVE_INFINITY,
  options: RunOptions = {},
): Promise<ModelAttributions> {
  checkRunOptions('modelAttributions', options, {});
  const { polynomial } = outputOf(model, output);
  const scale = effectScale(model);
  const [influence, shapley, banzhaf] = [influences(polynomial), shapleyValues(polynomial), banzhafValues(polynomial)];
  const order = polynomial.coordinates.length > 2 ? 3 : 2;
  const indices = new Map(
    (await shapleyInteractions(polynomial, { ...options, order })).map(({ coordinates, value }) => [
      JSON.stringify(coordinates.map((s) => polynomial.coordinates[s])),
      value,
    ]),
  );
  const interactions = leadingTerms(model, undefined, output)
    .filter(({ coordinates }) => coordinates.length === 2 || coordinates.length === 3)
    .map(({ coordinates, effect }) => ({
      coordinates,
      banzhaf: effect,
      shapley: scale * (indices.get(JSON.stringify(coordinates)) ?? 0),
    }))
    .sort((a, b) => Math.abs(b.banzhaf) - Math.abs(a.banzhaf))
    .slice(0, most);
  return {
    levelWeights: levelWeights(polynomial),
    coordinates: polynomial.coordinates
      .map((coordinate, i) => ({
        coordinate,
        influence: influence[i],
        shapley: scale * shapley[i],
        banzhaf: scale * banzhaf[i],
      }))
      .sort((a, b) => b.influence - a.influence),
    interactions,
  };
}

/** What each column contributes to the values of rows. */
export interface ModelRowAttributions {
  /** Columns of the table that the model reads. */
  readonly columns: readonly string[];
  /**
   * Per output; a row's numbers and `base` add up to the value f at the row: of a number as learned, of a class (1 - f)/2,
   * near its probability, or under the logistic loss -f, its log-odds before calibration.
   */
  readonly outputs: readonly { readonly base: number; readonly values: Float64Array }[];
}

/**
 * Shapley values of rows by table column: every value a column can take counts as one player. The baseline is the row of
 * all reference values ("no" everywhere), or the average over `background`.
 * @throws FewfireError as `attributeRows`
 * @example
 * ```ts
 * import { attributeModelRows, fitTable, memoryTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y', method: 'low-degree' });
 * const { points } = await table.encode(model.encoder);
 * const { columns, outputs } = await attributeModelRows(model, points, { baseline: 'all-no' });
 * // of the second row: a yes at a, a no at b
 * console.log(columns, Array.from(outputs[0].values.subarray(2, 4), (value) => value.toFixed(2))); // [ 'a', 'b' ] [ '1.00', '0.00' ]
 * ```
 */
export async function attributeModelRows(
  model: Model,
  points: CubePoints,
  options: RunOptions & { readonly baseline: 'all-no' | 'average'; readonly background?: CubePoints },
): Promise<ModelRowAttributions> {
  checkRunOptions('attributeModelRows', options, { baseline: { need: ['all-no', 'average'] }, background: 'object' });
  const scale = effectScale(model);
  const offset = scale === -0.5 ? 0.5 : 0;
  const pools = encoderCoordinates(model.encoder).map((coordinate) => coordinate.group);
  // What the parts of a date contribute, their column does.
  const columns = [...new Set(model.encoder.columns.map(({ column }) => column))];
  const columnOf = model.encoder.columns.map(({ column }) => columns.indexOf(column));
  const outputs: { base: number; values: Float64Array }[] = [];
  for (const { polynomial } of model.outputs) {
    const { base, values } = await attributeRows(polynomial, points, { ...options, pools });
    const sums = new Float64Array(points.rowCount * columns.length);
    for (let i = 0; i < values.length; i++) {
      const row = Math.floor(i / columnOf.length);
      sums[row * columns.length + columnOf[i % columnOf.length]] += scale * values[i];
    }
    outputs.push({ base: offset + scale * base, values: sums });
  }
  return { columns, outputs };
}
