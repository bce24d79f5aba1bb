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

/** One polynomial and how it was fitted. */
export interface OutputJson {
  readonly degree: number;
  readonly method: OutputRecord['method'];
  readonly lambda: number;
  readonly basis: OutputRecord['basis'];
  readonly monomialCount: number;
  readonly termCount: number;
  readonly selection: OutputRecord['selection'];
  readonly calibration: ModelOutput['calibration'];
  readonly converged: boolean;
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
  const { degree, method, lambda, basis, monomialCount, selection, converged } = fit;
  return {
    ...{ degree, method, lambda, basis, monomialCount, termCount: polynomial.termCount, selection },
    ...{ calibration, converged },
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
