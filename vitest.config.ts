import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { findChromium } from './scripts/tools.mjs';

// Workspaces resolve to their sources, so tests need only the WebAssembly build.
const resolve = { conditions: ['@fewfire/source', 'module', 'browser', 'development|production'] };
const ssr = { resolve: { conditions: ['@fewfire/source', 'module', 'node', 'development|production'] } };

const chromiumPath = findChromium();

// No test asserts how long something takes. These only end what hangs, on a machine that may be slow and busy.
const timeouts = { testTimeout: 180_000, hookTimeout: 180_000 };

const node = {
  resolve: { conditions: ['@fewfire/source', 'module', 'node', 'development|production'] },
  ssr,
  test: {
    name: 'node',
    include: ['packages/*/test/**/*.test.ts'],
    ...timeouts,
  },
};

// Suites named *.browser.test.ts run in both places; in Chromium only where it is installed. With these headers pages may
// share memory, so that threads are tested there too.
const browser = {
  resolve,
  server: {
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  },
  test: {
    name: 'chromium',
    include: ['packages/*/test/**/*.browser.test.ts'],
    ...timeouts,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: chromiumPath ?? '',
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
          ],
        },
      }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
};

// All processors: vitest leaves one idle, on two processors half of the machine.
const maxWorkers = availableParallelism();

// The files that take longest first, so that at the end no processor waits for one of them. By itself vitest begins with
// the largest, until it knows from an earlier run how long each takes.
const LONGEST = [
  'cli/test/corpus.test',
  'cli/test/documentation',
  'cli/test/packed',
  'node/test/duckdb-table',
  'core/test/intervals-coverage',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((name) => moduleId.includes(name));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    maxWorkers,
    sequence: { sequencer: LongestFirst },
    projects: chromiumPath === undefined ? [node] : [node, browser],
  },
});
