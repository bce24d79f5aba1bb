/** `fewfire optimize`: the configuration that a model rates highest or lowest, and what is proven of it. */

import type { ColumnChoice, Model, ModelOptimum } from '@fewfire/core';
import { counted, numberText, shareText } from '@fewfire/core/words';
import { type Command, Option } from 'commander';
import { readModel, withProgress } from '../data.ts';
import { guessingSection, heading, joinSections, labelled, type Section } from '../describe.ts';
import { InputArgument, ResultOption } from '../file-roles.ts';
import { withFlags } from '../flags.ts';
import { layoutTable, listSome, printable, quoted, type Screen, wrapText } from '../format.ts';
import { addWorkOptions, ChoiceOption, parseNames, parsePositive, parseWhole, type WorkOptions } from '../options.ts';
import { giveResult } from '../result.ts';
import type { Session } from '../session.ts';

interface OptimizeOptions extends WorkOptions {
  readonly maximize?: boolean;
  readonly minimize?: boolean;
  readonly class?: string;
  readonly fix?: readonly string[];
  readonly atMost?: number;
  readonly among?: readonly string[];
  readonly allowMissing?: boolean;
  readonly method: 'auto' | 'enumerate' | 'milp';
  readonly timeLimit: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

const count = parseWhole(0, 1_000_000);

export function addOptimizeCommand(program: Command, session: Session): void {
  const command = program
    .command('optimize')
    .summary('find the best configuration of a model')
    .description(
      'Finds the configuration of the columns that a model rates highest (or lowest), with the proof that none is better, or the gap that remains. It is a statement about the model: no row of the data need look like it.',
    )
    .addArgument(new InputArgument('<model.json>', 'a model written by fewfire fit --out'))
    .addOption(
      new Option('--maximize', 'the largest number, or probability of the class (default)').conflicts('minimize'),
    )
    .option('--minimize', 'the smallest')
    .option('--class <class>', 'the class whose probability counts (default: the positive one of two)')
    .option(
      '--fix <answers>',
      'column=value, column= for missing, or a coordinate as show names it for a yes there (a=1,"b>5",c=no)',
      parseNames,
    )
    .addOption(
      new Option(
        '--at-most <count>',
        'at most so many columns differ from their reference (a no, the value compared with, the lowest interval); columns that --fix keeps from it do not count',
      ).argParser(count),
    )
    .addOption(new Option('--at-most-k <count>').argParser(count).hideHelp().conflicts('atMost'))
    .option('--among <columns>', 'count only these columns for --at-most (a,b or "one, with comma",b)', parseNames)
    .option('--allow-missing', 'let cells be missing where the model knows missing')
    .addOption(
      new ChoiceOption(
        '--method <method>',
        'enumerate: branch and bound, exact; milp: a solver, whose proof nothing here checks; auto: the first, then the second',
        ['auto', 'enumerate', 'milp'],
      ).default('auto'),
    )
    .addOption(
      new Option('--time-limit <seconds>', 'then the best one found is given with its gap')
        .argParser(parsePositive())
        .default(60),
    )
    .addOption(new Option('--seed <number>', 'of all randomness').argParser(parseWhole(0, 2 ** 31 - 1)).default(1))
    .addOption(new ResultOption())
    .option('--json', 'print it as JSON');
  addWorkOptions(command, 'no progress line and no report', 'files')
    .addHelpText(
      'after',
      `
Ctrl-C stops without a result; a shorter --time-limit keeps the best one found.

Examples:
  fewfire optimize chess.json --at-most 3
  fewfire optimize chess.json --minimize --fix bkblk=t,katri=w
  fewfire optimize salary.json --fix Country=India,YearsCodedJob=7`,
    )
    .action(async (path: string, options: OptimizeOptions & { readonly atMostK?: number }) =>
      optimize(path, { ...options, atMost: options.atMost ?? options.atMostK }, session),
    );
}

async function optimize(path: string, options: OptimizeOptions, session: Session): Promise<void> {
  const { FewfireError, optimiseModel } = await import('@fewfire/core');
  if (options.among !== undefined && options.atMost === undefined) {
    throw new FewfireError(
      'invalid-argument',
      '--among is given without --at-most; expected how many of them may differ',
    );
  }
  const model = await readModel(path, session);
  const { createHighsSolver } = await import('@fewfire/node');
  const startedAt = performance.now();
  const { fix, atMost, among, allowMissing, method, seed } = options;
  const optimum = await withProgress(session, options, (work) =>
    optimiseModel(model, method === 'enumerate' ? undefined : createHighsSolver(), {
      ...work,
      ...{ fix, atMost, among, allowMissing, method, seed },
      direction: options.minimize === true ? 'minimise' : 'maximise',
      class: options.class,
      timeLimitMs: 1000 * options.timeLimit,
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const { test } = model.training;
  const { screen } = session;
  const about = {
    model: path,
    test: test && { sampleCount: test.sampleCount, betterThanConstant: test.betterThanConstant },
    unit: unitText(model, optimum),
    remarks: [...proofRemarks(optimum), WHERE_BEST],
  };
  await giveResult(
    {
      leaves: 'files',
      json: () => ({ target: model.target.column, ...optimum, seconds, ...about }),
      text: () =>
        joinSections([
          guessingSection(test, 'test row', 'What is best for it need not be best for anything else.', screen),
          resultSection(path, model, optimum, seconds, screen),
          columnSection(model, optimum, screen),
        ]),
    },
    options,
    session,
  );
}

function resultSection(path: string, model: Model, optimum: ModelOptimum, seconds: number, screen: Screen): Section {
  const { prediction, value, notes } = optimum;
  const superlative = optimum.direction === 'maximise' ? 'highest' : 'lowest';
  const what = `${superlative} ${unitText(model, optimum)}: ${predictionText(optimum, prediction)}`;
  return [
    ...labelled('Model', printable(path), screen),
    ...labelled('Best', `${what} (polynomial ${numberText(value, 6)})`, screen),
    ...labelled('Proof', proofText(optimum, seconds), screen),
    ...notes.flatMap((note) => labelled('', withFlags(note), screen)),
  ];
}

/** What a prediction is of. */
function unitText({ target }: Model, { class: named }: ModelOptimum): string {
  if (named === null) return quoted(target.column);
  const alone =
    target.kind === 'multiclass' ? ', alone against the rest (predict divides by the sum over classes)' : '';
  return `probability of ${quoted(target.column)} being ${quoted(named)}${alone}`;
}

const WHERE_BEST = 'This is where the fitted polynomial is best, which may be far from every row it was fitted on.';

/** What a proof does not say. */
function proofRemarks({ proof }: ModelOptimum): string[] {
  if (proof === 'enumerated (exact)') return ['others may be as good'];
  return proof === 'solver optimum' ? ['nothing here checks the proof', 'others may be as good'] : [];
}

function proofText(optimum: ModelOptimum, seconds: number): string {
  const time = `${numberText(seconds, 2)} s`;
  const remarks = proofRemarks(optimum).join('; ');
  if (optimum.proof === 'enumerated (exact)') {
    return `enumerated (exact): every other configuration was looked at or ruled out, in ${time}; ${remarks}`;
  }
  if (optimum.proof === 'solver optimum') {
    return `solver optimum: ${optimum.solver} proved it in floating point, in ${time}; ${remarks}`;
  }
  const limit = optimum.direction === 'maximise' ? 'above' : 'below';
  return `a gap remains after ${time}: none goes ${limit} ${predictionText(optimum, optimum.predictionBound)} (polynomial ${numberText(optimum.bound, 6)}, ${numberText(optimum.gap)} from this one)`;
}

// A probability is never rounded to a 0 or 1 that it is not.
function predictionText(optimum: ModelOptimum, prediction: number): string {
  return optimum.class === null ? numberText(prediction, 4) : shareText(prediction);
}

function columnSection(model: Model, optimum: ModelOptimum, screen: Screen): Section {
  const matters = optimum.columns.filter((choice) => !choice.makesNoDifference);
  const idle = optimum.columns.filter((choice) => choice.makesNoDifference).map(({ column }) => printable(column));
  const unit = optimum.class === null ? quoted(model.target.column) : 'the probability';
  const rows = [
    ['', '', '', 'at reference'],
    ...matters.map((choice) => [
      printable(choice.column),
      printable(choice.text),
      mark(choice),
      choice.predictionAtReference === null ? '' : predictionText(optimum, choice.predictionAtReference),
    ]),
  ];
  const [head, ...body] = layoutTable(rows, [{}, { flexible: true }, {}, { align: 'right' }], screen.width);
  return [
    ...heading('Configuration', `at reference: ${unit} with that column alone at its reference instead`, screen),
    screen.dim(head),
    ...body,
    ...(idle.length > 0
      ? wrapText(`${counted(idle.length, 'column')} can be anything here: ${listSome(idle, 8)}`, screen.width, '  ')
      : []),
    ...wrapText(WHERE_BEST, screen.width, '  '),
  ];
}

function mark({ isFixed, isReference }: ColumnChoice): string {
  if (isFixed) return 'fixed';
  return isReference ? 'reference' : '';
}
