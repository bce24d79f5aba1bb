/**
 * The paper, reproduced: experiments, what is kept of them, and what the page says around them. Light to load: what is
 * heavy is loaded where it runs.
 */
export type { Experiment, ExperimentId, ExperimentOptions, ExperimentResult, ExperimentScale } from './experiment.ts';
export { EXPERIMENT_IDS, loadExperiment } from './experiments.ts';
export { codeHash, type Kept, type Part, type PartKey, partText, readPart } from './keep.ts';
export { mayReplace, refuseForeign } from './made.ts';
export { type ReportedRun, reproductionReport, verdictCounts } from './report.ts';
