/**
 * Completion scripts for bash, zsh and fish. They are whole: a script that asked fewfire at every Tab would wait for Node to
 * start. Bash and fish walk over the words that are typed, by tables of the commands; zsh has `_arguments` for that.
 * The one for bash runs on 3.2 too, which macOS has.
 */
import type { CommandWords, OptionWords, ValueWords } from './command-tree.ts';

/** @param tree all commands, the programme first */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', tree: readonly CommandWords[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}

/** How a command is called in the tables: its names, each after a blank. */
function placeOf({ path }: CommandWords): string {
  return path.map((name) => ` ${name}`).join('');
}

/** In single quotes, which leave every other character alone in all three shells but a backslash in fish. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The first clause of a description, which is all that a list of completions has room for. */
function brief(description: string): string {
  return description.split(/; |: | \(/)[0].replace(/\.$/, '');
}

const listed = (words: readonly string[]): string => quote(words.join(' '));

function bashScript(tree: readonly CommandWords[]): string {
  const places = tree.map((command) => {
    const names = command.commands.map(({ name }) => name);
    const flags = command.options.flatMap((option) => option.flags);
    // After the last one comes nothing, or it again.
    const kinds = command.arguments.map((each) =>
      each.kind === 'choices' ? each.choices.join(',') : `<${each.kind}>`,
    );
    const last = command.arguments.at(-1)?.isVariadic ? ' more=1' : '';
    return `    ${quote(placeOf(command))}) commands=${listed(names)} options=${listed(flags)} operands=${listed(kinds)}${last} ;;`;
  });
  const values = tree.flatMap((command) =>
    command.options.flatMap(({ flags, value }) => {
      if (value === undefined) return [];
      const patterns = flags.map((flag) => quote(`${placeOf(command)} ${flag}`)).join(' | ');
      return [
        `    ${patterns}) kind=${quote(value.kind === 'choices' ? value.choices.join(' ') : `<${value.kind}>`)} ;;`,
      ];
    }),
  );
  return `# Completion of fewfire for bash, made by: fewfire completion bash

# What may follow a command: commands, options, and what its operands are.
_fewfire_place() {
  commands='' options='' operands='' more=''
  case $1 in
${places.join('\n')}
  esac
}

# What the value of an option is; empty where it has none.
_fewfire_value() {
  kind=''
  case "$1 $2" in
${values.join('\n')}
  esac
}

_fewfire_reply() {
  local reply
  while IFS= read -r reply; do
    COMPREPLY+=("$reply")
  done
}

# Completes $cur, which is of the kind $1: a file, a folder, or one of some words.
_fewfire_complete() {
  case $1 in
    '<file>' | '<folder>')
      local how=-f
      [[ $1 == '<folder>' ]] && how=-d
      _fewfire_reply < <(compgen $how -- "$cur")
      # As in rows:data.csv.
      if [[ \${#COMPREPLY[@]} -eq 0 && $cur == *:* ]]; then
        lead=$lead\${cur%%:*}: cur=\${cur#*:}
        _fewfire_reply < <(compgen $how -- "$cur")
      fi
      # Bash 3 has no compopt, and without a Tab there is nothing to set.
      compopt -o filenames -o default 2> /dev/null
      ;;
    '' | '<other>') ;;
    *) _fewfire_reply < <(compgen -W "$1" -- "$cur") ;;
  esac
}

_fewfire() {
  local commands options operands more kind
  local words=() count=0 glued='' word i
  COMPREPLY=()
  # Bash takes words apart at = and :, which are put together again.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $count -gt 0 && -n $word && -z \${word//[=:]/} ]]; then
      words[count - 1]+=$word glued=1
    elif [[ -n $glued ]]; then
      words[count - 1]+=$word glued=''
    else
      words[count++]=$word
    fi
  done

  local at='' operand=0 option='' ended=''
  _fewfire_place "$at"
  for ((i = 0; i < count - 1; i++)); do
    word=\${words[i]}
    if [[ -n $option ]]; then
      option=''
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      _fewfire_value "$at" "$word"
      [[ -n $kind ]] && option=$word
    elif [[ " $commands " == *" $word "* ]]; then
      at="$at $word"
      _fewfire_place "$at"
    else
      operand=$((operand + 1))
    fi
  done

  local last=\${words[count - 1]} raw=\${COMP_WORDS[COMP_CWORD]}
  local cur=$last lead=''
  [[ -z \${raw//[=:]/} ]] && raw=''
  # Of a quoted word Bash keeps the quote itself.
  if [[ $raw == [\\"\\']* ]]; then
    last=\${last%"$raw"}\${raw#?} raw=\${raw#?} cur=$last
  fi
  if [[ -n $option ]]; then
    _fewfire_value "$at" "$option"
    _fewfire_complete "$kind"
  elif [[ -z $ended && $cur == --*=* ]]; then
    _fewfire_value "$at" "\${cur%%=*}"
    lead=\${cur%%=*}= cur=\${cur#*=}
    _fewfire_complete "$kind"
  elif [[ -z $ended && $cur == -* ]]; then
    _fewfire_complete "$options"
  elif [[ -n $commands ]]; then
    _fewfire_complete "$commands"
  else
    local each=() n
    read -r -a each <<< "$operands"
    n=\${#each[@]}
    [[ -n $more && $operand -ge $n ]] && operand=$((n - 1))
    if [[ $operand -lt $n ]]; then
      kind=\${each[operand]}
      _fewfire_complete "\${kind//,/ }"
    elif [[ -z $ended ]]; then
      _fewfire_complete "$options"
    fi
  fi

  # Bash puts a reply in the place of the last piece only.
  local piece=\${last%"$raw"}
  for ((i = 0; i < \${#COMPREPLY[@]}; i++)); do
    word=$lead\${COMPREPLY[i]}
    COMPREPLY[i]=\${word#"$piece"}
  done
}

complete -F _fewfire fewfire
`;
}

function zshScript(tree: readonly CommandWords[]): string {
  const functions = tree.map((command) => {
    const specs = command.options.map(zshOption);
    const rest: string[] = [];
    if (command.commands.length > 0) {
      specs.push(`'1:command:->command'`, `'*::argument:->argument'`);
      const names = command.commands.map(({ name, summary }) => `        ${quote(`${name}:${brief(summary)}`)}`);
      const calls = command.commands.map(({ name }) => `        ${name}) ${zshName([...command.path, name])} ;;`);
      rest.push(
        '  case $state in',
        '    command)',
        '      local commands=(',
        ...names,
        '      )',
        '      _describe -t commands command commands && ret=0',
        '      ;;',
        '    argument)',
        '      case $words[1] in',
        ...calls,
        '      esac',
        '      ret=$?',
        '      ;;',
        '  esac',
      );
    }
    for (const [i, each] of command.arguments.entries()) {
      specs.push(quote(`${each.isVariadic ? '*' : i + 1}:${zshValue(each)}`));
    }
    return [
      `${zshName(command.path)}() {`,
      '  local curcontext=$curcontext state line ret=1',
      '  typeset -A opt_args',
      `  _arguments -C${command.commands.length > 0 ? '' : ' -S'} \\`,
      specs.map((spec) => `    ${spec}`).join(' \\\n'),
      '  ret=$?',
      ...rest,
      '  return ret',
      '}',
    ].join('\n');
  });
  return `#compdef fewfire
# Completion of fewfire for zsh, made by: fewfire completion zsh

${functions.join('\n\n')}

# As a file of $fpath it is called at the first Tab; otherwise it says what it is for.
if [[ \${funcstack[1]} == _fewfire ]]; then
  _fewfire "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _fewfire fewfire
fi
`;
}

const zshName = (path: readonly string[]): string => ['_fewfire', ...path].join('_').replaceAll('-', '_');

function zshOption({ flags, description, value }: OptionWords): string {
  const text = `[${brief(description).replace(/[[\]\\:]/g, '\\$&')}]${value === undefined ? '' : `:${zshValue(value)}`}`;
  const each = flags.map((flag) => (value === undefined ? flag : `${flag}${flag.startsWith('--') ? '=' : '+'}`));
  const before = flags.length > 1 ? quote(`(${flags.join(' ')})`) : '';
  return `${before}${each.length > 1 ? `{${each.join(',')}}` : quote(each[0])}${quote(text)}`;
}

function zshValue({ kind, choices, name }: ValueWords): string {
  const action = { choices: `(${choices.join(' ')})`, file: '_files', folder: '_files -/', other: ' ' }[kind];
  return `${name.replace(/[\\:]/g, '\\$&')}:${action}`;
}

function fishScript(tree: readonly CommandWords[]): string {
  const fish = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const fishValue = ({ kind, choices }: ValueWords, other: string): string =>
    ({
      choices: `${other} -a ${fish(choices.join(' '))}`,
      file: `${other === '' ? '' : ' -r'} -F`,
      folder: `${other} -a '(__fish_complete_directories)'`,
      other,
    })[kind];
  const valued = tree.flatMap((command) =>
    command.options.flatMap(({ flags, value }) =>
      value === undefined ? [] : flags.map((flag) => fish(`${placeOf(command)} ${flag}`)),
    ),
  );
  const lines = tree.flatMap((command) => {
    const at = (rest = ''): string => `complete -c fewfire -n ${fish(`__fewfire_at ${fish(placeOf(command))}${rest}`)}`;
    const names = command.commands.map(({ name, summary }) => `${at()} -a ${name} -d ${fish(brief(summary))}`);
    const operands = command.arguments.flatMap((each, i) => {
      const action = fishValue(each, '');
      return action === '' ? [] : [`${at(` ${i}${each.isVariadic ? ' more' : ''}`)}${action}`];
    });
    const options = command.options.map(({ flags, description, value }) => {
      const each = flags.map((flag) => (flag.startsWith('--') ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`));
      return `${at()}${each.join('')}${value === undefined ? '' : fishValue(value, ' -x')} -d ${fish(brief(description))}`;
    });
    return [...names, ...operands, ...options];
  });
  return `# Completion of fewfire for fish, made by: fewfire completion fish

set -g __fewfire_places ${tree
    .slice(1)
    .map((command) => fish(placeOf(command)))
    .join(' ')}
set -g __fewfire_valued ${valued.join(' ')}

# Whether the command that is typed is $argv[1], and, where $argv[2] is given, so many operands stand after it (with
# $argv[3], or more).
function __fewfire_at
    set -l words (commandline -opc)
    set -l at ''
    set -l operands 0
    set -l is_value no
    set -l has_ended no
    for word in $words[2..-1]
        if test $is_value = yes
            set is_value no
        else if test $has_ended = no -a "$word" = --
            set has_ended yes
        else if test $has_ended = no; and string match -q -- '-?*' $word
            contains -- "$at $word" $__fewfire_valued; and set is_value yes
        else if contains -- "$at $word" $__fewfire_places
            set at "$at $word"
        else
            set operands (math $operands + 1)
        end
    end
    test "$at" = "$argv[1]"; or return 1
    set -q argv[2]; or return 0
    test $operands = $argv[2]; and return 0
    set -q argv[3]; and test $operands -gt $argv[2]
end

complete -c fewfire -f
${lines.join('\n')}
`;
}
