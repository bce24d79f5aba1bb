/** Commands run one after another in this process, as they are built: starting one takes longer than most of them. */
import { PassThrough } from 'node:stream';
import { runCommandLine, version } from '../packages/cli/dist/main.js';
import { openSession } from '../packages/cli/dist/session.js';

/** Runs a command line and gives its exit code and what it wrote. */
export async function runInProcess(args) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [stdout, stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString());
  const code = await runCommandLine(args, openSession(args, version(), { stdout, stderr, env: process.env }));
  stdout.end();
  stderr.end();
  return { code, stdout: await texts[0], stderr: await texts[1] };
}
