/** What a report of a fit says in words; numbers stand beside what they are of, and what they are compared with. */
import type { EncodedColumn, FitReport, MeasuredInterval, OutputReport, TestResult } from '@fewfire/core';
import { dateText, effectKind, effectsOf, intervalObstacle, remarkTexts } from '@fewfire/core/internal';
import {
  alignedTexts,
  aucText,
  calibrationText,
  classCounts,
  classSizes,
  combinationText,
  confidenceText,
  counted,
  effectUnit,
  errorUnit,
  guessingText,
  isGuessing,
  isSetAside,
  listText,
  measuredIntervalText,
  NO_AUC,
  NO_R_SQUARED,
  numberTargetText,
  numberText,
  overlapText,
  percentText as percent,
  rSquaredText,
  termIntervals,
} from '@fewfire/core/words';
import { nameInText } from './markup.ts';

/** A name or value inside a sentence. */
export function quoted(text: string): string {
  return `“${nameInText(text)}”`;
}

/** A share in per cent, whose space does not break. */
export function percentText(share: number): string {
  return unbroken(percent(share));
}

function unbroken(text: string): string {
  return text.replace(' %', '\u00a0%');
}

/** A combination of coordinates by their names. */
export function combination(coordinates: readonly string[]): string {
  return combinationText(coordinates.map(nameInText));
}

/** A text of plain signs, as print has them. */
function typeset(text: string): string {
  return text.replace('-1/+1', '−1/+1').replace(' f - ', ' f − ');
}

/** A number with its sign, as print has it. */
export function signed(value: number): string {
  return withSign(numberText(value));
}

/** Numbers of one kind for a column, with their signs. */
export function alignedSigned(values: readonly number[]): string[] {
  return alignedTexts(values).map(withSign);
}

function withSign(text: string): string {
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}

export function intervalText({ low, high }: { readonly low: number; readonly high: number }): string {
  return `${signed(low)} to ${signed(high)}`;
}

export function pageTitle({ target, provenance }: FitReport): string {
  return `${quoted(target.column)}, learned from ${provenance.source.label}`;
}

/** The first paragraphs: what was learned, how well it predicts, what matters. */
export function headline(report: FitReport): string[] {
  const { training, outputs } = report;
  const guessing = isGuessing(report);
  const said =
    guessing && training.test !== null
      ? [`This is not shown to be better than guessing: ${guessingText('the test rows', training.test)}.`]
      : [];
  const texts = [...said, taskText(report), testText(report)];
  const leading = training.importance?.columns.filter(({ lossRise }) => lossRise > 0) ?? [];
  if (outputs.every(({ termCount }) => termCount === 0)) {
    texts.push('The model is a constant: no column is in any term.');
  } else if (leading.length > 0) {
    const names = leading.slice(0, 3).map(({ column }) => quoted(column));
    texts.push(
      `${names.length === 1 ? 'The column that matters' : 'The columns that matter'} most: ${listText(names)}, by what shuffling each costs.`,
    );
  }
  const unconverged = outputs.filter(({ fit }) => !fit.converged).length;
  if (unconverged > 0) texts.push('A fit stopped before it had converged: see the notes on the data.');
  const odd = remarks(report).length + training.dropped.length + training.missing.length;
  if (odd > 0) texts.push('There are remarks on the data: see “Data” below before relying on this.');
  return texts;
}

/** The notes, without those that stand where degrees are compared. */
export function remarks({ training, outputs }: FitReport): string[] {
  return remarkTexts(training.notes, outputs[0].skipped);
}

function taskText(report: FitReport): string {
  const { target, training, encoding, coordinateCount } = report;
  const inputs = `${counted(encoding.length, 'column')} (${counted(coordinateCount, 'yes/no coordinate')})`;
  const from = `from ${inputs} of ${counted(training.sampleCount, 'row')}`;
  if (target.kind === 'regression') {
    const learned = target.transform === 'log' ? '' : 'learned ';
    return `${quoted(target.column)} is ${numberTargetText(target)}, ${learned}${from}.`;
  }
  const sizes = classSizes(report).map(unbroken);
  const weighed = training.weight === undefined ? '' : `, by the weight in ${quoted(training.weight)}`;
  if (target.kind === 'binary') {
    const [positive, negative] = [quoted(target.positive), quoted(target.negative)];
    const parts =
      weighed === '' ? [counted(classCounts(report)[0], 'row'), ` (${sizes[1]})`] : [`${sizes[0]}${weighed}`, ''];
    return `${quoted(target.column)} is ${positive} (${parts[0]}, the positive class) or ${negative}${parts[1]}, learned ${from}.`;
  }
  const most = 6;
  const classes = target.classes.slice(0, most).map((name, k) => `${quoted(name)} (${sizes[k]})`);
  const rest = target.classes.length - classes.length;
  if (rest > 0) classes.push(`${rest} more`);
  return `${quoted(target.column)} is one of ${target.classes.length} classes, ${listText(classes)}${weighed}, each learned against the rest ${from}.`;
}

function testText(report: FitReport): string {
  const { target, training } = report;
  const { test } = training;
  if (test === null)
    return 'No rows were set aside for a test, so nothing here says how well the model predicts new rows.';
  const groups = test.groupCount === undefined ? '' : ` in ${counted(test.groupCount, 'group')}`;
  const rows = `On ${counted(test.sampleCount, 'test row')}${groups}, ${testOrigin(report)},`;
  if (target.kind !== 'regression') {
    const { accuracy = Number.NaN, baseline } = test;
    return `${rows} it is right in ${percentText(accuracy)}${withInterval(test.intervals?.accuracy, percentText)}; always saying the most frequent class is right in ${percentText(baseline.accuracy ?? Number.NaN)}${alone(training.bestColumn?.accuracy, percentText)}.`;
  }
  const error = Math.sqrt(test.mse);
  const constant = Math.sqrt(test.baseline.mse);
  if (target.transform === 'log') {
    return `${rows} it is typically off by a factor of ${numberText(Math.exp(error))} (root mean square on the logarithm: ${numberText(error)}); always saying the mean is off by a factor of ${numberText(Math.exp(constant))} (${numberText(constant)}).`;
  }
  return `${rows} it is typically off by ${numberText(error)} (root mean square); always saying the mean is off by ${numberText(constant)}${alone(training.bestColumn && Math.sqrt(training.bestColumn.mse), numberText)}.`;

  function alone(figure: number | undefined, text: (value: number) => string): string {
    const { bestColumn } = training;
    return figure === undefined || bestColumn === undefined
      ? ''
      : `, from ${quoted(bestColumn.column)} alone ${text(figure)}`;
  }
}

function withInterval(interval: MeasuredInterval | undefined, text: (value: number) => string): string {
  return interval === undefined ? '' : ` (${measuredIntervalText(interval, text)})`;
}

function testOrigin({ training }: FitReport): string {
  return isSetAside(training) ? 'set aside before anything was learned' : 'of another table';
}

/** Which rows the test's figures and the delivered model come from. */
export function testOriginText({ training }: FitReport): string {
  const rows = counted(training.sampleCount, 'row');
  return isSetAside(training)
    ? `These are estimates from the test rows, for a fit that never saw them. The model that is delivered was then fitted anew, with the same settings, on all ${rows}.`
    : `These are estimates from the test rows. The model was fitted on ${rows}${overlapText(training.testOverlap, training.test?.sampleCount ?? 0)}.`;
}

export interface MeasureRow {
  readonly name: string;
  readonly model: string;
  readonly constant: string;
  readonly interval: string;
}

/** The measures of the test, each beside the constant's. */
export function measureRows({ target }: FitReport, test: TestResult): MeasureRow[] {
  const { baseline, intervals } = test;
  const interval = (which: MeasuredInterval | undefined, text: (value: number) => string): string =>
    which === undefined
      ? ''
      : `${text(which.low)} to ${text(which.high)} (${confidenceText(which.confidence)}, ${which.method})`;
  const figure = (value: number | undefined): string => (value === undefined ? 'none' : numberText(value));
  const r2 = rSquaredText(test) ?? `none: ${NO_R_SQUARED}`;
  if (target.kind === 'regression') {
    const unit = target.transform === 'log' ? ' (of the natural logarithm)' : '';
    const root = (value: number): string => numberText(Math.sqrt(Math.max(0, value)));
    return [
      {
        name: `Root of the mean squared error${unit}`,
        model: root(test.mse),
        constant: root(baseline.mse),
        interval: interval(intervals?.mse, root),
      },
      { name: `R²${unit}: share of the variance that is explained`, model: r2, constant: '0', interval: '' },
    ];
  }
  const auc = aucText(test) ?? `none: ${NO_AUC}`;
  return [
    {
      name: 'Accuracy: share of rows whose class is right',
      model: percentText(test.accuracy ?? Number.NaN),
      constant: percentText(baseline.accuracy ?? Number.NaN),
      interval: interval(intervals?.accuracy, percentText),
    },
    {
      name: target.kind === 'multiclass' ? 'AUC, mean of each class against the rest' : 'AUC, area under the ROC curve',
      model: auc,
      constant: '0.5',
      interval: '',
    },
    {
      name: 'Log-loss of the probabilities, in nats (lower is better)',
      model: figure(test.logLoss),
      constant: figure(baseline.logLoss),
      interval: '',
    },
    {
      name: `Mean squared error ${errorText({ target })} (lower is better)`,
      model: numberText(test.mse),
      constant: numberText(baseline.mse),
      interval: interval(intervals?.mse, numberText),
    },
  ];
}

/** The unit of effects, for an axis. */
export function effectLabel({ target, loss }: FitReport, { outputClass }: OutputReport): string {
  const toward = outputClass ?? (target.kind === 'binary' ? target.positive : target.column);
  return `effect ${effectUnit({ target, loss }, quoted(toward), 'on')}`;
}

/** What the figures of combinations are. */
export function toldText(report: FitReport): string {
  const { target, outputs } = report;
  const confirmed = outputs.map(({ confirmation }) => confirmation);
  const { loss } = effectsOf(report, confirmed);
  const of =
    target.kind === 'regression'
      ? `the mean of ${quoted(target.column)}`
      : `the share of ${target.kind === 'binary' ? quoted(target.positive) : 'the class'}`;
  const kind = effectKind({ target, loss });
  const unit = {
    times: loss === 'logistic' ? 'times the odds' : 'times the value',
    points: 'points of probability',
    unit: 'in the unit of the target',
  }[kind];
  const confirmation = outputs.map((output) => output.confirmation).find((each) => each !== null);
  const sure =
    confirmation === undefined || confirmation === null
      ? 'No effects were confirmed on other rows.'
      : `The effect is what it adds beyond its parts while the other findings stay as they are, ${unit}, with its ${confidenceText(confirmation.confidence)} interval, from ${counted(confirmation.confirmingRowCount, 'row')} that did not choose it.`;
  return `In and out: ${of} among the rows of the fit that a combination is true of, and among all others, as observed. ${sure}`;
}

export const EFFECT_TEXT: string =
  'An effect is what all of these being yes adds beyond what their parts add, averaged over all answers elsewhere: (−2)^k times the coefficient of their parity over −1/+1, k the number of names. It is exact for the fitted polynomial, not a cause in the world. Rows are those of the fit where all are yes.';

/** Where the intervals of terms come from, or why there are none. */
export function confirmationText({ outputs, training }: FitReport): string {
  const reasons = training.notes.map(intervalObstacle).filter((reason) => reason !== undefined);
  const first = outputs.find(({ confirmation }) => confirmation !== null)?.confirmation;
  if (first === undefined || first === null) {
    const why = reasons.length > 0 ? reasons.join('; ') : 'no rows were kept back to confirm the terms';
    return `No intervals are drawn: ${why}. The rows that chose and fitted these terms cannot also say how sure they are, and sizes of chosen terms flatter.`;
  }
  const { confirmingRowCount, choosingRowCount } = first;
  const level = termIntervals(first).join(', ');
  const without = outputs.filter(({ confirmation }) => confirmation === null).length;
  const some =
    without > 0
      ? ` ${counted(without, 'class has', 'classes have')} none${reasons.length > 0 ? `: ${reasons.join('; ')}` : ''}.`
      : '';
  return `The intervals (${level}) are of another fit than the model’s: ${counted(choosingRowCount, 'row')} chose the terms, and these terms alone were fitted again, without a penalty, on ${counted(confirmingRowCount, 'other row')}. They are for the coefficients of the best approximation on the chosen terms, so they need not cover the model’s own effects, which stand among other terms and are shrunk by its penalty, if it has one.${some}`;
}

/** What a squared error is of. */
export function errorText(report: Pick<FitReport, 'target'>): string {
  return typeset(errorUnit(report));
}

const VALUES_SHOWN = 12;

/** How a column became yes and no. */
export function codingText({ type, coding }: Pick<EncodedColumn, 'type' | 'coding'>): string {
  if (coding.kind === 'two-valued') {
    return `yes is ${quoted(coding.yes)}, no is ${coding.no === '' ? 'a missing cell' : quoted(coding.no)}`;
  }
  if (coding.kind === 'thresholds')
    return type === 'date'
      ? `yes after each of ${coding.above.map(dateText).join(', ')}`
      : `yes above each of ${coding.above.join(', ')}`;
  const shown = coding.values.slice(0, VALUES_SHOWN).map(quoted);
  const rest = coding.values.length - shown.length;
  if (rest > 0) shown.push(`${rest} more`);
  return `one coordinate for each of ${listText(shown)}; compared with ${coding.reference === null ? 'all others' : quoted(coding.reference)}`;
}

/** How values become probabilities or numbers. */
export function predictionText(report: FitReport): string {
  return typeset(calibrationText(report));
}
