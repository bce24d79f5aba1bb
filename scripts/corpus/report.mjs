// One table of all sets, what it adds up to, and what of it is a failure.
import { comparison, LOST } from './accuracy.mjs';
import { LIMITS } from './check-set.mjs';
import { BEHIND } from './peers.mjs';

/** Of claimed intervals, this share has to hold; asked of a corpus with enough of them that a share says something. */
const COVERAGE = { least: 0.9, fromCount: 20 };

const COLUMNS = ['set', 'learned', 'rows', 'score', 'log-loss', 'ECE', 'claimed by fit', 'holds'];
const COST = ['fit (cpu)', 'predict (cpu)', 'memory'];

/** @param {readonly Awaited<ReturnType<import('./check-set.mjs').checkSet>>[]} results */
function summarise(results) {
  const named = (test) => results.filter(test).map(({ name }) => name);
  const claims = results.flatMap(({ claim }) => (claim === undefined ? [] : [claim]));
  const count = (test) => claims.filter(test).length;
  const compared = results.filter(({ peers }) => peers?.entries !== undefined);
  const best = compared.map((result) => ({ ...bestPeer(result.peers), name: result.name }));
  return {
    setCount: results.length,
    ran: named(({ status }) => status === 'ran'),
    failed: named(({ status }) => status === 'failed'),
    refused: named(({ status }) => status === 'refused'),
    notRun: named(({ status }) => status === 'not run'),
    slow: named((result) => fitMs(result) > LIMITS.fitMs),
    large: named((result) => memoryBytes(result) > LIMITS.memoryBytes),
    claimCount: claims.length,
    holdCount: count(({ holds }) => holds),
    insideCount: count(({ inside }) => inside),
    missedBetter: named(({ claim }) => claim?.holds === false && claim.better),
    missedWorse: named(({ claim }) => claim?.holds === false && !claim.better),
    comparedCount: compared.length,
    behind: best.filter(({ behind }) => behind).map(({ name }) => name),
    ahead: best
      .filter((it) => it.difference > BEHIND.score && it.difference > BEHIND.standardErrors * it.standardError)
      .map(({ name }) => name),
    meanDifferences: meanDifferences(compared),
    comparison: comparison(results),
    withoutPeers: named(({ peers }) => peers?.error !== undefined),
  };
}

/** What makes the check fail, in sentences; `strict` adds the limits of time and memory, and sets that time did not allow. */
export function failures(results, { strict = false } = {}) {
  const summary = summarise(results);
  const found = results.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
  for (const { name, peers } of results) {
    if (peers?.error !== undefined) found.push(`${name}: the peers: ${peers.error}`);
  }
  const { claimCount, holdCount } = summary;
  if (claimCount >= COVERAGE.fromCount && holdCount < COVERAGE.least * claimCount) {
    found.push(`of ${claimCount} claimed intervals only ${holdCount} hold, fewer than ${COVERAGE.least * 100} %`);
  }
  if (strict) {
    for (const name of summary.slow) found.push(`${name}: fit took more than ${LIMITS.fitMs / 1000} s`);
    for (const name of summary.large) found.push(`${name}: more than ${LIMITS.memoryBytes / 1e9} GB of memory`);
    for (const name of summary.notRun) found.push(`${name}: not run, out of time`);
  }
  return found;
}

/** The table and its summary as Markdown that can be read as it is. */
export function reportText(results, failed) {
  const hasPeers = results.some(({ peers }) => peers !== undefined);
  const head = [...COLUMNS, ...COST, ...(hasPeers ? ['peers', 'against the best'] : []), 'notes'];
  const rows = results.map((result) => tableRow(result, hasPeers));
  return `${alignTable([head, ...rows])}\n\n${summaryText(summarise(results))}\n${failureText(failed)}`;
}

function tableRow(result, hasPeers) {
  const { name, learned, task, fitRows, restRows, score, logLoss, calibrationError, claim, commands } = result;
  return [
    name,
    learned ?? `(${task})`,
    fitRows === undefined ? '' : `${fitRows} + ${restRows}`,
    ...[score, logLoss, calibrationError].map(digits),
    claim === undefined ? '' : claimText(claim),
    claim === undefined ? '' : holdsText(claim),
    secondsText(commands.fit),
    secondsText(commands.predict),
    memoryText(memoryBytes(result)),
    ...(hasPeers ? peerCells(result.peers) : []),
    notesText(result),
  ];
}

function claimText({ measure, estimate, low, high }) {
  return `${measure} ${digits(estimate)} (${digits(low)} to ${digits(high)})`;
}

function holdsText({ inside, holds, better, rest }) {
  if (inside) return 'yes, inside';
  return `${holds ? 'yes, with noise' : 'NO'}: rest ${digits(rest)} is ${better ? 'better' : 'worse'}`;
}

function peerCells(peers) {
  if (peers === undefined) return ['', ''];
  if (peers.error !== undefined) return [peers.error, ''];
  const { name, difference, standardError, behind } = bestPeer(peers);
  const sign = difference < 0 ? '-' : '+';
  return [
    peers.entries.map((entry) => `${entry.name} ${digits(entry.score)}`).join(', '),
    `${sign}${digits(Math.abs(difference))} ± ${digits(standardError)} ${name}${behind ? ' BEHIND' : ''}`,
  ];
}

function bestPeer({ entries }) {
  return entries.reduce((best, entry) => (entry.score > best.score ? entry : best));
}

function notesText({ status, reason, problems, notes }) {
  if (status === 'refused') return `refused: ${reason.replace(/^error: /, '').slice(0, 60)}`;
  if (status === 'not run') return reason;
  return [...problems.map((problem) => `FAILED: ${problem}`), ...notes].join('; ').slice(0, 200);
}

const fitMs = ({ commands }) => commands.fit?.elapsedMs ?? 0;

function memoryBytes({ commands }) {
  const known = Object.values(commands).flatMap(({ memoryBytes: bytes }) => (bytes === undefined ? [] : [bytes]));
  return known.length === 0 ? undefined : Math.max(...known);
}

// Wall time, and that of the processors, which a busy machine changes less.
function secondsText(command) {
  if (command === undefined) return '';
  const { elapsedMs, cpuMs } = command;
  const cpu = cpuMs === undefined ? '' : ` (${(cpuMs / 1000).toFixed(1)})`;
  return `${(elapsedMs / 1000).toFixed(1)}${cpu} s${elapsedMs > LIMITS.fitMs ? ' SLOW' : ''}`;
}

function memoryText(bytes) {
  if (bytes === undefined) return '';
  return `${Math.round(bytes / 1e6)} MB${bytes > LIMITS.memoryBytes ? ' LARGE' : ''}`;
}

function digits(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '';
  return Math.abs(value) >= 1e4 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

function meanDifferences(compared) {
  const sums = new Map();
  for (const { peers } of compared) {
    for (const { name, difference } of peers.entries) {
      const { total = 0, count = 0 } = sums.get(name) ?? {};
      sums.set(name, { total: total + difference, count: count + 1 });
    }
  }
  return Array.from(sums, ([name, { total, count }]) => ({ name, meanDifference: total / count, count }));
}

function summaryText(summary) {
  const list = (names) => (names.length === 0 ? '0' : `${names.length} (${names.join(', ')})`);
  const { claimCount, holdCount, insideCount } = summary;
  const percent = (count) => (claimCount === 0 ? '' : ` (${((100 * count) / claimCount).toFixed(0)} %)`);
  const lines = [
    `${summary.setCount} sets: ${summary.ran.length} ran; failed ${list(summary.failed)}; refused for missing cells ${list(summary.refused)}; not run ${list(summary.notRun)}`,
    `fit over ${LIMITS.fitMs / 1000} s: ${list(summary.slow)}`,
    `over ${LIMITS.memoryBytes / 1e9} GB of memory: ${list(summary.large)}`,
    `claimed 95 % intervals: ${claimCount}; ${holdCount}${percent(holdCount)} hold the score on the rest, its own noise included (|difference| <= sqrt(h1² + h2²), the halves of both intervals that face each other); ${insideCount}${percent(insideCount)} have it inside; missed where the rest is better ${list(summary.missedBetter)}, worse ${list(summary.missedWorse)}`,
  ];
  if (summary.comparedCount > 0) {
    const means = summary.meanDifferences.map(
      ({ name, meanDifference, count }) => `${name} ${meanDifference.toFixed(4)} (${count})`,
    );
    lines.push(
      `against the best peer of ${summary.comparedCount} sets, by more than ${BEHIND.standardErrors} standard errors and ${BEHIND.score}: behind ${list(summary.behind)}; ahead ${list(summary.ahead)}`,
      `mean difference of scores, by peer (sets): ${means.join(', ')}`,
    );
  }
  const { setCount, meanRanks, logLossGains, lost } = summary.comparison;
  if (setCount > 0) {
    const ranks = meanRanks.map(({ name, rank }) => `${name} ${rank.toFixed(2)}`);
    const gains = logLossGains.flatMap(({ name, median }) =>
      median === undefined ? [] : [`${name} ${median.toFixed(3)}`],
    );
    lines.push(
      `mean rank of ${setCount} sets with all peers (1 is best): ${ranks.join(', ')}; median of their log-loss less fit's: ${gains.join(', ')}`,
      `more than ${LOST.classes} of accuracy or ${LOST.regression} of R2 below the best peer: ${list(lost)}`,
    );
  }
  return `${lines.map((line) => `- ${line}`).join('\n')}\n`;
}

function failureText(failed) {
  if (failed.length === 0) return 'nothing failed\n';
  return `failed:\n${failed.map((failure) => `- ${failure}`).join('\n')}\n`;
}

function alignTable(rows) {
  const safe = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replace(/\s+/g, ' ')));
  // The last column is as wide as it likes.
  const widths = safe[0].map((head, j, { length }) =>
    j === length - 1 ? head.length : Math.max(...safe.map((row) => row[j].length)),
  );
  const line = (row) => `| ${row.map((cell, j) => cell.padEnd(widths[j])).join(' | ')} |`;
  return [line(safe[0]), line(widths.map((width) => '-'.repeat(width))), ...safe.slice(1).map(line)].join('\n');
}
