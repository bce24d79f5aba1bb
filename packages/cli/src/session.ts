/**
 * One run of the command line: where it writes, how wide and colourful, and what stops it. The first Ctrl-C (or
 * SIGTERM) aborts `signal`, so that whoever works cleans up; the second ends the process at once (`main.ts`). A reader
 * that has seen enough (`| head`) stops it quietly. A session has nothing of the process but the streams it is given.
 */
import { type CommandFiles, openCommandFiles } from './command-files.ts';
import { quoteArgument, type Screen, type ScreenStream, screenOf } from './format.ts';

export interface Session {
  readonly version: string;
  /** As typed, quoted for a shell. */
  readonly commandLine: string;
  /** Aborted by Ctrl-C with `Interrupted`, by a closed standard output with `OutputClosed`. */
  readonly signal: AbortSignal;
  /** What the command reads and writes. */
  readonly files: CommandFiles;
  /** What standard output looks like. */
  readonly screen: Screen;
  /** Whether anything went to standard output. */
  readonly printed: boolean;
  /** Data and reports, to standard output; resolves when it has taken them. */
  print(text: string): Promise<void>;
  /** A message line, to standard error. */
  tell(line: string): void;
  /** Aborts `signal`, as Ctrl-C does. */
  interrupt(): void;
}

/** What a session writes to, and the environment that says how; a process is one. */
export interface Outputs {
  /** A process's own has a descriptor. */
  readonly stdout: NodeJS.WritableStream & ScreenStream & { readonly fd?: number };
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
}

export class Interrupted extends Error {
  override readonly name = 'AbortError';
}

export class OutputClosed extends Error {
  override readonly name = 'AbortError';
}

export class OutputFailed extends Error {}

export function openSession(args: readonly string[], version: string, { stdout, stderr, env }: Outputs): Session {
  const controller = new AbortController();
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    const closed = error.code === 'EPIPE';
    controller.abort(
      closed
        ? new OutputClosed('standard output is closed')
        : new OutputFailed(`cannot write to standard output: ${error.code ?? error.message}`, { cause: error }),
    );
  });
  stderr.on('error', () => undefined); // nobody is left to tell

  let printed = false;
  return {
    version,
    commandLine: ['fewfire', ...args].map(quoteArgument).join(' '),
    signal: controller.signal,
    files: openCommandFiles(controller.signal, stdout.fd),
    screen: screenOf(stdout, env),
    get printed() {
      return printed;
    },
    print(text) {
      controller.signal.throwIfAborted();
      printed = true;
      return new Promise((resolve, reject) => {
        stdout.write(text, (error) => (error ? reject(error) : resolve()));
      });
    },
    tell(line) {
      stderr.write(`${line}\n`);
    },
    interrupt() {
      controller.abort(new Interrupted('interrupted'));
    },
  };
}
