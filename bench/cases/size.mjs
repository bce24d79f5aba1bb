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

/** What a page that learns and predicts imports; bundlers leave out the rest (networks, bounds, certificates). */
export const LEARNING =
  'export { cubePointsFromRows, estimateLowDegree, evaluatePolynomial, fitLowDegree, fitTable, leadingTerms, columnInfluences, memoryTable, parseModel, predictPoints, scoreTable, serializeModel } from "@fewfire/core";';
export const EVERYTHING = 'export * from "@fewfire/core";';

/**
 * What LEARNING may take, gzipped. packages/core/test/bundle.test.ts holds us to it. It was 60 kB until fits, models and
 * scores were checked for everything that could make them silently wrong (some 8 kB), 68 until leaks were known under any coding
 * and columns compared with those of the fit (3 kB), and cells read as people write them (6 kB: words for yes and no, dates,
 * spellings of numbers and of missing), 77.5 until the lasso's work was counted so that a choice keeps to its budget,
 * and tables without the columns of a model were refused by the library as by the command;
 * 78.2 until the house had rooms (options described and checked, rows drawn by names, notes as data), which may take 5 %,
 * 82.1 until trees were boosted.
 */
export const ALLOWED_BYTES = 98_000;

/** The text of a browser bundle; with the condition `@fewfire/source`, of the packages' sources instead of what was built from them. */
export async function bundleText(contents, conditions = []) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(rootDir, 'packages', 'core') },
    conditions,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0].text;
}

export const gzippedBytes = (text) => gzipSync(text, { level: 9 }).length;

async function bundle() {
  const learning = gzippedBytes(await bundleText(LEARNING));
  const all = gzippedBytes(await bundleText(EVERYTHING));
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB gzipped`;
  return {
    rows: [
      {
        what: '`@fewfire/core` in a browser: encode, fit, choose, predict, model files, with their kernels and zod/mini',
        fewfire: kb(learning),
        peer: `${ALLOWED_BYTES / 1000} kB allowed`,
        ratio: '',
      },
      { what: '`@fewfire/core` in a browser: everything it exports', fewfire: kb(all), peer: '', ratio: '' },
    ],
    learning,
    all,
  };
}

export const cases = [
  { name: 'start-up', peer: 'bare Node', run: startUp },
  { name: 'bundle', peer: '', run: bundle },
];
