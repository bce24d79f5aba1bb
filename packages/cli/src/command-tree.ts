/**
 * The programme as plain data: every command with what may be typed after it. Completion scripts are made from it,
 * so that they know neither more nor less than commander does.
 */
import type { Argument, Command, Option } from 'commander';
import { InputArgument, InputOption, OutputOption } from './file-roles.ts';

/** What may stand for a value, as far as it can be listed. */
export interface ValueWords {
  readonly kind: 'choices' | 'file' | 'folder' | 'other';
  /** Empty unless it is one of these. */
  readonly choices: readonly string[];
  /** Of its name: `file` of `<file>`. */
  readonly name: string;
}

export interface OptionWords {
  /** As typed, the short one first: `-o`, `--out`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined where it is given without one. */
  readonly value: ValueWords | undefined;
}

export interface CommandWords {
  /** Names from the programme down to it; empty for the programme. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly OptionWords[];
  readonly arguments: readonly (ValueWords & { readonly isVariadic: boolean })[];
}

/** All commands, the programme itself first, each before those below it; what is hidden is left out. */
export function commandTree(command: Command, path: readonly string[] = []): CommandWords[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const commands = children.map((child) => ({ name: child.name(), summary: child.summary() || child.description() }));
  const below = children.flatMap((child) => {
    const words = commandTree(child, [...path, child.name()]);
    if (command.commands.includes(child)) return words;
    // The command `help`, which commander makes: it takes the name of one beside it.
    const names = commands.map(({ name }) => name).filter((name) => name !== child.name());
    const named = words[0].arguments.map((each) => ({ ...each, kind: 'choices' as const, choices: names }));
    return [{ ...words[0], arguments: named }];
  });
  const own: CommandWords = {
    path,
    summary: command.summary() || command.description(),
    commands,
    options: help.visibleOptions(command).map(optionWords),
    arguments: command.registeredArguments.map((argument) => ({
      ...valueWords(argument, argument.name()),
      isVariadic: argument.variadic,
    })),
  };
  return [own, ...below];
}

function optionWords(option: Option): OptionWords {
  const takesValue = option.required || option.optional;
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    description: option.description,
    value: takesValue ? valueWords(option, /[<[](.+?)[\]>]/.exec(option.flags)?.[1] ?? 'value') : undefined,
  };
}

function valueWords(from: Argument | Option, name: string): ValueWords {
  const choices = from.argChoices ?? [];
  if (choices.length > 0) return { kind: 'choices', choices, name };
  if (from instanceof OutputOption && from.isFolder) return { kind: 'folder', choices, name };
  const isFile = from instanceof InputArgument || from instanceof InputOption || from instanceof OutputOption;
  return { kind: isFile ? 'file' : 'other', choices, name };
}
