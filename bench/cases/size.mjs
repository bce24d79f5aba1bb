/** What a newcomer waits for: `fewfire --help`, and the bytes of the library in a browser bundle. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { median, rootDir, seconds } from '../lib.mjs';

async function startUp() {
  const cli = join(rootDir, 'packages', 'cli', 'bin', 'fewfire.js');
  const time = (args) => {
    const start = performance.now();
    const { status } = spawnSync(process.execPath, args);
    if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
    return (performance.now() - start) / 1e3;
  };
  const help = [];
  const bare = [];
  for (let i = 0; i < 15; i++) {
    help.push(time([cli, '--help']));
    bare.push(time(['-e', '0']));
  }
  return {
    rows: [
      {
        what: '`fewfire --help`, whole process',
        fewfire: seconds(median(help)),
        peer: `node -e 0: ${seconds(median(bare))}`,
        ratio: `${seconds(median(help) - median(bare))} more`,
      },
    ],
  };
}

async function bundle() {
  const { outputFiles } = await build({
    stdin: { contents: "export * from '@fewfire/core';", resolveDir: join(rootDir, 'packages', 'core') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  const zipped = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  return {
    rows: [
      {
        what: '`@fewfire/core` with kernels and zod/mini, minified for the browser',
        fewfire: `${(zipped / 1000).toFixed(1)} kB gzipped`,
        peer: '60 kB allowed',
        ratio: '',
      },
    ],
    zipped,
  };
}

export const cases = [
  { name: 'start-up', peer: 'bare Node', run: startUp },
  { name: 'bundle', peer: '', run: bundle },
];
