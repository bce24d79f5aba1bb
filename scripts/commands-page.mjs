// npm run commands: makes docs/commands.md and the man page from the commands as they are declared, so that both say what
// --help says. A test fails when they do not (packages/cli/test/commands-page.test.ts).
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { root } from './tools.mjs';

export const markdownPath = 'docs/commands.md';
export const manPath = 'packages/cli/man/fewfire.1';

/**
 * Both pages, by their paths in the checkout.
 * @param {import('commander').Command} program as createProgram makes it; it is used up
 * @returns {Record<string, string>}
 */
export function commandPages(program) {
  const commands = readCommands(program);
  return { [markdownPath]: markdownPage(commands), [manPath]: manPage(commands) };
}

// What the pages say of each command, the programme first.
function readCommands(command, path = ['fewfire']) {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  // The command `help` is not among these: commander makes it, and there is nothing to say of it.
  const declared = children.filter((child) => command.commands.includes(child));
  const own = {
    path,
    usage: `fewfire ${help.commandUsage(command).replace(/^fewfire ?/, '')}`,
    group: command.helpGroup(),
    version: command.version(),
    summary: command.summary(),
    description: command.description(),
    commands: declared.map((child) => ({
      path: [...path, child.name()],
      group: child.helpGroup(),
      summary: child.summary(),
    })),
    arguments: command.registeredArguments.map((argument) => ({
      term: argument.required ? `<${argument.name()}>` : `[${argument.name()}${argument.variadic ? '...' : ''}]`,
      description: argument.description,
      choices: argument.argChoices ?? [],
      default: undefined,
    })),
    options: help
      .visibleOptions(command)
      .filter((option) => option.long !== '--help')
      .map((option) => ({
        term: option.flags,
        description: option.description,
        choices: option.argChoices ?? [],
        default: defaultOf(option),
      })),
    more: paragraphsOf(textAfterHelp(command)),
  };
  return [own, ...declared.flatMap((child) => readCommands(child, [...path, child.name()]))];
}

function defaultOf({ defaultValue, defaultValueDescription }) {
  if (defaultValue === undefined) return undefined;
  return defaultValueDescription ?? (typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue));
}

// Commander gives it out only as a part of the help.
function textAfterHelp(command) {
  let all = '';
  command.configureOutput({
    writeOut: (text) => {
      all += text;
    },
  });
  command.outputHelp();
  return all.slice(command.helpInformation().length);
}

/** Paragraphs: lines of prose, and the indented lines that follow them, which are to be typed. */
function paragraphsOf(text) {
  return text
    .trim()
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => {
      const lines = paragraph.split('\n');
      return {
        prose: lines.filter((line) => !line.startsWith('  ')).join(' '),
        typed: lines.filter((line) => line.startsWith('  ')).map((line) => line.slice(2)),
      };
    });
}

const choicesText = (choices, mark) => (choices.length === 0 ? '' : `; one of ${choices.map(mark).join(', ')}`);

function markdownPage(commands) {
  const [program] = commands;
  const lines = [
    '# Commands',
    '',
    '*Made by `npm run commands` from the commands themselves: change those, not this page.* `fewfire <command> --help` says the',
    'same, and `man fewfire` where it is installed. Every command also takes `-h`, `--help`.',
    '',
  ];
  for (const group of new Set(program.commands.map((each) => each.group))) {
    lines.push(`**${group.replace(/:$/, '')}**`, '');
    for (const child of program.commands.filter((each) => each.group === group)) {
      lines.push(`- [${child.path.join(' ')}](#${child.path.join('-')}): ${escapeMarkdown(child.summary)}`);
    }
    lines.push('');
  }
  for (const command of commands) {
    const { path, description, usage } = command;
    lines.push(`${'#'.repeat(Math.min(4, path.length + 1))} ${path.join(' ')}`, '', '```sh', usage, '```', '');
    lines.push(escapeMarkdown(description), '');
    if (command !== program && command.commands.length > 0) {
      for (const child of command.commands) {
        lines.push(`- [${child.path.join(' ')}](#${child.path.join('-')}): ${escapeMarkdown(child.summary)}`);
      }
      lines.push('');
    }
    if (command.arguments.length > 0) lines.push('| argument | what it is |', '| --- | --- |');
    for (const { term, description, choices } of command.arguments) {
      lines.push(`| ${code(term)} | ${escapeMarkdown(description)}${choicesText(choices, code)} |`);
    }
    if (command.arguments.length > 0) lines.push('');
    if (command.options.length > 0) lines.push('| option | what it does | default |', '| --- | --- | --- |');
    for (const option of command.options) {
      const text = `${escapeMarkdown(option.description)}${choicesText(option.choices, code)}`;
      lines.push(
        `| ${code(option.term)} | ${text} | ${option.default === undefined ? '' : escapeMarkdown(option.default)} |`,
      );
    }
    if (command.options.length > 0) lines.push('');
    for (const { prose, typed } of command.more) {
      if (prose !== '') lines.push(escapeMarkdown(prose), '');
      if (typed.length > 0) lines.push('```sh', ...typed, '```', '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

// In a table a bar ends the cell, in code too.
const code = (text) => `\`${text.replaceAll('|', '\\|')}\``;
const escapeMarkdown = (text) => text.replace(/[\\<*|]/g, '\\$&');

function manPage(commands) {
  const [program] = commands;
  const lines = [
    '.\\" Made by npm run commands from the commands themselves: change those, not this page.',
    `.TH FEWFIRE 1 "" "fewfire ${program.version}" "User Commands"`,
    '.SH NAME',
    `fewfire \\- ${roff(program.description.replace(/^./, (letter) => letter.toLowerCase()).replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    '.B fewfire',
    '.I command',
    '[\\fIoptions\\fR]',
    '.SH DESCRIPTION',
    roff(program.description),
  ];
  for (const group of new Set(program.commands.map((each) => each.group))) {
    lines.push('.PP', roff(group));
    for (const child of program.commands.filter((each) => each.group === group)) {
      lines.push('.TP', `\\fB${roff(child.path.join(' '))}\\fR`, roff(child.summary));
    }
  }
  lines.push('.SH OPTIONS', ...termLines(program.options), '.TP', '\\fB\\-h, \\-\\-help\\fR');
  lines.push('print the help of the programme, or of the command it stands after');
  lines.push(...moreLines(program.more), '.SH COMMANDS');
  for (const command of commands.slice(1)) {
    lines.push(
      `.SS ${roff(command.path.join(' '))}`,
      `\\fB${roff(command.usage)}\\fR`,
      '.PP',
      roff(command.description),
    );
    for (const child of command.commands) {
      lines.push('.TP', `\\fB${roff(child.path.join(' '))}\\fR`, roff(child.summary));
    }
    lines.push(...termLines(command.arguments), ...termLines(command.options), ...moreLines(command.more));
  }
  return `${lines.join('\n')}\n`;
}

function termLines(terms) {
  return terms.flatMap(({ term, description, choices, default: by }) => {
    const text = `${description}${choicesText(choices, String)}${by === undefined ? '' : ` (default: ${by})`}`;
    return ['.TP', `\\fB${roff(term)}\\fR`, roff(text)];
  });
}

function moreLines(paragraphs) {
  return paragraphs.flatMap(({ prose, typed }) => [
    '.PP',
    ...(prose === '' ? [] : [roff(prose)]),
    ...(typed.length === 0 ? [] : ['.RS 4', '.nf', ...typed.map(roff), '.fi', '.RE']),
  ]);
}

/** Text of one line: a hyphen that is typed stays one, and no line begins with what roff takes for a request. */
function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
    .replace(/^\./, '\\&.');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { createProgram, version } = await import('../packages/cli/dist/main.js');
  const { openSession } = await import('../packages/cli/dist/session.js');
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough(), env: {} };
  for (const [path, text] of Object.entries(commandPages(createProgram(openSession([], version(), outputs))))) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}
