/**
 * What the page of measurements asks, and which rows answer it: one section per question, whole runs before kernels, and
 * above every table a sentence whose figures are read from the rows. Rows of a section's cases that no table picks go to the
 * file beside the page. A case belongs to one section.
 */

/** Figures with an x in a row's ratio, as they are written. */
const factors = ({ ratio }) => Array.from(ratio.matchAll(/(\d[\d.]*)x/g), ([, figure]) => figure);

/** "2.0x to 2.9x", or "2.0x" where all are the same. */
function span(figures) {
  const sorted = [...figures].sort((a, b) => Number(a) - Number(b));
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  return least === most ? `${least}x` : `${least}x to ${most}x`;
}

/** The i-th factors of rows, from the least to the most. */
function spanOf(rows, i = 0) {
  const without = rows.find((row) => factors(row)[i] === undefined);
  if (without !== undefined) throw new Error(`no ratio ${i + 1} in "${without.ratio}" of the row "${without.what}"`);
  return span(rows.map((row) => factors(row)[i]));
}

/** Parts of a sentence: each with its rows, left out where there are none. */
function sentence(...parts) {
  const said = parts.filter(([rows]) => rows.length > 0).map(([rows, say]) => say(rows));
  const text = said.join('; ');
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

const of = (rows, ...names) => rows.filter((row) => names.includes(row.case));
const containing = (rows, text) => rows.filter(({ what }) => what.includes(text));

const isAlone = ({ ratio }) => ratio === 'only fewfire finishes';

/** How much faster where both sides finish, and how often only one does. */
function fasterOrAlone(rows, peer) {
  const both = rows.filter((row) => !isAlone(row));
  const alone = rows.length - both.length;
  const faster = both.length === 0 ? '' : `${spanOf(both)} as fast as ${peer}`;
  const only = alone === 0 ? '' : `in ${alone} of ${rows.length} problems the only one that finishes`;
  return [faster, only].filter((text) => text !== '').join(', and ');
}

// ---- Feed-forward blocks

const batchOf = ({ what }) => Number(/, batch (\d+)/.exec(what)?.[1] ?? 1);
const isTrained = ({ what }) => what.includes('trained block');
const isPlain = ({ what }) => !/two threads|in cache|about \d+ % active/.test(what);
const wayOf = ({ what }) => what.replace('sparse block, ', '').split(', d = ')[0].split(', trained block')[0];
/** What is said of exact kernels: each way beside onnxruntime at one input, in the largest batches, and with two threads. */
function exactSentence(rows) {
  const largest = Math.max(...rows.map(batchOf));
  const ways = [
    ['exact with first test', 'with a first test'],
    ['exact', 'without one'],
  ];
  const parts = ways.map(([way, words]) => [
    rows.filter((row) => wayOf(row) === way),
    (own) => {
      const plain = own.filter(isPlain);
      const batched = plain.filter((row) => batchOf(row) === largest);
      const threaded = own.filter(({ what }) => what.includes('two threads'));
      const figures = [
        `${spanOf(
          plain.filter((row) => batchOf(row) === 1),
          1,
        )} as fast as onnxruntime one input at a time`,
      ];
      if (largest > 1) figures.push(`${spanOf(batched, 1)} in batches of ${largest}`);
      if (threaded.length > 0) figures.push(`${spanOf(threaded, 1)} with two threads on both sides`);
      return `${words}, ${figures.join(', ')}`;
    },
  ]);
  return sentence(...parts);
}

function calibratedSentence(rows) {
  const calibrated = rows.filter((row) => ['lookup', 'low-rank'].includes(wayOf(row)));
  const exact = rows.filter((row) => ['exact', 'exact with first test'].includes(wayOf(row)));
  const learned = rows.filter((row) => wayOf(row) === 'learned predictor');
  return sentence(
    [calibrated, (found) => `calibrated to a stated missed mass: ${spanOf(found, 1)} as fast as onnxruntime`],
    [exact, (found) => `exact, on the same inputs: ${spanOf(found, 1)}`],
    [learned, (found) => `the learned predictor of the literature: ${spanOf(found, 1)}`],
  );
}

// ---- Networks

/** The flips a step at which evaluating all points at once is as fast, from the least to the most. */
function evenWithAll(rows) {
  const flips = rows.map(({ ratio }) => Number(/with all at once at (\d+)/.exec(ratio)?.[1])).sort((a, b) => a - b);
  return `${flips[0]} to ${flips[flips.length - 1]}`;
}

// ---- Real data

function heldOut(rows) {
  const better = rows.filter(({ ratio }) => ratio.startsWith('+')).length;
  const each = rows.map(({ what, fewfire, peer }) => {
    const best = Array.from(peer.matchAll(/: (-?[\d.]+)/g), ([, score]) => score).sort((a, b) => b - a)[0];
    return `${what.split(/(?: on rows)? held out/)[0]} ${fewfire} beside ${best}`;
  });
  return `left to itself, \`fit\` does better than RidgeCV on rows held out of ${better} of ${rows.length} data sets: ${each.join(', ')}`;
}

/** What fewfire chose in the folds of a data set. */
function chosen({ folds }) {
  const words = folds.map(
    ({ chosen: { method, degree } }) => `${method} with products of at most ${degree} coordinates`,
  );
  return [...new Set(words)].join(' or ');
}

// ---- The sections

export const sections = [
  {
    title: 'Fit',
    cases: [
      ...['real-data-salary', 'real-data-chess', 'lasso-2-1e4', 'lasso-3-2e4', 'lasso-3-1e5'],
      ...['low-degree-2-1e5', 'low-degree-2-1e6', 'low-degree-3-1e6', 'threads', 'signed-estimate'],
    ],
    tables: [
      {
        name: 'Whole fits, the penalty and on our side the method and the degree chosen',
        picks: [['real-data-salary'], ['real-data-chess']],
        say: (rows) => sentence([rows, heldOut]),
      },
      {
        name: 'Fits of all monomials of some degree, the rows in memory',
        picks: [
          ...[['lasso-2-1e4'], ['lasso-3-2e4'], ['lasso-3-1e5']],
          ...[['low-degree-2-1e5'], ['low-degree-2-1e6'], ['low-degree-3-1e6']],
        ],
        say: (rows) =>
          sentence(
            [
              of(rows, 'lasso-2-1e4', 'lasso-3-2e4', 'lasso-3-1e5'),
              (found) => `lasso: ${fasterOrAlone(found, 'scikit-learn')}`,
            ],
            [
              of(rows, 'low-degree-2-1e5', 'low-degree-2-1e6', 'low-degree-3-1e6'),
              (found) => `least squares: ${fasterOrAlone(found, 'scikit-learn')}`,
            ],
          ),
      },
      {
        name: 'Their kernels',
        picks: [['threads'], ['signed-estimate', ({ what }) => /\(100,\d,100,000\)/.test(what)]],
        say: (rows) =>
          sentence(
            [of(rows, 'threads'), (found) => `two threads are ${spanOf(found)} as fast as one`],
            [
              of(rows, 'signed-estimate'),
              (found) => `the one-pass estimate is ${spanOf(found)} as fast as by block histograms`,
            ],
          ),
      },
    ],
    notes: (records) => [
      `**Real data.** Both sides see the same outer folds and the same coordinates, made by the encoder fitted on each
training part; RidgeCV gets all products of two, once with a yes as -1 and once as 1, and chooses its penalty by leaving
one row out, on squared errors. fewfire runs as it does by default and chooses for itself from the training part;
RidgeCV was given no products of more than two. fewfire chose: ${records
        .filter(({ case: name }) => name.startsWith('real-data-'))
        .map(({ case: name, detail }) => `${chosen(detail)} (\`${name}\`)`)
        .join(', ')}.`,
      `**Least squares.** Both sides solve the same planted problem (50 monomials of degree exactly d, noise 0.1) to a
relative gradient of 1e-6. \`MemoryError\` is scikit-learn's own refusal under \`ulimit -v\` at 90 % of the machine.`,
    ],
  },
  {
    title: 'Open a table, predict, score',
    cases: ['ingest', 'reading', 'memory'],
    tables: [
      {
        name: 'From the file on',
        picks: [
          ['ingest'],
          ['reading'],
          ['memory', ({ what }) => /^`(fit|predict|score)` /.test(what) && what.includes(', CSV,')],
        ],
        say: (rows) =>
          sentence(
            [
              of(rows, 'ingest'),
              (found) =>
                `opening, recognising and encoding takes ${spanOf(found)} the time of a bare scan of the engine`,
            ],
            [of(rows, 'reading'), (found) => `mixed columns take ${spanOf(found)} the time of an older fewfire`],
            [
              of(rows, 'memory'),
              (found) => `under \`--memory 100MB\` whole commands take ${spanOf(found)} of what is allowed`,
            ],
          ),
      },
    ],
    notes: () => ['**Ingest.** The scan beside it counts the trues of every column and keeps nothing.'],
    // What can be measured but has not been.
    wanting: (has) =>
      has('memory') ? '' : 'Predicting and scoring have a case (`memory`) that has left no results yet.',
  },
  {
    title: 'Start and size',
    cases: ['start-up', 'bundle'],
    tables: [
      {
        name: 'The command, and the library in a page',
        picks: [['start-up'], ['bundle']],
        say: (rows) =>
          sentence(
            [
              of(rows, 'start-up'),
              ([{ ratio }]) => `the command is there ${ratio.replace(' more', '')} after bare Node`,
            ],
            [of(rows, 'bundle'), ([{ fewfire }]) => `what a page needs to learn and predict is ${fewfire}`],
          ),
      },
    ],
  },
  {
    title: 'Trees',
    cases: ['trees'],
    tables: [
      {
        name: 'Exact spectra of ensembles',
        picks: [['trees']],
        say: (rows) =>
          sentence([
            rows,
            () =>
              `the exact spectrum is found ${spanOf(rows)} as fast as by expanding leaf after leaf in plain JavaScript`,
          ]),
      },
    ],
  },
  {
    title: 'Sparse blocks',
    cases: ['mlp', 'mlp-calibrated'],
    lead: 'A row is a whole block, from its input to its output; no run of a whole model around such blocks is measured. Ratios: to our dense kernel; to onnxruntime.',
    tables: [
      {
        name: 'A trained block, exact: the bits of the dense kernel',
        picks: [['mlp', (row) => isTrained(row) && [1, 8, 32].includes(batchOf(row))]],
        say: exactSentence,
      },
      {
        name: 'The trained block, calibrated, one input at a time',
        picks: [['mlp-calibrated', isTrained]],
        say: calibratedSentence,
      },
      {
        name: 'Synthetic blocks with the structure of trained ones, exact',
        picks: [['mlp', (row) => !isTrained(row) && isPlain(row) && [1, 32].includes(batchOf(row))]],
        say: exactSentence,
      },
      {
        name: 'Synthetic blocks, calibrated, one input at a time',
        picks: [
          [
            'mlp-calibrated',
            (row) => !isTrained(row) && ['lookup', 'low-rank', 'learned predictor'].includes(wayOf(row)),
          ],
        ],
        say: calibratedSentence,
      },
    ],
    notes: () => [
      `**Feed-forward blocks.** *exact* screens with int8 weights, *exact with first test* looks at a projection of the
input before, fitted to at most 2,048 inputs that are not timed; both give the bits of the dense kernel. The layers of
widths 512 to 2048 are made with the structure of trained ones (inputs and weights share a decaying spectrum of d /
8 directions, plus noise), which is what the first test lives on; the trained block has less of it and more active
units. Batch 1 where a row does not say otherwise. From memory: copies of the block that are together four times the
last-level cache take turns, and before every turn the caches are filled with something else. onnxruntime runs on
the CPU with all graph optimisations and as many threads as ours, all copies in one session, each with weights of
its own; it takes the block as Gemm with packed weights, Gemm with weights as they are, or MatMul and Add, whichever
was fastest in a trial on the same inputs (\`results/\` says which). Its outputs agree to 1e-5, ours with our dense
kernel's to the last bit. It has vectors as wide as the machine's, WebAssembly's hold 16 bytes, and a dense product
shares what it reads among the inputs of a batch: \`as fast\` instead of \`faster\` marks the rows in which one of the
two dense sides won.`,
    ],
  },
  {
    title: 'Transform',
    cases: ['transform'],
    tables: [
      {
        name: 'Walsh-Hadamard, in place; whole, with copies in and out, in brackets',
        picks: [['transform']],
        say: (rows) =>
          sentence([
            rows,
            () =>
              `the transform takes ${spanOf(rows)} the time of portable C, ${spanOf(rows, 1)} of C with vectors as wide as WebAssembly's, and ${spanOf(rows, 2)} of C with the machine's widest`,
          ]),
      },
    ],
    notes: () => [
      `**Transform.** WebAssembly vectors hold 16 bytes. C with the machine's 32- or 64-byte vectors has two or four times
the arithmetic per instruction. The copies in and out are not counted in the ratio.`,
    ],
  },
  {
    title: 'Certify and evaluate networks',
    cases: ['certify', 'network', 'incremental'],
    tables: [
      {
        name: 'Certificates: whole, then the sweep under them',
        picks: [
          ['certify', ({ what }) => what.includes('certificate')],
          ['certify', ({ what }) => what.startsWith('sweep')],
        ],
        say: (rows) =>
          sentence(
            [containing(rows, 'certificate'), ([{ fewfire }]) => `the certificate of a large tree takes ${fewfire}`],
            [
              containing(rows, 'sweep').filter(({ what }) => !what.includes('threads')),
              (found) => `a sweep does ${spanOf(found)} the rate that is wanted of one core`,
            ],
          ),
      },
      {
        name: 'Networks at points',
        picks: [['network'], ['incremental', ({ what }) => /1024 units, (64|768) inputs/.test(what)]],
        say: (rows) =>
          sentence(
            [of(rows, 'network'), (found) => `at any points: ${spanOf(found)} as fast as numpy in batches`],
            [
              of(rows, 'incremental'),
              (found) =>
                `at a point that moves by one flip a step: ${spanOf(found)} as fast as from scratch, by 16 flips ${spanOf(found, 4)}`,
            ],
            [
              of(rows, 'incremental'),
              (found) =>
                `all points at once, where they are known beforehand, catch up at ${evenWithAll(found)} flips a step`,
            ],
          ),
      },
    ],
  },
  {
    title: 'Optimise a model',
    cases: ['optimise'],
    tables: [
      {
        name: 'The best and the worst point of a fitted model',
        picks: [['optimise']],
        say: (rows) => sentence([rows, () => fasterOrAlone(rows, 'HiGHS')]),
      },
    ],
    notes: () => [
      '**Optimise.** HiGHS is stopped after half a minute; what it has found by then, and its bound, stand in its cell.',
    ],
  },
  {
    title: 'Right or wrong, in bulk',
    cases: ['dialects', 'oracle', 'row-order'],
    tables: [],
  },
];
