/**
 * What a schema cannot say of a model: that its parts fit each other. A file may have every field of the right kind and
 * a checksum that is right, and name a coordinate that the encoder does not have; whoever prints, exports or predicts
 * would stumble over it.
 */
import { shownJson } from '../base/index.ts';
import { type Model, targetClasses } from './model.ts';

/** What does not fit, for a sentence; undefined where everything does. */
export function modelFault({ target, loss, encoder, outputs, training }: Model): string | undefined {
  const classes = targetClasses(target);
  const outputCount = target.kind === 'multiclass' ? classes.length : 1;
  if (outputs.length !== outputCount) return `it has ${outputs.length} outputs where its target needs ${outputCount}`;
  if (isTwice(classes)) return 'its target has a class twice';
  if (isTwice(encoder.columns.map(({ column, part }) => JSON.stringify([column, part])))) {
    return 'its encoder has a column twice';
  }
  const column = encoder.columns.find(({ coding }) => {
    if (coding.kind === 'thresholds') return !doAscend(coding.above);
    if (coding.kind === 'two-valued') return isTwice([coding.no, coding.yes]);
    return isTwice(coding.reference === null ? coding.values : [coding.reference, ...coding.values]);
  })?.column;
  if (column !== undefined) return `its codes of ${JSON.stringify(column)} are not different, in order`;
  const { test, yesCounts, sampleCount } = training;
  if (yesCounts !== undefined) {
    const { coordinates } = outputs[0].polynomial;
    if (yesCounts.length !== coordinates.length || yesCounts.some((count) => count > sampleCount)) {
      return 'its counts of yes rows are not those of its coordinates and rows';
    }
  }
  if (test !== null) {
    const { accuracy, auc, logLoss, baseline, intervals } = test;
    const ofClasses = [accuracy, auc, logLoss, baseline.accuracy, baseline.logLoss];
    if (intervals !== undefined) ofClasses.push(intervals.accuracy?.low);
    if (ofClasses.some((figure) => (figure === undefined) === classes.length > 0)) {
      return 'the figures of its test are not those of its target';
    }
  }
  const calibration = target.kind !== 'regression' ? 'platt' : target.transform === 'log' ? 'smearing' : 'none';
  for (const {
    polynomial,
    calibration: { kind },
    fit,
  } of outputs) {
    if ((kind !== 'none' && kind !== calibration) || (loss === 'logistic' && classes.length === 0)) {
      return `calibration ${kind} and loss ${loss} are not for its target`;
    }
    const { terms = [], collinear = [], unsupported = [] } = fit.confirmation ?? {};
    const evidence = [fit.support, fit.stability, terms].flat().map(({ coordinates }) => coordinates);
    const odd = [...evidence, ...collinear, ...unsupported].find(
      (term) => !doAscend(term) || (term.at(-1) ?? 0) >= polynomial.coordinates.length,
    );
    if (odd !== undefined) {
      return `it has evidence for the coordinates ${shownJson(odd)}, of ${polynomial.coordinates.length} in order`;
    }
    for (const { coordinates, cells } of fit.combinations ?? []) {
      const isInOrder = doAscend(coordinates) && (coordinates.at(-1) ?? 0) < polynomial.coordinates.length;
      if (!isInOrder || cells.length !== 2 ** coordinates.length) {
        return `it has ${cells.length} answers for the coordinates ${shownJson(coordinates)}, of ${polynomial.coordinates.length} in order`;
      }
    }
    if (terms.some(({ coordinates, low, high }, i) => low > high || (i === 0 && coordinates.length > 0))) {
      return 'its intervals end before they begin, or do not begin with the constant';
    }
  }
  return undefined;
}

function isTwice(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

function doAscend(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > numbers[i - 1]);
}
