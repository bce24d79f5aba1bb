/** A model as the JSON that `--json` prints: names instead of positions, every term, nothing rounded. */
import type { EncodedColumn, Model, ModelRecord, Provenance, TargetSpec, TestResult } from '@fewfire/core';

export interface TermJson {
  /** Empty for the constant. */
  readonly coordinates: readonly string[];
  readonly coefficient: number;
}

export interface ModelJson {
  readonly task: TargetSpec['kind'];
  readonly sampleCount: number;
  readonly coordinateCount: number;
  readonly degree: number;
  readonly method: ModelRecord['method'];
  readonly lambda: number;
  readonly basis: ModelRecord['basis'];
  readonly monomialCount: number;
  readonly termCount: number;
  readonly selection: ModelRecord['selection'];
  readonly test: TestResult | null;
  /** By decreasing size of the coefficient. */
  readonly terms: readonly TermJson[];
  readonly encoding: {
    readonly target: TargetSpec;
    readonly columns: readonly (EncodedColumn & { readonly coordinates: readonly string[] })[];
  };
  readonly dropped: ModelRecord['dropped'];
  readonly missing: ModelRecord['missing'];
  readonly notes: readonly string[];
  readonly calibration: Model['calibration'];
  readonly converged: boolean;
  readonly fittedOn: string;
  readonly seed: number;
  readonly provenance: Provenance;
}

export async function modelJson(model: Model): Promise<ModelJson> {
  const { columnCoordinateNames } = await import('@fewfire/core');
  const { target, encoder, polynomial, calibration, training, provenance } = model;
  return {
    task: target.kind,
    sampleCount: training.sampleCount,
    coordinateCount: polynomial.coordinates.length,
    degree: training.degree,
    method: training.method,
    lambda: training.lambda,
    basis: training.basis,
    monomialCount: training.monomialCount,
    termCount: polynomial.termCount,
    selection: training.selection,
    test: training.test,
    terms: await allTerms(model),
    encoding: {
      target,
      columns: encoder.columns.map((column) => ({ ...column, coordinates: columnCoordinateNames(column) })),
    },
    dropped: training.dropped,
    missing: training.missing,
    notes: training.notes,
    calibration,
    converged: training.converged,
    fittedOn: training.fittedOn,
    seed: provenance.seed,
    provenance,
  };
}

async function allTerms({ polynomial }: Model): Promise<TermJson[]> {
  const { termList } = await import('@fewfire/core');
  const size = ({ coefficient }: { readonly coefficient: number }): number => Math.abs(coefficient);
  return termList(polynomial)
    .map(({ coordinates, coefficient }) => ({
      coordinates: coordinates.map((s) => polynomial.coordinates[s]),
      coefficient,
    }))
    .sort((a, b) => size(b) - size(a));
}
