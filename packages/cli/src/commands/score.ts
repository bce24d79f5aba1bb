/** `fewfire score`: how well a model does on rows whose targets are known. */

import type { TreeNetwork } from '@fewfire/core';
import { counted, errorUnit } from '@fewfire/core/words';
import type { Command } from 'commander';
import { driftLines, readModelOrTrees, unseenLines, withProgress, withTable } from '../data.ts';
import { guessingSection, heading, joinSections, metricLines } from '../describe.ts';
import { InputArgument, ResultOption, tableInput } from '../file-roles.ts';
import { withFlags } from '../flags.ts';
import { printable, quoted } from '../format.ts';
import { noteJson } from '../model-json.ts';
import { besideNetwork } from '../network-data.ts';
import { addTableOptions, addWorkOptions, type TableOptions, type WorkOptions } from '../options.ts';
import { giveResult } from '../result.ts';
import type { Session } from '../session.ts';
import { scoreLines } from '../tree-describe.ts';
import { orderLines } from '../tree-rows.ts';

interface ScoreOptions extends WorkOptions, TableOptions {
  readonly target?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function addScoreCommand(program: Command, session: Session): void {
  const command = program
    .command('score')
    .summary('measure a model on a table with known targets')
    .description(
      'Measures a model on the rows of a table that has its target column, beside the constant predictor. On rows the model was fitted on, the figures flatter it.',
    )
    .addArgument(new InputArgument('<model.json>', 'a model written by fewfire fit --out, or trees by network import'))
    .addArgument(
      new InputArgument('<data>', 'the table: a file, a quoted pattern, or - for CSV on standard input', tableInput),
    )
    .option('--target <column>', 'of imported trees, whose file does not say it: the column with the true values')
    .addOption(new ResultOption())
    .option('--json', 'print the result as JSON');
  addWorkOptions(addTableOptions(command), 'no progress line and no messages but errors', 'data')
    .addHelpText(
      'after',
      `
Examples:
  fewfire score chess.json examples/chess-kr-vs-kp.csv
  fewfire score chess.json examples/chess-kr-vs-kp.csv --json`,
    )
    .action(async (path: string, data: string, options: ScoreOptions) => score(path, data, options, session));
}

async function score(path: string, data: string, options: ScoreOptions, session: Session): Promise<void> {
  const { cellRulesOf, FewfireError, noteText, scoreTable } = await import('@fewfire/core/internal');
  const model = await readModelOrTrees(path, session, options.memory);
  if ('part' in model) {
    await scoreNetwork(model, path, data, besideNetwork(model, options), session);
    return;
  }
  if (options.target !== undefined && options.target !== model.target.column) {
    throw new FewfireError(
      'invalid-argument',
      `--target is ${JSON.stringify(options.target)}, and ${path} was fitted for ${JSON.stringify(model.target.column)}; leave --target out, it is for imported trees`,
    );
  }
  const { result, label, sha256 } = await withProgress(session, options, (work, reading) =>
    withTable(data, { ...reading, rules: cellRulesOf(model) }, async (table) => ({
      result: await scoreTable(model, table, work),
      label: table.label,
      sha256: table.provenance.sha256,
    })),
  );
  const { metrics, unseen, drift, skippedRowCount, zeroWeightCount, weight, group, notes } = result;
  if (options.quiet !== true) {
    for (const line of await unseenLines(model, unseen)) session.tell(line);
    for (const line of driftLines(drift)) session.tell(line);
    if (skippedRowCount > 0) session.tell(`${counted(skippedRowCount, 'row')} with missing values not scored`);
    if (zeroWeightCount > 0) session.tell(`${counted(zeroWeightCount, 'row')} of weight 0 not scored`);
    for (const note of notes) session.tell(printable(withFlags(noteText(note))));
  }
  // The same bytes: these are the rows of the fit, and the test that came with it is the honest figure.
  const fitted = sha256 === model.provenance.source.sha256;
  const note = fitted
    ? heading(
        'Note',
        `these are the rows the model was fitted on; fewfire show ${printable(path)} has its test.`,
        session.screen,
      )
    : [];
  const columns = [
    ...(weight === null ? [] : [`weighed by ${quoted(weight)}`]),
    ...(group === null ? [] : [`grouped by ${quoted(group)}`]),
  ];
  const where = `${counted(metrics.sampleCount, 'row')} of ${printable(label)}${columns.length > 0 ? `, ${columns.join(' and ')},` : ''}`;
  await giveResult(
    {
      leaves: 'data',
      json() {
        const task = model.target.kind;
        const left = { skippedRowCount, zeroWeightCount };
        const json = { task, target: model.target, ...metrics, ...left, unseen, drift, weight, group };
        const about = { model: path, data: label, isDataOfFit: fitted, units: { error: errorUnit(model) } };
        return { ...json, notes: notes.map((note) => noteJson(note, noteText(note))), ...about };
      },
      text: () =>
        joinSections([
          guessingSection(metrics, 'row', '', session.screen),
          [session.screen.bold('Score'), ...metricLines(model, metrics, where, session.screen)],
          note,
        ]),
    },
    options,
    session,
  );
}

async function scoreNetwork(
  { model }: TreeNetwork,
  path: string,
  data: string,
  { target, ...options }: ScoreOptions,
  session: Session,
): Promise<void> {
  const { FewfireError, scoreTrees } = await import('@fewfire/core');
  if (target === undefined) {
    throw new FewfireError(
      'invalid-argument',
      `${path} holds imported trees, whose target is not in their file; name the column with the true values: --target`,
    );
  }
  const { result, label } = await withProgress(session, options, (work, reading) =>
    withTable(data, reading, async (table) => ({
      result: await scoreTrees(model, table, target, { ...work, label: path }),
      label: table.label,
    })),
  );
  const { columns, ...score } = result;
  if (options.quiet !== true) {
    for (const line of orderLines(columns)) session.tell(line);
    if (score.skippedRowCount > 0) session.tell(`${counted(score.skippedRowCount, 'row')} without a target not scored`);
  }
  const where = `${counted(score.sampleCount, 'row')} of ${printable(label)}`;
  await giveResult(
    {
      leaves: 'data',
      json: () => ({ ...score, model: path, data: label }),
      text: () => joinSections([[session.screen.bold('Score'), ...scoreLines(score, where, session.screen)]]),
    },
    options,
    session,
  );
}
