// What a corpus with peers adds up to: mean ranks, log-losses beside theirs, and a table of all sets.
//
//   npm run corpus -- <folder> --peers --out report.json
//   node scripts/corpus/accuracy.mjs report.json
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** More than this below the best peer is named: of accuracy, and of R2. */
export const LOST = { classes: 0.03, regression: 0.05 };

const PEERS = [
  ['boosting', ['boosting']],
  ['forest', ['forest']],
  ['logistic or ridge', ['logistic', 'ridge']],
];

/** Sets with a score and those of all peers, each in the measure that the target was learned in. */
function comparedSets(results) {
  return results.flatMap((result) => {
    const peers = PEERS.map(([, names]) => result.peers?.entries?.find(({ name }) => names.includes(name)));
    return result.score === undefined || peers.includes(undefined) ? [] : [{ result, peers }];
  });
}

/** Of the first of some scores, the largest being best; ties share the places they take. */
export function rankOf(score, all) {
  const above = all.filter((other) => other > score).length;
  const equal = all.filter((other) => other === score).length;
  return 1 + above + (equal - 1) / 2;
}

/** Mean rank of fit and of every peer, the median of their log-losses less fit's, and which sets fit loses. */
export function comparison(results) {
  const sets = comparedSets(results);
  const places = sets.map(({ result, peers }) => {
    const scores = [result.score, ...peers.map(({ score }) => score)];
    return scores.map((score) => rankOf(score, scores));
  });
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  return {
    setCount: sets.length,
    meanRanks: ['fit', ...PEERS.map(([name]) => name)].map((name, k) => ({
      name,
      rank: mean(places.map((ranks) => ranks[k])),
    })),
    logLossGains: PEERS.map(([name], k) => ({
      name,
      median: median(
        sets.flatMap(({ result, peers }) =>
          typeof result.logLoss === 'number' ? [peers[k].logLoss - result.logLoss] : [],
        ),
      ),
    })),
    lost: sets.filter(isLost).map(({ result: { name } }) => name),
  };
}

function isLost({ result: { score, learned }, peers }) {
  const most = learned === 'regression' ? LOST.regression : LOST.classes;
  return Math.max(...peers.map((peer) => peer.score)) - score > most;
}

/** A line a set: accuracy and log-loss of classes, R2 of numbers; a star where fit loses. */
export function accuracyTable(results) {
  const kinds = ['binary', 'multiclass', 'regression'];
  const figures = ({ score, logLoss }) =>
    [score, ...(typeof logLoss === 'number' ? [logLoss] : [])].map((value) => value.toFixed(3)).join(', ');
  const rows = comparedSets(results)
    .toSorted(({ result: a }, { result: b }) => kinds.indexOf(a.learned) - kinds.indexOf(b.learned))
    .map(({ result, peers }) => {
      const star = isLost({ result, peers }) ? ' *' : '';
      const cells = [`${result.name} (${result.fitRows.toLocaleString('en-US')})${star}`, result, ...peers];
      return `| ${cells.map((cell) => (typeof cell === 'string' ? cell : figures(cell))).join(' | ')} |`;
    });
  const head = ['table (rows to fit)', 'fit', ...PEERS.map(([name]) => name)];
  return [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...rows].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { results } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  console.log(JSON.stringify(comparison(results), null, 1));
  console.log(accuracyTable(results));
}
