/**
 * The command line: the programme, its exit codes, and the one place where errors become text.
 *
 * Exit codes: 0 done; 1 something is wrong with data or files; 2 the command was typed wrongly (options, arguments,
 * column names); 130 interrupted. Only commander is imported here, and core and DuckDB only inside the commands, so
 * that `--help` answers at once.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { FewfireError, FewfireErrorCode } from '@fewfire/core';
import { Command, CommanderError, Option } from 'commander';
import { addCompletionCommand } from './commands/completion.ts';
import { addExportCommand } from './commands/export.ts';
import { addFitCommand } from './commands/fit.ts';
import { addNetworkCommand } from './commands/network.ts';
import { addOptimizeCommand } from './commands/optimize.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addPredictCommand } from './commands/predict.ts';
import { addProfileCommand } from './commands/profile.ts';
import { addReproduceCommand } from './commands/reproduce.ts';
import { addScoreCommand } from './commands/score.ts';
import { addShowCommand } from './commands/show.ts';
import { filesOf, silenceOf } from './file-roles.ts';
import { withFlags } from './flags.ts';
import { printable } from './format.ts';
import { Interrupted, OutputClosed, OutputFailed, openSession, type Session } from './session.ts';

/** Runs the command line to its end and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  const session = openSession(args, version(), process);
  const onSignal = (): void => {
    if (session.signal.aborted) process.exit(130);
    session.interrupt();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal); // the terminal is gone
  process.exitCode = await runCommandLine(args, session);
  // What an abort left running (a statement that winds down) may finish its cleaning up, but not for long.
  setTimeout(() => process.exit(), 2000).unref();
}

/** Runs a command line to its end and gives its exit code; what it prints and tells is the session's. */
export async function runCommandLine(args: readonly string[], session: Session): Promise<number> {
  try {
    return await run(args, session);
  } catch (error) {
    return report(error, session);
  }
}

/** The version of this package, from the source, from `dist/` and from the bundle in it. */
export function version(): string {
  const places = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));
  const place = places.find((url) => existsSync(url)) ?? places[0];
  return (JSON.parse(readFileSync(place, 'utf8')) as { version: string }).version;
}

async function run(args: readonly string[], session: Session): Promise<number> {
  const program = createProgram(session);
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  await program.parseAsync([...args], { from: 'user' });
  return 0;
}

/** The programme with all its commands. */
export function createProgram(session: Session): Command {
  const program = new Command('fewfire')
    .description('Learns functions of yes/no inputs: which columns matter, which combinations of them, how sure.')
    .version(session.version, '-V, --version', 'print the version (-v too)')
    // Commander gives an option one short name.
    .addOption(new Option('-v').hideHelp())
    .on('option:v', () => {
      program.configureOutput().writeOut?.(`${session.version}\n`);
      throw new CommanderError(0, 'commander.version', session.version);
    })
    .helpOption('-h, --help', 'print this help')
    .configureHelp({
      // Without `[options]`, which every one has, so that the descriptions have room beside.
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' '),
    })
    .showSuggestionAfterError()
    .exitOverride()
    // Before any command begins: what it would destroy, or do for nothing.
    .hook('preAction', async (_, command) => {
      const silence = silenceOf(command);
      if (silence !== undefined) command.error(`error: ${silence}`);
      await session.files.declare(filesOf(command));
    })
    .configureOutput({
      // A closed output aborts the session; nothing waits for the help to be written.
      writeOut: (text) => void session.print(text).catch(() => undefined),
      writeErr: (text) => session.tell(text.trimEnd()),
      outputError: (text, write) => write(`${oneLine(text)}\n`),
      getErrHelpWidth: () => session.screen.width,
      getOutHelpWidth: () => session.screen.width,
    })
    .addHelpText(
      'after',
      `
Data: .csv, .tsv, .parquet, .json, .ndjson, .arrow (also .gz),
file.duckdb#table, a quoted pattern such as 'data/*.parquet', or - for CSV on
standard input.

Examples:
  fewfire fit examples/chess-kr-vs-kp.csv --target class --out chess.json
  fewfire show chess.json --top 10
  fewfire predict chess.json examples/chess-kr-vs-kp.csv --out predictions.csv
  fewfire network make parity --inputs 12 --size 4 --out net.json
  fewfire network certify net.json --out certificate.json

Exit codes: 0 done, 1 data or files, 2 usage, 130 interrupted.`,
    );
  program.commandsGroup('Tables:');
  addFitCommand(program, session);
  addPredictCommand(program, session);
  addScoreCommand(program, session);
  addShowCommand(program, session);
  addExportCommand(program, session);
  addOptimizeCommand(program, session);
  program.commandsGroup('Models and networks:');
  addProfileCommand(program, session);
  addNetworkCommand(program, session);
  program.commandsGroup('The paper:');
  addPlanCommand(program, session);
  addReproduceCommand(program, session);
  program.commandsGroup('More:');
  addCompletionCommand(program, session);
  program.helpCommand('help [command]', 'print the help of a command');
  suggestBeginnings(program);
  return program;
}

// Commander suggests what is a few letters away (of --tar it is --task); what was cut short goes before.
function suggestBeginnings(command: Command): void {
  const { outputError } = command.configureOutput();
  command.configureOutput({
    outputError(text, write) {
      const [, kind, typed] = /unknown (option|command) '([^']*)'/.exec(text) ?? [];
      const help = command.createHelp();
      const names =
        kind === 'option'
          ? help.visibleOptions(command).map(({ long }) => long ?? '')
          : kind === 'command'
            ? help.visibleCommands(command).map((child) => child.name())
            : [];
      const found = names.filter((name) => typed.replace(/^--/, '') !== '' && name.startsWith(typed));
      const hint = found.length === 1 ? ` (Did you mean ${found[0]}?)` : ` (Did you mean one of ${found.join(', ')}?)`;
      const own = text.replace(/\s*\(Did you mean[^)]*\)\s*$/, '').trimEnd();
      outputError?.(found.length === 0 ? text : `${own}${hint}`, write);
    },
  });
  for (const child of command.commands) suggestBeginnings(child);
}

const USAGE_CODES: readonly FewfireErrorCode[] = ['invalid-argument', 'unknown-column'];

// Writes what is to be said about an error and gives the exit code.
function report(error: unknown, session: Session): number {
  // An abort may surface as whatever it interrupted; its reason is what happened.
  const cause = session.signal.aborted ? session.signal.reason : error;
  if (cause instanceof OutputClosed) return 0;
  if (process.env.FEWFIRE_DEBUG) session.tell(describeFully(error));
  if (cause instanceof Interrupted) {
    session.tell(session.printed ? 'stopped; the output is incomplete' : 'stopped; nothing was written');
    return 130;
  }
  // Commander has already written its message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (isFewfireError(error)) {
    session.tell(`error: ${oneLine(withFlags(error.message))}`);
    return USAGE_CODES.includes(error.code) ? 2 : 1;
  }
  session.tell(`error: ${oneLine(unexpected(cause))}`);
  return 1;
}

// By name: importing core for its class would cost every start.
function isFewfireError(error: unknown): error is FewfireError {
  return error instanceof Error && error.name === 'FewfireError';
}

function unexpected(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof OutputFailed) return message;
  if (error instanceof RangeError && /alloc|array length|memory/i.test(message)) {
    return `not enough memory (${message}); lower --degree, leave columns out with --exclude, or take a smaller network`;
  }
  return `${message} (this is a fault of fewfire; FEWFIRE_DEBUG=1 shows where)`;
}

function describeFully(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describeFully(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function oneLine(text: string): string {
  return printable(text.trim().replace(/\s*\n\s*/g, ' '));
}
