/** `fewfire predict`: one prediction per row of a table, in its order. */

import type { EncodedRows, Model, ModelRowAttributions, Prediction, RunOptions } from '@fewfire/core';
import { counted } from '@fewfire/core/words';
import type { FileTable, OutputColumn } from '@fewfire/node';
import type { Command } from 'commander';
import { driftLines, openData, readModelOrTrees, unseenLines, withProgress } from '../data.ts';
import { InputArgument, OutputOption, TABLE_ENDING, tableInput } from '../file-roles.ts';
import { listSome, printable } from '../format.ts';
import { besideNetwork } from '../network-data.ts';
import {
  addTableOptions,
  addWorkOptions,
  ChoiceOption,
  parseNames,
  type TableOptions,
  type WorkOptions,
} from '../options.ts';
import { checkKept, checkNames, type Predicted, type PredictedColumns } from '../prediction-columns.ts';
import type { Session } from '../session.ts';
import { predictTreeTable } from '../tree-rows.ts';

interface PredictOptions extends WorkOptions, TableOptions, PredictedColumns {
  readonly out?: string;
}

export function addPredictCommand(program: Command, session: Session): void {
  const command = program
    .command('predict')
    .summary('predict the rows of a table with a model')
    .description(
      'Predicts every row of a table, in its order. The column "prediction" holds the class or the number; for classes, probability_<class> stands beside it for each. Of a network that was imported from trees it reads the columns that these were trained on and gives what the original predicts.',
    )
    .addArgument(new InputArgument('<model.json>', 'a model written by fewfire fit --out, or trees by network import'))
    .addArgument(
      new InputArgument('<data>', 'the table: a file, a quoted pattern, or - for CSV on standard input', tableInput),
    )
    .option(
      '--keep <columns>',
      'copy these columns of the data before the prediction (a,b or "one, with comma",b)',
      parseNames,
    )
    .addOption(
      new ChoiceOption(
        '--attributions <baseline>',
        "add what each column contributes to the row's value (Shapley values): against a row of all no, or against the average over these rows",
        ['all-no', 'average'],
      ),
    )
    .addOption(
      new OutputOption('-o, --out <file>', 'write here, .csv or .parquet (default: CSV to standard output)', {
        ending: TABLE_ENDING,
        orStandardOutput: true,
      }),
    );
  addWorkOptions(addTableOptions(command), 'no progress line and no messages but errors', 'data')
    .addHelpText(
      'after',
      `
Examples:
  fewfire predict chess.json examples/chess-kr-vs-kp.csv --out predictions.csv
  fewfire predict chess.json examples/chess-kr-vs-kp.csv --keep class | head
  fewfire predict chess.json new.csv --attributions average --out why.csv
  cat examples/chess-kr-vs-kp.csv | fewfire predict chess.json - --keep class`,
    )
    .action(async (path: string, data: string, options: PredictOptions) => predict(path, data, options, session));
}

async function predict(path: string, data: string, given: PredictOptions, session: Session): Promise<void> {
  const out = given.out === '-' ? undefined : given.out;
  const model = await readModelOrTrees(path, session, given.memory);
  const options = 'part' in model ? besideNetwork(model, given) : given;
  const { csvParts } = await import('@fewfire/node');
  const { cellRulesOf } = await import('@fewfire/core/internal');
  const rules = 'part' in model ? {} : cellRulesOf(model);
  const table = await withProgress(session, options, (_, reading) => openData(data, { ...reading, rules }));
  const told: string[] = [];
  const predictRows = (work: RunOptions): Promise<Predicted> =>
    'part' in model
      ? predictTreeTable(model, path, table, options, work)
      : predictModelTable(model, table, options, work);
  try {
    if (out === undefined) {
      // Without a progress line, which would stand among the predictions.
      const { signal } = session;
      const work = { signal, threads: options.threads, memoryLimitBytes: options.memory };
      const { parts, messages } = await predictRows(work);
      for await (const text of csvParts(parts)) await session.print(text);
      told.push(...messages());
    } else {
      await withProgress(session, options, async (work) => {
        const { parts, messages } = await predictRows(work);
        await session.files.writeTable(out, parts);
        told.push(...messages());
      });
      told.push(`wrote ${counted(table.rowCount, 'prediction')} to ${printable(out)}`);
    }
  } finally {
    await table.close();
  }
  if (options.quiet !== true) for (const line of told) session.tell(line);
}

async function predictModelTable(
  model: Model,
  table: FileTable,
  { keep = [], attributions }: PredictOptions,
  work: RunOptions,
): Promise<Predicted> {
  const { predictTable } = await import('@fewfire/core');
  const predictionHeads = await predictionNames(model);
  const attributionHeads = attributions === undefined ? [] : await attributionNames(model);
  await checkKept(keep, table);
  await checkNames(keep, [...predictionHeads, ...attributionHeads]);
  const { parts, unseen, missing, drift } = await predictTable(model, table, { ...work, attributions });
  const { onProgress: _, ...quiet } = work;
  let encodedCount = 0;
  const written = async function* (): AsyncGenerator<readonly OutputColumn[]> {
    for await (const { range, points, rows, prediction, attributions } of parts) {
      const positions = rows?.map((row) => row - range.firstRow);
      const rowCount = range.endRow - range.firstRow;
      encodedCount += points.rowCount;
      const columns: OutputColumn[] = [];
      for (const name of keep) {
        columns.push({ name, values: await table.texts(name, { ...quiet, range, spelling: 'source' }) });
      }
      columns.push(...predictionColumns(predictionHeads, prediction, positions, rowCount));
      if (attributions !== undefined) {
        columns.push(...attributionColumns(attributionHeads, attributions, points.rowCount, positions, rowCount));
      }
      yield columns;
    }
  };
  const unseenMessages = await unseenLines(model, unseen);
  return {
    parts: written(),
    messages: () => [
      ...unseenMessages,
      ...driftLines(drift()),
      ...missingLines(model, missing, table.rowCount - encodedCount),
    ],
  };
}

async function predictionNames({ target }: Model): Promise<string[]> {
  const { targetClasses } = await import('@fewfire/core/internal');
  return ['prediction', ...targetClasses(target).map((name) => `probability_${name}`)];
}

/** @param rows which rows of the table were encoded, if not all: the others get empty cells */
function predictionColumns(
  names: readonly string[],
  { numbers, classes, probabilities }: Prediction,
  rows: Uint32Array | undefined,
  rowCount: number,
): OutputColumn[] {
  const spread = (values: Float64Array): Float64Array => spreadRows(values, rows, rowCount);
  const [name, ...probabilityNames] = names;
  if (numbers !== undefined) return [{ name, values: spread(numbers) }];
  if (classes === undefined || probabilities === undefined) throw new Error('a prediction without numbers or classes');
  const named: (string | null)[] = rows === undefined ? [...classes] : new Array<string | null>(rowCount).fill(null);
  rows?.forEach((row, i) => {
    named[row] = classes[i];
  });
  return [
    { name, values: named },
    ...probabilityNames.map((column, k) => ({ name: column, values: spread(probabilities[k]) })),
  ];
}

// One number per row of the table, NaN where a row was not encoded.
function spreadRows(values: Float64Array, rows: Uint32Array | undefined, rowCount: number): Float64Array {
  if (rows === undefined) return values;
  const all = new Float64Array(rowCount).fill(Number.NaN);
  values.forEach((value, i) => {
    all[rows[i]] = value;
  });
  return all;
}

/** Per output: the baseline's value, then one column per column of the data. */
async function attributionNames(model: Model): Promise<string[]> {
  const { outputClass } = await import('@fewfire/core/internal');
  const columns = new Set(model.encoder.columns.map(({ column }) => column));
  return model.outputs.flatMap((_, k) => {
    const name = outputClass(model, k);
    const of = name === undefined ? '' : `_${name}`;
    return [`baseline${of}`, ...Array.from(columns, (column) => `attribution${of}_${column}`)];
  });
}

function attributionColumns(
  names: readonly string[],
  { columns, outputs }: ModelRowAttributions,
  encodedCount: number,
  rows: Uint32Array | undefined,
  rowCount: number,
): OutputColumn[] {
  const vectors = outputs.flatMap(({ base, values }) => [
    new Float64Array(encodedCount).fill(base),
    ...columns.map((_, c) => Float64Array.from({ length: encodedCount }, (_, i) => values[i * columns.length + c])),
  ]);
  return vectors.map((values, j) => ({ name: names[j], values: spreadRows(values, rows, rowCount) }));
}

function missingLines({ encoder }: Model, missing: EncodedRows['missing'], droppedCount: number): string[] {
  const where = (entries: EncodedRows['missing']): string => {
    const counts = entries.toSorted((a, b) => b.count - a.count);
    return `(cells without a value: ${listSome(
      counts.map(({ column, count }) => `${printable(column)} ${count}`),
      5,
    )})`;
  };
  const dropping = encoder.columns.some((column) => column.missing === 'drop');
  if (dropping && droppedCount > 0) {
    return [`${counted(droppedCount, 'row')} with missing values: their prediction is empty ${where(missing)}`];
  }
  // Of a column with one value, being missing is the other answer.
  const saw = encoder.columns.filter(
    ({ coding, missingCoordinate }) => missingCoordinate || (coding.kind === 'two-valued' && coding.no === ''),
  );
  const known = new Set(saw.map(({ column }) => column));
  const lines: string[] = [];
  const [as, unlike] = [
    missing.filter(({ column }) => known.has(column)),
    missing.filter(({ column }) => !known.has(column)),
  ];
  if (as.length > 0) lines.push(`missing values counted as they did in the fit ${where(as)}`);
  if (unlike.length > 0) {
    lines.push(`missing values where the fit had none counted as the reference of their column ${where(unlike)}`);
  }
  return lines;
}
