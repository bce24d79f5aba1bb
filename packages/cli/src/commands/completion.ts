/** `fewfire completion`: a script that lets a shell complete what is typed, made from the commands as they are declared. */
import { Argument, type Command } from 'commander';
import { OutputOption } from '../file-roles.ts';
import { printable } from '../format.ts';
import { choiceOf, QuietOption } from '../options.ts';
import type { Session } from '../session.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

interface CompletionOptions {
  readonly out?: string;
  readonly quiet?: boolean;
}

export function addCompletionCommand(program: Command, session: Session): void {
  program
    .command('completion')
    .summary('complete commands and options in a shell')
    .description(
      'Prints a script for a shell that completes commands, options, their choices and file names when Tab is pressed. It needs nothing of fewfire while you type.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS).argParser((text) => choiceOf(SHELLS, text)))
    .addOption(
      new OutputOption('-o, --out <file>', 'write here (default: standard output)', { orStandardOutput: true }),
    )
    .addOption(new QuietOption('no messages but errors', 'data'))
    .addHelpText(
      'after',
      `
To have it in every new shell, type once:
  bash  echo 'eval "$(fewfire completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(fewfire completion zsh)"' >> ~/.zshrc
  fish  fewfire completion fish --out ~/.config/fish/completions/fewfire.fish

Examples:
  eval "$(fewfire completion bash)"
  fewfire completion zsh --out _fewfire`,
    )
    .action(async (shell: (typeof SHELLS)[number], options: CompletionOptions) => {
      const [{ commandTree }, { completionScript }] = await Promise.all([
        import('../command-tree.ts'),
        import('../completion-scripts.ts'),
      ]);
      const script = completionScript(shell, commandTree(program));
      const out = options.out === '-' ? undefined : options.out;
      if (out === undefined) {
        await session.print(script);
        return;
      }
      await session.files.write([{ path: out, content: script }]);
      if (options.quiet !== true) session.tell(`wrote ${printable(out)}`);
    });
}
