/**
 * What a fit found, on one screen: how good it is, which combinations and columns, how sure, what was dropped or assumed.
 * At most 25 lines of 80 columns, whatever the table: names are shortened, and what is left out is counted. Details are
 * for `--verbose`.
 */
import type { Model, Note, NoteKind } from '@fewfire/core';
import type { AnswerWords, Combination } from '@fewfire/core/internal';
import {
  alignedTexts,
  aucText,
  confidenceText,
  counted,
  integer,
  isGuessing,
  isSetAside,
  numberText,
  rSquaredText,
} from '@fewfire/core/words';
import { withFlags } from './flags.ts';
import { clip, clipMiddle, displayWidth, layoutTable, printable, type Screen, wrapText } from './format.ts';

type Library = typeof import('@fewfire/core/internal');

export const SUMMARY_LINES = 25;
const FEWEST_ROWS_SHOWN = 3;
const MOST_ROWS_SHOWN = 12;
/** How many notes of how many lines: the first that leave room for a table. */
const NOTE_ROOMS = [
  [3, 2],
  [3, 1],
  [2, 1],
  [1, 1],
] as const;
/** Of a name in a sentence. */
const NAME_WIDTH = 30;

/** What stands around what is said of the model. */
export interface SummaryFrame {
  /** What the model was made of, or where it is. */
  readonly label: string;
  readonly rowCount: number;
  /** Where it went and what to type next, lines that are not wrapped. */
  readonly next: readonly string[];
}

export function summaryText(library: Library, model: Model, frame: SummaryFrame, screen: Screen): string {
  const head = firstLines(headText(model, frame), 2, screen);
  const good = qualityLines(model, screen);
  const columns = columnLines(model, screen);
  const legend = legendLines(library, model, screen);
  const next = frame.next.length > 0 ? ['', ...frame.next] : [];
  const taken = [head, [''], good, [''], legend, columns, next].reduce((sum, lines) => sum + lines.length, 0);
  // The head of the table, and the line that counts what is left out.
  const left = SUMMARY_LINES - taken - 2;
  let notes: string[] = [];
  for (const [most, perNote] of NOTE_ROOMS) {
    notes = noteLines(library, model, most, perNote, screen);
    if (notes.length <= left - FEWEST_ROWS_SHOWN) break;
  }
  const room = Math.max(1, Math.min(MOST_ROWS_SHOWN, left - notes.length));
  const table = tableLines(library, model, room, screen);
  const parts = [head, [''], good, [''], table, legend, columns, notes, next];
  return `${parts.flat().join('\n')}\n`;
}

// A paragraph of at most so many lines.
function firstLines(text: string, most: number, { width }: Screen, indent = ''): string[] {
  const lines = wrapText(text, width, indent);
  if (lines.length <= most) return lines;
  const last = lines
    .slice(most - 1)
    .map((line) => line.trimStart())
    .join(' ');
  return [...lines.slice(0, most - 1), indent + clip(last, width - indent.length)];
}

function short(name: string, width = NAME_WIDTH): string {
  return clipMiddle(printable(name), width);
}

function quoted(name: string): string {
  return `"${short(name)}"`;
}

function headText({ target, training, outputs, encoder }: Model, { label, rowCount }: SummaryFrame): string {
  const inputs = new Set(encoder.columns.map(({ column }) => column)).size;
  const shares = outputs.map(({ fit }) => (1 - fit.targetMean) / 2);
  const fitted = training.sampleCount === rowCount ? '' : `, ${integer(training.sampleCount)} of them fitted`;
  let what = '';
  if (target.kind === 'binary') what = ` (${quoted(target.positive)} in ${percent(shares[0])})`;
  if (target.kind === 'multiclass') {
    const most = shares.indexOf(Math.max(...shares));
    what = ` (${target.classes.length} classes, ${quoted(target.classes[most])} in ${percent(shares[most])})`;
  }
  if (target.kind === 'regression') {
    const mean = outputs[0].fit.targetMean;
    what = target.transform === 'log' ? ' (a number, its logarithm)' : ` (a number, ${numberText(mean)} on average)`;
  }
  return `${short(label.slice(label.lastIndexOf('/') + 1), 40)}: ${counted(rowCount, 'row')}${fitted}; ${quoted(target.column)}${what} learned from ${counted(inputs, 'column')}`;
}

// As `shortPercent` of the library, which command lines load late.
function percent(share: number): string {
  if (share === 0 || share === 1) return `${100 * share} %`;
  if (share < 0.0005) return '<0.1 %';
  if (share > 0.995) return share > 0.9995 ? '>99.9 %' : `${(100 * share).toFixed(1)} %`;
  return share < 0.0995 ? `${(100 * share).toFixed(1)} %` : `${Math.round(100 * share)} %`;
}

/** How good the predictions are, beside always guessing and the best single column. */
function qualityLines(model: Model, screen: Screen): string[] {
  const { target, training, outputs } = model;
  const { test, bestColumn } = training;
  if (test === null) {
    return firstLines(
      'No rows were set aside, so nothing says how good it is on new rows (--test 0.2 sets some aside).',
      2,
      screen,
    );
  }
  const groups = test.groupCount === undefined ? '' : ` in ${counted(test.groupCount, 'group')}`;
  const where = isSetAside(training)
    ? `On ${counted(test.sampleCount, 'row')}${groups} set aside: `
    : `On ${counted(test.sampleCount, 'row')}${groups} of another table: `;
  const alone = bestColumn === undefined ? '' : `from ${short(bestColumn.column)} alone: `;
  const guess = isGuessing(model) ? `Not shown to be better than guessing (${counted(test.sampleCount, 'row')}). ` : '';
  let text = '';
  if (target.kind === 'regression') {
    const { intervals, baseline, mse } = test;
    const log = target.transform === 'log' ? ' of the logarithm' : '';
    const between =
      intervals === undefined
        ? ''
        : ` (${confidenceText(intervals.mse.confidence)}: ${numberText(Math.sqrt(Math.max(0, intervals.mse.low)))} to ${numberText(Math.sqrt(intervals.mse.high))})`;
    const best = bestColumn === undefined ? '' : `; ${alone}${numberText(Math.sqrt(bestColumn.mse))}`;
    text = `typical error${log} ${numberText(Math.sqrt(mse))}${between}; always the mean: ${numberText(Math.sqrt(baseline.mse))}${best}. R2 ${rSquaredText(test) ?? 'none'}`;
    if (bestColumn?.r2 !== undefined && bestColumn.r2 !== null)
      text += ` (that column: ${rSquaredText({ r2: bestColumn.r2 })})`;
  } else {
    const { accuracy = Number.NaN, intervals, baseline, logLoss = Number.NaN } = test;
    const interval = intervals?.accuracy;
    const between =
      interval === undefined
        ? ''
        : ` (${confidenceText(interval.confidence)}: ${percentRange(interval.low, interval.high)})`;
    const best = bestColumn?.accuracy === undefined ? '' : `; ${alone}${percent(bestColumn.accuracy)}`;
    const area = aucText(test);
    const auc = area === undefined ? '' : `AUC ${area}, `;
    text = `right in ${percent(accuracy)}${between}; always ${quoted(commonest(target, outputs))}: ${percent(baseline.accuracy ?? Number.NaN)}${best}. ${auc}log-loss ${numberText(logLoss, 2)} (no model: ${numberText(baseline.logLoss ?? Number.NaN, 2)})`;
  }
  const lines = firstLines(guess + where + text, 4, screen);
  return guess === ''
    ? lines
    : lines.map((line, i) => (i === 0 ? line.replace(guess.trim(), (text) => screen.warn(text)) : line));
}

function percentRange(low: number, high: number): string {
  return `${percent(low).replace(' %', '')} to ${percent(high)}`;
}

function commonest(target: Model['target'], outputs: Model['outputs']): string {
  if (target.kind === 'binary') return outputs[0].fit.targetMean < 0 ? target.positive : target.negative;
  if (target.kind === 'regression') return '';
  const means = outputs.map(({ fit }) => fit.targetMean);
  return target.classes[means.indexOf(Math.min(...means))];
}

interface ShownCombination {
  readonly output: number;
  readonly combination: Combination;
}

/** Of one output those that matter most; of several first the best of each, then the second. */
function shownCombinations(
  { outputs }: Model,
  most: number,
  isShown: (each: ShownCombination) => boolean,
): ShownCombination[] {
  const lists = outputs.map(({ fit }, output) =>
    (fit.combinations ?? []).map((combination) => ({ output, combination })).filter(isShown),
  );
  const shown: ShownCombination[] = [];
  for (let place = 0; shown.length < most && lists.some((list) => list.length > place); place++) {
    shown.push(
      ...lists
        .flatMap((list) => list.slice(place, place + 1))
        .sort((a, b) => outputs[a.output].fit.targetMean - outputs[b.output].fit.targetMean)
        .slice(0, most - shown.length),
    );
  }
  return shown.sort((a, b) => a.output - b.output);
}

const NOT_CONFIRMED = 'not confirmed';

/** All combinations, for details. */
export function combinationSection(library: Library, model: Model, screen: Screen): string[] {
  const { outputs } = model;
  if (outputs.every(({ fit }) => (fit.combinations?.length ?? 0) === 0)) return [];
  return [...tableLines(library, model, Number.POSITIVE_INFINITY, screen), ...legendLines(library, model, screen)];
}

function tableLines(library: Library, model: Model, most: number, screen: Screen): string[] {
  const { outputs } = model;
  const total = outputs.reduce((sum, { fit }) => sum + (fit.combinations?.length ?? 0), 0);
  if (total === 0) {
    const isConstant = outputs.every(
      ({ polynomial: { termCount, offsets } }) => termCount === 0 || (termCount === 1 && offsets[1] === 0),
    );
    return [
      isConstant ? 'The model is a constant: no column is in it.' : 'No combinations are in this file: fit again.',
    ];
  }
  // Beside its rates an effect that goes the other way, as where parts add less together than apart, needs more words.
  const words = library.answerWords(model.encoder);
  const isPlain = ({ output, combination }: ShownCombination): boolean => {
    const { pattern, observed } = library.toldPattern(combination, words);
    const { fit } = outputs[output];
    const unit = library.effectsOf(model, [fit.confirmation]);
    const effect = library.confirmedEffect(unit, fit, combination.coordinates, pattern);
    return effect === undefined || effect.value > 0 === (observed.in ?? 0) > (observed.out ?? 0);
  };
  const shown = shownCombinations(model, most, most === Number.POSITIVE_INFINITY ? () => true : isPlain);
  const rest = total - shown.length;
  const confidence = outputs.map(({ fit }) => fit.confirmation?.confidence).find((each) => each !== undefined);
  const effectHead = confidence === undefined ? undefined : `effect (${confidenceText(confidence)})`;
  return [
    ...combinationTable(library, model, shown, effectHead, screen),
    ...(rest > 0 ? [screen.dim(`  and ${integer(rest)} more with --verbose`)] : []),
  ];
}

/** What the words for a combination need at least; on narrow screens effects make room for them. */
const FEWEST_WORDS = 12;

function combinationTable(
  library: Library,
  model: Model,
  shown: readonly ShownCombination[],
  effectHead: string | undefined,
  screen: Screen,
): string[] {
  const { target, outputs } = model;
  const words = library.answerWords(model.encoder, printable);
  const told = shown.map(({ output, combination }) => {
    const { pattern, rows, observed } = library.toldPattern(combination, words);
    const { fit } = outputs[output];
    const unit = library.effectsOf(model, [fit.confirmation]);
    const effect = library.confirmedEffect(unit, fit, combination.coordinates, pattern);
    return {
      ...{ output, combination, pattern, observed },
      effect: effect === undefined ? NOT_CONFIRMED : library.patternEffectText(unit, effect),
      rows: integer(rows.in),
    };
  });
  const sides = meanTexts(
    target,
    told.flatMap(({ observed }) => [observed.in, observed.out]),
  );
  const head = ['in', 'out', ...(effectHead === undefined ? [] : [effectHead]), 'rows'];
  const figures = told.map(({ effect, rows }, i) => [
    ...sides.slice(2 * i, 2 * i + 2),
    ...(effectHead === undefined ? [] : [effect]),
    rows,
  ]);
  const taken = head.map((name, c) => Math.max(...[name, ...figures.map((row) => row[c])].map(displayWidth)));
  const room = screen.width - 2 - taken.reduce((sum, each) => sum + each + 2, 0);
  if (room < FEWEST_WORDS && effectHead !== undefined) {
    return combinationTable(library, model, shown, undefined, screen);
  }
  const names = told.map(({ output, combination, pattern }) => {
    const of = target.kind === 'multiclass' ? `${short(target.classes[output], Math.floor(room / 2.5))}: ` : '';
    return of + fitted(library, combination, pattern, words, Math.max(6, room - displayWidth(of)));
  });
  const title = tableTitle(target);
  const width = Math.max(6, Math.min(room, Math.max(displayWidth(title) - 2, ...names.map(displayWidth))));
  const pad = (text: string): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));
  const right = { align: 'right' as const };
  const [headLine, ...lines] = layoutTable(
    [[pad(''), ...head], ...figures.map((row, i) => [pad(clip(names[i], width)), ...row])],
    [{}, right, right, ...(effectHead === undefined ? [] : [{}]), right],
    screen.width,
  );
  const shownTitle = clip(title, width + 2);
  return [screen.bold(shownTitle) + screen.dim(headLine.slice(displayWidth(shownTitle))), ...lines];
}

function tableTitle(target: Model['target']): string {
  if (target.kind === 'binary') return `What goes with ${quoted(target.positive)}`;
  return `What goes with ${target.kind === 'regression' ? 'higher' : 'which'} ${quoted(target.column)}`;
}

function meanTexts(target: Model['target'], means: readonly (number | null)[]): string[] {
  if (target.kind !== 'regression') return means.map((mean) => (mean === null ? '-' : percent(mean)));
  const texts = alignedTexts(means.filter((mean) => mean !== null));
  return means.map((mean) => (mean === null ? '-' : (texts.shift() as string)));
}

/** A combination in words that fit a width: its names are shortened alike, as little as need be. */
function fitted(
  library: Library,
  { coordinates }: Combination,
  pattern: Parameters<Library['patternText']>[0],
  words: readonly AnswerWords[],
  width: number,
): string {
  const answers = coordinates.map((s) => words[s]);
  const whole = library.patternText(pattern, answers);
  if (displayWidth(whole) <= width) return whole;
  const longest = Math.max(...answers.flatMap(({ yes, no }) => [yes, no]).map(displayWidth));
  for (let most = longest - 1; most >= 6; most--) {
    const shortened = answers.map(({ yes, no }) => ({ yes: middle(yes, most), no: middle(no, most), isPlain: true }));
    const text = library.patternText(pattern, shortened);
    if (displayWidth(text) <= width) return text;
  }
  return clip(whole, width);
}

// The end tells which cut or value it is: a name is shortened before it.
function middle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const end =
    / (?:is|is not|above|not above|after|not after|up to) (?!.* (?:is|above|after|up to) ).*$/.exec(text)?.[0] ?? '';
  const room = width - displayWidth(end);
  return room >= 5 ? clipMiddle(text.slice(0, text.length - end.length), room) + end : clipMiddle(text, width);
}

/** Why the table has none, in a few words. */
const NO_EFFECTS: Readonly<Partial<Record<NoteKind, string>>> = {
  'no-intervals-few-rows': 'the rows are too few to find them on one half and confirm them on the other',
  'no-intervals-one-class': 'the rows to confirm them are of one class',
};

/** What the table's figures are, and how sure. */
function legendLines(library: Library, model: Model, screen: Screen): string[] {
  const { target, outputs, training } = model;
  if (!outputs.some(({ fit }) => (fit.combinations?.length ?? 0) > 0)) return [];
  const of =
    target.kind === 'regression'
      ? `mean of ${quoted(target.column)}`
      : `share of ${target.kind === 'binary' ? quoted(target.positive) : 'the class'}`;
  const sides = `in, out: ${of} among rows in it and all others`;
  const confirmation = outputs.map(({ fit }) => fit.confirmation).find((each) => each !== null);
  if (confirmation === undefined || confirmation === null) {
    const obstacle = training.notes.find((note) => library.intervalObstacle(note) !== undefined);
    const why =
      obstacle === undefined
        ? ''
        : `. No effects: ${NO_EFFECTS[obstacle.kind] ?? 'they could not be found on half the rows'}`;
    return firstLines(`${sides}${why}.`, 3, screen).map(screen.dim);
  }
  return firstLines(
    `${sides}; effect: ${effectUnitText(library.effectsOf(model, [confirmation]))}, beyond its parts, other findings fixed; from ${counted(confirmation.confirmingRowCount, 'row')} that did not choose it.`,
    3,
    screen,
  ).map(screen.dim);
}

/** What effects of combinations are in. */
export function effectUnitText({ target, loss }: Pick<Model, 'target' | 'loss'>): string {
  if (target.kind !== 'regression') return loss === 'logistic' ? 'times the odds' : 'points of probability';
  return target.transform === 'log' ? 'times the value' : 'added to the value';
}

/** Which columns matter, by what shuffling each costs. */
function columnLines({ training: { importance } }: Model, screen: Screen): string[] {
  if (importance === undefined) return [];
  const names = importance.columns.filter(({ lossRise }) => lossRise > 0).map(({ column }) => short(column, 24));
  if (names.length === 0) return [];
  const flatter = importance.rows === 'fit' ? ', on rows it has seen' : '';
  const text = (count: number): string => {
    const rest = names.length - count;
    return `Columns that matter most: ${names.slice(0, count).join(', ')}${rest > 0 ? ` and ${rest} more` : ''} (by what shuffling each costs${flatter})`;
  };
  let count = Math.min(8, names.length);
  while (count > 1 && wrapText(text(count), screen.width).length > 2) count--;
  return firstLines(text(count), 2, screen);
}

/** The most important first; those that only details have are left out. */
const NOTE_ORDER: readonly (readonly NoteKind[])[] = [
  ['leak', 'test-copies', 'test-overlap'],
  ['not-converged', 'few-smearing-rows', 'text'],
  ['identifier', 'mostly-numbers'],
  ['unequal-weights', 'large-group', 'uneven-test'],
  ['missing-targets', 'zero-weights', 'rows-dropped', 'test-missing', 'test-zero-weights', 'test-unseen'],
  ['chosen-on-some-rows', 'degree-lowered', 'many-values', 'missing-texts'],
];
/** After which of these the columns that were left out and the missing cells come. */
const LEFT_OUT_RANK = 2.5;
const MISSING_RANK = 4.5;

function rankOf({ kind }: Note): number {
  const rank = NOTE_ORDER.findIndex((kinds) => kinds.includes(kind));
  return rank < 0 ? Number.POSITIVE_INFINITY : rank;
}

function noteLines(library: Library, model: Model, most: number, perNote: number, screen: Screen): string[] {
  const { training, provenance } = model;
  const { dropped, missing, notes } = training;
  const ranked: { rank: number; text: string }[] = notes
    // Why there are no effects stands where they would.
    .filter((note) => library.intervalObstacle(note) === undefined)
    .map((note) => ({ rank: rankOf(note), text: library.noteText(note) }));
  if (dropped.length === 1) {
    ranked.push({
      rank: LEFT_OUT_RANK,
      text: `column ${quoted(dropped[0].column)} was left out: ${dropped[0].reason}`,
    });
  } else if (dropped.length > 1) {
    const names = dropped.map(({ column }) => quoted(column));
    ranked.push({ rank: LEFT_OUT_RANK, text: `${dropped.length} columns were left out: ${someOf(names, 5)}` });
  }
  if (missing.length > 0) {
    const cells = missing.reduce((sum, { count }) => sum + count, 0);
    const names = [...missing]
      .sort((a, b) => b.count - a.count)
      .map(({ column, count }) => `${short(column, 20)} ${integer(count)}`);
    ranked.push({ rank: MISSING_RANK, text: `${counted(cells, 'cell')} had no value: ${someOf(names, 3)}` });
  }
  for (const text of library.spellingTexts(provenance)) ranked.push({ rank: MISSING_RANK, text });
  const known = ranked.filter(({ rank }) => rank < Number.POSITIVE_INFINITY).sort((a, b) => a.rank - b.rank);
  const shown = known.slice(0, most);
  const rest = ranked.length - shown.length;
  const lines = shown.flatMap(({ text }) => {
    const [first, ...more] = firstLines(printable(withFlags(text)), perNote, screen, '  ');
    return [`${screen.warn('!')} ${first.trimStart()}`, ...more];
  });
  if (rest > 0 && shown.length > 0) lines.push(screen.dim(`  and ${counted(rest, 'more note')} with --verbose`));
  return lines;
}

function someOf(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
