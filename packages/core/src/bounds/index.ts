/** The statements of the paper and of docs/theory.md as arithmetic: published, explicit and new. */
export * from './claim-1.ts';
export * from './degree-certificate.ts';
export { biasFactor, halfspaceSensitivityBound } from './lemma-2-1.ts';
export * from './lemma-2-3.ts';
export {
  averageSensitivityBound,
  averageSensitivityBounds,
  averageSensitivityBoundWithExceedance,
  groupedAverageSensitivityBound,
  type NetworkClass,
  type StatementForms,
  valueBound,
} from './lemma-3-2.ts';
export * from './lemma-3-4.ts';
export { lnHalfspaceCuts, lnMonomialCount } from './log-binomial.ts';
export * from './theorem-3-1.ts';
export * from './theorem-5-1.ts';
export * from './theorem-5-3.ts';
export * from './theorem-a.ts';
export { type SampledClass, type TheoremB, theoremB, unitValueBound } from './theorem-b.ts';
