export * from './attributions.ts';
export * from './best-column.ts';
export * from './column-drift.ts';
export * from './column-importance.ts';
export * from './combinations.ts';
export * from './export/index.ts';
export * from './findings.ts';
export * from './fit-table.ts';
export { type Measured, type MeasuredRows, measure } from './measurement.ts';
export * from './model.ts';
export * from './model-file.ts';
export { NOTE_KINDS } from './note-schema.ts';
export type { LeakRelation, Note, NoteFields, NoteKind, NoteOf } from './notes.ts';
export * from './optimise.ts';
export {
  type OptimiseOptions,
  type OptimumProof,
  optimisePolynomial,
  type PolynomialOptimum,
} from './optimise-polynomial.ts';
export type { CoordinateGroup } from './optimise-space.ts';
export * from './predict-table.ts';
export * from './prepare.ts';
export {
  type CandidateCurve,
  type ConfirmedEffect,
  type FitReport,
  type FitReportOptions,
  fitReport,
  type InteractionShares,
  type LevelSummary,
  type OutputReport,
  type ReportCombination,
  type ReportTerm,
  type StableEffect,
} from './report-data.ts';
export * from './score.ts';
export * from './score-trees.ts';
export * from './summary.ts';
export * from './target.ts';
export * from './test-pictures.ts';
