/**
 * What the report of a fit says, as data: everything a page draws or tells is computed here, so that no figure is made
 * up where it is drawn. Long lists are cut to what a page can hold, and how much was cut stands beside them.
 *
 * Figures of coefficients (effects, influences, interactions, level weights) are exact for the fitted polynomial on the
 * uniform cube; they do not say how well it fits. Figures of folds and test rows are estimates.
 */
import { checkOptions } from '../base/index.ts';
import { encoderCoordinates } from '../cube/index.ts';
import type { Candidate } from '../learn/index.ts';
import { type Polynomial, termCoordinates } from '../spectrum/index.ts';
import type { Combination } from './findings.ts';
import type { TestRows } from './fit-table.ts';
import {
  type ConfirmationRecord,
  type ConfirmedTerm,
  type Model,
  type ModelOutput,
  type OutputRecord,
  outputClass,
  type SelectionRecord,
} from './model.ts';
import {
  type ColumnInfluence,
  columnInfluences,
  effectScale,
  leadingTerms,
  shownTerms,
  type TermSummary,
} from './summary.ts';
import { type TestPicture, testPicture } from './test-pictures.ts';

/** A coefficient estimated on rows that did not choose its term, in the unit of `TermSummary.effect`. */
export interface ConfirmedEffect {
  readonly coordinates: readonly string[];
  readonly effect: number;
  readonly low: number;
  readonly high: number;
}

/** How a term fared in the fits of the folds, in the unit of `TermSummary.effect`. A range, not an interval. */
export interface StableEffect {
  readonly share: number;
  readonly sameSignShare: number;
  readonly lowest: number;
  readonly highest: number;
}

/** A term of a model as a report shows it. */
export interface ReportTerm extends TermSummary {
  /** null where the term is not among the confirmed ones, or nothing was confirmed. */
  readonly confirmed: ConfirmedEffect | null;
  readonly stability: StableEffect | null;
}

/** A combination with what its rows say, and its confirmed coefficient. */
export interface ReportCombination extends Combination {
  /** null where the term of these coordinates was not confirmed. */
  readonly confirmed: ConfirmedTerm | null;
}

/** Terms with the same number of coordinates. */
export interface LevelSummary {
  readonly level: number;
  readonly termCount: number;
  /** Sum of squared coefficients: W^{=level} on the uniform cube. */
  readonly weight: number;
}

/** One fit that was tried at one degree and in one basis, from one penalty to the next. */
export interface CandidateCurve {
  readonly degree: number;
  readonly method: string;
  readonly basis: Candidate['basis'];
  /** Of the lasso: its terms fitted again without a penalty. */
  readonly refit: boolean;
  /** By increasing lambda; 0 is least squares. */
  readonly points: readonly {
    readonly lambda: number;
    /** Of boosting: how many trees. */
    readonly roundCount?: number;
    readonly mse: number;
    readonly standardError: number;
    readonly chosen: boolean;
  }[];
}

/** What a report says of one output. */
export interface OutputReport {
  /** The class this output speaks of; undefined where there is one output. */
  readonly outputClass: string | undefined;
  readonly fit: Pick<
    ModelOutput['fit'],
    | 'method'
    | 'degree'
    | 'lambda'
    | 'basis'
    | 'refit'
    | 'roundCount'
    | 'monomialCount'
    | 'converged'
    | 'relativeGradient'
    | 'targetMean'
  >;
  readonly calibration: ModelOutput['calibration'];
  /** Without the constant. */
  readonly termCount: number;
  /** The coefficient of the constant. */
  readonly constant: number;
  /** What the output is told by, with what the rows of the fit say; empty of files that do not have it. */
  readonly combinations: readonly ReportCombination[];
  /** Leading terms that enough rows show. */
  readonly terms: readonly ReportTerm[];
  /** Terms larger than the last shown, left out because fewer than `fewestRows` rows show them. */
  readonly seldomCount: number;
  readonly fewestRows: number;
  readonly levels: readonly LevelSummary[];
  readonly curves: readonly CandidateCurve[];
  readonly skipped: SelectionRecord['skipped'];
  readonly confirmation:
    | (Omit<ConfirmationRecord, 'terms' | 'collinear' | 'unsupported'> & {
        /** Without the constant; 0 where the choosing rows chose no term. */
        readonly termCount: number;
        /** Confirmed terms that are not among the leading ones, by decreasing |estimate| of their coefficients. */
        readonly others: readonly ReportTerm[];
        /** How many of those are left out. */
        readonly leftOutCount: number;
        /** Names of chosen terms that the confirming rows cannot tell from others. */
        readonly collinear: readonly (readonly string[])[];
        /** Names of chosen terms that they can only tell from others by one single row. */
        readonly unsupported: readonly (readonly string[])[];
      })
    | null;
}

/** How much the terms that touch both of two columns weigh. */
export interface InteractionShares {
  /** By decreasing influence. */
  readonly columns: readonly string[];
  /**
   * Symmetric. `shares[i][j]`: sum of squared coefficients of the terms that touch both, over that of all terms but
   * constants (of all outputs); on the diagonal, of the terms that touch no other column.
   */
  readonly shares: readonly (readonly number[])[];
  /** Columns that are in some term, but not in `columns`. */
  readonly leftOutCount: number;
}

/** All that a report of a fit says and draws, as data. */
export interface FitReport {
  readonly target: Model['target'];
  readonly loss: Model['loss'];
  readonly training: Model['training'];
  readonly provenance: Model['provenance'];
  readonly encoding: Model['encoder']['columns'];
  readonly coordinateCount: number;
  readonly selection: Pick<SelectionRecord, 'folds' | 'heldOutFolds' | 'rowCount'>;
  readonly outputs: readonly OutputReport[];
  /** Columns by decreasing influence, all of them. */
  readonly influences: readonly ColumnInfluence[];
  readonly interactions: InteractionShares;
  /** null where there was no test, or its rows are gone because the model was read from a file. */
  readonly picture: TestPicture | null;
}

/** Options of `fitReport`. */
export interface FitReportOptions {
  /** Leading terms per output. Default 20, of several outputs 8. */
  readonly terms?: number;
  /** Columns in the interaction matrix. Default 15. */
  readonly interactionColumns?: number;
}

const TERMS = 20;
const TERMS_PER_CLASS = 8;
const INTERACTION_COLUMNS = 15;

/**
 * All that a report of a fit says and draws, as data; `fitReportPage` of @fewfire/report makes a page of it.
 * @param testRows the rows of the test with their predictions, as `fitTable` gives them
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { fitReport, fitTable, memoryTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y', method: 'low-degree' });
 * const report = fitReport(model, null, { terms: 3 });
 * console.log(report.outputs[0].terms.map(({ coordinates, effect }) => `${coordinates}: ${effect.toFixed(2)}`)); // [ 'a,b: -2.00' ]
 * ```
 */
export function fitReport(model: Model, testRows: TestRows | null = null, options: FitReportOptions = {}): FitReport {
  checkOptions('fitReport', options, { terms: 'number', interactionColumns: 'number' });
  const { target, loss, training, provenance, encoder, outputs } = model;
  const most = options.terms ?? (outputs.length > 1 ? TERMS_PER_CLASS : TERMS);
  const influences = columnInfluences(model);
  const { folds, heldOutFolds, rowCount } = outputs[0].fit.selection;
  return {
    target,
    loss,
    training,
    provenance,
    encoding: encoder.columns,
    coordinateCount: outputs[0].polynomial.coordinates.length,
    selection: { folds, heldOutFolds, rowCount },
    outputs: outputs.map((_, k) => outputReport(model, k, most)),
    influences,
    interactions: interactionShares(model, influences, options.interactionColumns ?? INTERACTION_COLUMNS),
    picture: testRows === null ? null : testPicture(target, testRows),
  };
}

function outputReport(model: Model, k: number, most: number): OutputReport {
  const { polynomial, calibration, fit } = model.outputs[k];
  const { method, degree, lambda, basis, refit, roundCount } = fit;
  const { monomialCount, converged, relativeGradient, targetMean } = fit;
  const all = leadingTerms(model, undefined, k);
  const { shown, seldomCount, fewestRows } = shownTerms(model, most, k);
  const confirmed = confirmedEffects(model, k);
  const stable = stableEffects(model, k);
  const evidence = (term: TermSummary): ReportTerm => ({
    ...term,
    confirmed: confirmed.get(termKey(term.coordinates)) ?? null,
    stability: stable.get(termKey(term.coordinates)) ?? null,
  });
  const terms = shown.map(evidence);
  const known = new Map(all.map((term) => [termKey(term.coordinates), term]));
  const leading = new Set(shown.map(({ coordinates }) => termKey(coordinates)));
  const others = [...confirmed.values()]
    .filter(({ coordinates }) => !leading.has(termKey(coordinates)))
    .map(({ coordinates }) => evidence(known.get(termKey(coordinates)) ?? notInModel(coordinates)));
  return {
    outputClass: outputClass(model, k),
    fit: {
      ...{ method, degree, lambda, basis, refit, monomialCount, converged, relativeGradient, targetMean },
      ...(roundCount === undefined ? {} : { roundCount }),
    },
    calibration,
    termCount: all.length,
    constant: polynomial.termCount > 0 && polynomial.offsets[1] === 0 ? polynomial.coefficients[0] : 0,
    combinations: reportCombinations(fit),
    terms,
    seldomCount,
    fewestRows,
    levels: levelSummaries(polynomial),
    curves: candidateCurves(fit),
    skipped: fit.selection.skipped,
    confirmation: confirmationReport(model.outputs[k], confirmed.size, others, most),
  };
}

function reportCombinations({ combinations = [], confirmation }: OutputRecord): ReportCombination[] {
  const terms = new Map((confirmation?.terms ?? []).map((term) => [term.coordinates.join(' '), term]));
  return combinations.map((combination) => ({
    ...combination,
    confirmed: terms.get(combination.coordinates.join(' ')) ?? null,
  }));
}

// Names may hold any character; JSON keeps two lists of names apart.
function termKey(coordinates: readonly string[]): string {
  return JSON.stringify(coordinates);
}

function names(polynomial: Polynomial, coordinates: readonly number[]): string[] {
  return coordinates.map((s) => polynomial.coordinates[s]);
}

function confirmedEffects(model: Model, k: number): Map<string, ConfirmedEffect> {
  const { polynomial, fit } = model.outputs[k];
  // Effects of another loss are in another unit than the model's, and cannot stand beside them.
  if (fit.confirmation?.loss !== undefined) return new Map();
  const effects = (fit.confirmation?.terms ?? [])
    .filter((term) => term.coordinates.length > 0)
    .map((term): ConfirmedEffect => {
      const factor = effectScale(model) * (-2) ** term.coordinates.length;
      const ends = [factor * term.low, factor * term.high];
      return {
        coordinates: names(polynomial, term.coordinates),
        effect: factor * term.estimate,
        low: Math.min(...ends),
        high: Math.max(...ends),
      };
    });
  return new Map(effects.map((effect) => [termKey(effect.coordinates), effect]));
}

function stableEffects(model: Model, k: number): Map<string, StableEffect> {
  const { polynomial, fit } = model.outputs[k];
  return new Map(
    fit.stability.map(({ coordinates, selectedShare, sameSignShare, minimum, maximum }) => {
      const factor = effectScale(model) * (-2) ** coordinates.length;
      const ends = [factor * minimum, factor * maximum];
      const effect = { share: selectedShare, sameSignShare, lowest: Math.min(...ends), highest: Math.max(...ends) };
      return [termKey(names(polynomial, coordinates)), effect];
    }),
  );
}

/** A sparse choice may have a term that the model does not. */
function notInModel(coordinates: readonly string[]): TermSummary {
  return { coordinates, coefficient: 0, effect: 0, rows: null };
}

function confirmationReport(
  { polynomial, fit: { confirmation } }: ModelOutput,
  termCount: number,
  others: readonly ReportTerm[],
  most: number,
): OutputReport['confirmation'] {
  if (confirmation === null) return null;
  const { terms: _, collinear, unsupported, ...record } = confirmation;
  return {
    ...record,
    termCount,
    others: others.slice(0, most),
    leftOutCount: Math.max(0, others.length - most),
    collinear: collinear.map((coordinates) => names(polynomial, coordinates)),
    unsupported: unsupported.map((coordinates) => names(polynomial, coordinates)),
  };
}

function levelSummaries({ termCount, offsets, coefficients }: Polynomial): LevelSummary[] {
  const levels: { level: number; termCount: number; weight: number }[] = [];
  for (let t = 0; t < termCount; t++) {
    const size = offsets[t + 1] - offsets[t];
    while (levels.length <= size) levels.push({ level: levels.length, termCount: 0, weight: 0 });
    levels[size].termCount++;
    levels[size].weight += coefficients[t] ** 2;
  }
  return levels;
}

/** Candidates that differ in their penalty (of boosting: their trees) only, together; least squares is ridge regression with lambda 0. */
function candidateCurves({ selection: { candidates }, ...fit }: OutputRecord): CandidateCurve[] {
  const kind = ({ method, degree, lambda, basis, refit, roundCount }: Candidate | typeof fit): string =>
    [method, degree, lambda, basis, refit, roundCount].join(' ');
  const best = candidates.find((candidate) => kind(candidate) === kind(fit));
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const { degree, basis, l1Ratio, hierarchy, refit } = candidate;
    const method = candidate.method === 'least-squares' && candidates.some(isRidge) ? 'ridge' : candidate.method;
    const key = JSON.stringify({ method, degree, basis, l1Ratio, hierarchy, refit });
    groups.set(key, [...(groups.get(key) ?? []), candidate]);
  }
  return [...groups.values()].map((group) => ({
    degree: group[0].degree,
    method: group[0].method,
    basis: group[0].basis,
    refit: group[0].refit,
    points: group
      .toSorted((a, b) => a.lambda - b.lambda || (a.roundCount ?? 0) - (b.roundCount ?? 0))
      .map((candidate) => ({
        lambda: candidate.lambda,
        ...(candidate.roundCount === undefined ? {} : { roundCount: candidate.roundCount }),
        mse: candidate.mse,
        standardError: candidate.standardError,
        chosen: candidate === best,
      })),
  }));
}

function isRidge(candidate: Candidate): boolean {
  return candidate.method === 'ridge';
}

/** How much the terms weigh that touch both of two columns, for the columns of most influence. */
function interactionShares(
  model: Model,
  influences: readonly ColumnInfluence[],
  mostColumns: number,
): InteractionShares {
  const touched = influences.filter(({ share }) => share > 0);
  const columns = touched.slice(0, mostColumns).map(({ column }) => column);
  const place = new Map(columns.map((column, i) => [column, i]));
  const groupPlaces = model.encoder.columns.map(({ column }) => place.get(column));
  const groups = encoderCoordinates(model.encoder).map(({ group }) => group);
  const shares = columns.map(() => new Array<number>(columns.length).fill(0));
  let total = 0;
  for (const { polynomial } of model.outputs) {
    for (let t = 0; t < polynomial.termCount; t++) {
      const touching = new Set(Array.from(termCoordinates(polynomial, t), (s) => groups[s]));
      if (touching.size === 0) continue;
      const square = polynomial.coefficients[t] ** 2;
      total += square;
      const places = Array.from(touching, (group) => groupPlaces[group]).filter((at) => at !== undefined);
      for (const i of places) {
        if (touching.size === 1) shares[i][i] += square;
        else for (const j of places) if (i !== j) shares[i][j] += square;
      }
    }
  }
  for (const row of shares) for (let j = 0; j < row.length; j++) row[j] = total > 0 ? row[j] / total : 0;
  return { columns, shares, leftOutCount: touched.length - columns.length };
}
