/** The figures of a report on a fit, from what core computed: nothing is measured or estimated here. */
import type { ClassesPicture, Combination, FitReport, NumbersPicture, OutputReport, ReportTerm } from '@fewfire/core';
import { type AnswerWords, shortPercent } from '@fewfire/core/internal';
import { confidenceText, counted, fitText, integer, methodText, numberText, shareText } from '@fewfire/core/words';
import { combination, effectLabel, errorText, percentText, quoted } from './fit-words.ts';
import type { BarFigure, CellsFigure, EffectFigure, Figure, GridFigure, Series } from './result.ts';

const COLUMNS_DRAWN = 15;

/** Which columns matter: what shuffling each costs; null where none costs anything, or it was not measured. */
export function importanceFigure({ target, training: { importance } }: FitReport): BarFigure | null {
  const costly = importance?.columns.filter(({ lossRise }) => lossRise > 0) ?? [];
  if (importance === undefined || costly.length === 0) return null;
  const drawn = costly.slice(0, COLUMNS_DRAWN);
  const rest = importance.columns.length - drawn.length;
  const what = target.kind === 'regression' ? 'squared error' : 'log-loss';
  const rows =
    importance.rows === 'test'
      ? counted(importance.rowCount, 'test row')
      : `${counted(importance.rowCount, 'row')} of the fit, which it has seen, so that this flatters`;
  return {
    title: 'Columns that matter most',
    seen: `How much worse predictions are when the cells of one column are shuffled among ${rows}: the mean of ${importance.shuffleCount} shuffles. What two columns both say, neither is missed for.${rest > 0 ? ` ${counted(rest, 'column')} that ${rest === 1 ? 'matters' : 'matter'} less ${rest === 1 ? 'is' : 'are'} not drawn.` : ''}`,
    label: `rise of the ${what}`,
    bars: drawn.map(({ column, lossRise }) => ({ name: column, value: lossRise, text: numberText(lossRise) })),
  };
}

/** The rows of a combination by their answers: what is observed, and what the model has. */
export function cellsFigure(
  { target }: FitReport,
  { outputClass }: OutputReport,
  { coordinates, cells }: Combination,
  words: readonly AnswerWords[],
  title: string,
): CellsFigure {
  const acrossCount = Math.ceil(coordinates.length / 2);
  const answers = (first: number, count: number): { bits: number; texts: string[] }[] =>
    Array.from({ length: 2 ** count }, (_, place) => ({
      // A yes first.
      bits: (2 ** count - 1 - place) << first,
      texts: coordinates.slice(first, first + count).map((s, j) => {
        const { yes, no } = words[s];
        return ((2 ** count - 1 - place) >> j) & 1 ? yes : no;
      }),
    }));
  const across = answers(0, acrossCount);
  const down = answers(acrossCount, coordinates.length - acrossCount);
  const means = cells.flatMap(({ observed }) => (observed === null ? [] : [observed]));
  const [low, high] = target.kind === 'regression' ? [Math.min(...means), Math.max(...means)] : [0, 1];
  const text = (value: number): string => (target.kind === 'regression' ? numberText(value) : shortPercent(value));
  const name = outputClass ?? (target.kind === 'binary' ? target.positive : target.column);
  const what = target.kind === 'regression' ? `mean of ${quoted(name)}` : `share of ${quoted(name)}`;
  return {
    title,
    seen: `Rows of the fit by their answers: ${what}, what the model has on average, and how many rows.`,
    label: what,
    columns: across.map(({ texts }) => texts),
    rows: down.map(({ texts }) => texts),
    cells: down.map((row) =>
      across.map((column) => {
        const { observed, predicted, rows } = cells[row.bits | column.bits];
        if (observed === null) return { part: null, texts: ['no rows'] };
        return {
          part: high > low ? (observed - low) / (high - low) : 0,
          texts: [text(observed), ...(predicted === null ? [] : [`model ${text(predicted)}`]), counted(rows, 'row')],
        };
      }),
    ),
  };
}

export interface ColumnPair {
  readonly a: string;
  readonly b: string;
  readonly share: number;
}

/** Pairs of columns that share terms, by decreasing share. */
export function columnPairs({ interactions: { columns, shares } }: FitReport): ColumnPair[] {
  return columns
    .flatMap((a, i) => columns.slice(i + 1).map((b, k) => ({ a, b, share: shares[i][i + 1 + k] })))
    .filter(({ share }) => share > 0)
    .sort((one, other) => other.share - one.share);
}

/** Which columns work together; null where no two of them share a term. */
export function interactionFigure(report: FitReport): GridFigure | null {
  const { columns, shares, leftOutCount } = report.interactions;
  const [best] = columnPairs(report);
  if (best === undefined) return null;
  return {
    title: 'Columns that share terms',
    seen: `Most weight is shared by ${quoted(best.a)} and ${quoted(best.b)}: ${percentText(best.share)}. On the diagonal: terms of that column alone.${leftOutCount > 0 ? ` ${counted(leftOutCount, 'column')} of less influence not drawn.` : ''}`,
    label: 'share of squared coefficients of terms with both',
    names: columns,
    values: shares,
    most: Math.max(...shares.flat()),
    text: (value) => percentText(value),
  };
}

/** Leading terms of one output. */
export function termFigure(report: FitReport, output: OutputReport): EffectFigure | null {
  if (output.terms.length === 0) return null;
  const { terms, termCount } = output;
  return effectFigure(report, output, terms, {
    title: `Leading combinations${forClass(output)}`,
    seen: `The ${counted(terms.length, 'combination')} with the largest coefficients, of ${integer(termCount)}.`,
  });
}

/** Terms of one output that were confirmed, but are not among the leading ones. */
export function confirmedFigure(report: FitReport, output: OutputReport): EffectFigure | null {
  const { confirmation, terms } = output;
  if (confirmation === null || confirmation.others.length === 0) return null;
  const { others, leftOutCount } = confirmation;
  const more = terms.some(({ confirmed }) => confirmed !== null);
  const left = leftOutCount > 0 ? ` ${counted(leftOutCount, 'smaller one')} not drawn.` : '';
  return effectFigure(report, output, others, {
    title: `${more ? 'More combinations' : 'Combinations'} with intervals${forClass(output)}`,
    seen: `${counted(others.length, 'confirmed combination')}${terms.length > 0 ? ' not among the leading ones' : ''}, by the size of the estimated coefficient.${left}`,
  });
}

function forClass({ outputClass }: OutputReport): string {
  return outputClass === undefined ? '' : ` for ${quoted(outputClass)}`;
}

function effectFigure(
  report: FitReport,
  output: OutputReport,
  terms: readonly ReportTerm[],
  texts: Pick<EffectFigure, 'title' | 'seen'>,
): EffectFigure {
  const { confirmation } = output;
  const confidence = confirmation === null ? '' : ` with its ${confidenceText(confirmation.confidence)} interval`;
  return {
    ...texts,
    label: effectLabel(report, output),
    rows: terms.map(({ coordinates, effect, confirmed, stability }) => ({
      name: combination(coordinates),
      value: effect,
      ...(confirmed === null
        ? {}
        : { estimate: { value: confirmed.effect, low: confirmed.low, high: confirmed.high } }),
      ...(stability === null ? {} : { range: { low: stability.lowest, high: stability.highest } }),
    })),
    legend: {
      value: 'in the model (exact for the fitted polynomial)',
      estimate: `estimate on confirming rows${confidence}`,
      range: 'lowest to highest over the fits of the folds: a range, not an interval',
    },
  };
}

export interface LevelRow {
  readonly level: number;
  readonly termCount: number;
  readonly weight: number;
  /** Of the weight above level 0; null at level 0 and for constants. */
  readonly share: number | null;
}

/** Level weights of all outputs together. */
export function levelRows({ outputs }: FitReport): LevelRow[] {
  const sums: { level: number; termCount: number; weight: number }[] = [];
  for (const { levels } of outputs) {
    for (const { level, termCount, weight } of levels) {
      sums[level] ??= { level, termCount: 0, weight: 0 };
      sums[level].termCount += termCount;
      sums[level].weight += weight;
    }
  }
  const total = sums.slice(1).reduce((sum, { weight }) => sum + weight, 0);
  return sums.map((row) => ({ ...row, share: row.level > 0 && total > 0 ? row.weight / total : null }));
}

/** How complicated what was learned is. */
export function levelFigure(report: FitReport): BarFigure | null {
  const rows = levelRows(report).filter(({ share }) => share !== null);
  if (rows.length === 0) return null;
  return {
    title: 'Level weights',
    seen: `Sums of squared coefficients by the number of coordinates in the term${report.outputs.length > 1 ? ', of all classes together' : ''}: the share of the polynomial’s variance at each level, every coordinate being yes or no with equal chance.`,
    label: 'share of the variance of the fitted polynomial',
    bars: rows.map(({ level, termCount, share }) => ({
      name: `level ${level}: ${counted(termCount, level === 1 ? 'single coordinate' : `combination`)}${level > 1 ? ` of ${level}` : ''}`,
      value: share ?? 0,
      text: percentText(share ?? 0),
    })),
  };
}

/** Error of the folds against the penalty, one curve per degree and basis. */
export function penaltyFigure(report: FitReport, output: OutputReport): Figure | null {
  const lambdas = output.curves.flatMap(({ points }) => points.map(({ lambda }) => lambda));
  const positive = lambdas.filter((lambda) => lambda > 0);
  if (new Set(lambdas).size < 2 || positive.length === 0) return null;
  const { curves } = output;
  const sparse = curves.filter(isPerRow);
  const dense = curves.filter((curve) => !isPerRow(curve));
  const oneBasis = dense.every(({ basis }) => basis === dense[0].basis);
  const oneMethod = curves.every(({ method }) => method === curves[0].method);
  const series = curves.map((curve): Series => {
    const { degree, basis, method, refit, points } = curve;
    return {
      name: [
        `degree ${degree}`,
        ...(oneMethod ? [] : [methodText(method)]),
        ...(refit ? ['refitted'] : []),
        ...(oneBasis || isPerRow(curve) ? [] : [basis === 'parity' ? 'parities' : 'biased basis']),
      ].join(', '),
      kind: 'estimate',
      points: points.map(({ lambda, mse, standardError }) => ({
        x: lambda,
        y: mse,
        low: mse - standardError,
        high: mse + standardError,
      })),
    };
  });
  const both = sparse.length > 0 && dense.length > 0;
  const perRow = both ? [`${methodText(sparse[0].method)}: per row`] : [];
  const remarks = [...perRow, ...(lambdas.includes(0) ? ['0: least squares'] : [])];
  const apart = both
    ? ` Lambda is per row for ${methodText(sparse[0].method)} and for all rows together for the others: errors can be compared, lambdas cannot.`
    : '';
  return {
    title: `Error against the penalty${forClass(output)}`,
    x: {
      label: `penalty lambda${sparse.length > 0 && !both ? ', per row' : ''}${remarks.length > 0 ? ` (${remarks.join('; ')})` : ''}`,
      scale: 'log',
      ...(lambdas.includes(0) ? { zeroAt: Math.min(...positive) / 10 } : {}),
    },
    y: { label: `mean squared error ${errorText(report)}`, scale: errorScale(curves) },
    series: [...series, chosenSeries(output, ({ lambda }) => lambda)],
    seen: `Mean squared error on rows held out by the folds; bars are one standard error over the folds on either side.${apart} ${chosenText(output)}`,
  };
}

// Penalties far too large have many times the lowest error, beside which the low ones would all look alike.
function errorScale(curves: OutputReport['curves']): 'linear' | 'log' {
  const errors = curves.flatMap(({ points }) => points.map(({ mse }) => mse));
  const lowest = errors.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const highest = errors.reduce((a, b) => Math.max(a, b), 0);
  return lowest > 0 && highest > 2 * lowest ? 'log' : 'linear';
}

/** Penalties on absolute values are of the mean squared error, all others of the sum. */
function isPerRow({ method }: OutputReport['curves'][number]): boolean {
  return method === 'lasso' || method === 'elastic-net';
}

/** The best of every degree. */
export function degreeFigure(report: FitReport, output: OutputReport): Figure | null {
  const best = bestPerDegree(output);
  if (best.length < 2) return null;
  return {
    title: 'Error against the degree',
    x: { label: 'degree', scale: 'linear', whole: true },
    y: { label: `mean squared error ${errorText(report)}`, scale: 'linear' },
    series: [
      {
        name: 'best of the degree',
        kind: 'estimate',
        points: best.map(({ degree, mse, standardError }) => ({
          x: degree,
          y: mse,
          low: mse - standardError,
          high: mse + standardError,
        })),
      },
      chosenSeries(output, ({ degree }) => degree),
    ],
    seen: `The lowest error among the penalties of each degree, on rows held out; bars are one standard error over the folds on either side. ${chosenText(output)}`,
  };
}

interface Tried {
  readonly degree: number;
  readonly lambda: number;
  readonly roundCount?: number;
  readonly mse: number;
  readonly standardError: number;
  readonly chosen: boolean;
}

function triedOf({ curves }: OutputReport): Tried[] {
  return curves.flatMap(({ degree, points }) => points.map((point) => ({ degree, ...point })));
}

/** For every degree the candidate with the lowest error. */
export function bestPerDegree(output: OutputReport): Tried[] {
  const tried = triedOf(output);
  const degrees = [...new Set(tried.map(({ degree }) => degree))].sort((a, b) => a - b);
  return degrees.map((degree) =>
    tried.filter((one) => one.degree === degree).reduce((best, one) => (one.mse < best.mse ? one : best)),
  );
}

function chosenSeries(output: OutputReport, x: (tried: Tried) => number): Series {
  const points = triedOf(output)
    .filter(({ chosen }) => chosen)
    .map((one) => ({ x: x(one), y: one.mse }));
  return { name: 'chosen', kind: 'observed', marks: 'ring', points };
}

function chosenText(output: OutputReport): string {
  return `Chosen: degree ${output.fit.degree}, ${fitText(output.fit)}.`;
}

/** Predicted against actual numbers. */
export function scatterFigure({ target }: FitReport, picture: NumbersPicture): Figure {
  const { points, cells, groups, scale, rowCount, undrawnCount } = picture;
  const all = [
    ...points.flatMap(({ actual, predicted }) => [actual, predicted]),
    ...cells.flatMap((cell) => [cell.actualLow, cell.actualHigh, cell.predictedLow, cell.predictedHigh]),
  ];
  const ends = all.length === 0 ? [] : [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const undrawn = undrawnCount > 0 ? ` ${counted(undrawnCount, 'row')} without a finite prediction not drawn.` : '';
  return {
    title: 'Actual against predicted',
    shape: 'square',
    x: { label: `predicted ${target.column}`, scale },
    y: { label: `actual ${target.column}`, scale },
    cells: cells.map((cell) => ({
      x1: cell.predictedLow,
      x2: cell.predictedHigh,
      y1: cell.actualLow,
      y2: cell.actualHigh,
      count: cell.rowCount,
    })),
    series: [
      ...(points.length > 0
        ? [
            {
              name: 'test rows',
              kind: 'observed' as const,
              marks: 'points' as const,
              points: points.map(({ actual, predicted }) => ({ x: predicted, y: actual })),
            },
          ]
        : []),
      { name: 'prediction = actual', kind: 'reference', points: ends.map((value) => ({ x: value, y: value })) },
    ],
    seen: `${counted(rowCount, 'test row')}. On the dashed line a prediction is exact.${groups.length > 0 ? ' The table has the means of rows with neighbouring predictions.' : ''}${undrawn}`,
  };
}

/** ROC curves of the classes; null where no class has both sides. */
export function rocFigure(picture: ClassesPicture): Figure | null {
  const drawn = picture.classes.filter(({ auc }) => auc !== null);
  if (drawn.length === 0) return null;
  const thinned = drawn.some(({ roc, thresholdCount }) => roc.length <= thresholdCount);
  const one = picture.classes.length - drawn.length;
  const left = [
    ...(picture.undrawnClassCount > 0
      ? [`${counted(picture.undrawnClassCount, 'class', 'classes')} with fewer test rows not drawn.`]
      : []),
    ...(one > 0 ? [`${counted(one, 'class', 'classes')} without test rows on both sides: no curve.`] : []),
    ...(thinned ? ['Curves are drawn through some of their thresholds; areas are of all.'] : []),
  ];
  return {
    title: 'ROC: catching the class against false alarms',
    shape: 'square',
    x: { label: 'false alarms: share of the other rows', scale: 'linear' },
    y: { label: 'caught: share of the rows of the class', scale: 'linear' },
    series: [
      ...drawn.map(
        ({ name, auc, roc }): Series => ({
          name: `${quoted(name)}, AUC ${shareText(auc ?? Number.NaN)}`,
          kind: 'estimate',
          marks: 'curve',
          points: roc.map(({ falsePositiveShare, truePositiveShare }) => ({
            x: falsePositiveShare,
            y: truePositiveShare,
          })),
        }),
      ),
      {
        name: 'guessing, AUC 0.5',
        kind: 'reference',
        points: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      },
    ],
    seen: ['Every threshold on the probability is a point; towards the upper left is better.', ...left].join(' '),
  };
}

/** Whether probabilities mean what they say. */
export function reliabilityFigure(picture: ClassesPicture): Figure {
  const { classes } = picture;
  const bars = classes.length <= 2;
  return {
    title: 'Reliability of the probabilities',
    shape: 'square',
    x: { label: 'mean probability in the bin', scale: 'linear' },
    y: { label: 'share of rows of the class', scale: 'linear' },
    series: [
      ...classes.map(
        ({ name, reliability }): Series => ({
          name: quoted(name),
          kind: 'estimate',
          // A line between bins of few rows would say more than they do; of several classes it shows what belongs together.
          ...(bars ? { marks: 'points' as const } : {}),
          points: reliability.map(({ meanProbability, share, low, high }) => ({
            x: meanProbability,
            y: share,
            ...(bars ? { low, high } : {}),
          })),
        }),
      ),
      {
        name: 'probability = share',
        kind: 'reference',
        points: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
      },
    ],
    seen: `Test rows in bins of probability 0.1 wide: on the dashed line a probability is right. ${bars ? 'Bars: 95 % Clopper-Pearson intervals, each by itself.' : 'Intervals stand in the table.'} Bins with few rows say little.`,
  };
}

/** Which classes are taken for which. */
export function confusionFigure({ confusion, rowCount }: ClassesPicture): GridFigure {
  const { names, counts } = confusion;
  const sums = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const right = counts.reduce((sum, row, i) => sum + row[i], 0);
  return {
    title: 'Confusion matrix',
    seen: `Rows: the actual class; columns: the class that was said. ${confusion.mergedCount > 0 ? `${numberText(confusion.mergedCount)} rare classes are merged into the last.` : `${integer(right)} of ${counted(rowCount, 'test row')} on the diagonal are right.`}`,
    label: 'actual (row) by predicted (column); shade: share of the row',
    names,
    values: counts.map((row, i) => row.map((count) => (sums[i] > 0 ? count / sums[i] : 0))),
    most: 1,
    text: (value) => percentText(value),
    cellTexts: counts.map((row) => row.map((count) => integer(count))),
  };
}
