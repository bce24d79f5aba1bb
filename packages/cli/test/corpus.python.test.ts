/** The figures of `npm run corpus` beside those of scikit-learn and SciPy, and scikit-learn as a peer. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  classMeasures,
  meanInterval,
  numberMeasures,
  pairedDifference,
  wilsonInterval,
} from '../../../scripts/corpus/measures.mjs';
import { randomNumbers } from '../../../scripts/corpus/split.mjs';
import { findPython } from '../../../scripts/tools.mjs';
import { finished, root, temporaryFolder, writeCsv } from './run.ts';

const python = findPython();

describe.skipIf(python === undefined)('the figures of a corpus', () => {
  const random = randomNumbers(7);
  const rows = Array.from({ length: 200 }, () => {
    const raw = [random(), random(), random() ** 2];
    const total = raw.reduce((sum, value) => sum + value, 0);
    return raw.map((value) => value / total);
  });
  const truth = rows.map((row) => (random() < row[0] ? 0 : random() < 0.5 ? 1 : 2));
  const predicted = rows.map((row) => row.indexOf(Math.max(...row)));
  const numbers = rows.map((row) => 10 * row[0] + random());
  const guesses = rows.map((row) => 10 * row[0]);
  const others = rows.map((row) => 9 * row[0] + row[1]);

  it('are those of scikit-learn and SciPy', () => {
    const input = JSON.stringify({ rows, truth, predicted, numbers, guesses, others });
    const program = `
import json, sys
import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score, log_loss, r2_score
d = {k: np.array(v) for k, v in json.load(sys.stdin).items()}
right = d["truth"] == d["predicted"]
chance = d["rows"].max(axis=1)
bins = np.digitize(chance, np.linspace(0, 1, 16)) - 1
gaps = [abs(right[bins == b].mean() - chance[bins == b].mean()) * np.mean(bins == b) for b in set(bins)]
wilson = stats.binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
errors = (d["numbers"] - d["guesses"]) ** 2
spread = 1.959963984540054 * stats.sem(errors)
gain = ((d["numbers"] - d["others"]) ** 2 - errors) / d["numbers"].var()
print(json.dumps([
    accuracy_score(d["truth"], d["predicted"]), log_loss(d["truth"], d["rows"]), sum(gaps), wilson.low, wilson.high,
    r2_score(d["numbers"], d["guesses"]), errors.mean() - spread, errors.mean() + spread, gain.mean(), stats.sem(gain),
]))`;
    const expected: number[] = JSON.parse(execFileSync(python!, ['-c', program], { input, encoding: 'utf8' }));
    const classes = classMeasures(truth, predicted, rows);
    const regression = numberMeasures(numbers, guesses);
    const wilson = wilsonInterval(classes.scores);
    const errors = meanInterval(regression.squaredErrors);
    const paired = pairedDifference(regression.scores, numberMeasures(numbers, others).scores);
    const measured = [
      ...[classes.score, classes.logLoss, classes.calibrationError, wilson.low, wilson.high],
      ...[regression.score, errors.low, errors.high, paired.difference, paired.standardError],
    ];
    expect(measured).toHaveLength(expected.length);
    measured.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 10);
    });
  });
});

describe.skipIf(python === undefined)('scikit-learn beside a corpus', () => {
  const folder = temporaryFolder();

  it('learns from the same rows, categories and gaps included, and says who is behind', async () => {
    const random = randomNumbers(3);
    const rows = Array.from({ length: 200 }, () => {
      const [x, z, kind] = [Math.floor(20 * random()), random(), ['red', 'green', ''][Math.floor(3 * random())]];
      return [String(x), z < 0.1 ? '' : z.toFixed(2), kind, x > 10 ? 'yes' : 'no'];
    });
    // The stand-in knows that a yes is above 10, and that the number is twice the first column; here it is not.
    const numbers = rows.map(([x, z, kind]) => [x, z, kind, String(kind === 'red' ? 5 : Number(x))]);
    writeCsv(folder, 'classes.csv', [['x', 'z', 'kind', 'y'], ...rows]);
    writeCsv(folder, 'numbers.csv', [['x', 'z', 'kind', 'y'], ...numbers]);
    writeCsv(folder, 'manifest.csv', [
      ['file', 'target', 'task', 'rows', 'columns', 'missing_cells', 'source', 'licence'],
      ['classes.csv', 'y', 'binary', '200', '3', '0', 'made here', 'own'],
      ['numbers.csv', 'y', 'regression', '200', '3', '0', 'made here', 'own'],
    ]);
    const out = join(mkdtempSync(join(folder, 'out-')), 'report.json');
    const fake = fileURLToPath(new URL('corpus-fake.mjs', import.meta.url));
    const script = join(root, 'scripts/corpus.mjs');
    const child = spawn(process.execPath, [script, folder, '--cli', fake, '--peers', '--out', out]);
    const { stdout, stderr } = await finished(child);
    expect(stderr).toContain('numbers: ran');
    const { results, failed } = JSON.parse(readFileSync(out, 'utf8'));
    expect(failed).toEqual([]);
    const [classes, regression] = results.map(({ peers }: { peers: { entries: unknown[] } }) => peers.entries);
    expect(classes.map(({ name }: { name: string }) => name)).toEqual(['logistic', 'forest', 'boosting']);
    expect(regression.map(({ name }: { name: string }) => name)).toEqual(['ridge', 'forest', 'boosting']);
    // A threshold is what a forest learns without error.
    expect(classes[1].score).toBeGreaterThan(0.98);
    expect(classes[1].behind).toBe(false);
    expect(regression[1].score).toBeGreaterThan(0.95);
    expect(regression[1].behind).toBe(true);
    expect(results[1].score).toBeLessThan(0);
    expect(stdout).toContain('behind 1 (numbers)');
    // Six models of scikit-learn take minutes on a machine that is busy otherwise.
  }, 900_000);
});
