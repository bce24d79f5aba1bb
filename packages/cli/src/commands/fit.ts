/** `fewfire fit`: from a table and its target to a model, measured on rows set aside first. */

import { stat } from 'node:fs/promises';
import type { CellRules, FitTableOptions, Model, SourceRecord, TableFit } from '@fewfire/core';
import { FIT_HELP, FIT_OPTIONS, type FitOptionValues } from '@fewfire/core/options';
import { byteSize } from '@fewfire/core/words';
import type { FileTable } from '@fewfire/node';
import type { Command } from 'commander';
import { reportPage, type Work, withProgress, withTable } from '../data.ts';
import {
  confirmationSections,
  dataSection,
  guessingSection,
  heading,
  importanceSection,
  joinSections,
  modelText,
  notesSection,
  selectionSection,
  termSections,
  testSection,
} from '../describe.ts';
import { InputArgument, InputOption, OutputOption, tableInput } from '../file-roles.ts';
import { displayWidth, printable, quoteArgument } from '../format.ts';
import { modelJson } from '../model-json.ts';
import {
  addTableOptions,
  addWorkOptions,
  ChoiceOption,
  optionOf,
  parseNames,
  parseTest,
  parseTexts,
  type TableOptions,
  type WorkOptions,
} from '../options.ts';
import type { Session } from '../session.ts';
import { combinationSection, summaryText } from '../summary.ts';

interface FitOptions extends WorkOptions, TableOptions, CellRules, Partial<FitOptionValues> {
  readonly test: number | string;
  readonly out?: string;
  readonly report?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

type TargetedOptions = FitOptions & { readonly target: string };

const COMBINATIONS_SHOWN = 12;
const COMBINATIONS_PER_CLASS = 4;

export function addFitCommand(program: Command, session: Session): void {
  const command = program
    .command('fit')
    .summary('learn a model from a table')
    .description('Learns a low-degree polynomial of yes/no coordinates from a table, and says what it found.')
    .addArgument(
      new InputArgument('<data>', 'the table: a file, a quoted pattern, or - for CSV on standard input', tableInput),
    );
  for (const [name, spec] of Object.entries(FIT_OPTIONS)) {
    if (name === 'task') addCellOptions(command);
    if (name === 'allowOverlap') {
      command.addOption(
        new InputOption(
          '--test <share|file>',
          'rows set aside for the test: a share, a file, or 0 for none',
          tableInput,
        )
          .argParser(parseTest)
          .default(0.2),
      );
    }
    command.addOption(optionOf(name, spec, FIT_HELP[name as keyof typeof FIT_HELP]));
  }
  command
    .addOption(
      new OutputOption('-o, --out <file>', 'write the model here (JSON)', {
        hint: ' (--json prints the result instead)',
      }),
    )
    .addOption(
      new OutputOption('--report <file>', 'write a report with pictures here (one HTML file)', {
        hint: ', such as report.html',
      }),
    )
    .option('--verbose', 'print every detail: how it was chosen, coefficients, all notes')
    .option('--json', 'print the result as JSON');
  addWorkOptions(addTableOptions(command), 'no progress line and no report', 'files')
    .addHelpText(
      'after',
      `
Names in lists stand between commas; one that contains a comma, or begins or
ends with a space, stands in double quotes: --exclude 'id,"width, cm"'.

Examples:
  fewfire fit examples/chess-kr-vs-kp.csv --target class --out chess.json
  fewfire fit examples/house-votes-84.csv --target Class --missing drop-rows
  fewfire fit examples/chess-kr-vs-kp.csv --target class --report chess.html
  fewfire fit examples/chess-kr-vs-kp.csv --target class --degree 2 --json`,
    )
    .action(async (data: string, options: FitOptions) => {
      // Not commander's `requiredOption`: that complains before it looks for typos such as --tagret.
      const { target } = options;
      const idle = idleOption(options, command.getOptionValueSource('l1Ratio') === 'cli');
      if (target === undefined)
        command.error('error: --target is missing: name the column to learn, as in --target class');
      else if (idle !== undefined) command.error(`error: ${idle}`);
      else await fit(data, { ...options, target }, session);
    });
}

// How cells are read is the table's business, not the fit's.
function addCellOptions(command: Command): void {
  command
    .option(
      '--missing-values <texts>',
      'what counts as missing beside empty cells, such as NA,-999 ("" for nothing)',
      parseTexts,
    )
    .option('--text <columns>', 'read these columns as texts, whatever they look like', parseNames)
    .option('--number <columns>', 'read these columns as numbers', parseNames)
    .addOption(new ChoiceOption('--decimal <mark>', 'the decimal mark of numbers in texts', ['.', ',']));
}

/** Says of an option that would change nothing what it is for: whoever typed it expects it to. */
function idleOption(
  { method = 'auto', loss, hierarchy, intervals, simultaneous, test, allowOverlap }: FitOptions,
  ratioGiven: boolean,
): string | undefined {
  if (ratioGiven && method !== 'elastic-net') {
    return `--l1-ratio is of the elastic net, and the method is ${method}; leave it out or add --method elastic-net`;
  }
  if (hierarchy !== 'none' && loss === 'logistic') {
    return '--hierarchy is of the lasso and elastic net, and the logistic loss has ridge; leave one of them out';
  }
  if (hierarchy !== 'none' && !['auto', 'low-degree', 'lasso', 'elastic-net'].includes(method)) {
    return `--hierarchy is of the lasso and elastic net, and the method is ${method}; leave it out or choose one of these`;
  }
  if (allowOverlap === true && typeof test === 'number') {
    return '--allow-overlap is of a table of test rows, and --test is a share of the same one; leave one of them out';
  }
  if (simultaneous === true && intervals === 'none') {
    return '--simultaneous is of the intervals that --intervals none leaves out; leave one of them out';
  }
  return undefined;
}

async function fit(data: string, options: TargetedOptions, session: Session): Promise<void> {
  const startedAt = performance.now();
  const testFile = typeof options.test === 'string' ? options.test : undefined;
  await refuseOneInputTwice(data, testFile);
  const done = await withProgress(session, options, (work, reading) =>
    withTable(data, { ...reading, rules: cellRules(options) }, async (table) => {
      const openedAt = performance.now();
      const learn = (test: number | FileTable): Promise<TableFit> => fitOne(table, test, options, work, session);
      const result =
        testFile === undefined
          ? await learn(options.test as number)
          : await withTable(testFile, { ...reading, rules: cellRules(options) }, async (test) => {
              if (options.allowOverlap !== true) await refuseSameFile(table, test);
              return await learn(test);
            });
      const byteCount = await save(result, options, session);
      return { ...result, byteCount, openMs: openedAt - startedAt, columnCount: table.columns.length };
    }),
  );
  const { model, timings } = done;
  if (options.json === true) {
    const timingsMs = {
      open: done.openMs,
      read: timings.readMs,
      choose: timings.chooseMs,
      fit: timings.fitMs,
      confirm: timings.confirmMs,
      total: performance.now() - startedAt,
    };
    // Of where it came from, what does not change with how it was asked for.
    const { provenance, ...json } = await modelJson(model);
    const files = {
      source: { ...provenance.source, columnCount: done.columnCount },
      saved: options.out === undefined ? null : { file: options.out, byteCount: done.byteCount },
      report: options.report ?? null,
    };
    await session.print(`${JSON.stringify({ ...json, ...files, threads: options.threads, timingsMs })}\n`);
  } else if (options.quiet !== true) {
    await session.print(await fitText(data, done, options, session));
  }
}

async function refuseOneInputTwice(data: string, testFile: string | undefined): Promise<void> {
  if (data !== '-' || testFile !== '-') return;
  const { FewfireError } = await import('@fewfire/core');
  throw new FewfireError('invalid-argument', 'both the data and --test are standard input; expected one of them');
}

/** A test on the file that is fitted, by whatever name, is none; a database may hold both tables. */
async function refuseSameFile(table: FileTable, test: FileTable): Promise<void> {
  const { FewfireError } = await import('@fewfire/core');
  const refuse = (what: string): never => {
    throw new FewfireError(
      'invalid-argument',
      `--test ${test.label} ${what}: its rows were fitted, and say nothing of new ones; expected other rows: a share such as --test 0.2, another file, or --allow-overlap to measure on these all the same`,
    );
  };
  const [fitted, tested] = [table.provenance, test.provenance];
  if (fitted.format === 'duckdb') return;
  const identity = async (path: string): Promise<string> => {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev} ${ino}`;
  };
  const files = new Set(await Promise.all(fitted.paths.map(identity)));
  for (const path of tested.paths) if (files.has(await identity(path))) refuse('is also the file that is fitted');
  if (fitted.sha256 === tested.sha256) refuse(`has the same bytes as ${table.label}`);
}

async function fitOne(
  table: FileTable,
  test: number | FileTable,
  options: TargetedOptions,
  work: Work,
  session: Session,
): Promise<TableFit> {
  const { fitTable } = await import('@fewfire/core');
  const { kernelHash } = await import('@fewfire/kernels');
  // What the tables hold is not there for the fit.
  const heldBytes = (await table.heldBytes()) + (typeof test === 'object' ? await test.heldBytes() : 0);
  const memoryLimitBytes = Math.max(0, work.memoryLimitBytes - heldBytes);
  const fitOptions: FitTableOptions = {
    ...fitOptionsOf(options),
    ...{ signal: work.signal, onProgress: work.onProgress, threads: work.threads, memoryLimitBytes, test },
    source: sourceRecord(table),
    command: session.commandLine,
    versions: { fewfire: session.version, node: process.versions.node, kernels: kernelHash },
  };
  return await fitTable(table, fitOptions);
}

function fitOptionsOf(options: TargetedOptions): FitOptionValues {
  const given = Object.entries(options).filter(([name]) => Object.hasOwn(FIT_OPTIONS, name));
  return Object.fromEntries(given) as unknown as FitOptionValues;
}

function cellRules({ missingValues, text, number, decimal }: FitOptions): CellRules {
  return { missingValues, text, number, decimal };
}

function sourceRecord({ label, provenance: { rowCount, format, sha256, byteCount } }: FileTable): SourceRecord {
  return { label, rowCount, format, sha256, byteCount };
}

/** Writes the model and the report that are wanted, and gives the size of the model. */
async function save(result: TableFit, { out, report }: FitOptions, session: Session): Promise<number> {
  const { serializeModel } = await import('@fewfire/core');
  const model = out === undefined ? [] : [{ path: out, content: await serializeModel(result.model) }];
  const page = report === undefined ? [] : [{ path: report, content: await reportPage(result) }];
  await session.files.write([...model, ...page]);
  return model.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
}

function shownPerOutput({ outputs }: Model): number {
  return outputs.length > 1 ? COMBINATIONS_PER_CLASS : COMBINATIONS_SHOWN;
}

async function fitText(
  data: string,
  done: TableFit & { readonly columnCount: number; readonly byteCount: number },
  options: FitOptions,
  session: Session,
): Promise<string> {
  const library = await import('@fewfire/core/internal');
  const { model, columnCount } = done;
  const { screen } = session;
  if (options.verbose !== true) {
    const { label, rowCount } = model.provenance.source;
    return summaryText(library, model, { label, rowCount, next: nextLines(data, options, done, session) }, screen);
  }
  const { modelRemarks, shownTerms } = library;
  return joinSections([
    guessingSection(model.training.test, 'test row', '', screen),
    dataSection(model, screen, columnCount),
    notesSection(model, modelRemarks(model), screen),
    selectionSection(model, screen),
    testSection(model, screen),
    heading('Model', modelText(model), screen),
    ...confirmationSections(model, COMBINATIONS_SHOWN, screen),
    importanceSection(model, screen),
    combinationSection(library, model, screen),
    ...termSections(model, (k) => shownTerms(model, shownPerOutput(model), k), screen),
    nextLines(data, options, done, session),
  ]);
}

// Where the model went, and what to type next. Commands stay on one line, to be copied.
function nextLines(
  data: string,
  { out, report, verbose }: FitOptions,
  { byteCount }: { readonly byteCount: number },
  { screen }: Session,
): string[] {
  const written = report === undefined ? [] : heading('Report', printable(report), screen);
  if (out === undefined) {
    const more = verbose === true ? '' : ' More: --verbose.';
    return [...written, ...heading('Not saved', `add --out model.json to keep it and predict with it.${more}`, screen)];
  }
  const file = printable(quoteArgument(out));
  const rows = data === '-' ? 'new.csv' : printable(quoteArgument(data));
  const table = displayWidth(rows) + displayWidth(file) > screen.width - 20 ? 'new.csv' : rows;
  return [
    ...written,
    ...heading('Saved', `${printable(out)}, ${byteSize(byteCount)}. Next:`, screen),
    `  fewfire predict ${file} ${table}`,
    `  fewfire show ${file}${verbose === true ? '' : ' --verbose'}`,
  ];
}
