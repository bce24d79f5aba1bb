/** The exact spectrum of 500 random trees of depth 6, beside expanding the leaves of each into a Map of strings. */

import { createRandom, treeEnsembleSpectrum } from '@fewfire/core';
import { randomTree, treeSpectrumSize } from '@fewfire/core/internal';
import { mb, median, ratio, seconds } from '../lib.mjs';

const TREES = 500;
const DEPTH = 6;
const COORDINATES = [40, 300];

function ensembleOf(coordinateCount) {
  const random = createRandom(1);
  const coordinates = Array.from({ length: coordinateCount }, (_, c) => ({
    name: `x${c}`,
    feature: c,
    comparison: '>=',
    threshold: 1,
    missing: 'refuse',
  }));
  const trees = Array.from({ length: TREES }, () => randomTree({ inputCount: coordinateCount, depth: DEPTH, random }));
  return { name: 'bench', coordinates, trees, intercept: 0 };
}

// The definition, in plain JavaScript: every leaf is a product of (1 +- x)/2.
function byLeaves({ trees }) {
  const sums = new Map();
  const visit = (node, path) => {
    if ('coordinate' in node) {
      visit(node.no, [...path, [node.coordinate, 1]]);
      visit(node.yes, [...path, [node.coordinate, -1]]);
      return;
    }
    const sorted = path.toSorted((a, b) => a[0] - b[0]);
    const scale = node.value / 2 ** path.length;
    for (let mask = 0; mask < 2 ** path.length; mask++) {
      let key = '';
      let sign = 1;
      for (let j = 0; j < sorted.length; j++) {
        if (!((mask >> j) & 1)) continue;
        key += String.fromCharCode(sorted[j][0]);
        sign *= sorted[j][1];
      }
      sums.set(key, (sums.get(key) ?? 0) + sign * scale);
    }
  };
  for (const tree of trees) visit(tree, []);
  return sums;
}

async function run() {
  const rows = [];
  const detail = {};
  for (const coordinateCount of COORDINATES) {
    const ensemble = ensembleOf(coordinateCount);
    const own = [];
    const plain = [];
    let termCount = 0;
    for (let repeat = 0; repeat < 3; repeat++) {
      const start = performance.now();
      const polynomial = await treeEnsembleSpectrum(ensemble);
      own.push((performance.now() - start) / 1e3);
      const middle = performance.now();
      const sums = byLeaves(ensemble);
      plain.push((performance.now() - middle) / 1e3);
      termCount = polynomial.termCount;
      // Random leaves do not cancel, so both must find the same parities.
      if (sums.size !== termCount) throw new Error(`${termCount} terms, the definition has ${sums.size}`);
    }
    const size = treeSpectrumSize(ensemble);
    detail[coordinateCount] = { own, plain, termCount, ...size };
    rows.push({
      what: `exact spectrum of ${TREES} trees of depth ${DEPTH} over ${coordinateCount} coordinates`,
      fewfire: `${seconds(median(own))}, ${termCount.toLocaleString('en-US')} terms, at most ${mb(size.memoryBytes)}`,
      peer: `leaf by leaf into a Map: ${seconds(median(plain))}`,
      ratio: `${ratio(median(plain) / median(own))} faster`,
    });
  }
  return { rows, detail };
}

export const cases = [{ name: 'trees', peer: 'plain JavaScript, by definition', run }];
