// npm test: format and lint, types, then the suites. A suite whose outside tool (Chromium, Debian's scikit-learn) is absent
// is named as skipped; with CI set that, or any other skipped test, is a failure. Arguments go to vitest:
// `npm test -- packages/core`. The last line is for machines: "N passed, N failed[, N skipped]". Whatever fails outside
// a test (format, types, a file that does not load) counts as one failed, so that it never reads 0 when the exit code is not;
// so does what failed before, which FEWFIRE_FAILED_BEFORE names (.ci/run sets it).
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { outsideTools, root, runBin } from './tools.mjs';

const args = process.argv.slice(2);
const ci = ['true', '1'].includes(process.env.CI ?? '');
const failures = [];

const failedBefore = process.env.FEWFIRE_FAILED_BEFORE ?? '';
if (failedBefore !== '') failures.push(failedBefore);

if (!(await runBin('@biomejs/biome', 'biome', ['check', '.']))) failures.push('biome check');
if (!(await runBin('typescript', 'tsc', ['-b']))) failures.push('tsc -b');
if (!(await runBin('typescript', 'tsc', ['-p', 'tsconfig.tests.json']))) failures.push('tsc -p tsconfig.tests.json');
if (!(await runBin('knip', 'knip', ['--no-progress']))) failures.push('knip');

const missing = outsideTools.filter((tool) => tool.find() === undefined);
if (ci) for (const tool of missing) failures.push(`${tool.name} is missing, and CI skips nothing: ${tool.install}`);

const counts = await runVitest();

for (const tool of missing) {
  for (const suite of suitesNamed(tool.suites)) {
    console.log(`skipped: ${suite} ${tool.where}: no ${tool.name}; ${tool.install}`);
  }
}
// A filter (`-t name`) skips on purpose.
if (ci && args.length === 0 && counts.skipped.length > 0) {
  for (const name of counts.skipped) console.log(`skipped: ${name}`);
  failures.push(`${counts.skipped.length} skipped, and CI skips nothing`);
}
for (const failure of failures) console.log(`failed: ${failure}`);
const failed = counts.failed + failures.length;
console.log(
  `${counts.passed} passed, ${failed} failed${counts.skipped.length > 0 ? `, ${counts.skipped.length} skipped` : ''}`,
);
process.exitCode = failed > 0 ? 1 : 0;

async function runVitest() {
  const folder = mkdtempSync(join(tmpdir(), 'fewfire-test-'));
  const report = join(folder, 'report.json');
  const before = failures.length;
  try {
    const ok = await runBin('vitest', 'vitest', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ]);
    let files = [];
    try {
      files = JSON.parse(readFileSync(report, 'utf8')).testResults;
    } catch {
      failures.push('vitest wrote no report');
    }
    const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })));
    const named = (status) => tests.filter((test) => test.status === status);
    for (const file of files) {
      // A file that does not load has no tests that could fail.
      if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
        failures.push(`${relative(root, file.name)} did not run`);
      }
    }
    const failedCount = named('failed').length;
    if (!ok && failedCount === 0 && failures.length === before) failures.push('vitest, outside any test; see above');
    return {
      passed: named('passed').length,
      failed: failedCount,
      skipped: [...named('skipped'), ...named('pending'), ...named('todo')].map(
        (test) => `${relative(root, test.file)}: ${test.fullName}`,
      ),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function suitesNamed(ending) {
  return readdirSync(join(root, 'packages'))
    .map((name) => join('packages', name, 'test'))
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith(ending))
    .sort();
}
