/**
 * `fewfire reproduce`: the statements of the paper as measurements. Runs the experiments one after another, keeps what
 * is finished, and writes numbers (JSON, CSV), figures (SVG), the claim table and one HTML report.
 */

import { join } from 'node:path';
import type { Progress } from '@fewfire/core';
import { counted, numberText } from '@fewfire/core/words';
import type { ExperimentId, ExperimentResult, ExperimentScale } from '@fewfire/paper';
import type { ReportSection } from '@fewfire/report';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { type Work, withProgress } from '../data.ts';
import { OutputOption } from '../file-roles.ts';
import { layoutTable, printable, quoteArgument } from '../format.ts';
import { addWorkOptions, parseWhole, type WorkOptions } from '../options.ts';
import type { Session } from '../session.ts';

interface ReproduceOptions extends WorkOptions {
  readonly quick?: boolean;
  readonly full?: boolean;
  readonly tiny?: boolean;
  readonly out: string;
  readonly seed: number;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

/** Those there are. They stand here too, since loading them for their names would cost every start; a test compares. */
const IDS: readonly ExperimentId[] = ['E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E10'];

export function addReproduceCommand(program: Command, session: Session): void {
  const command = program
    .command('reproduce')
    .summary('measure the statements of the paper')
    .description(
      'Runs the experiments that measure the statements of the paper beside their bounds, and writes JSON, CSV, figures, a claim table and one HTML report. What is finished is kept: the same command goes on where it stopped.',
    )
    .addArgument(
      new Argument('[experiments...]', 'which of them; all where none is named')
        .choices([...IDS, 'all'])
        .argParser(parseId),
    )
    .addOption(new Option('--quick', 'small sizes, minutes at most (default)').conflicts('full'))
    .addOption(new Option('--full', 'the sizes of the record'))
    .addOption(
      new Option('--tiny', 'sizes of the tests: the figures mean little').conflicts(['quick', 'full']).hideHelp(),
    )
    .addOption(new OutputOption('-o, --out <folder>', 'write here', { isFolder: true }).default('reproduction'))
    .addOption(new Option('--seed <number>', 'seed of all randomness').argParser(parseWhole(0, 2 ** 31 - 1)).default(1))
    .option('--fresh', 'run everything again, also what is finished')
    .option('--json', 'print the results as JSON when all are there');
  addWorkOptions(command, 'no progress line and no claims; files are written', 'files')
    .addHelpText(
      'after',
      `
Examples:
  fewfire reproduce --quick
  fewfire reproduce E2 E3 --out lemmas
  fewfire reproduce all --full --out record`,
    )
    .action(async (ids: readonly Asked[], options: ReproduceOptions) => reproduce(ids, options, session));
}

type Asked = ExperimentId | 'all';

function parseId(text: string, previous: readonly Asked[] = []): Asked[] {
  const id = text.toLowerCase() === 'all' ? 'all' : (text.toUpperCase() as ExperimentId);
  if (id !== 'all' && !IDS.includes(id)) {
    throw new InvalidArgumentError(`Expected all, or some of ${IDS.join(', ')}.`);
  }
  return [...previous, id];
}

async function reproduce(asked: readonly Asked[], options: ReproduceOptions, session: Session): Promise<void> {
  const scale: ExperimentScale = options.tiny ? 'tiny' : options.full ? 'full' : 'quick';
  const all = asked.length === 0 || asked.includes('all');
  const ids = IDS.filter((id) => all || asked.includes(id));
  const { out, seed } = options;
  const { refuseForeign, reproductionReport, verdictCounts } = await import('@fewfire/paper');
  await refuseForeign(out, ids);
  const { mkdir } = await import('node:fs/promises');
  const { FewfireError } = await import('@fewfire/core');
  await mkdir(join(out, 'figures'), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new FewfireError('file-unwritable', `cannot make the folder ${out}: ${error.code ?? error.message}`, {
      cause: error,
    });
  });
  const what = all ? 'all' : ids.join(' ');
  const command = (which: string): string => `fewfire reproduce ${which} --${scale} --seed ${seed}`;
  const isTold = options.quiet !== true && options.json !== true;
  const sections: ReportSection[] = [];
  const experiments: object[] = [];
  let finished = 0;
  try {
    for (const [i, id] of ids.entries()) {
      const part = await finishPart(id, scale, options, session, `${id} (${i + 1} of ${ids.length})`);
      finished++;
      const section = { ...part.result, command: `npx ${command(id)}` };
      sections.push(section);
      experiments.push({ ...part.result, seconds: part.seconds, kept: part.kept });
      await writeFigures(section, out, session);
      if (isTold) await session.print(sectionText(part.result, part.seconds, part.kept, session));
    }
  } catch (error) {
    if (session.signal.aborted) {
      session.tell(
        `${finished} of ${counted(ids.length, 'experiment')} finished and kept in ${printable(out)}; the same command goes on from there`,
      );
    }
    throw error;
  }
  const { claimsMarkdown, reportPage } = await import('@fewfire/report');
  const run = { version: session.version, command: `npx ${command(what)}`, scale, seed };
  const report = await reproductionReport(sections, run);
  await write(join(out, 'report.html'), reportPage(report), session);
  await write(join(out, 'claims.md'), claimsMarkdown(sections, command(what)), session);
  if (options.json === true) {
    const files = { report: join(out, 'report.html'), claims: join(out, 'claims.md') };
    await session.print(
      `${JSON.stringify({ scale, seed, verdicts: verdictCounts(sections), ...files, experiments })}\n`,
    );
  }
  if (!isTold) return;
  await session.print(
    `\n${verdictCounts(sections)}\nReport: ${printable(quoteArgument(join(out, 'report.html')))}, claims: ${printable(quoteArgument(join(out, 'claims.md')))}\n`,
  );
}

async function write(path: string, content: string, session: Session): Promise<void> {
  const { mayReplace } = await import('@fewfire/paper');
  await session.files.write([{ path, content }], () => mayReplace(path));
}

// The kept part, or the experiment run and its numbers written: they are complete before anything else is done.
async function finishPart(
  id: ExperimentId,
  scale: ExperimentScale,
  options: ReproduceOptions,
  session: Session,
  name: string,
): Promise<{ readonly result: ExperimentResult; readonly seconds: number; readonly kept: boolean }> {
  const { codeHash, loadExperiment, partText, readPart } = await import('@fewfire/paper');
  const key = { id, scale, seed: options.seed, code: codeHash(session.version) };
  const path = join(options.out, `${id}.json`);
  if (options.fresh !== true) {
    const kept = await readPart(path, key);
    if (kept.part !== undefined) return { ...kept.part, kept: true };
    if (kept.refused !== undefined) session.tell(`${printable(path)} is not used: ${kept.refused}; ${id} is run again`);
  }
  const startedAt = performance.now();
  const result = await withProgress(session, options, async (work: Work) => {
    const onProgress = (progress: Progress): void =>
      work.onProgress({ ...progress, phase: `${name}: ${progress.phase}` });
    return (await loadExperiment(id)).run({ ...work, onProgress, seed: options.seed, scale });
  });
  session.signal.throwIfAborted();
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1));
  await write(path, partText({ ...key, seconds, result }), session);
  return { result, seconds, kept: false };
}

async function writeFigures(section: ReportSection, out: string, session: Session): Promise<void> {
  const { figuresCsv, figureSvg } = await import('@fewfire/report');
  await write(join(out, `${section.id}.csv`), figuresCsv(section), session);
  for (const [i, each] of section.figures.entries()) {
    await write(join(out, 'figures', `${section.id}-${i + 1}.svg`), `${figureSvg(each)}\n`, session);
  }
}

function sectionText(result: ExperimentResult, seconds: number, kept: boolean, { screen }: Session): string {
  const rows = result.claims.map(({ statement, measured, verdict }) => [
    verdict === 'holds' || verdict === 'consistent with' ? screen.good(verdict) : screen.warn(verdict),
    `${printable(statement)}: ${printable(measured)}`,
  ]);
  const time = screen.dim(kept ? 'kept from an earlier run' : `${numberText(seconds)} s`);
  return `${screen.bold(`${result.id}. ${printable(result.title)}`)}  ${time}\n${layoutTable(rows, [{}, { flexible: true }], screen.width).join('\n')}\n`;
}
