/** The options of a fit that are words and numbers. */
import type { OptionHelp, SpecsOf } from './option-specs.ts';

export interface FitOptionValues {
  /** The column to learn. */
  readonly target: string;
  /** Most columns in a combination. Default `auto`: the folds choose. */
  readonly degree?: number | 'auto';
  /**
   * Default `auto`: `stacking`, and with a `hierarchy` `low-degree`. `stacking`: curves of the columns with products that were
   * found, and trees, added. `boosting`: trees alone, of at most `degree` questions. `low-degree`: all products up to a degree,
   * the folds choose between ridge, least squares and lasso.
   */
  readonly method?:
    | 'auto'
    | 'stacking'
    | 'boosting'
    | 'low-degree'
    | 'least-squares'
    | 'ridge'
    | 'lasso'
    | 'elastic-net'
    | 'estimate';
  /** Of the lasso and elastic net: products only with none (default), one or all of their parts. */
  readonly hierarchy?: 'none' | 'weak' | 'strong';
  /** Share of the elastic net's penalty on absolute values. Default 0.5. */
  readonly l1Ratio?: number;
  /** Default for classes `logistic` of stacking and boosting, otherwise `squared`; `logistic` is for classes. */
  readonly loss?: 'squared' | 'logistic';
  /** Columns to learn from; by default all but the target, `weight`, `group` and `exclude`. */
  readonly features?: readonly string[];
  /** Columns not to learn from. */
  readonly exclude?: readonly string[];
  /** Number columns become bins - 1 thresholds at quantiles. Default 64 of stacking and boosting, otherwise 4. */
  readonly bins?: number;
  /** What a cell without a value is. Default `auto`: a no, and where the fit saw any, a coordinate of its own. */
  readonly missing?: 'auto' | 'indicator' | 'refuse' | 'drop-rows';
  /**
   * What to learn the target as. Default `auto`: classes for two different values and for texts, a number otherwise.
   */
  readonly task?: 'auto' | 'number' | 'classes';
  /** Column that says how much each row counts: numbers, at least 0. */
  readonly weight?: string;
  /** Column whose rows of the same value are never split between fit, folds and test. */
  readonly group?: string;
  /** The class to call positive; by default the one that reads as a yes. */
  readonly positive?: string;
  /** `log`: learn the logarithm of a number above 0; predictions are in its own unit again. Default `none`. */
  readonly targetTransform?: 'none' | 'log';
  /** Measure on a test table whose rows were fitted, which is refused otherwise. */
  readonly allowOverlap?: boolean;
  /** How sure the leading terms are. Default `normal`. */
  readonly intervals?: 'normal' | 'bootstrap' | 'none';
  /** Of all intervals. Default 0.95. */
  readonly confidence?: number;
  /** Whether the intervals of an output's terms hold all at once. Default false. */
  readonly simultaneous?: boolean;
  /** Folds to choose with. Default 5. */
  readonly folds?: number;
  /** Of all randomness. Default 1. */
  readonly seed?: number;
}

/** As many as a column is cut into. */
export const MOST_BINS = 64;

/** In the order of the help, which is apart so that a page that learns does not load it. */
export const FIT_OPTIONS: SpecsOf<FitOptionValues> = {
  target: {
    kind: 'name',
    required: true,
  },
  degree: {
    kind: 'whole',
    least: 1,
    most: 64,
    or: 'auto',
    default: 'auto',
  },
  method: {
    kind: 'choice',
    choices: [
      'auto',
      'stacking',
      'boosting',
      'low-degree',
      'least-squares',
      'ridge',
      'lasso',
      'elastic-net',
      'estimate',
    ],
    default: 'auto',
  },
  hierarchy: {
    kind: 'choice',
    choices: ['none', 'weak', 'strong'],
    default: 'none',
  },
  l1Ratio: {
    kind: 'share',
    default: 0.5,
  },
  loss: {
    kind: 'choice',
    choices: ['squared', 'logistic'],
  },
  features: {
    kind: 'names',
  },
  exclude: { kind: 'names' },
  bins: {
    kind: 'whole',
    least: 2,
    most: MOST_BINS,
    default: MOST_BINS,
  },
  missing: {
    kind: 'choice',
    choices: ['auto', 'indicator', 'refuse', 'drop-rows'],
    default: 'auto',
  },
  task: {
    kind: 'choice',
    choices: ['auto', 'number', 'classes'],
    default: 'auto',
  },
  weight: { kind: 'name' },
  group: {
    kind: 'name',
  },
  positive: { kind: 'name', names: 'class' },
  targetTransform: {
    kind: 'choice',
    choices: ['none', 'log'],
    default: 'none',
  },
  allowOverlap: { kind: 'flag' },
  intervals: {
    kind: 'choice',
    choices: ['normal', 'bootstrap', 'none'],
    default: 'normal',
  },
  confidence: { kind: 'share', least: 0.5, below: 1, default: 0.95 },
  simultaneous: { kind: 'flag' },
  folds: { kind: 'whole', least: 2, most: 1000, default: 5 },
  seed: { kind: 'whole', least: 0, most: 2 ** 31 - 1, default: 1 },
};

/** What `--help` says of them: a line, in which other options stand between back-quotes, and what their values are called. */
export const FIT_HELP: { readonly [K in keyof FitOptionValues]-?: OptionHelp } = {
  target: { value: 'column', help: 'the column to learn: numbers, or classes, two or more (required)' },
  degree: { value: 'degree', help: 'most columns in a combination; auto lets the folds choose' },
  method: {
    value: 'method',
    help: 'stacking (auto): curves of the columns, products that were found, and trees, added; low-degree: all products up to a degree by ridge, least squares or lasso',
  },
  hierarchy: { value: 'kind', help: 'lasso: combinations only where some (weak) or all (strong) of their parts are' },
  l1Ratio: { value: 'share', help: 'elastic net: share of the penalty on absolute values' },
  loss: {
    value: 'loss',
    help: 'what is minimised; logistic: the log-loss, as stacking and boosting do of classes',
  },
  features: { value: 'columns', help: 'learn from these only (a,b or "one, with comma",b)' },
  exclude: { value: 'columns', help: 'leave these out (written as for `features`)' },
  bins: {
    value: 'count',
    unless: 'of low-degree learners 4',
    help: 'bins of number columns, between quantiles',
  },
  missing: {
    value: 'policy',
    help: 'cells without a value: auto and indicator make being missing a coordinate; or refuse them, or drop their rows',
  },
  task: { value: 'task', help: 'learn the target as this; auto: two different values, or texts, are classes' },
  weight: { value: 'column', help: 'how much each row counts: numbers, at least 0' },
  group: { value: 'column', help: 'rows with the same value here are never split between fit, folds and test' },
  positive: { value: 'class', help: 'the class to call positive (default: the one that reads as a yes)' },
  targetTransform: { value: 'transform', help: 'learn the logarithm of a number' },
  allowOverlap: { help: 'measure on test rows that were fitted too, which is refused otherwise' },
  intervals: { value: 'kind', help: 'how sure the terms are, from rows that did not choose them' },
  confidence: { value: 'share', help: 'of all intervals' },
  simultaneous: { help: 'intervals that hold for all terms at once' },
  folds: { value: 'count', help: 'folds to choose with' },
  seed: { value: 'number', help: 'of all randomness' },
};
