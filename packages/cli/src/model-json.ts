/** A model as the JSON that `--json` prints: names instead of positions, every term, nothing rounded. */
import type {
  ColumnInfluence,
  EncodedColumn,
  Model,
  ModelOutput,
  Note,
  OutputRecord,
  Provenance,
  TargetSpec,
  TestResult,
  TrainingRecord,
} from '@fewfire/core';
import type { Combination, PatternEffect } from '@fewfire/core/internal';
import { errorUnit } from '@fewfire/core/words';
import { unitOfEffects } from './describe.ts';
import { withFlags } from './flags.ts';
import { effectUnitText } from './summary.ts';

interface TermJson {
  /** Empty for the constant. */
  readonly coordinates: readonly string[];
  readonly coefficient: number;
  /** null for the constant. */
  readonly effect: number | null;
  readonly rows: number | null;
}

export type NoteJson = Note & { readonly text: string };

type Named<T> = Omit<T, 'coordinates'> & { readonly coordinates: readonly string[] };
type NamedStability = Named<OutputRecord['stability'][number]>;
type Confirmation = NonNullable<OutputRecord['confirmation']>;
type NamedConfirmation = Omit<Confirmation, 'terms' | 'collinear' | 'unsupported'> & {
  readonly terms: readonly Named<Confirmation['terms'][number]>[];
  readonly collinear: readonly (readonly string[])[];
  readonly unsupported: readonly (readonly string[])[];
};

/** A combination as it is told, with all that its rows say. */
interface CombinationJson extends Named<Combination> {
  readonly text: string;
  /** Rows of the fit in it, and the others. */
  readonly rows: { readonly in: number; readonly out: number };
  /** Shares of the class, or means of the target; null where there are no rows. */
  readonly observed: { readonly in: number | null; readonly out: number | null };
  /** On rows that did not choose it, in `units.combinationEffect`; null where none is confirmed. */
  readonly effect: (PatternEffect & { readonly text: string }) | null;
}

/** One polynomial and how it was fitted. */
interface OutputJson {
  readonly degree: number;
  readonly method: OutputRecord['method'];
  readonly lambda: number;
  readonly basis: OutputRecord['basis'];
  readonly l1Ratio: number;
  readonly hierarchy: OutputRecord['hierarchy'];
  readonly refit: boolean;
  /** Of boosting. */
  readonly roundCount?: number;
  readonly dualityGap: number | null;
  readonly monomialCount: number;
  readonly termCount: number;
  /** Of the targets as learned; of classes -1 is a yes. */
  readonly targetMean: number;
  readonly selection: OutputRecord['selection'];
  readonly calibration: ModelOutput['calibration'];
  readonly converged: boolean;
  /** Terms chosen on some rows and estimated on others, by name; null without. */
  readonly confirmation: NamedConfirmation | null;
  readonly stability: readonly NamedStability[];
  /** Those that matter most first; null of files that do not have them. */
  readonly combinations: readonly CombinationJson[] | null;
  /** By decreasing size of the coefficient. */
  readonly terms: readonly TermJson[];
}

interface CommonJson {
  readonly task: TargetSpec['kind'];
  readonly loss: Model['loss'];
  readonly sampleCount: number;
  readonly coordinateCount: number;
  /** Which part of the rows (of their weight, where they have weights) each class has; null for numbers. */
  readonly classShares: Readonly<Record<string, number>> | null;
  readonly test: TestResult | null;
  /** What numbers are in. */
  readonly units: {
    readonly error: string;
    readonly effect: string;
    readonly coefficient: string;
    readonly combinationEffect: string;
  };
  readonly encoding: {
    readonly target: TargetSpec;
    readonly columns: readonly (EncodedColumn & { readonly coordinates: readonly string[] })[];
  };
  readonly dropped: TrainingRecord['dropped'];
  readonly missing: TrainingRecord['missing'];
  /** Each with its sentence. */
  readonly notes: readonly NoteJson[];
  readonly fittedOn: string;
  /** Of a test table: rows that equal a fitted one; null where that is not known. */
  readonly testOverlap: number | null;
  readonly weight: string | null;
  readonly group: string | null;
  readonly seed: number;
  /** What shuffling each column costs, by decreasing rise of the loss; null of files that do not have it. */
  readonly importance: TrainingRecord['importance'] | null;
  /** What one column alone does on the test rows; null without a test. */
  readonly bestColumn: TrainingRecord['bestColumn'] | null;
  /** On the uniform cube, by decreasing share. */
  readonly influences: readonly ColumnInfluence[];
  readonly provenance: Provenance;
}

/** The one output's fields beside the common ones, or with several classes a list of them. */
export type ModelJson = CommonJson &
  (OutputJson | { readonly outputs: readonly (OutputJson & { readonly class: string })[] });

export async function modelJson(model: Model): Promise<ModelJson> {
  const { columnInfluences, coordinateNamesByColumn, effectsOf, noteText } = await import('@fewfire/core/internal');
  const { target, loss, encoder, outputs, training, provenance } = model;
  const names = coordinateNamesByColumn(encoder);
  const common: CommonJson = {
    task: target.kind,
    loss,
    sampleCount: training.sampleCount,
    coordinateCount: outputs[0].polynomial.coordinates.length,
    classShares: classShares(model),
    test: training.test,
    units: {
      error: `mean squared error ${errorUnit(model)}`,
      effect: `what the yes adds ${unitOfEffects(model)}`,
      coefficient: 'of the parity over -1/+1',
      combinationEffect: effectUnitText(
        effectsOf(
          model,
          outputs.map(({ fit }) => fit.confirmation),
        ),
      ),
    },
    encoding: {
      target,
      columns: encoder.columns.map((column, at) => ({ ...column, coordinates: names[at] })),
    },
    dropped: training.dropped.map(({ column, reason }) => ({ column, reason: withFlags(reason) })),
    missing: training.missing,
    notes: training.notes.map((note) => noteJson(note, noteText(note))),
    fittedOn: training.fittedOn,
    testOverlap: training.testOverlap ?? null,
    weight: training.weight ?? null,
    group: training.group ?? null,
    seed: provenance.seed,
    importance: training.importance ?? null,
    bestColumn: training.bestColumn ?? null,
    influences: columnInfluences(model),
    provenance,
  };
  if (target.kind !== 'multiclass') return { ...common, ...(await outputJson(model, 0)) };
  const list = await Promise.all(outputs.map((_, k) => outputJson(model, k)));
  return { ...common, outputs: list.map((output, k) => ({ class: target.classes[k], ...output })) };
}

/** @param sentence as the library has it */
export function noteJson(note: Note, sentence: string): NoteJson {
  return { ...note, text: withFlags(sentence) };
}

function classShares({ target, outputs }: Model): Record<string, number> | null {
  if (target.kind === 'regression') return null;
  // Of classes -1 is a yes.
  const shares = outputs.map(({ fit }) => (1 - fit.targetMean) / 2);
  if (target.kind === 'binary') return { [target.positive]: shares[0], [target.negative]: 1 - shares[0] };
  return Object.fromEntries(target.classes.map((name, k) => [name, shares[k]]));
}

async function outputJson(model: Model, k: number): Promise<OutputJson> {
  const { polynomial, calibration, fit } = model.outputs[k];
  const { degree, method, lambda, basis, l1Ratio, hierarchy, refit, roundCount, dualityGap } = fit;
  const { monomialCount, targetMean, selection, converged, confirmation } = fit;
  const names = (coordinates: readonly number[]): string[] => coordinates.map((s) => polynomial.coordinates[s]);
  const named = <T extends { readonly coordinates: readonly number[] }>(entry: T): Named<T> => ({
    ...entry,
    coordinates: names(entry.coordinates),
  });
  return {
    ...{ degree, method, lambda, basis, l1Ratio, hierarchy, refit, dualityGap },
    ...(roundCount === undefined ? {} : { roundCount }),
    ...{ monomialCount, termCount: polynomial.termCount, targetMean, selection, calibration, converged },
    confirmation: confirmation && {
      ...confirmation,
      terms: confirmation.terms.map(named),
      collinear: confirmation.collinear.map(names),
      unsupported: confirmation.unsupported.map(names),
    },
    stability: fit.stability.map(named),
    combinations: fit.combinations === undefined ? null : await combinationsJson(model, k, named),
    terms: await allTerms(model, k),
  };
}

async function combinationsJson(
  model: Model,
  k: number,
  named: (combination: Combination) => Named<Combination>,
): Promise<CombinationJson[]> {
  const library = await import('@fewfire/core/internal');
  const { fit } = model.outputs[k];
  const words = library.answerWords(model.encoder);
  return (fit.combinations ?? []).map((combination) => {
    const { coordinates } = combination;
    const { pattern, rows, observed } = library.toldPattern(combination, words);
    const unit = library.effectsOf(model, [fit.confirmation]);
    const effect = library.confirmedEffect(unit, fit, coordinates, pattern);
    return {
      text: library.patternText(
        pattern,
        coordinates.map((s) => words[s]),
      ),
      ...named(combination),
      ...{ rows, observed },
      effect:
        effect === undefined
          ? null
          : { ...library.readEffect(unit, effect), text: library.patternEffectText(unit, effect) },
    };
  });
}

async function allTerms(model: Model, k: number): Promise<TermJson[]> {
  const { leadingTerms } = await import('@fewfire/core');
  const terms: TermJson[] = leadingTerms(model, undefined, k);
  const constant = constantOf(model.outputs[k]);
  if (constant !== undefined) terms.push({ coordinates: [], coefficient: constant, effect: null, rows: null });
  return terms.sort((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient));
}

/** The coefficient of the constant, if there is one. */
export function constantOf({ polynomial }: ModelOutput): number | undefined {
  const { offsets, coefficients, termCount } = polynomial;
  return termCount > 0 && offsets[1] === 0 ? coefficients[0] : undefined;
}
