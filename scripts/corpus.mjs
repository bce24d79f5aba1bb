// npm run corpus -- <folder>: the main job with defaults on every set of a folder with a manifest.csv. Learns from 70 % of
// the rows, predicts the others, and prints one table; exits with 1 on any crash and on anything that is not a prediction.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkSet } from './corpus/check-set.mjs';
import { CorpusError, readManifest, readSet } from './corpus/manifest.mjs';
import { failures, reportText } from './corpus/report.mjs';
import { findPython, root } from './tools.mjs';

const HELP = `npm run corpus -- <folder> [options]

Fits every set of <folder>/manifest.csv with defaults on a part of its rows, predicts the rest, and prints a table.

  --peers             scikit-learn on the same rows beside it (needs Debian's python3-sklearn and python3-pandas)
  --method <method>   fit with it instead of the default
  --only <a,b>        these sets only
  --split <share>     of the rows, to fit (default 0.7)
  --seed <number>     of the split (default 1)
  --jobs <count>      sets at a time (default 1; times are then those of a busy machine)
  --timeout <s>       for each command (default 300); one that takes longer has failed
  --within <minutes>  for all sets, the smallest first (default: no limit); what is left then is named
  --strict            fail too where a fit takes over 60 s, a command over 1 GB, or a set was left for time
  --out <file>        write the report here too: .json with every figure, or .md (may be given twice)
  --cli <file>        the fewfire.js to check (default: this checkout's)`;

/** Ctrl-C, in the words of a shell. */
const INTERRUPTED = 130;

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CorpusError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(2);
}
if (options === undefined) console.log(HELP);
else process.exitCode = await main(options);

function readOptions(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ peers: flag, strict: flag, help: { ...flag, short: 'h' } },
        ...{ method: text, only: text, split: text, seed: text, jobs: text, timeout: text, within: text, cli: text },
        out: { ...text, multiple: true },
      },
    });
  } catch (error) {
    throw new CorpusError(error.message);
  }
  const { values, positionals } = parsed;
  if (values.help) return undefined;
  if (positionals.length !== 1) throw new CorpusError('expected one folder: npm run corpus -- examples/corpus');
  const out = values.out ?? [];
  const odd = out.find((file) => !/\.(json|md)$/.test(file));
  if (odd !== undefined) throw new CorpusError(`--out is ${odd}; expected a name that ends in .json or .md`);
  if (values.peers && findPython() === undefined) {
    throw new CorpusError('--peers needs /usr/bin/python3 with scikit-learn: apt-get install python3-sklearn');
  }
  return {
    sets: chosenSets(positionals[0], values.only),
    share: numberOption(values, 'split', 0.7, (value) => value > 0 && value < 1),
    seed: numberOption(values, 'seed', 1, (value) => Number.isSafeInteger(value) && value >= 0),
    jobs: numberOption(values, 'jobs', 1, (value) => Number.isInteger(value) && value > 0),
    timeoutMs: 1000 * numberOption(values, 'timeout', 300, (value) => value > 0),
    withinMs: 60_000 * numberOption(values, 'within', Number.POSITIVE_INFINITY, (value) => value > 0),
    ...{ method: values.method, peers: values.peers, strict: values.strict, out },
    cli: values.cli ?? join(root, 'packages/cli/bin/fewfire.js'),
  };
}

function numberOption(values, name, fallback, isRight) {
  if (values[name] === undefined) return fallback;
  const value = Number(values[name]);
  if (values[name].trim() !== '' && isRight(value)) return value;
  throw new CorpusError(`--${name} is ${values[name]}; see --help`);
}

// Every file is read once before anything runs, so that a bad folder is known at once.
function chosenSets(folder, only) {
  const sets = readManifest(folder);
  const names = only?.split(',').map((name) => name.trim());
  const unknown = names?.filter((name) => !sets.some((set) => set.name === name)) ?? [];
  if (unknown.length > 0) {
    throw new CorpusError(
      `--only: no set is called ${unknown.join(', ')}; there are ${sets.map(({ name }) => name).join(', ')}`,
    );
  }
  const chosen = names === undefined ? sets : sets.filter(({ name }) => names.includes(name));
  for (const set of chosen) readSet(set);
  return chosen;
}

async function main({ sets, jobs, withinMs, strict, out, ...options }) {
  const controller = new AbortController();
  let stopped = 0;
  const stop = (code) => () => {
    stopped ||= code;
    controller.abort();
  };
  process.on('SIGINT', stop(INTERRUPTED)).on('SIGTERM', stop(143));
  const folder = mkdtempSync(join(tmpdir(), 'fewfire-corpus-'));
  const startedAt = performance.now();
  try {
    const shared = { ...options, deadline: startedAt + withinMs, signal: controller.signal };
    const results = await checkAll(sets, jobs, folder, shared);
    const failed = failures(results, { strict });
    const text = reportText(results, failed);
    console.log(text);
    const { share, seed, method, peers } = options;
    const record = { seed, share, method, peers, elapsedMs: performance.now() - startedAt, failed, results };
    for (const file of out) writeFileSync(file, file.endsWith('.md') ? text : `${JSON.stringify(record, null, 1)}\n`);
    return failed.length > 0 ? 1 : 0;
  } catch (error) {
    if (stopped === 0) throw error;
    console.error('stopped');
    return stopped;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In the order of the manifest; run from the smallest to the largest, some at a time. */
async function checkAll(sets, jobs, folder, options) {
  const size = ({ rowCount, columnCount }) => rowCount * columnCount;
  const waiting = [...sets].sort((a, b) => size(a) - size(b));
  const results = new Map();
  const work = async () => {
    for (let set = waiting.shift(); set !== undefined; set = waiting.shift()) {
      const own = mkdtempSync(join(folder, 'set-'));
      const result = await checkSet(set, { ...options, folder: own });
      rmSync(own, { recursive: true, force: true });
      results.set(set.name, result);
      process.stderr.write(`${progressLine(result)}\n`);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(jobs, availableParallelism()) }, work));
  const broken = workers.find(({ status }) => status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return sets.map(({ name }) => results.get(name));
}

function progressLine({ name, status, score, commands, problems, reason }) {
  const seconds = commands.fit === undefined ? '' : `, fit ${(commands.fit.elapsedMs / 1000).toFixed(1)} s`;
  const figure = score === undefined ? '' : ` ${score.toFixed(3)}`;
  return `${name}: ${status}${figure}${seconds}${problems.length > 0 ? `: ${problems[0]}` : ''}${status === 'not run' ? ` (${reason})` : ''}`;
}
