/**
 * What a report is made from: claims with their verdicts and figures as data. Whoever measures fills these in; the
 * report only draws them. They are plain data, and what `reproduce` keeps of them is JSON, so that a report can be made
 * again from kept results.
 */

/** What a number is; a report never shows one without saying so. */
export type NumberKind = 'exact' | 'bound' | 'estimate' | 'lower estimate';

/** One measured or computed curve of a figure. */
export interface Series {
  readonly name: string;
  /** `observed` are data as they are; `reference` is a line to compare with, where nothing was measured. */
  readonly kind: NumberKind | 'published, constant 1' | 'observed' | 'reference';
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    /** Limits of the interval of an estimate. */
    readonly low?: number;
    readonly high?: number;
  }[];
  /**
   * `points` where many things were measured that no line should join, `curve` for a line without dots, `ring` to
   * encircle points of another series. Default `line`.
   */
  readonly marks?: 'line' | 'points' | 'curve' | 'ring';
}

/** A cell of a histogram in two dimensions; darker for more. */
export interface CountCell {
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
  readonly count: number;
}

/** Curves or points over two axes, as data. */
export interface Figure {
  readonly title: string;
  readonly x: {
    readonly label: string;
    readonly scale: 'linear' | 'log';
    /** Where a logarithmic axis shows the value 0. */
    readonly zeroAt?: number;
    /** Whether only whole numbers mean something. */
    readonly whole?: boolean;
  };
  readonly y: { readonly label: string; readonly scale: 'linear' | 'log' };
  readonly series: readonly Series[];
  /** Drawn under the series. */
  readonly cells?: readonly CountCell[];
  /** Default `wide`. */
  readonly shape?: 'wide' | 'square';
  /** A sentence on what is seen, made from the numbers. */
  readonly seen: string;
}

/** Named amounts from 0, one bar each. */
export interface BarFigure {
  readonly title: string;
  readonly seen: string;
  /** What the numbers are. */
  readonly label: string;
  readonly bars: readonly { readonly name: string; readonly value: number; readonly text: string }[];
}

/** What rows are like by their answers to a few questions: a cell for every combination of answers. */
export interface CellsFigure {
  readonly title: string;
  readonly seen: string;
  /** What is said of the rows of a cell, and what beside it. */
  readonly label: string;
  /** Answers above each column of cells, and beside each row: one line per question. */
  readonly columns: readonly (readonly string[])[];
  readonly rows: readonly (readonly string[])[];
  readonly cells: readonly (readonly {
    /** How dark it is, from 0 to 1; null where there are no rows. */
    readonly part: number | null;
    /** The first is the largest. */
    readonly texts: readonly string[];
  }[])[];
}

/** Named effects around 0: what a model has, and where it was measured again, an estimate with its interval. */
export interface EffectFigure {
  readonly title: string;
  readonly seen: string;
  readonly label: string;
  readonly rows: readonly {
    readonly name: string;
    readonly value: number;
    readonly estimate?: { readonly value: number; readonly low: number; readonly high: number };
    /** Lowest and highest over several fits: a range, not an interval. */
    readonly range?: { readonly low: number; readonly high: number };
  }[];
  /** What each of the marks is, for the legend. */
  readonly legend: { readonly value: string; readonly estimate: string; readonly range: string };
}

/** A square matrix of amounts from 0, whose columns are its rows again; darker for more. */
export interface GridFigure {
  readonly title: string;
  readonly seen: string;
  /** What stands in rows, in columns, and what the shade says. */
  readonly label: string;
  readonly names: readonly string[];
  /** Shades from 0 to `most`. */
  readonly values: readonly (readonly number[])[];
  readonly most: number;
  /** How a shade is read, for the legend. */
  readonly text: (value: number) => string;
  /** Written into the cells where there is room. */
  readonly cellTexts?: readonly (readonly string[])[];
}

/** What comparing every measured value with its bound says. */
export type Verdict = 'holds' | 'does not hold' | 'consistent with' | 'not consistent with';

/** A statement with what was measured of it. */
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

/** A value of an experiment's settings. */
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

/** What `reportPage` makes a page of. */
export interface Report {
  readonly title: string;
  /** Paragraphs before the claim table. */
  readonly introduction: readonly string[];
  readonly sections: readonly ReportSection[];
  readonly slips: readonly Slip[];
  /** Versions, dates and the like, shown at the end. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}
