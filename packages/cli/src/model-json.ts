/** A model as the JSON that `--json` prints: names instead of positions, every term, nothing rounded. */
import type {
  EncodedColumn,
  Model,
  ModelOutput,
  OutputRecord,
  Polynomial,
  Provenance,
  TargetSpec,
  TestResult,
  TrainingRecord,
} from '@fewfire/core';

export interface TermJson {
  /** Empty for the constant. */
  readonly coordinates: readonly string[];
  readonly coefficient: number;
}

type Named<T> = Omit<T, 'coordinates'> & { readonly coordinates: readonly string[] };
type NamedStability = Named<OutputRecord['stability'][number]>;
type Confirmation = NonNullable<OutputRecord['confirmation']>;
type NamedConfirmation = Omit<Confirmation, 'terms' | 'collinear' | 'unsupported'> & {
  readonly terms: readonly Named<Confirmation['terms'][number]>[];
  readonly collinear: readonly (readonly string[])[];
  readonly unsupported: readonly (readonly string[])[];
};

/** One polynomial and how it was fitted. */
export interface OutputJson {
  readonly degree: number;
  readonly method: OutputRecord['method'];
  readonly lambda: number;
  readonly basis: OutputRecord['basis'];
  readonly l1Ratio: number;
  readonly hierarchy: OutputRecord['hierarchy'];
  readonly refit: boolean;
  readonly dualityGap: number | null;
  readonly monomialCount: number;
  readonly termCount: number;
  readonly selection: OutputRecord['selection'];
  readonly calibration: ModelOutput['calibration'];
  readonly converged: boolean;
  /** Terms chosen on some rows and estimated on others, by name; null without. */
  readonly confirmation: NamedConfirmation | null;
  readonly stability: readonly NamedStability[];
  /** By decreasing size of the coefficient. */
  readonly terms: readonly TermJson[];
}

export interface CommonJson {
  readonly task: TargetSpec['kind'];
  readonly loss: Model['loss'];
  readonly sampleCount: number;
  readonly coordinateCount: number;
  readonly test: TestResult | null;
  readonly encoding: {
    readonly target: TargetSpec;
    readonly columns: readonly (EncodedColumn & { readonly coordinates: readonly string[] })[];
  };
  readonly dropped: TrainingRecord['dropped'];
  readonly missing: TrainingRecord['missing'];
  readonly notes: readonly string[];
  readonly fittedOn: string;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** The one output's fields beside the common ones, or with several classes a list of them. */
export type ModelJson = CommonJson &
  (OutputJson | { readonly outputs: readonly (OutputJson & { readonly class: string })[] });

export async function modelJson(model: Model): Promise<ModelJson> {
  const { columnCoordinateNames } = await import('@fewfire/core');
  const { target, loss, encoder, outputs, training, provenance } = model;
  const common: CommonJson = {
    task: target.kind,
    loss,
    sampleCount: training.sampleCount,
    coordinateCount: outputs[0].polynomial.coordinates.length,
    test: training.test,
    encoding: {
      target,
      columns: encoder.columns.map((column) => ({ ...column, coordinates: columnCoordinateNames(column) })),
    },
    dropped: training.dropped,
    missing: training.missing,
    notes: training.notes,
    fittedOn: training.fittedOn,
    seed: provenance.seed,
    provenance,
  };
  if (target.kind !== 'multiclass') return { ...common, ...(await outputJson(outputs[0])) };
  const list = await Promise.all(outputs.map(outputJson));
  return { ...common, outputs: list.map((output, k) => ({ class: target.classes[k], ...output })) };
}

async function outputJson({ polynomial, calibration, fit }: ModelOutput): Promise<OutputJson> {
  const { degree, method, lambda, basis, l1Ratio, hierarchy, refit, dualityGap } = fit;
  const { monomialCount, selection, converged, confirmation } = fit;
  const names = (coordinates: readonly number[]): string[] => coordinates.map((s) => polynomial.coordinates[s]);
  const named = <T extends { readonly coordinates: readonly number[] }>(entry: T): Named<T> => ({
    ...entry,
    coordinates: names(entry.coordinates),
  });
  return {
    ...{ degree, method, lambda, basis, l1Ratio, hierarchy, refit, dualityGap },
    ...{ monomialCount, termCount: polynomial.termCount, selection, calibration, converged },
    confirmation: confirmation && {
      ...confirmation,
      terms: confirmation.terms.map(named),
      collinear: confirmation.collinear.map(names),
      unsupported: confirmation.unsupported.map(names),
    },
    stability: fit.stability.map(named),
    terms: await allTerms(polynomial),
  };
}

async function allTerms(polynomial: Polynomial): Promise<TermJson[]> {
  const { termList } = await import('@fewfire/core');
  const size = ({ coefficient }: { readonly coefficient: number }): number => Math.abs(coefficient);
  return termList(polynomial)
    .map(({ coordinates, coefficient }) => ({
      coordinates: coordinates.map((s) => polynomial.coordinates[s]),
      coefficient,
    }))
    .sort((a, b) => size(b) - size(a));
}
