/**
 * Options and arguments that name files say so where they are declared: which files are read, and which are written.
 * `command-files.ts` learns it from there before a command begins, so no command has to think of it. A test walks over
 * all commands and finds what names a file and does not say which way.
 */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { QuietOption } from './options.ts';

/** Something that is read. */
export interface InputFile {
  /** As it was typed. */
  readonly text: string;
  /** A table may be a pattern, a table of a database, or `-` for standard input. */
  readonly isTable: boolean;
}

/** What of the value of an option or argument is read. */
export type InputsOf = (value: unknown) => readonly InputFile[];

/** The value is the path of a file. */
export const fileInput: InputsOf = (value) => named(value, false);

/** The value is a table: a path, a pattern, `file.duckdb#table` or `-`. */
export const tableInput: InputsOf = (value) => named(value, true);

// Options like --test take numbers too.
function named(value: unknown, isTable: boolean): InputFile[] {
  return typeof value === 'string' ? [{ text: value, isTable }] : [];
}

/** An argument whose value is read. */
export class InputArgument extends Argument {
  constructor(
    name: string,
    description: string,
    readonly inputsOf: InputsOf = fileInput,
  ) {
    super(name, description);
  }
}

/** An option whose value is read. */
export class InputOption extends Option {
  constructor(
    flags: string,
    description: string,
    readonly inputsOf: InputsOf = fileInput,
  ) {
    super(flags, description);
  }
}

/** What the name of an output must match, and how that is said. */
export interface Ending {
  readonly pattern: RegExp;
  readonly text: string;
}

/** Of tables that are written. */
export const TABLE_ENDING: Ending = { pattern: /\.(csv|parquet)$/i, text: '.csv or .parquet' };

export interface OutputSettings {
  readonly ending?: Ending;
  /** Without it, or with `-`, the data go to standard output. */
  readonly orStandardOutput?: boolean;
  /** Said where it is `-` and may not be. */
  readonly hint?: string;
  /** A folder, in which files are written. */
  readonly isFolder?: boolean;
}

/** An option whose value is written. */
export class OutputOption extends Option {
  readonly isFolder: boolean;
  readonly orStandardOutput: boolean;

  constructor(flags: string, description: string, settings: OutputSettings = {}) {
    super(flags, description);
    const { ending, hint = '', isFolder = false, orStandardOutput = false } = settings;
    this.isFolder = isFolder;
    this.orStandardOutput = orStandardOutput;
    this.argParser((text: string) => {
      if (text === '-' && orStandardOutput) return text;
      if (text === '-' && !isFolder) throw new InvalidArgumentError(`Expected a file name${hint}.`);
      if (ending === undefined || ending.pattern.test(text)) return text;
      throw new InvalidArgumentError(`Expected a name that ends in ${ending.text}.`);
    });
  }
}

/** `--out` of a command whose result is a report: the same as JSON, in a file. */
export class ResultOption extends OutputOption {
  constructor() {
    super('-o, --out <file>', 'write the result here (JSON)', {
      ending: { pattern: /\.json$/i, text: '.json' },
      hint: ' (--json prints the result instead)',
    });
  }
}

/** A file or folder that is written. */
export interface OutputFile {
  /** `--out`. */
  readonly flag: string;
  readonly path: string;
  readonly isFolder: boolean;
}

export interface FilesOfCommand {
  readonly inputs: readonly InputFile[];
  readonly outputs: readonly OutputFile[];
  /** Whether a report or data go to standard output besides. */
  readonly prints: boolean;
}

/** What a command will read and write, as it was typed. */
export function filesOf(command: Command): FilesOfCommand {
  const values = command.opts();
  const inputs = command.registeredArguments.flatMap((argument, i) =>
    argument instanceof InputArgument ? argument.inputsOf(command.processedArgs[i]) : [],
  );
  const outputs: OutputFile[] = [];
  const quiet = command.options.find((option) => option instanceof QuietOption);
  let prints = values.quiet !== true || quiet?.leaves === 'data';
  for (const option of command.options) {
    const value: unknown = values[option.attributeName()];
    if (option instanceof InputOption) inputs.push(...option.inputsOf(value));
    if (!(option instanceof OutputOption)) continue;
    const isGiven = typeof value === 'string' && (value !== '-' || option.isFolder);
    if (option.orStandardOutput) prints = !isGiven;
    // The result is in a file then, and nobody wants the report besides.
    if (option instanceof ResultOption && isGiven && values.quiet === true) prints = false;
    if (isGiven) outputs.push({ flag: option.long ?? option.flags, path: value, isFolder: option.isFolder });
  }
  return { inputs, outputs, prints: prints || values.json === true };
}

/** Why a command would do its work for nothing, since nothing is to come out; undefined where something is. */
export function silenceOf(command: Command): string | undefined {
  const quiet = command.options.find((option) => option instanceof QuietOption);
  const { quiet: isQuiet, json } = command.opts();
  if (isQuiet !== true || json === true || quiet?.leaves !== 'files') return undefined;
  if (filesOf(command).outputs.length > 0) return undefined;
  const flags = command.options.flatMap((option) => (option instanceof OutputOption ? [option.long] : []));
  const ways = [...flags, '--json'];
  const last = ways.pop();
  return `--quiet leaves nothing of ${command.name()} to come out; add ${ways.length > 0 ? `${ways.join(', ')} or ` : ''}${last}, or leave --quiet out`;
}
