// One set through the commands a person types: fit with defaults on most of its rows, predict on the rest. Gives the
// figures of one line of the table, and under `problems` everything that must not happen.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from './command.mjs';
import { readTable, toBytes } from './csv.mjs';
import { readSet } from './manifest.mjs';
import { classMeasures, holds, meanInterval, numberMeasures, wilsonInterval } from './measures.mjs';
import { runPeers } from './peers.mjs';
import { classPositions, isMissing, readPredictions, sameCells } from './predictions.mjs';
import { shuffled, splitRows } from './split.mjs';

const CONFIDENCE = 0.95;

/** Problems of one kind in many rows are said once, with their number. */
const PROBLEMS_SAID = 2;

/** Terms of the model that the record keeps. */
const TERMS_KEPT = 12;

/** Over these a set is marked; `--strict` fails. */
export const LIMITS = { fitMs: 60_000, memoryBytes: 1e9 };

/** Thrown where there is nothing left to try with a set. */
class Stopped extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {ReturnType<import('./manifest.mjs').readManifest>[number]} set
 * @param {{ cli: string, folder: string, seed: number, share: number, method: string | undefined, timeoutMs: number, deadline: number, peers: boolean, signal: AbortSignal }} options
 *   `folder` is empty and for this set alone; `deadline` is a reading of performance.now()
 */
export async function checkSet(set, options) {
  const result = { name: set.name, task: set.task, status: 'ran', problems: [], notes: [], commands: {} };
  try {
    await check(set, options, result);
  } catch (error) {
    options.signal.throwIfAborted();
    const { status, message } = error instanceof Stopped ? error : { status: 'failed', message: unreadable(error) };
    Object.assign(result, { status, reason: message });
    if (status === 'failed') result.problems.push(message);
  }
  if (result.problems.length > 0) result.status = 'failed';
  return result;
}

// A file or text that a command should have left, and that is not there or not of its form.
function unreadable(error) {
  return `what it left cannot be read: ${error.message}`;
}

async function check(set, options, result) {
  const parts = writeParts(set, options);
  result.fitRows = parts.fit.length;
  result.restRows = parts.rest.length;
  const mayRefuse = set.missingCount > 0;
  const command = (name, args) => runCommand(name, args, mayRefuse, parts.folder, options, result);

  await fitModel(set, options.method, parts, command, result);
  const model = JSON.parse(await command('show', ['show', parts.model, '--json']));
  const kind = model.task;
  const fitNotes = model.notes.map(({ text }) => text);
  Object.assign(result, { learned: kind, fitNotes, betterThanConstant: model.test?.betterThanConstant });
  // By size, the constant apart; of several classes each has its own.
  result.terms = model.terms?.filter(({ coordinates }) => coordinates.length > 0).slice(0, TERMS_KEPT);
  if ((kind === 'regression') !== (set.task === 'regression')) {
    result.notes.push(`learned as ${kind === 'regression' ? 'a number' : 'classes'} (manifest: ${set.task})`);
  }
  if (model.test?.betterThanConstant === false) result.notes.push('no better than guessing');

  const predictions = await predict(set, parts, kind, command, result);
  const measured = measure(parts, kind, predictions, result);
  if (measured === undefined) return;
  const { scores, losses, ...figures } = measured;
  Object.assign(result, figures);
  result.claim = readClaim(model.test, kind, losses, result);
  if (options.peers) await comparePeers(set, parts, kind, scores, options, result);
}

// The two parts as files, with the same cells byte for byte; and the rest once more in another order.
function writeParts(set, { folder, seed, share }) {
  const { header, rows, names } = readSet(set);
  const { fit, rest } = splitRows(rows.length, share, seed);
  const order = shuffled(rest.length, seed + 1);
  const write = (name, numbers) => {
    const path = join(folder, name);
    writeFileSync(path, toBytes([header, ...numbers.map((i) => rows[i])]));
    return path;
  };
  const fitFile = write('fit.csv', fit);
  const restFile = write('rest.csv', rest);
  const restCells = readTable(readFileSync(restFile)).rows;
  const targetAt = names.indexOf(set.target);
  return {
    folder,
    ...{ fit, rest, order, fitFile, restFile },
    shuffledFile: write(
      'shuffled.csv',
      order.map((i) => rest[i]),
    ),
    model: join(folder, 'model.json'),
    fitText: readFileSync(fitFile, 'utf8'),
    fitLabels: readTable(readFileSync(fitFile)).rows.map((cells) => cells[targetAt]),
    restLabels: restCells.map((cells) => cells[targetAt]),
    hasMissing: restCells.map((cells) => cells.some((cell, j) => j !== targetAt && isMissing(cell))),
  };
}

async function fitModel(set, method, { fitFile, model, fitText }, command, result) {
  const more = method === undefined ? [] : [`--method=${method}`];
  const text = await command('fit', ['fit', fitFile, `--target=${set.target}`, ...more, '--out', model]);
  const odd = text.match(/(?<![\w.])(?:NaN|-?Infinity|undefined|\[object \w+\])(?!\w)/)?.[0];
  if (odd !== undefined && !fitText.includes(odd)) result.problems.push(`fit prints ${odd}`);
}

/** Runs a command of the tool, notes time and memory, and gives its standard output. */
async function runCommand(name, args, mayRefuse, folder, options, result) {
  const { cli, timeoutMs, deadline, signal } = options;
  const left = deadline - performance.now();
  if (left <= 0) throw new Stopped('not run', 'out of time');
  const done = await runScript(cli, args, { folder, timeoutMs: Math.min(timeoutMs, left), signal });
  const { code, killedBy, timedOut, stdout, stderr, elapsedMs, cpuMs, memoryBytes } = done;
  result.commands[name] = { elapsedMs, cpuMs, memoryBytes };
  if (timedOut && left < timeoutMs) throw new Stopped('not run', 'out of time');
  if (timedOut) throw new Stopped('failed', `${name} was stopped after ${Math.round(elapsedMs / 1000)} s`);
  const said = stderr.trim();
  const isTrace = /^\s+at .+(?::\d+:\d+|\(native\)|<anonymous>)\)?$/m;
  if (isTrace.test(stderr) || isTrace.test(stdout)) result.problems.push(`${name} prints a stack trace`);
  if (code !== 0) {
    const isOneLine = /^error: [^\n]+$/.test(said);
    if (mayRefuse && killedBy === null && isOneLine && /\bmissing\b/.test(said)) throw new Stopped('refused', said);
    throw new Stopped('failed', `${name} ended with ${killedBy ?? code}: ${lastLine(said)}`);
  }
  return stdout;
}

const lastLine = (text) => text.split('\n').at(-1) || 'nothing said';

async function predict(set, parts, kind, command, result) {
  const out = join(parts.folder, 'predictions.csv');
  // Copied, the target shows whether the rows stand in the order of the data.
  const isKept = !/^(prediction$|probability_)/.test(set.target);
  const keep = isKept ? [`--keep="${set.target.replaceAll('"', '""')}"`] : [];
  await command('predict', ['predict', parts.model, parts.restFile, ...keep, '--out', out]);
  const table = readTable(readFileSync(out));
  if (isKept) {
    if (table.names[0] !== set.target) result.problems.push(`--keep gives ${table.names[0]} for ${set.target}`);
    else if (table.rows.length === parts.rest.length) {
      const moved = table.rows.findIndex((cells, i) => cells[0] !== parts.restLabels[i]);
      if (moved >= 0) {
        const [was, is] = [parts.restLabels[moved], table.rows[moved][0]].map((cell) => JSON.stringify(cell));
        result.problems.push(`row ${moved + 1} of the predictions keeps ${is} where the data have ${was}`);
      }
    }
  }
  const shift = isKept ? 1 : 0;
  const own = { names: table.names.slice(shift), rows: table.rows.map((cells) => cells.slice(shift)) };
  const predictions = readPredictions(own, kind, parts.hasMissing);
  result.problems.push(...few(predictions.problems));
  if (predictions.values === undefined) throw new Stopped('failed', 'the predictions cannot be read');

  // A prediction belongs to its row: the same rows in another order get the same ones.
  const again = readTable(Buffer.from(await command('predict again', ['predict', parts.model, parts.shuffledFile])));
  const moved = parts.order.filter((i, j) => again.rows[j] === undefined || !sameCells(own.rows[i], again.rows[j]));
  if (again.rows.length !== own.rows.length || moved.length > 0) {
    result.problems.push(
      `the rest in another order gets other predictions in ${moved.length} of ${own.rows.length} rows`,
    );
  }
  return predictions;
}

function few(problems) {
  const more = problems.length - PROBLEMS_SAID;
  return more > 0 ? [...problems.slice(0, PROBLEMS_SAID), `and ${more} more rows`] : problems;
}

/** Figures over the rows that have a prediction; undefined where that is not possible. */
function measure({ fitLabels, restLabels }, kind, { classes, values, probabilities, empty }, result) {
  const isGap = (label) => isMissing(label) && !classes.includes(label);
  const left = new Set(empty);
  const rows = restLabels.flatMap((label, i) => (left.has(i) || isGap(label) ? [] : [i]));
  if (left.size > 0) result.notes.push(`${left.size} rows with missing cells have no prediction`);
  if (restLabels.some(isGap)) result.notes.push(`${restLabels.filter(isGap).length} rows without a target`);
  if (result.problems.length > 0) return undefined;
  const predicted = rows.map((i) => values[i]);
  if (kind === 'regression') {
    const truth = rows.map((i) => Number(restLabels[i]));
    const odd = truth.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) {
      result.problems.push(`learned as a number, and the target has ${JSON.stringify(restLabels[rows[odd]])}`);
      return undefined;
    }
    const { score, scores, squaredErrors } = numberMeasures(truth, predicted);
    return { score, scores, losses: squaredErrors };
  }
  const positions = classPositions(fitLabels, classes);
  const unnamed = fitLabels.find((label, i) => positions[i] < 0 && !isGap(label));
  if (unnamed !== undefined) {
    result.problems.push(
      `the class ${JSON.stringify(unnamed)} of the data is none of those predicted: ${classes.join(', ')}`,
    );
    return undefined;
  }
  const truth = classPositions(
    rows.map((i) => restLabels[i]),
    classes,
  );
  const unseen = truth.filter((k) => k < 0).length;
  if (unseen > 0) result.notes.push(`${unseen} rows of classes that the fit never saw`);
  const measures = classMeasures(
    truth,
    predicted,
    rows.map((i) => probabilities[i]),
  );
  return { ...measures, losses: measures.scores };
}

/** The interval that fit printed for its own test, beside what the rest gave. */
function readClaim(test, kind, losses, result) {
  const measureName = kind === 'regression' ? 'squared error' : 'accuracy';
  const [estimate, interval] =
    kind === 'regression' ? [test?.mse, test?.intervals?.mse] : [test?.accuracy, test?.intervals?.accuracy];
  if (interval === undefined || interval === null) {
    result.notes.push('no interval claimed');
    return undefined;
  }
  const { low, high, confidence } = interval;
  if (![estimate, low, high].every(Number.isFinite) || low > high || confidence !== CONFIDENCE) {
    result.problems.push(`an interval that is none: ${estimate} in ${JSON.stringify(interval)}`);
    return undefined;
  }
  const rest = kind === 'regression' ? meanInterval(losses) : wilsonInterval(losses);
  const better = kind === 'regression' ? rest.value < estimate : rest.value > estimate;
  return {
    measure: measureName,
    estimate,
    low,
    high,
    rest: rest.value,
    better,
    ...holds({ estimate, low, high }, rest),
  };
}

async function comparePeers(set, parts, kind, scores, { seed, timeoutMs, deadline, signal }, result) {
  const left = deadline - performance.now();
  const limits = { timeoutMs: Math.max(0, Math.min(timeoutMs, left)), signal };
  const peers = await runPeers({ set, parts, kind, scores, seed, ...limits });
  if (peers.skipped !== undefined) result.notes.push(`no peers: ${peers.skipped}`);
  else result.peers = peers;
}
