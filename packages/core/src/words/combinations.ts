/**
 * Combinations in words: yes/no questions as people say them, with a "not" where that is the shorter truth, and what a
 * combination does in a unit that people read.
 */
import { type EncoderSpec, encodedColumnName, encoderCoordinates } from '../cube/index.ts';
import {
  type Combination,
  type ConfirmationRecord,
  effectScale,
  type Model,
  type Pattern,
  type PatternRows,
  patternFactor,
  patternRows,
  tellingPattern,
} from '../model/index.ts';
import { numberText } from './numbers.ts';
import { listText } from './terms.ts';

/** What the two answers to a coordinate's question are called. */
export interface AnswerWords {
  readonly yes: string;
  readonly no: string;
  /** Whether the no is said without a "not". */
  readonly isPlain: boolean;
}

/** How names and values of the table are shown. */
type Show = (name: string) => string;

/** The answers to every coordinate of an encoder, in order. */
export function answerWords(encoder: EncoderSpec, show: Show = (name) => name): AnswerWords[] {
  const coordinates = encoderCoordinates(encoder);
  let first = 0;
  const words = encoder.columns.flatMap((encoded): AnswerWords[] => {
    const { column, type, part, coding, missingCoordinate } = encoded;
    const name = show(encodedColumnName(encoded));
    const answers: AnswerWords[] = [];
    if (coding.kind === 'categories' && part !== undefined) {
      const when = part === 'weekday' ? 'on a' : 'in';
      for (const value of coding.values) {
        answers.push(negated(`${show(column)} ${when} ${value}`, `${show(column)} not ${when} ${value}`));
      }
    } else if (coding.kind === 'categories') {
      for (const value of coding.values.map(show))
        answers.push(negated(`${name} is ${value}`, `${name} is not ${value}`));
    } else if (coding.kind === 'thresholds') {
      const above = type === 'date' ? 'after' : 'above';
      for (let k = 0; k < coding.above.length; k++) {
        // The encoder's own way of writing the cut, where it is short.
        const { key } = coordinates[first + k];
        const exact = key.slice(key.lastIndexOf('>') + 1);
        const cut = type === 'date' || exact.length <= SHORT_CUT ? exact : cutText(coding.above, k);
        // A missing cell is not above, and not up to either.
        answers.push(
          missingCoordinate
            ? negated(`${name} ${above} ${cut}`, `${name} not ${above} ${cut}`)
            : { yes: `${name} ${above} ${cut}`, no: `${name} up to ${cut}`, isPlain: true },
        );
      }
    } else {
      const isNamed = coordinates[first].name === encodedColumnName(encoded);
      answers.push(isNamed ? negated(name, `not ${name}`) : twoAnswers(name, coding, missingCoordinate, show));
    }
    if (missingCoordinate) answers.push(negated(`${show(column)} missing`, `${show(column)} not missing`));
    first += answers.length;
    return answers;
  });
  // Names and values may hold such words themselves: what would be said twice is called by its name in quotes.
  const counts = new Map<string, number>();
  for (const { yes } of words) counts.set(yes, (counts.get(yes) ?? 0) + 1);
  return words.map((answer, s) => {
    const key = show(coordinates[s].key);
    return counts.get(answer.yes) === 1 ? answer : negated(key, `not ${key}`);
  });
}

/** A cut with as few digits as keep it well apart from its neighbours: it lies between two values, and may as well here. */
function cutText(cuts: readonly number[], k: number): string {
  const gaps = [cuts[k - 1], cuts[k + 1]].flatMap((other) => (other === undefined ? [] : [Math.abs(other - cuts[k])]));
  const most = gaps.length === 0 ? Math.abs(cuts[k]) * 1e-4 : CUT_SHIFT * Math.min(...gaps);
  for (let digits = 3; digits < 17; digits++) {
    const rounded = Number(cuts[k].toPrecision(digits));
    if (Math.abs(rounded - cuts[k]) <= most) return String(rounded);
  }
  return String(cuts[k]);
}

/** Cuts of so many characters are not rounded; others by so much of the way to their neighbour at most. */
const SHORT_CUT = 7;
const CUT_SHIFT = 0.05;

function negated(yes: string, no: string): AnswerWords {
  return { yes, no, isPlain: false };
}

function twoAnswers(
  name: string,
  { yes, no }: { readonly yes: string; readonly no: string },
  missingCoordinate: boolean,
  show: Show,
): AnswerWords {
  const says = `${name} is ${show(yes)}`;
  if (no === '') return { yes: says, no: `${name} missing`, isPlain: true };
  return missingCoordinate
    ? negated(says, `${name} is not ${show(yes)}`)
    : { yes: says, no: `${name} is ${show(no)}`, isPlain: true };
}

/** The pattern a combination is told by: of a question alone the answer with the higher mean, where both have plain words. */
export function toldPattern({ coordinates, cells }: Combination, words: readonly AnswerWords[]): PatternRows {
  const telling = tellingPattern(cells);
  const { observed, pattern } = telling;
  const isLower = observed.in !== null && observed.out !== null && observed.in < observed.out;
  if (coordinates.length > 1 || !isLower || !words[coordinates[0]].isPlain) return telling;
  return patternRows(cells, { ...pattern, kind: 'all', yes: 0 });
}

/** `beta and not newsletter`; `exactly one of a and b`; `a or b`. */
export function patternText(pattern: Pattern, answers: readonly AnswerWords[]): string {
  if (pattern.kind === 'all') {
    return answers.map(({ yes, no }, j) => ((pattern.yes >> j) & 1 ? yes : no)).join(' and ');
  }
  const names = answers.map(({ yes }) => yes);
  if (pattern.kind === 'any') return names.join(' or ');
  return `${names.length === 2 ? 'exactly one' : 'an odd number'} of ${listText(names)}`;
}

/** What tells the unit of confirmed effects. */
export type EffectOf = Pick<Model, 'target' | 'loss'>;

/** A model as its confirmed effects are: they may be of another loss than its own. */
export function effectsOf(
  { target, loss }: EffectOf,
  confirmations: readonly (Pick<ConfirmationRecord, 'loss'> | null)[],
): EffectOf {
  return { target, loss: confirmations.find((each) => each !== null)?.loss ?? loss };
}

/** An effect with its interval. */
export interface PatternEffect {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * What being in a pattern adds beyond what its parts do, as estimated on rows that did not choose it.
 * @returns undefined where that is not known, or may be nothing
 */
export function confirmedEffect(
  model: Pick<Model, 'target' | 'loss'>,
  { confirmation }: { readonly confirmation: Pick<ConfirmationRecord, 'terms'> | null },
  coordinates: readonly number[],
  pattern: Pattern,
): PatternEffect | undefined {
  const key = coordinates.join(' ');
  const term = confirmation?.terms.find((each) => each.coordinates.join(' ') === key);
  if (term === undefined || (term.low <= 0 && term.high >= 0)) return undefined;
  const factor = effectScale(model) * patternFactor(pattern, coordinates.length);
  const ends = [factor * term.low, factor * term.high];
  return { value: factor * term.estimate, low: Math.min(...ends), high: Math.max(...ends) };
}

/** What effects are read in: times the odds or the value, points of probability, or the target's own unit. */
export function effectKind({ target, loss }: Pick<Model, 'target' | 'loss'>): 'times' | 'points' | 'unit' {
  if (target.kind !== 'regression') return loss === 'logistic' ? 'times' : 'points';
  return target.transform === 'log' ? 'times' : 'unit';
}

/** An effect in that unit. */
export function readEffect(model: Pick<Model, 'target' | 'loss'>, { value, low, high }: PatternEffect): PatternEffect {
  const kind = effectKind(model);
  const read = (each: number): number =>
    kind === 'times' ? Math.min(Math.exp(each), Number.MAX_VALUE) : kind === 'points' ? 100 * each : each;
  return { value: read(value), low: read(low), high: read(high) };
}

/** `x 4.4 (3.1 to 6)` for odds, `+12 points (8 to 16)` for shares, `+5,800 ± 1,700` for numbers. */
export function patternEffectText(model: Pick<Model, 'target' | 'loss'>, effect: PatternEffect): string {
  const kind = effectKind(model);
  const { value, low, high } = readEffect(model, effect);
  if (kind === 'times') {
    const [of, from, to] = [value, low, high].map(timesText);
    // Beyond what is written of any factor, more need not be said.
    return from === to ? `x ${of}` : `x ${of} (${from} to ${to})`;
  }
  const unit = kind === 'points' ? ' points' : '';
  const sign = value > 0 ? '+' : '';
  const [above, below] = [high - value, value - low];
  // Intervals that reach as far up as down are shorter to say so.
  if (Math.abs(above - below) <= 0.1 * Math.max(above, below)) {
    const [center, reach] = amountTexts([value, Math.max(above, below)]);
    return `${sign}${center} ± ${reach}${unit}`;
  }
  const [center, lowest, highest] = amountTexts([value, low, high]);
  return `${sign}${center}${unit} (${lowest} to ${highest})`;
}

function timesText(factor: number): string {
  if (factor >= 1000) return '>999';
  return factor < 0.001 ? '<0.001' : numberText(factor, 2);
}

// With as many decimals as the first needs for three digits.
function amountTexts(amounts: readonly [number, ...number[]]): string[] {
  const size = Math.max(...amounts.map(Math.abs));
  if (size >= 1e9 || size < 1e-3) return amounts.map((amount) => numberText(amount, 2));
  const step = 10 ** (Math.floor(Math.log10(size)) - 2);
  const decimals = Math.max(0, -Math.round(Math.log10(step)));
  const round = (amount: number): number => Math.round(amount / step) * step + 0;
  return amounts.map((amount) =>
    round(amount).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
}

/** `31 %`, `4.2 %`, `<0.1 %`: short, and never a 0 or 100 that it is not. */
export function shortPercent(share: number): string {
  if (share === 0 || share === 1) return `${100 * share} %`;
  if (share < 0.0005) return '<0.1 %';
  if (share > 0.995) return share > 0.9995 ? '>99.9 %' : `${(100 * share).toFixed(1)} %`;
  return share < 0.0995 ? `${(100 * share).toFixed(1)} %` : `${Math.round(100 * share)} %`;
}
