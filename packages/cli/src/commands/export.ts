/** `fewfire export`: a model in another language, which needs nothing of fewfire. */

import { basename } from 'node:path';
import type { ExportTarget } from '@fewfire/core';
import { byteSize } from '@fewfire/core/words';
import type { Command } from 'commander';
import { readModel } from '../data.ts';
import { InputArgument, OutputOption } from '../file-roles.ts';
import { printable } from '../format.ts';
import { ChoiceOption, parseNames, QuietOption } from '../options.ts';
import type { Session } from '../session.ts';

interface ExportCommandOptions {
  readonly to: ExportTarget;
  readonly out?: string;
  readonly name?: string;
  readonly table?: string;
  readonly keep?: readonly string[];
  readonly quiet?: boolean;
}

const TARGETS: readonly ExportTarget[] = ['sql', 'js', 'python', 'onnx'];

export function addExportCommand(program: Command, session: Session): void {
  program
    .command('export')
    .summary('write a model as SQL, JavaScript, Python or ONNX')
    .description(
      'Writes a model in another language. What it writes takes the raw columns, gives the predictions of fewfire predict and needs nothing but the runtime of the language (SQL: DuckDB; Python: the standard library).',
    )
    .addArgument(new InputArgument('<model.json>', 'a model written by fewfire fit --out'))
    .addOption(new ChoiceOption('--to <language>', 'what to write', TARGETS).makeOptionMandatory())
    .addOption(
      new OutputOption('-o, --out <file>', 'write here (default: standard output; needed for onnx)', {
        orStandardOutput: true,
      }),
    )
    .option('--name <name>', 'what the model is called in the file (default: the name of its own)')
    .option('--table <table>', 'sql: the table to predict, as in data or main."any name" (default: data)')
    .option(
      '--keep <columns>',
      'sql: copy these columns before the prediction (a,b or "one, with comma",b)',
      parseNames,
    )
    .addOption(new QuietOption('no messages but errors', 'data'))
    .addHelpText(
      'after',
      `
Examples:
  fewfire export chess.json --to sql --table games --out chess.sql
  fewfire export chess.json --to js --out chess.mjs
  fewfire export chess.json --to python > chess.py
  fewfire export chess.json --to onnx --out chess.onnx

docs/export.md says how to use each, and what may differ.`,
    )
    .action(async (path: string, options: ExportCommandOptions) => exportCommand(path, options, session));
}

async function exportCommand(path: string, options: ExportCommandOptions, session: Session): Promise<void> {
  const { exportModel, FewfireError } = await import('@fewfire/core');
  const { to, table, keep } = options;
  const out = options.out === '-' ? undefined : options.out;
  if (to === 'onnx' && out === undefined) {
    throw new FewfireError('invalid-argument', '--to onnx writes bytes, not text; expected --out with a file name');
  }
  const [forSql] = Object.entries({ table, keep }).filter(([, value]) => value !== undefined);
  if (to !== 'sql' && forSql !== undefined) {
    throw new FewfireError('invalid-argument', `--${forSql[0]} is for --to sql, and this is --to ${to}; leave it out`);
  }
  const model = await readModel(path, session);
  const name = options.name ?? basename(path).replace(/\.json$/i, '');
  const content = exportModel(model, {
    to,
    name,
    ...(table === undefined ? {} : { table }),
    ...(keep === undefined ? {} : { keep }),
  });
  if (out === undefined) {
    await session.print(content as string);
    return;
  }
  await session.files.write([{ path: out, content }]);
  if (options.quiet === true) return;
  const byteCount = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  session.tell(`wrote ${printable(out)} (${byteSize(byteCount)})`);
  if (to === 'onnx') {
    session.tell(
      'it computes in doubles and adds terms in another order: predictions agree to about 1e-12 of the size of the terms; rows that fewfire predict refuses give NaN and an empty class',
    );
  }
}
