/**
 * What every experiment is: a statement of the paper, measured beside its bounds. An experiment computes its verdict
 * from its numbers; nothing here is written by hand. The command `fewfire reproduce` runs them, keeps their results and
 * draws the figures.
 */
import type { RunOptions } from '@fewfire/core';
import type { Claim, Figure, Series } from '@fewfire/report';

export type { Claim, Figure, Series };

export type ExperimentId = 'E1' | 'E2' | 'E3' | 'E4' | 'E5' | 'E6' | 'E7' | 'E8' | 'E9' | 'E10';

/** `tiny` is for tests (a second or so), `quick` for a look, `full` for the record. */
export type ExperimentScale = 'tiny' | 'quick' | 'full';

export interface ExperimentResult {
  readonly id: ExperimentId;
  readonly title: string;
  /** The statement in one or two sentences. */
  readonly statement: string;
  readonly settings: Readonly<Record<string, number | string | boolean | readonly number[] | readonly string[]>>;
  readonly seed: number;
  readonly claims: readonly Claim[];
  readonly figures: readonly Figure[];
  /** Remarks that belong beside the figures: slips of the published text with numbers, limits of the measurement. */
  readonly notes: readonly string[];
}

export interface ExperimentOptions extends RunOptions {
  readonly scale: ExperimentScale;
  /**
   * For tests: every bound is multiplied by this before it is compared (default 1). Making it small must turn `holds`
   * into `does not hold`, which shows that verdicts are computed.
   */
  readonly boundFactor?: number;
}

export interface Experiment {
  readonly id: ExperimentId;
  readonly title: string;
  run(options: ExperimentOptions): Promise<ExperimentResult>;
}
