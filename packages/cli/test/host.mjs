// A process that runs command lines one after another, as they are built in dist/, for tests that have many: starting
// Node and loading core takes longer than most of them. Each gets a session with outputs of its own; what the process
// itself writes, or keeps open after its parent has let go of it, is a fault that `run.ts` reports.
import { PassThrough } from 'node:stream';
import { runCommandLine, version } from '../dist/main.js';
import { openSession } from '../dist/session.js';

process.on('message', async (args) => {
  if (args === 'no more') return process.disconnect();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [stdout, stderr].map(textOf);
  const code = await runCommandLine(args, openSession(args, version(), { stdout, stderr, env: process.env }));
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(texts);
  process.send({ code, stdout: out, stderr: err });
});

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
