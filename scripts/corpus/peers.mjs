// scikit-learn on the same two files, by bench/peers/sklearn_corpus.py; its predictions are measured by the same code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../tools.mjs';
import { run } from './command.mjs';
import { readTable } from './csv.mjs';
import { classMeasures, numberMeasures, pairedDifference } from './measures.mjs';
import { classPositions, readPredictions } from './predictions.mjs';

const PYTHON = '/usr/bin/python3';
const SCRIPT = join(root, 'bench/peers/sklearn_corpus.py');

/** fewfire is clearly behind where the difference of scores is beyond both. */
export const BEHIND = { standardErrors: 2, score: 0.01 };

/**
 * One entry a peer, `{ error }` where they could not be compared, `{ skipped }` where that is no
 * fault of theirs. `difference` is fewfire's score less the peer's.
 */
export async function runPeers({ set, parts, kind, scores, seed, timeoutMs, signal }) {
  if (scores.length !== parts.rest.length) return { skipped: 'not every row has a score' };
  const args = [SCRIPT, parts.fitFile, parts.restFile, set.target, kind, parts.folder, String(seed)];
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
  const { code, timedOut, stdout, stderr } = await run(PYTHON, args, { env, timeoutMs, signal });
  if (timedOut) return { skipped: 'stopped for time' };
  if (code !== 0) return { error: stderr.trim().split('\n').at(-1) };
  const entries = [];
  for (const { name, file, seconds } of JSON.parse(stdout.trim().split('\n').at(-1))) {
    const table = readTable(readFileSync(join(parts.folder, file)));
    const { problems, ...predictions } = readPredictions(table, kind, parts.hasMissing);
    if (problems.length > 0) return { error: `${name}: ${problems[0]}` };
    const { scores: theirs, score, logLoss, calibrationError } = measure(parts.restLabels, kind, predictions);
    const { difference, standardError } = pairedDifference(scores, theirs);
    const behind = -difference > BEHIND.standardErrors * standardError && -difference > BEHIND.score;
    entries.push({ name, score, logLoss, calibrationError, seconds, difference, standardError, behind });
  }
  return { entries };
}

function measure(labels, kind, { classes, values, probabilities }) {
  if (kind === 'regression') return numberMeasures(labels.map(Number), values);
  return classMeasures(classPositions(labels, classes), values, probabilities);
}
