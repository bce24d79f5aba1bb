/**
 * The report of a fit as one HTML page: what was learned, how well it predicts, which columns and combinations matter,
 * how it was chosen, what was odd about the data, and how to make it again. Every figure has the same numbers as a
 * table, and says of its numbers whether they are exact, an estimate or an interval.
 */
import type { ClassesPicture, FitReport, NumbersPicture, OutputReport, ReportTerm } from '@fewfire/core';
import {
  type AnswerWords,
  answerWords,
  confirmedEffect,
  effectsOf,
  patternEffectText,
  patternText,
  shortPercent,
  toldPattern,
} from '@fewfire/core/internal';
import {
  alignedTexts,
  aucText,
  counted,
  fitText,
  integer,
  isGuessing,
  numberText,
  rSquaredText,
  shareText,
  skippedText,
  yesWord,
} from '@fewfire/core/words';
import { barSvg } from './bar-figure.ts';
import { cellsSvg } from './cells-figure.ts';
import { effectSvg } from './effect-figure.ts';
import { figureSvg, undrawnCount } from './figure.ts';
import {
  bestPerDegree,
  cellsFigure,
  columnPairs,
  confirmedFigure,
  confusionFigure,
  degreeFigure,
  importanceFigure,
  interactionFigure,
  levelFigure,
  levelRows,
  penaltyFigure,
  reliabilityFigure,
  rocFigure,
  scatterFigure,
  termFigure,
} from './fit-figures.ts';
import {
  alignedSigned,
  codingText,
  combination,
  confirmationText,
  EFFECT_TEXT,
  errorText,
  headline,
  intervalText,
  measureRows,
  pageTitle,
  percentText,
  predictionText,
  quoted,
  remarks,
  signed,
  testOriginText,
  toldText,
} from './fit-words.ts';
import { gridSvg } from './grid-figure.ts';
import { escapeMarkup } from './markup.ts';
import type { Figure } from './result.ts';
import { commandMarkup, shell } from './shell.ts';

/** What a number is, as a tag beside a title. */
type Kind = 'exact' | 'estimate' | 'estimate, interval' | 'data';

/** Markup, as opposed to text that is still to be escaped. */
interface Markup {
  readonly markup: string;
}

type Cell = string | Markup;

interface TableColumn {
  readonly head: string;
  /** Numbers stand to the right. */
  readonly number?: boolean;
  /** Whether a long number may take two lines. */
  readonly wraps?: boolean;
}

/** What a page holds of long lists; the rest is counted. */
const COLUMNS_LISTED = 200;
const PAIRS_LISTED = 30;
const NOTES_LISTED = 100;
const CLASSES_SHOWN = 12;
const PENALTY_FIGURES = 8;
const ROC_ROWS = 21;

/** What `fitReportPage` may be told. */
export interface FitPageOptions {
  /** How messages of the library are written, which name options as its callers do: a command line has flags. */
  readonly messageText?: (message: string) => string;
}

type Say = NonNullable<FitPageOptions['messageText']>;

/**
 * A report of a fit as an HTML page, complete: no script, no other file.
 * @param report as `fitReport` gives it
 * @param options how messages are written
 * @example
 * ```ts
 * import { fitReport, fitTable, memoryTable } from '@fewfire/core';
 * import { fitReportPage } from '@fewfire/report';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * console.log(fitReportPage(fitReport(model)).match(/<h1.*?<\/h1>/)?.[0]); // <h1>“y”, learned from the table</h1>
 * ```
 */
export function fitReportPage(report: FitReport, { messageText = (text) => text }: FitPageOptions = {}): string {
  const title = pageTitle(report);
  const sections: readonly (readonly [id: string, title: string, body: string])[] = [
    ['test', 'How well it predicts', testSection(report)],
    ['columns', 'Which columns matter', columnSection(report)],
    ['combinations', 'Which combinations', combinationSection(report, messageText)],
    ['levels', 'How complicated it is', levelSection(report)],
    ['choice', 'How it was chosen', choiceSection(report, messageText)],
    ['data', 'Data', dataSection(report, messageText)],
    ['again', 'How to make it again', provenanceSection(report)],
    ['words', 'How to read the numbers', WORDS],
  ];
  return shell(
    title,
    `<header>
<h1>${escapeMarkup(title)}</h1>
${headline(report)
  .map((text, i) => `<p${i < (isGuessing(report) ? 3 : 2) ? ' class="statement"' : ''}>${escapeMarkup(text)}</p>`)
  .join('\n')}
${tiles(report)}
<nav aria-label="Contents">${sections.map(([id, name]) => `<a href="#${id}">${escapeMarkup(name)}</a>`).join(' ')}</nav>
</header>
<main class="fit">
${sections.map(([id, name, body]) => `<section id="${id}">\n<h2>${escapeMarkup(name)}</h2>\n${body}\n</section>`).join('\n')}
</main>
<footer><p>${escapeMarkup(madeBy(report))}</p></footer>`,
  );
}

function madeBy({ provenance: { versions } }: FitReport): string {
  return versions.fewfire === undefined ? 'Made by fewfire.' : `Made by fewfire ${versions.fewfire}.`;
}

// The few numbers that everyone looks for first.
function tiles({ target, training }: FitReport): string {
  const { test } = training;
  if (test === null) return '';
  const facts: [string, string, string][] = [];
  if (target.kind === 'regression') {
    facts.push(['R²', rSquaredText(test) ?? 'none', 'constant: 0']);
    facts.push([
      target.transform === 'log' ? 'error of the logarithm' : 'typical error',
      numberText(Math.sqrt(test.mse)),
      `constant: ${numberText(Math.sqrt(test.baseline.mse))}`,
    ]);
  } else {
    const { accuracy = Number.NaN, baseline } = test;
    facts.push(['right', percentText(accuracy), `constant: ${percentText(baseline.accuracy ?? Number.NaN)}`]);
    facts.push(['AUC', aucText(test) ?? 'none', 'guessing: 0.5']);
  }
  facts.push(['test rows', integer(test.sampleCount), 'used once']);
  return `<ul class="tiles">${facts
    .map(
      ([name, value, beside]) =>
        `<li><span>${escapeMarkup(name)}</span><strong>${escapeMarkup(value)}</strong><small>${escapeMarkup(beside)}</small></li>`,
    )
    .join('')}</ul>`;
}

function testSection(report: FitReport): string {
  const { training, picture } = report;
  const { test } = training;
  if (test === null) {
    return paragraph(
      'No rows were set aside, so there is no test. Errors of the folds, below, were used to choose and flatter a little.',
    );
  }
  const rows = measureRows(report, test);
  const intervals = rows.some(({ interval }) => interval !== '');
  const measures = table(
    [
      { head: 'Measure' },
      { head: 'Model', number: true },
      { head: 'Constant', number: true },
      ...(intervals ? [{ head: 'Interval of the model’s', wraps: true }] : []),
    ],
    rows.map(({ name, model, constant, interval }) => [name, model, constant, ...(intervals ? [interval] : [])]),
  );
  const none = intervals ? '' : ' No intervals were computed for them.';
  const pictures =
    picture === null
      ? paragraph(
          'The pictures of the test need its rows, which a model file does not keep: they are in the report that fewfire fit --report writes.',
        )
      : figures(picture.kind === 'numbers' ? numberBlocks(report, picture) : classBlocks(picture));
  const weighted =
    picture?.weighted === true
      ? paragraph(
          'Rows have weights: the measures and ROC curves use them; in the other pictures and tables below every row counts once.',
        )
      : '';
  return `${paragraph(testOriginText(report) + none)}${measures}${weighted}${pictures}`;
}

function numberBlocks(report: FitReport, picture: NumbersPicture): string[] {
  const rows = picture.groups.map((group) => [
    integer(group.rowCount),
    numberText(group.meanPredicted),
    numberText(group.meanActual),
    `${numberText(group.low)} to ${numberText(group.high)}`,
  ]);
  return [
    lineBlock(
      scatterFigure(report, picture),
      'data',
      rows.length === 0
        ? ''
        : `${paragraph('Test rows by prediction, from small to large. The intervals (95 %, normal approximation, each by itself) are for the mean of the actual values.')}${table(
            [
              { head: 'Rows', number: true },
              { head: 'Mean predicted', number: true },
              { head: 'Mean actual', number: true },
              { head: 'Interval', number: true },
            ],
            rows,
          )}`,
    ),
  ];
}

function classBlocks(picture: ClassesPicture): string[] {
  const { classes, confusion } = picture;
  const blocks: string[] = [];
  const roc = rocFigure(picture);
  const sharedHead = classes.length > 1 ? [{ head: 'Class' }] : [];
  const shared = (name: string): Cell[] => (classes.length > 1 ? [name] : []);
  if (roc !== null) {
    const rows = classes.flatMap(({ name, roc: points }) =>
      everyNth(points, classes.length > 1 ? 6 : ROC_ROWS).map((point): Cell[] => [
        ...shared(name),
        percentText(point.falsePositiveShare),
        percentText(point.truePositiveShare),
      ]),
    );
    const columns = [...sharedHead, { head: 'False alarms', number: true }, { head: 'Caught', number: true }];
    blocks.push(lineBlock(roc, 'estimate', `${paragraph('Some points of the curve.')}${table(columns, rows)}`));
  } else {
    blocks.push(paragraph('There is no ROC curve: the test rows are all of one class.'));
  }
  const bins = classes.flatMap(({ name, reliability }) =>
    reliability.map((bin): Cell[] => [
      ...shared(name),
      `${numberText(bin.from)} to ${numberText(bin.to)}`,
      integer(bin.rowCount),
      shareText(bin.meanProbability),
      shareText(bin.share),
      `${shareText(bin.low)} to ${shareText(bin.high)}`,
    ]),
  );
  const binColumns = [
    ...sharedHead,
    { head: 'Bin', number: true },
    { head: 'Rows', number: true },
    { head: 'Mean probability', number: true },
    { head: 'Share of the class', number: true },
    { head: '95 % interval', number: true },
  ];
  blocks.push(lineBlock(reliabilityFigure(picture), 'estimate, interval', table(binColumns, bins)));
  // Of two classes too: which errors are made.
  const { names, counts } = confusion;
  const grid = confusionFigure(picture);
  const said = names.map((name) => ({ head: `said ${quoted(name)}`, number: true }));
  blocks.push(
    block(
      grid.title,
      'data',
      gridSvg(grid),
      grid.seen,
      table(
        [{ head: 'Actual class' }, ...said],
        names.map((name, i) => [name, ...counts[i].map((count) => integer(count))]),
      ),
    ),
  );
  return blocks;
}

function everyNth<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]);
}

function columnSection(report: FitReport): string {
  const { importance } = report.training;
  if (report.outputs.every(({ termCount }) => termCount === 0)) return paragraph('None: the model is a constant.');
  const bars = importanceFigure(report);
  if (importance === undefined)
    return paragraph('This was not measured when the model was fitted.') + influencePart(report);
  const isNumber = report.target.kind === 'regression';
  const rows = importance.columns
    .slice(0, COLUMNS_LISTED)
    .map(({ column, lossRise, scoreFall }) => [
      column,
      numberText(lossRise),
      scoreFall === null ? '' : numberText(scoreFall),
    ]);
  const listed =
    table(
      [
        { head: 'Column' },
        { head: `Rise of the ${isNumber ? 'squared error' : 'log-loss'}`, number: true },
        { head: `Fall of ${isNumber ? 'R²' : 'the accuracy'}`, number: true },
      ],
      rows,
    ) + leftOut(importance.columns.length - COLUMNS_LISTED, 'column');
  const shown =
    bars === null
      ? paragraph('Shuffling no column makes predictions worse.')
      : figures([block(bars.title, 'estimate', barSvg(bars), bars.seen, listed)]);
  return shown + influencePart(report);
}

/** What the coefficients say of columns, where every answer is as likely as any other. */
function influencePart(report: FitReport): string {
  const touched = report.influences.filter(({ share }) => share > 0);
  const shares =
    paragraph(
      'Of the squared coefficients of all terms but constants: influence of the fitted polynomial when every coordinate is yes or no with equal chance, not under the distribution of the data. Shares overlap.',
    ) +
    table(
      [{ head: 'Column' }, { head: 'Share', number: true }],
      touched.slice(0, COLUMNS_LISTED).map(({ column, share }) => [column, percentText(share)]),
    ) +
    leftOut(touched.length - COLUMNS_LISTED, 'column');
  const grid = interactionFigure(report);
  if (grid === null) return details('Influences on the uniform cube', shares);
  const pairs = columnPairs(report);
  const rows = pairs
    .slice(0, PAIRS_LISTED)
    .map(({ a, b, share }): Cell[] => [{ markup: `${nameMarkup(a)} and ${nameMarkup(b)}` }, percentText(share)]);
  const list = table([{ head: 'Columns' }, { head: 'Share', number: true }], rows);
  return details(
    'Influences on the uniform cube',
    shares +
      figures([
        block(grid.title, 'exact', gridSvg(grid), grid.seen, list + leftOut(pairs.length - PAIRS_LISTED, 'pair')),
      ]),
  );
}

function combinationSection(report: FitReport, say: Say): string {
  const { outputs, encoding } = report;
  const shown = outputs.slice(0, CLASSES_SHOWN);
  const words = answerWords({ columns: encoding });
  const told = shown.map((output) => toldPart(report, output, words)).join('\n');
  const rest = leftOut(outputs.length - shown.length, 'class', 'classes');
  const terms = `${paragraph(EFFECT_TEXT)}${paragraph(say(confirmationText(report)))}${shown.map((output) => termPart(report, output)).join('\n')}${rest}`;
  return `${paragraph(toldText(report))}${told}${rest}${details('The terms of the polynomial', terms)}`;
}

/** Combinations drawn, of one output and of each of several. */
const PICTURES = 8;
const PICTURES_OF_A_CLASS = 2;

function toldPart(report: FitReport, output: OutputReport, words: readonly AnswerWords[]): string {
  const { combinations, outputClass, termCount } = output;
  const heading = outputClass === undefined ? '' : `<h3>${nameMarkup(outputClass)}</h3>`;
  if (combinations.length === 0) {
    return heading + paragraph(termCount === 0 ? 'None: the model is a constant.' : 'None are in this file.');
  }
  const unit = effectsOf(report, [output.confirmation]);
  const isNumber = report.target.kind === 'regression';
  const sides = combinations.map((combination) => toldPattern(combination, words));
  const names = combinations.map(({ coordinates }, i) =>
    patternText(
      sides[i].pattern,
      coordinates.map((s) => words[s]),
    ),
  );
  const means = alignedTexts(sides.flatMap(({ observed }) => [observed.in ?? Number.NaN, observed.out ?? Number.NaN]));
  const mean = (value: number | null, text: string): string =>
    value === null ? 'none' : isNumber ? text : shortPercent(value);
  const rows = combinations.map(({ coordinates, confirmed }, i): Cell[] => {
    const { rows: counts, observed, pattern } = sides[i];
    const confirmation = { terms: confirmed === null ? [] : [confirmed] };
    const effect = confirmedEffect(unit, { confirmation }, coordinates, pattern);
    return [
      names[i],
      mean(observed.in, means[2 * i]),
      mean(observed.out, means[2 * i + 1]),
      effect === undefined ? 'not confirmed' : patternEffectText(unit, effect),
      integer(counts.in),
    ];
  });
  const columns: TableColumn[] = [
    { head: 'Combination' },
    { head: 'In', number: true },
    { head: 'Out', number: true },
    { head: 'Effect', wraps: true },
    { head: 'Rows', number: true },
  ];
  const most = outputClass === undefined ? PICTURES : PICTURES_OF_A_CLASS;
  const pictures = combinations.slice(0, most).map((combination, i) => {
    const figure = cellsFigure(report, output, combination, words, names[i]);
    return block(figure.title, 'data', cellsSvg(figure), figure.seen, '');
  });
  return `${heading}${table(columns, rows)}${figures(pictures)}`;
}

function termPart(report: FitReport, output: OutputReport): string {
  const { terms, outputClass, seldomCount, fewestRows, termCount, confirmation } = output;
  const heading = outputClass === undefined ? '' : `<h3>${nameMarkup(outputClass)} against the rest</h3>`;
  const figure = termFigure(report, output);
  const confirmedBlock = confirmedPart(report, output);
  const untold = confirmation === null ? '' : untoldText(confirmation).map(paragraph).join('');
  if (figure === null) {
    const none = termCount === 0 ? 'None: the model is a constant.' : 'None that enough rows show.';
    return heading + paragraph(none) + untold + (confirmedBlock === '' ? '' : figures([confirmedBlock]));
  }
  const confirmed = terms.some((term) => term.confirmed !== null);
  const columns: TableColumn[] = [
    { head: 'Combination' },
    { head: 'Effect', number: true },
    ...(confirmed ? [{ head: 'Interval', number: true, wraps: true }] : []),
    { head: 'Rows', number: true },
    { head: 'Coeffi\u00adcient', number: true },
  ];
  const effects = alignedSigned(terms.map(({ effect }) => effect));
  const coefficients = alignedSigned(terms.map(({ coefficient }) => coefficient));
  const rows = terms.map((term, i): Cell[] => [
    combinationMarkup(term.coordinates),
    effects[i],
    ...(confirmed ? [term.confirmed === null ? 'none' : intervalText(term.confirmed)] : []),
    term.rows === null ? 'not counted' : integer(term.rows),
    coefficients[i],
  ]);
  const seldom =
    seldomCount > 0
      ? paragraph(
          `${counted(seldomCount, 'larger one is', 'larger ones are')} left out, because fewer than ${fewestRows} rows show a yes at all of their coordinates.`,
        )
      : '';
  return `${heading}<div class="figures">${block(figure.title, kindOf(terms), effectSvg(figure), figure.seen, confirmedTable(terms) + stabilityTable(terms))}<div class="beside">${table(columns, rows)}${seldom}${untold}</div>${confirmedBlock}</div>`;
}

function confirmedTable(terms: readonly ReportTerm[]): string {
  const rows = terms.flatMap(({ coordinates, confirmed }): Cell[][] =>
    confirmed === null ? [] : [[combinationMarkup(coordinates), signed(confirmed.effect), intervalText(confirmed)]],
  );
  if (rows.length === 0) return '';
  return `${paragraph('On the confirming rows:')}${table(CONFIRMED_COLUMNS, rows)}`;
}

const CONFIRMED_COLUMNS: readonly TableColumn[] = [
  { head: 'Combination' },
  { head: 'Effect', number: true },
  { head: 'Interval', number: true, wraps: true },
];

function stabilityTable(terms: readonly ReportTerm[]): string {
  const rows = terms.flatMap(({ coordinates, stability }): Cell[][] => {
    if (stability === null) return [];
    const { share, sameSignShare, lowest, highest } = stability;
    const range = intervalText({ low: lowest, high: highest });
    return [[combinationMarkup(coordinates), percentText(share), percentText(sameSignShare), range]];
  });
  if (rows.length === 0) return '';
  const columns = [
    { head: 'Combination' },
    { head: 'In folds', number: true },
    { head: 'With that sign', number: true },
    { head: 'Range', number: true, wraps: true },
  ];
  return `${paragraph('Over the fits of the folds: the share of them that have the term, the share that give it its most frequent sign, and the range of its effect. Those fits have fewer rows than the model’s, which may move all of them to one side of it.')}${table(columns, rows)}`;
}

// The model's own effects are exact; what stands beside them is not.
function kindOf(terms: readonly ReportTerm[]): Kind {
  if (terms.some(({ confirmed }) => confirmed !== null)) return 'estimate, interval';
  return terms.some(({ stability }) => stability !== null) ? 'estimate' : 'exact';
}

/** The confirmed terms that are not among the leading ones. */
function confirmedPart(report: FitReport, output: OutputReport): string {
  const figure = confirmedFigure(report, output);
  if (figure === null || output.confirmation === null) return '';
  const { others } = output.confirmation;
  const numbers = confirmedTable(others) + stabilityTable(others);
  return block(figure.title, kindOf(others), effectSvg(figure), figure.seen, numbers);
}

/** What was chosen, or not, and has no interval. */
function untoldText({ collinear, unsupported, termCount }: NonNullable<OutputReport['confirmation']>): string[] {
  const most = 10;
  const named = (combinations: readonly (readonly string[])[]): string =>
    `${combinations.slice(0, most).map(combination).join('; ')}${combinations.length > most ? `; and ${combinations.length - most} more` : ''}`;
  const chosen = (combinations: readonly unknown[]): string => counted(combinations.length, 'chosen combination');
  const texts: string[] = [];
  if (termCount + collinear.length + unsupported.length === 0)
    texts.push('No intervals here: the rows that were to choose the combinations chose none.');
  if (collinear.length > 0)
    texts.push(
      `The confirming rows cannot tell ${chosen(collinear)} from others, which therefore have no interval: ${named(collinear)}.`,
    );
  if (unsupported.length > 0)
    texts.push(
      `Only a single confirming row, or group of rows, tells ${chosen(unsupported)} from others, which is too little for an interval: ${named(unsupported)}.`,
    );
  return texts;
}

function levelSection(report: FitReport): string {
  const rows = table(
    [
      { head: 'Level' },
      { head: 'Terms', number: true },
      { head: 'Sum of squared coefficients', number: true },
      { head: 'Share without level 0', number: true },
    ],
    levelRows(report).map(({ level, termCount, weight, share }) => [
      level === 0 ? '0 (constant)' : String(level),
      integer(termCount),
      numberText(weight),
      share === null ? '' : percentText(share),
    ]),
  );
  const figure = levelFigure(report);
  if (figure === null) return paragraph('The model is a constant: all of its weight is at level 0.') + rows;
  return figures([block(figure.title, 'exact', barSvg(figure), figure.seen, rows)]);
}

function choiceSection(report: FitReport, say: Say): string {
  const { outputs, selection } = report;
  const [first] = outputs;
  const tried = outputs.flatMap(({ curves }) => curves.flatMap(({ points }) => points)).length;
  const several = outputs.length > 1;
  const how =
    tried <= outputs.length
      ? 'There was nothing to choose from.'
      : `${counted(tried, 'candidate')} ${several ? 'of all classes ' : ''}compared by ${selection.heldOutFolds === undefined ? '' : `${selection.heldOutFolds} of `}${counted(selection.folds, 'fold')} of ${counted(selection.rowCount, 'row')}: mean squared error ${errorText(report)} on the rows held out, an estimate that flatters the one chosen a little. No test row was used.`;
  const skipped = first.skipped.map((skip) => `D${say(skippedText(skip)).slice(1)}.`);
  const drawn = outputs.slice(0, PENALTY_FIGURES);
  const blocks = drawn.flatMap((output) => {
    const byPenalty = penaltyFigure(report, output);
    const byDegree = several ? null : degreeFigure(report, output);
    return [
      ...(byPenalty === null ? [] : [lineBlock(byPenalty, 'estimate', penaltyTable(output))]),
      ...(byDegree === null ? [] : [lineBlock(byDegree, 'estimate', degreeTable(output))]),
    ];
  });
  const chosen = table(
    [
      ...(several ? [{ head: 'Class' }] : []),
      { head: 'Chosen' },
      { head: 'Terms of monomials, the constant too', number: true },
      { head: 'Held-out error', number: true },
    ],
    outputs.slice(0, COLUMNS_LISTED).map((output) => [
      ...(several ? [output.outputClass ?? ''] : []),
      `degree ${output.fit.degree}, ${fitText(output.fit)}`,
      // The constant counts in both, as on the terminal.
      `${numberText(
        output.levels.reduce((sum, level) => sum + level.termCount, 0),
        12,
      )} of ${integer(output.fit.monomialCount)}`,
      chosenError(output),
    ]),
  );
  const left = blocks.length > 0 ? leftOut(outputs.length - drawn.length, 'class', 'classes') : '';
  return `${[how, ...skipped].map(paragraph).join('')}${chosen}${figures(blocks)}${left}`;
}

function chosenError({ curves }: OutputReport): string {
  const chosen = curves.flatMap(({ points }) => points).find((point) => point.chosen);
  return chosen === undefined ? '' : `${numberText(chosen.mse)} ± ${numberText(chosen.standardError, 2)}`;
}

function penaltyTable({ curves }: OutputReport): string {
  const rows = curves.flatMap(({ degree, basis, method, refit, points }) =>
    points.map(({ lambda, roundCount, mse, standardError, chosen }): Cell[] => [
      String(degree),
      fitText({
        method: (lambda === 0 && method === 'ridge' ? 'least-squares' : method) as OutputReport['fit']['method'],
        lambda,
        basis,
        refit,
        roundCount,
      }),
      numberText(mse, 4),
      numberText(standardError, 2),
      chosen ? '← chosen' : '',
    ]),
  );
  return table(ERROR_COLUMNS, rows);
}

const ERROR_COLUMNS: readonly TableColumn[] = [
  { head: 'Degree', number: true },
  { head: 'Fit' },
  { head: 'Held-out error', number: true },
  { head: 'Standard error', number: true },
  { head: '' },
];

function degreeTable(output: OutputReport): string {
  return table(
    [
      { head: 'Degree', number: true },
      { head: output.fit.roundCount === undefined ? 'Lambda' : 'Trees', number: true },
      { head: 'Held-out error', number: true },
      { head: 'Standard error', number: true },
    ],
    bestPerDegree(output).map(({ degree, lambda, roundCount, mse, standardError }) => [
      String(degree),
      numberText(roundCount ?? lambda),
      numberText(mse, 4),
      numberText(standardError, 2),
    ]),
  );
}

function dataSection(report: FitReport, say: Say): string {
  const { training, provenance, encoding, coordinateCount } = report;
  const notes = remarks(report).map(say);
  const { dropped, missing, sampleCount } = training;
  const { source } = provenance;
  const parts = [
    paragraph(
      `${source.label}: ${counted(source.rowCount, 'row')}; the model is fitted on ${sampleCount === source.rowCount ? 'all' : integer(sampleCount)} of them. ${counted(encoding.length, 'column')} ${encoding.length === 1 ? 'makes' : 'make'} ${counted(coordinateCount, 'yes/no coordinate')}.`,
    ),
    notes.length + dropped.length + missing.length === 0 ? paragraph('Nothing odd was noticed.') : '',
    notes.length === 0 ? '' : `<h3>Remarks</h3>${list(notes)}`,
    dropped.length === 0
      ? ''
      : `<h3>Columns left out</h3>${table(
          [{ head: 'Column' }, { head: 'Why' }],
          dropped.slice(0, COLUMNS_LISTED).map(({ column, reason }) => [column, say(reason)]),
        )}${leftOut(dropped.length - COLUMNS_LISTED, 'column')}`,
    missing.length === 0
      ? ''
      : `<h3>Cells without a value</h3>${table(
          [{ head: 'Column' }, { head: 'Cells', number: true }],
          missing
            .toSorted((a, b) => b.count - a.count)
            .slice(0, COLUMNS_LISTED)
            .map(({ column, count }) => [column, integer(count)]),
        )}${leftOut(missing.length - COLUMNS_LISTED, 'column')}`,
    details(
      `How columns became yes and no (${counted(encoding.length, 'column')})`,
      table(
        [{ head: 'Column' }, { head: 'Type' }, { head: 'Yes and no' }, { head: 'Missing cells' }],
        encoding
          .slice(0, COLUMNS_LISTED)
          .map(({ column, type, part, coding, missing: policy, missingCoordinate }) => [
            part === undefined ? column : `${column} ${part}`,
            type,
            codingText({ type, coding }),
            missingCoordinate
              ? 'count as no, and are a coordinate of their own'
              : { refuse: 'refused', no: 'count as no', drop: 'their rows are dropped' }[policy],
          ]),
      ) + leftOut(encoding.length - COLUMNS_LISTED, 'column'),
    ),
  ];
  return parts.join('\n');
}

function provenanceSection(report: FitReport): string {
  const { source, seed, command, versions } = report.provenance;
  const facts: [string, string][] = [['Seed', String(seed)]];
  for (const [name, version] of Object.entries(versions)) facts.push([name, version]);
  facts.push(['Data', source.label]);
  if (source.format !== undefined) facts.push(['Format', source.format]);
  if (source.byteCount !== undefined) facts.push(['Size', counted(source.byteCount, 'byte')]);
  if (source.sha256 !== undefined) facts.push(['SHA-256', source.sha256]);
  facts.push(['Loss', report.loss === 'logistic' ? 'log-loss' : 'squared error']);
  facts.push(['Prediction', predictionText(report)]);
  const again =
    command === null
      ? paragraph('The model was not made by a command; the settings below are recorded with it.')
      : `${paragraph('The same command on the same data with the same versions makes the same model, whatever the number of threads:')}<p class="command wrap">${commandMarkup(command)}</p>`;
  return `${again}<dl>${facts.map(([name, value]) => `<div><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd></div>`).join('')}</dl>`;
}

const WORDS = `<dl class="words">
<div><dt><span class="kind">exact</span></dt><dd>Computed from the fitted polynomial without any sampling. It says what the model does, not how well the model fits the world.</dd></div>
<div><dt><span class="kind">estimate</span></dt><dd>Measured on a sample of rows; other rows would give another number.</dd></div>
<div><dt><span class="kind">interval</span></dt><dd>Covers the true value with the stated confidence, if the rows are independent draws from what the model will meet.</dd></div>
<div><dt><span class="kind">data</span></dt><dd>Counts and values of the rows themselves.</dd></div>
<div><dt>Coordinate</dt><dd>A question with yes or no for an answer, made from a column. A no is +1 and a yes is −1.</dd></div>
<div><dt>Term</dt><dd>A coefficient times the parity of some coordinates: +1 for an even number of yeses, −1 for an odd one. The model is a sum of terms.</dd></div>
<div><dt>Uniform cube</dt><dd>All combinations of answers, each as likely as any other. Shares of squared coefficients are variances there; under the distribution of the data columns depend on each other, and shares would differ.</dd></div>
<div><dt>Constant</dt><dd>The best prediction without looking at any column: the mean, or the most frequent class.</dd></div>
</dl>`;

function lineBlock(figure: Figure, kind: Kind, numbers: string): string {
  const undrawn = undrawnCount(figure);
  const missing = undrawn === 0 ? '' : ` ${counted(undrawn, 'point has', 'points have')} no place on these axes.`;
  return block(figure.title, kind, figureSvg(figure), figure.seen + missing, numbers);
}

function block(title: string, kind: Kind, svg: string, seen: string, numbers: string): string {
  return `<figure>
<h3>${escapeMarkup(title)} <span class="kind">${kind}</span></h3>
${svg}
<figcaption>${escapeMarkup(seen)}</figcaption>
${numbers === '' ? '' : details('The numbers', numbers)}
</figure>`;
}

function figures(blocks: readonly string[]): string {
  return blocks.length === 0 ? '' : `<div class="figures">\n${blocks.join('\n')}\n</div>`;
}

function details(summary: string, body: string): string {
  return `<details><summary>${escapeMarkup(summary)}</summary>${body}</details>`;
}

function paragraph(text: string): string {
  return `<p>${escapeMarkup(text)}</p>`;
}

function list(texts: readonly string[]): string {
  const shown = texts.slice(0, NOTES_LISTED).map((text) => `<li>${escapeMarkup(text)}</li>`);
  return `<ul>${shown.join('')}</ul>${leftOut(texts.length - NOTES_LISTED, 'remark')}`;
}

function leftOut(count: number, one: string, many?: string): string {
  return count > 0 ? `<p class="quiet">${escapeMarkup(counted(count, one, many))} not shown.</p>` : '';
}

/** A name, kept apart from its surroundings where its writing runs the other way. */
function nameMarkup(name: string): string {
  return `<bdi>${escapeMarkup(name)}</bdi>`;
}

function combinationMarkup(coordinates: readonly string[]): Markup {
  const names = coordinates.map(nameMarkup);
  const last = names.length - 1;
  const list = last < 1 ? names.join('') : `${names.slice(0, last).join(', ')} and ${names[last]}`;
  return { markup: `${list} ${yesWord(coordinates.length)}` };
}

/** A table, which scrolls by itself (with the keyboard too) where the screen is too narrow for it. */
function table(columns: readonly TableColumn[], rows: readonly (readonly Cell[])[]): string {
  const heads = columns.map((column) => `<th scope="col"${classOf(column)}>${escapeMarkup(column.head)}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((cell, c) => {
      const content = typeof cell === 'string' ? nameMarkup(cell) : cell.markup;
      const attributes = classOf(columns[c]);
      return c === 0 ? `<th scope="row"${attributes}>${content}</th>` : `<td${attributes}>${content}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function classOf({ number, wraps }: TableColumn): string {
  const classes = [...(number === true ? ['number'] : []), ...(wraps === true ? ['interval'] : [])];
  return classes.length === 0 ? '' : ` class="${classes.join(' ')}"`;
}
