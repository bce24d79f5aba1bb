/**
 * A model in words, for `fit`, `show` and `score`. Every number stands beside what it is: of which rows, in which unit,
 * compared with what. Sections are lists of lines that fit the screen.
 */
import type {
  Candidate,
  ColumnInfluence,
  EncodedColumn,
  MeasuredInterval,
  Model,
  ModelOutput,
  TestResult,
} from '@fewfire/core';
import type { ShownTerms } from '@fewfire/core/internal';
import {
  alignedTexts,
  aucText,
  classCounts,
  classSizes,
  combinationText,
  counted,
  effectUnit,
  errorUnit,
  fitText,
  guessingText,
  integer,
  isSetAside,
  measuredIntervalText,
  NO_AUC,
  NO_R_SQUARED,
  numberTargetText,
  numberText,
  overlapText,
  rSquaredText,
  shareText,
  skippedText,
  termIntervals,
} from '@fewfire/core/words';
import { withFlags } from './flags.ts';
import { bar, clip, layoutTable, listSome, printable, quoted, type Screen, wrapText } from './format.ts';

export type Section = readonly string[];

/** Sections with an empty line between them; empty ones are left out. */
export function joinSections(sections: readonly Section[]): string {
  const shown = sections.filter((section) => section.length > 0);
  return `${shown.map((section) => section.join('\n')).join('\n\n')}\n`;
}

/** A heading in bold and an explanation behind it, wrapped together. */
export function heading(title: string, explanation: string, screen: Screen): string[] {
  const lines = wrapText(explanation === '' ? title : `${title}: ${explanation}`, screen.width);
  return lines.map((line, i) =>
    i === 0 && line.startsWith(title) ? screen.bold(title) + line.slice(title.length) : line,
  );
}

/** What is learned from what. */
export function dataSection(model: Model, screen: Screen, columnCount?: number): Section {
  const { training, provenance, outputs, encoder } = model;
  const { label, rowCount } = provenance.source;
  const columns = columnCount === undefined ? '' : `, ${counted(columnCount, 'column')}`;
  const pairs: [string, string][] = [['Data', `${printable(label)}: ${counted(rowCount, 'row')}${columns}`]];
  if (training.sampleCount !== rowCount) pairs.push(['', `fitted on ${counted(training.sampleCount, 'row')} of them`]);
  pairs.push(['Target', targetText(model)]);
  const inputCount = new Set(encoder.columns.map(({ column }) => column)).size;
  const inputs = counted(inputCount, 'column');
  const names = outputs[0].polynomial.coordinates;
  const coordinates = counted(names.length, 'yes/no coordinate');
  const verb = inputCount === 1 ? 'makes' : 'make';
  pairs.push(['Inputs', `${inputs} ${verb} ${coordinates}`]);
  for (const text of codingTexts(encoder.columns, names)) pairs.push(['', text]);
  return pairs.flatMap(([name, text]) => labelled(name, text, screen));
}

/** `Name     text`, wrapped under the text. */
export function labelled(name: string, text: string, screen: Screen, width = 9): string[] {
  return wrapText(text, screen.width - width).map(
    (line, i) => (i === 0 ? screen.bold(name) + ' '.repeat(width - name.length) : ' '.repeat(width)) + line,
  );
}

const CLASSES_SHOWN = 6;

function targetText(model: Model): string {
  const { target, training } = model;
  const name = quoted(target.column);
  if (target.kind === 'regression') return `${name}, ${numberTargetText(target)}`;
  const sizes = classSizes(model);
  const by = training.weight === undefined ? '' : ` of the weight in ${quoted(training.weight)}`;
  if (target.kind === 'multiclass') {
    const parts = sizes.map((size, k) => `${quoted(target.classes[k])} ${size}`);
    return `${name}, ${counted(parts.length, 'class', 'classes')}, each learned against the rest: ${listSome(parts, CLASSES_SHOWN)}${by}`;
  }
  const [positive, negative] = [quoted(target.positive), quoted(target.negative)];
  return by === ''
    ? `${name}: ${positive} in ${counted(classCounts(model)[0], 'row')} (the positive class), ${negative} in ${sizes[1]}`
    : `${name}: ${positive} with ${sizes[0]}${by} (the positive class), ${negative} with the rest`;
}

const OBVIOUS_YES = ['true', 'yes', 'y', 't', '1'];
const OBVIOUS_NO = ['false', 'no', 'n', 'f', '0', ''];
const CODINGS_SHOWN = 4;
const CUTS_SHOWN = 7;

// How columns became yes and no, where the names of the coordinates alone do not tell.
function codingTexts(columns: readonly EncodedColumn[], names: readonly string[]): string[] {
  let first = 0;
  const named: string[] = [];
  const categories: string[] = [];
  const thresholds: string[] = [];
  const indicators: string[] = [];
  for (const { column, type, part, coding, missingCoordinate } of columns) {
    const name = printable(part === undefined ? column : `${column} ${part}`);
    if (missingCoordinate) indicators.push(name);
    if (coding.kind === 'two-valued') {
      const obvious = OBVIOUS_YES.includes(coding.yes.toLowerCase()) && OBVIOUS_NO.includes(coding.no.toLowerCase());
      const no = coding.no === '' ? 'missing' : quoted(coding.no);
      if (!obvious) named.push(`${name} (yes is ${quoted(coding.yes)}, no is ${no})`);
    } else if (coding.kind === 'categories') {
      const { values, reference } = coding;
      categories.push(
        reference === null
          ? `${name} (${values.length} values, compared with all others)`
          : `${name} (${values.length + 1} values, compared with ${quoted(reference)})`,
      );
    } else {
      const cuts = names.slice(first, first + coding.above.length).map((cut) => cut.slice(cut.lastIndexOf('>') + 1));
      const where =
        cuts.length > CUTS_SHOWN
          ? `${cuts.length} cuts, ${cuts[0]} to ${cuts[cuts.length - 1]}`
          : `${type === 'date' ? 'after' : 'above'} ${cuts.join(', ')}`;
      thresholds.push(`${name} (${where})`);
    }
    const codes =
      coding.kind === 'two-valued' ? 1 : coding.kind === 'categories' ? coding.values.length : coding.above.length;
    first += codes + Number(missingCoordinate);
  }
  const texts: string[] = [];
  if (named.length > 0) texts.push(`two-valued: ${listSome(named, CODINGS_SHOWN)}`);
  if (categories.length > 0) texts.push(`one coordinate per value: ${listSome(categories, CODINGS_SHOWN)}`);
  if (thresholds.length > 0) texts.push(`thresholds: ${listSome(thresholds, CODINGS_SHOWN)}`);
  if (indicators.length > 0) {
    texts.push(
      `a missing cell counts as no, and being missing is a coordinate of its own in ${counted(indicators.length, 'column')}`,
    );
  }
  return texts;
}

/** What was left out, what was missing, and warnings. @param notes as `modelRemarks` has them */
export function notesSection(model: Model, notes: readonly string[], screen: Screen): Section {
  const { dropped, missing } = model.training;
  const lines: string[] = [];
  const say = (text: string): void => {
    const [first, ...rest] = wrapText(text, screen.width - 2, '  ');
    lines.push(`${screen.warn('!')} ${first.trimStart()}`, ...rest);
  };
  if (missing.length > 0) {
    const cells = missing.reduce((sum, { count }) => sum + count, 0);
    const most = [...missing]
      .sort((a, b) => b.count - a.count)
      .map(({ column, count }) => `${printable(column)} ${integer(count)}`);
    say(`${counted(cells, 'cell')} had no value, in ${counted(missing.length, 'column')}: ${listSome(most, 4)}`);
  }
  for (const { column, reason } of dropped.slice(0, 8))
    say(`column ${quoted(column)} was left out: ${printable(withFlags(reason))}`);
  if (dropped.length > 8) say(`${dropped.length - 8} more columns were left out; --json lists them`);
  for (const note of notes.slice(0, 12)) say(printable(withFlags(note)));
  if (notes.length > 12) say(`${notes.length - 12} more notes; --json lists them`);
  return lines;
}

/** How degree and penalty were chosen: for every degree its best candidate, or for every class what was chosen. */
export function selectionSection(model: Model, screen: Screen): Section {
  const [{ fit }] = model.outputs;
  const { candidates, skipped } = fit.selection;
  if (candidates.length === 0) return [];
  const best = bestPerDegree(candidates);
  const many = model.outputs.length > 1;
  const title = many ? 'Choosing, class by class' : `Choosing the ${best.length === 1 ? 'penalty' : 'degree'}`;
  const rows = many ? classRows(model) : degreeRows(best, fit);
  const columns = [{}, {}, { flexible: true }, { style: screen.good }];
  return [
    ...heading(title, choiceText(model), screen),
    ...layoutTable(rows, columns, screen.width),
    ...(many ? [] : wrapText(fit.selection.reason, screen.width - 2, '  ')),
    ...skipped.flatMap((each) => wrapText(withFlags(skippedText(each)), screen.width, '  ')),
  ];
}

function choiceText(model: Model): string {
  const { folds, heldOutFolds = folds, validation, rowCount } = model.outputs[0].fit.selection;
  const rows = counted(rowCount, 'row');
  const how =
    validation === 'split'
      ? `one split of ${rows}, a ${folds === 2 ? 'half' : `${folds}th`} of them (± standard error over these)`
      : `${heldOutFolds < folds ? `${heldOutFolds} of ` : ''}${folds} folds of ${rows} (± standard error over the folds)`;
  return `mean squared error ${errorUnit(model)} on rows held out, ${how}`;
}

function errorCell(candidate: Candidate): string {
  return alignedTexts([candidate.mse, candidate.standardError]).join(' ± ');
}

function degreeRows(best: readonly Candidate[], fit: ModelOutput['fit']): string[][] {
  const chosen = chosenCandidate(fit);
  // What was chosen need not have the lowest error: a sparse choice stands beside it.
  const shown = best.includes(chosen) ? best : [...best, chosen].sort((a, b) => a.degree - b.degree);
  return shown.map((candidate) => [
    `degree ${candidate.degree}`,
    errorCell(candidate),
    fitText(candidate),
    candidate === chosen ? '<- chosen' : '',
  ]);
}

const CLASS_WIDTH = 24;

function classRows({ target, outputs }: Model): string[][] {
  return outputs.map(({ fit }, k) => {
    const chosen = chosenCandidate(fit);
    const name = target.kind === 'multiclass' ? target.classes[k] : '';
    return [clip(printable(name), CLASS_WIDTH), errorCell(chosen), `degree ${fit.degree}, ${fitText(fit)}`, ''];
  });
}

function bestPerDegree(candidates: readonly Candidate[]): Candidate[] {
  const degrees = [...new Set(candidates.map(({ degree }) => degree))].sort((a, b) => a - b);
  return degrees.map((degree) => lowest(candidates.filter((candidate) => candidate.degree === degree)));
}

function chosenCandidate({ selection, ...fit }: ModelOutput['fit']): Candidate {
  const kind = ({ method, degree, lambda, basis, refit, roundCount }: Candidate | typeof fit): string =>
    [method, degree, lambda, basis, refit, roundCount].join(' ');
  const same = selection.candidates.filter((candidate) => kind(candidate) === kind(fit));
  return lowest(same.length > 0 ? same : selection.candidates);
}

// The first of the lowest, as the choice itself does it.
function lowest(candidates: readonly Candidate[]): Candidate {
  return candidates.reduce((best, candidate) => (candidate.mse < best.mse ? candidate : best));
}

/**
 * Stands before everything else where a model is not shown to predict the rows it is measured on.
 * @param rows what these are called, one of them
 */
export function guessingSection(result: TestResult | null, rows: string, more: string, screen: Screen): Section {
  if (result === null || result.betterThanConstant) return [];
  return heading(
    'Not shown to be better than guessing',
    `${guessingText(rowsText(counted(result.sampleCount, rows), result), result)}. ${more}`.trim(),
    screen,
  );
}

/** The test beside the constant predictor, and which rows the delivered model has seen. */
export function testSection(model: Model, screen: Screen): Section {
  const { training } = model;
  const { test } = training;
  if (test === null) {
    const folds =
      model.outputs[0].fit.selection.candidates.length > 0
        ? ' The errors of the folds were used to choose, so they flatter a little.'
        : '';
    return heading('No test', `no rows were set aside.${folds}`, screen);
  }
  const apart = !isSetAside(training);
  const where = `${counted(test.sampleCount, 'test row')} ${apart ? 'of another table' : 'set aside first'}`;
  const refitted = apart
    ? `Fitted on ${counted(training.sampleCount, 'row')}${overlapText(training.testOverlap, test.sampleCount)}.`
    : `The model delivered is fitted anew on all ${counted(training.sampleCount, 'row')}; these figures are those of the same fit without the test rows.`;
  return [
    screen.bold('Test'),
    ...metricLines(model, test, where, screen),
    ...wrapText(refitted, screen.width - 2, '  '),
  ];
}

// Rows that depend on each other, or of which some hardly count, say less than their number.
function rowsText(rows: string, { groupCount, effectiveCount }: TestResult): string {
  const groups = groupCount === undefined ? '' : ` in ${counted(groupCount, 'group')}`;
  const weighed =
    effectiveCount === undefined ? '' : ` (by their weights worth ${numberText(effectiveCount)} equal ones)`;
  return `${rows}${groups}${weighed}`;
}

/** Measures on some rows, each beside the constant predictor's. */
export function metricLines(model: Model, result: TestResult, rows: string, screen: Screen): string[] {
  const where = rowsText(rows, result);
  const sentences =
    model.target.kind !== 'regression' ? classSentences(model, result, where) : numberSentences(model, result, where);
  return sentences.flatMap((sentence) => wrapText(sentence, screen.width - 2, '  '));
}

function classSentences(model: Model, result: TestResult, where: string): string[] {
  const { baseline } = result;
  const sentences = [
    `accuracy ${shareText(result.accuracy ?? Number.NaN)}${intervalText(result.intervals?.accuracy, shareText)} on ${where}; ${constantText(model)}: ${shareText(baseline.accuracy ?? Number.NaN)}`,
  ];
  const area = aucText(result);
  const auc = area === undefined ? `AUC none (${NO_AUC})` : `AUC ${area} (guessing: 0.5)`;
  sentences.push(
    `${auc}; log-loss ${numberText(result.logLoss ?? Number.NaN)} (constant: ${numberText(baseline.logLoss ?? Number.NaN)}); mean squared error ${errorUnit(model)} ${numberText(result.mse)} (constant: ${numberText(baseline.mse)})`,
  );
  return sentences;
}

function intervalText(interval: MeasuredInterval | undefined, text: (value: number) => string): string {
  return interval === undefined ? '' : ` (${measuredIntervalText(interval, text)})`;
}

// The constant of the test came from fewer rows than the model's: where the classes are nearly even, it may differ.
function constantText({ target, training, outputs }: Model): string {
  const { targetMean } = outputs[0].fit;
  if (target.kind === 'multiclass') return 'always saying the most frequent class';
  if (target.kind !== 'binary' || Math.abs(targetMean) < 1 / Math.sqrt(training.sampleCount)) {
    return 'always saying the more frequent class';
  }
  return `always saying ${quoted(targetMean < 0 ? target.positive : target.negative)}`;
}

function numberSentences(model: Model, result: TestResult, where: string): string[] {
  const { baseline, mse } = result;
  const log = model.target.kind === 'regression' && model.target.transform === 'log';
  const unit = log ? ' of the natural logarithm' : '';
  const r2 = `R2 ${rSquaredText(result) ?? `none (${NO_R_SQUARED})`}`;
  return [
    `root of the mean squared error${unit} ${numberText(Math.sqrt(mse))} on ${where}; always saying the mean: ${numberText(Math.sqrt(baseline.mse))}`,
    `${r2}${log ? ' of the logarithm' : ''}; mean squared error ${numberText(mse)}${intervalText(result.intervals?.mse, numberText)} (constant: ${numberText(baseline.mse)})`,
  ];
}

const BAR_COLUMNS = 20;

/** Which columns matter, by what shuffling each costs. */
export function importanceSection({ target, training: { importance } }: Model, screen: Screen, most = 8): Section {
  const costly = importance?.columns.filter(({ lossRise }) => lossRise > 0) ?? [];
  if (importance === undefined || costly.length === 0) return [];
  const shown = costly.slice(0, most);
  const isNumber = target.kind === 'regression';
  const losses = alignedTexts(shown.map(({ lossRise }) => lossRise));
  const scores = shown.map(({ scoreFall }) => (scoreFall === null ? '' : signedShare(-scoreFall)));
  const rows = [
    ['', '', isNumber ? 'squared error' : 'log-loss', isNumber ? 'R2' : 'accuracy'],
    ...shown.map(({ column, lossRise }, i) => [
      printable(column),
      bar(lossRise / shown[0].lossRise, BAR_COLUMNS),
      `+${losses[i]}`,
      scores[i],
    ]),
  ];
  const right = { align: 'right' as const };
  const [head, ...body] = layoutTable(rows, [{ flexible: true }, { style: screen.good }, right, right], screen.width);
  const rest = importance.columns.length - shown.length;
  const where = importance.rows === 'test' ? 'test row' : 'row of the fit, which it has seen';
  return [
    ...heading(
      'Columns that matter most',
      `what predictions lose when a column's cells are shuffled among ${counted(importance.rowCount, where, importance.rows === 'test' ? 'test rows' : 'rows of the fit, which it has seen')}, the mean of ${importance.shuffleCount} shuffles`,
      screen,
    ),
    screen.dim(head),
    ...body,
    ...(rest > 0 ? [screen.dim(`  and ${counted(rest, 'more column')}`)] : []),
  ];
}

// A change of an accuracy or R2.
function signedShare(change: number): string {
  const text = Math.abs(change) < 0.0005 ? '0.000' : change.toFixed(3);
  return change > 0.0005 ? `+${text}` : text;
}

/** Which columns matter on the uniform cube. */
export function influenceSection(influences: readonly ColumnInfluence[], screen: Screen, most = 8): Section {
  const shown = influences.filter((entry) => entry.share > 0).slice(0, most);
  if (shown.length === 0) return [];
  const scale = shown[0].share;
  const rows = shown.map(({ column, share: part }) => [
    printable(column),
    bar(part / scale, BAR_COLUMNS),
    shareText(part),
  ]);
  const rest = influences.length - shown.length;
  return [
    ...heading(
      'Influences of columns',
      'share of the squared coefficients of the terms each is in (influence of the fitted polynomial on the uniform cube, not under the distribution of the data; shares overlap)',
      screen,
    ),
    ...layoutTable(rows, [{ flexible: true }, { style: screen.good }, { align: 'right' }], screen.width),
    ...(rest > 0 ? [screen.dim(`  and ${counted(rest, 'more column')}`)] : []),
  ];
}

/**
 * Leading combinations in yes/no terms, the coefficient beside.
 * @param explanation of what an effect is; empty where it stands elsewhere
 */
function termSection(
  model: Model,
  { shown, termCount, seldomCount, fewestRows }: ShownTerms,
  screen: Screen,
  explanation: string,
  output: number,
): Section {
  const of = outputText(model, output);
  if (termCount === 0) return heading(`Combinations${of}`, 'none; the model is a constant', screen);
  const effects = alignedTexts(shown.map(({ effect }) => effect));
  const coefficients = alignedTexts(shown.map(({ coefficient }) => coefficient));
  const rows = [
    ['', 'effect', 'rows', 'coefficient'],
    ...shown.map((term, i) => [
      combination(term.coordinates),
      term.effect > 0 ? `+${effects[i]}` : effects[i],
      term.rows === null ? '' : integer(term.rows),
      coefficients[i],
    ]),
  ];
  const right = { align: 'right' as const };
  const [head, ...body] = layoutTable(rows, [{ flexible: true }, right, right, right], screen.width);
  const rest = `${counted(seldomCount, 'larger one')} that fewer than ${fewestRows} rows show: left out here, not in --json`;
  return [
    ...heading(`Leading combinations${of} (${shown.length} of ${integer(termCount)})`, explanation, screen),
    screen.dim(head),
    ...body,
    ...(seldomCount > 0 ? wrapText(rest, screen.width, '  ').map(screen.dim) : []),
  ];
}

/** A combination of coordinates by their names. */
export function combination(coordinates: readonly string[]): string {
  return combinationText(coordinates.map(printable));
}

function effectText(model: Model): string {
  return `effect: what the yes adds ${unitOfEffects(model)}, beyond what its parts add, averaged over all other answers; rows: those of the fit where all are yes; coefficient: of the parity over -1/+1`;
}

/** ` for "class"` where there are several outputs. */
export function outputText({ target }: Model, output: number): string {
  return target.kind === 'multiclass' ? ` for ${quoted(target.classes[output])}` : '';
}

/** What effects are measured in and point to. */
export function unitOfEffects(model: Model): string {
  const { target } = model;
  if (target.kind === 'multiclass') return effectUnit(model, 'the class');
  return effectUnit(model, quoted(target.kind === 'binary' ? target.positive : target.column));
}

/** How sure the leading terms of every output are. */
export function confirmationSections(model: Model, most: number, screen: Screen): Section[] {
  return model.outputs.map((output, k) => confirmationSection(model, output, k, most, screen));
}

function confirmationSection(
  model: Model,
  { polynomial, fit }: ModelOutput,
  output: number,
  most: number,
  screen: Screen,
): Section {
  const { confirmation, stability } = fit;
  if (confirmation === null) return [];
  const terms = confirmation.terms.filter(({ coordinates }) => coordinates.length > 0);
  const shown = terms.slice(0, most);
  const numbers = alignedTexts(shown.flatMap(({ estimate, low, high }) => [estimate, low, high]));
  const shares = new Map(stability.map((entry) => [entry.coordinates.join(' '), entry.sameSignShare]));
  const rows = [
    ['', 'coefficient', 'interval', 'folds'],
    ...shown.map(({ coordinates }, i) => {
      const steady = shares.get(coordinates.join(' '));
      return [
        combination(coordinates.map((s) => polynomial.coordinates[s])),
        numbers[3 * i],
        `${numbers[3 * i + 1]} to ${numbers[3 * i + 2]}`,
        steady === undefined ? '' : shareText(steady),
      ];
    }),
  ];
  const right = { align: 'right' as const };
  const [head, ...body] = layoutTable(rows, [{ flexible: true }, right, right, right], screen.width);
  const { choosingRowCount, confirmingRowCount } = confirmation;
  const [level, kind, together] = termIntervals(confirmation);
  const method = `${level} ${kind} intervals, ${together}`;
  return [
    ...heading(
      `How sure${outputText(model, output)} (${shown.length} of ${terms.length})`,
      `terms chosen on ${counted(choosingRowCount, 'row')} and fitted again on ${integer(confirmingRowCount)} others, without a penalty: ${method}, for the coefficients (of parities over -1/+1) of the best approximation on these terms; folds: share of them whose fit has the term with one sign`,
      screen,
    ),
    ...(shown.length === 0 ? ['  no term was chosen'] : [screen.dim(head), ...body]),
  ];
}

/** One line of what a model is. */
export function modelText({ outputs }: Model): string {
  if (outputs.length > 1) {
    const terms = outputs.reduce((sum, { polynomial }) => sum + polynomial.termCount, 0);
    return `${outputs.length} polynomials, one per class; ${counted(terms, 'term')} in all`;
  }
  const [{ polynomial, fit }] = outputs;
  return `degree ${fit.degree}, ${fitText(fit)}; ${counted(polynomial.termCount, 'term')} of ${counted(fit.monomialCount, 'monomial')}`;
}

/** Leading combinations of every output; what an effect is stands beside the first. */
export function termSections(model: Model, leading: (output: number) => ShownTerms, screen: Screen): Section[] {
  const all = model.outputs.map((_, k) => leading(k));
  // An output that is a constant has no effects to explain.
  const first = all.findIndex(({ termCount }) => termCount > 0);
  return all.map((terms, k) => termSection(model, terms, screen, k === first ? effectText(model) : '', k));
}
