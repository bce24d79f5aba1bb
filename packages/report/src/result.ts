/**
 * What a report is made from: claims with their verdicts and figures as data. Whoever measures fills these in; the
 * report only draws them. They are plain JSON, so that a report can be made again from kept results.
 */

/** What a number is; a report never shows one without saying so. */
export type NumberKind = 'exact' | 'bound' | 'estimate' | 'lower estimate';

/** One measured or computed curve of a figure. */
export interface Series {
  readonly name: string;
  readonly kind: NumberKind | 'published, constant 1';
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    /** Limits of the interval of an estimate. */
    readonly low?: number;
    readonly high?: number;
  }[];
  /** `points` where many things were measured that no line should join. Default `line`. */
  readonly marks?: 'line' | 'points';
}

export interface Figure {
  readonly title: string;
  readonly x: { readonly label: string; readonly scale: 'linear' | 'log' };
  readonly y: { readonly label: string; readonly scale: 'linear' | 'log' };
  readonly series: readonly Series[];
  /** A sentence on what is seen, made from the numbers. */
  readonly seen: string;
}

export type Verdict = 'holds' | 'does not hold' | 'consistent with' | 'not consistent with';

export interface Claim {
  /** For example `Lemma 3.2 (new)`. */
  readonly statement: string;
  /** What was measured, with its numbers. */
  readonly measured: string;
  /**
   * Computed by comparing every measured value with its bound. `consistent with` is for hardness statements and lower
   * estimates, which no measurement can prove.
   */
  readonly verdict: Verdict;
  /** The largest measured / bound that was seen, where that makes sense: 1 is tight, above 1 is a violation. */
  readonly largestRatio?: number;
}

export type Setting = number | string | boolean | readonly number[] | readonly string[];

/** One experiment as a report shows it. */
export interface ReportSection {
  /** Short and unique, made of letters and digits: it becomes the anchor. */
  readonly id: string;
  readonly title: string;
  /** The statement in one or two sentences. */
  readonly statement: string;
  readonly settings: Readonly<Record<string, Setting>>;
  readonly seed: number;
  readonly claims: readonly Claim[];
  readonly figures: readonly Figure[];
  /** Remarks that belong beside the figures. */
  readonly notes: readonly string[];
  /** What makes it again. */
  readonly command: string;
}

/** A slip of a published text, with the numbers that show it. */
export interface Slip {
  readonly where: string;
  readonly printed: string;
  readonly meant: string;
  readonly evidence: string;
}

export interface Report {
  readonly title: string;
  /** Paragraphs before the claim table. */
  readonly introduction: readonly string[];
  readonly sections: readonly ReportSection[];
  readonly slips: readonly Slip[];
  /** Versions, dates and the like, shown at the end. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}
