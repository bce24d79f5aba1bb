export {
  CERTIFICATE_FORMAT,
  CERTIFICATE_VERSION,
  type CertificateMethod,
  type Evidence,
  parseCertificate,
  pointsChecksum,
  type SparsityCertificate,
  serializeCertificate,
} from './certificate.ts';
export { type CertifyOptions, certifySparsity } from './certify.ts';
export { type ConflictCertificate, type ConflictOptions, certifyConflicts, conflictOf } from './conflicts.ts';
export type { SampleOptions as SparsitySampleOptions, SparsityEstimate } from './estimate.ts';
export type { MilpOptions, MilpProblem, MilpResult, MilpSolver } from './milp.ts';
export { countRowsExactly, type ExactCounts } from './rows.ts';
export { type TightenedNetwork, tighten, tightenWithPauses } from './tighten.ts';
