/**
 * What a model says, as data: its leading terms in yes/no language, and which
 * columns matter. Numbers derived from coefficients are those of the fitted
 * polynomial on the uniform cube (every coordinate yes or no with equal chance,
 * independently), not of the data's distribution.
 */
import { encodedColumnName, encoderCoordinates } from '../cube/index.ts';
import { termCoordinates, termsBySize } from '../spectrum/index.ts';
import { type Model, outputOf } from './model.ts';

/** A term of a model in words and numbers. */
export interface TermSummary {
  readonly coordinates: readonly string[];
  /** Coefficient of the parity over {+1,-1}. */
  readonly coefficient: number;
  /**
   * The same in yes/no terms (Banzhaf interaction, (-2)^|S| times the coefficient): what all of these being yes adds
   * beyond their smaller combinations, averaged over all answers elsewhere. For classes in units of (1 - value) / 2,
   * which is near the probability of the output's class, or under the logistic loss in log-odds of it; otherwise in
   * units of the target as learned.
   */
  readonly effect: number;
  /** Training rows with a yes at all of these coordinates; null for terms that were not counted. */
  readonly rows: number | null;
}

/** How much of a model goes through a column. */
export interface ColumnInfluence {
  readonly column: string;
  /** Sum of squared coefficients of all terms (of all outputs) that touch the column, over that of all terms but constants: in [0, 1]. */
  readonly share: number;
}

/** What a coefficient counts for in effects: toward the class that -1 stands for, as a share or in log-odds. */
export function effectScale({ target, loss }: Pick<Model, 'target' | 'loss'>): number {
  return target.kind === 'regression' ? 1 : loss === 'logistic' ? -1 : -0.5;
}

/**
 * Terms of one output by decreasing |coefficient|, the constant left out; all of them without `most`.
 * @param output which output, from 0
 * @throws FewfireError `invalid-argument` for an output that is not there
 * @example
 * ```ts
 * import { fitTable, leadingTerms, memoryTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const [term] = leadingTerms(model, 1);
 * console.log(term.coordinates, term.rows); // [ 'a', 'b' ] 50
 * ```
 */
export function leadingTerms(model: Model, most: number = Number.POSITIVE_INFINITY, output = 0): TermSummary[] {
  const { polynomial, fit } = outputOf(model, output);
  const support = new Map(fit.support.map((entry) => [entry.coordinates.join(' '), entry.rows]));
  const scale = effectScale(model);
  return termsBySize(polynomial)
    .slice(0, most)
    .map((t) => {
      const members = Array.from(termCoordinates(polynomial, t));
      const coefficient = polynomial.coefficients[t];
      return {
        coordinates: members.map((s) => polynomial.coordinates[s]),
        coefficient,
        effect: scale * (-2) ** members.length * coefficient,
        rows: support.get(members.join(' ')) ?? null,
      };
    });
}

/** The leading terms that enough rows show. */
export interface ShownTerms {
  readonly shown: readonly TermSummary[];
  /** Of the output, without the constant. */
  readonly termCount: number;
  /** Terms larger than the last shown, left out because fewer than `fewestRows` rows show them. */
  readonly seldomCount: number;
  readonly fewestRows: number;
}

/** Terms of one output by decreasing |coefficient|, without those that say little because few rows show them. */
export function shownTerms(model: Model, most: number, output = 0): ShownTerms {
  const all = leadingTerms(model, undefined, output);
  // A combination that fewer rows show says little, however large its coefficient.
  const fewestRows = Math.max(5, Math.ceil(0.01 * model.training.sampleCount));
  const isSeldom = ({ rows }: TermSummary): boolean => rows !== null && rows < fewestRows;
  const shown = all.filter((term) => !isSeldom(term)).slice(0, most);
  const above = shown.length === 0 ? all.length : all.indexOf(shown[shown.length - 1]);
  return { shown, termCount: all.length, seldomCount: all.slice(0, above).filter(isSeldom).length, fewestRows };
}

/**
 * Columns by decreasing influence on the uniform cube.
 * @example
 * ```ts
 * import { columnInfluences, fitTable, memoryTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * console.log(columnInfluences(model).map(({ column, share }) => `${column} ${share.toFixed(2)}`)); // [ 'a 1.00', 'b 1.00' ]
 * ```
 */
export function columnInfluences(model: Model): ColumnInfluence[] {
  const { outputs, encoder } = model;
  const coordinates = encoderCoordinates(encoder);
  const sums = new Float64Array(encoder.columns.length);
  let total = 0;
  for (const { polynomial } of outputs) {
    for (let t = 0; t < polynomial.termCount; t++) {
      const members = termCoordinates(polynomial, t);
      if (members.length === 0) continue;
      const square = polynomial.coefficients[t] ** 2;
      total += square;
      for (const group of new Set(Array.from(members, (s) => coordinates[s].group))) sums[group] += square;
    }
  }
  return encoder.columns
    .map((encoded, group) => ({ column: encodedColumnName(encoded), share: total > 0 ? sums[group] / total : 0 }))
    .sort((a, b) => b.share - a.share);
}
