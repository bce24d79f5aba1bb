/**
 * E1, Lemma 2.1 (Kane): rarely true halfspaces are insensitive. Every halfspace here is measured exactly: over all
 * points of the cube, or, with equal weights, by counting edges between layers, which reaches n = 1000.
 */
import { numberText as text } from '@fewfire/core/words';
import type { Series } from '@fewfire/report';
import type { Experiment, ExperimentOptions, ExperimentResult, ExperimentScale } from './experiment.ts';
import { boundClaim, type Comparison, ratioOf } from './verdict.ts';

const SETTINGS: Readonly<
  Record<ExperimentScale, { inputCount: number; vectors: number; biases: number; largeInputCounts: readonly number[] }>
> = {
  tiny: { inputCount: 8, vectors: 2, biases: 8, largeInputCounts: [3, 10, 31] },
  quick: { inputCount: 14, vectors: 6, biases: 24, largeInputCounts: [2, 3, 5, 10, 20, 50, 100, 200, 500, 1000] },
  full: {
    inputCount: 18,
    vectors: 12,
    biases: 40,
    largeInputCounts: [2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
  },
};

interface Halfspace {
  readonly inputCount: number;
  /** Pr[f = 1]. */
  readonly probability: number;
  readonly averageSensitivity: number;
}

const TITLE = 'Halfspaces that are rarely true are insensitive';

export const experiment: Experiment = { id: 'E1', title: TITLE, run };

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const { halfspaceSensitivityBound } = await import('@fewfire/core');
  const { scale, seed = 1, boundFactor = 1, onProgress } = options;
  const { inputCount: n, vectors, biases, largeInputCounts } = SETTINGS[scale];
  const kinds = await drawKinds(n, vectors, seed);
  const stepCount = kinds.reduce((sum, kind) => sum + kind.weights.length, 0);
  let done = 0;
  const measured: { readonly name: string; readonly halfspaces: Halfspace[] }[] = [];
  for (const { name, weights } of kinds) {
    const halfspaces: Halfspace[] = [];
    for (const vector of weights) {
      options.signal?.throwIfAborted();
      onProgress?.({ phase: 'E1 listing halfspaces', done: done++, total: stepCount, unit: 'steps' });
      halfspaces.push(...(await listHalfspaces(vector, biases, options)));
    }
    measured.push({ name, halfspaces });
  }
  const layers = largeInputCounts.map((count) => ({ count, halfspaces: layerHalfspaces(count) }));
  const compare = ({ inputCount, probability, averageSensitivity }: Halfspace): Comparison => ({
    measured: averageSensitivity,
    bound: halfspaceSensitivityBound({ inputCount, probability }),
  });
  const listed = measured.flatMap(({ halfspaces }) => halfspaces);
  const all = [...listed, ...layers.flatMap(({ halfspaces }) => halfspaces)].map(compare);

  const least = Math.min(...listed.map(({ probability }) => rarity(probability)));
  const grid = Array.from({ length: 41 }, (_, i) => (least / 0.5) ** (1 - i / 40) * 0.5);
  const byCount = layers.map(({ count, halfspaces }) => ({
    count,
    largest: Math.max(...halfspaces.map((halfspace) => ratioOf(compare(halfspace)))),
    // The rarer half of the layers tells whether the logarithm is right, not only the middle.
    rare: Math.max(...halfspaces.filter((h) => rarity(h.probability) < 0.01).map((h) => ratioOf(compare(h))), 0),
  }));
  const conjunctions = largeInputCounts
    .filter((count) => count <= 1000)
    .map((count) => ({
      count,
      ratio: ratioOf(
        compare({ inputCount: count, probability: 2 ** -count, averageSensitivity: (count / 2) * 2 ** -count }),
      ),
    }));
  return {
    id: 'E1',
    title: TITLE,
    statement:
      'Lemma 2.1 (Kane): a halfspace f = 1[<w, x> > b] with p = Pr[f = 1] and q = min(p, 1 - p) has average sensitivity at most (q / sqrt 2) sqrt(n ln(1/q)), here with its constant.',
    settings: {
      'n, listed': n,
      'weight vectors a kind': vectors,
      'biases a vector': biases,
      'n, equal weights': largeInputCounts,
    },
    seed,
    claims: [
      boundClaim('Lemma 2.1 (explicit)', all, boundFactor, {
        proven: true,
        measured: (ratio) =>
          `AS of ${text(all.length)} halfspaces, exact: at most ${text(ratio)} of the bound (n = ${n} listed, equal weights up to n = ${largeInputCounts.at(-1)})`,
      }),
    ],
    figures: [
      {
        title: `Average sensitivity of halfspaces on ${n} inputs`,
        x: { label: 'q = min(p, 1 - p)', scale: 'log' },
        y: { label: 'AS / √n', scale: 'log' },
        series: [
          ...measured.map(
            ({ name, halfspaces }): Series => ({
              name,
              kind: 'exact',
              marks: 'points',
              points: halfspaces.map((h) => ({
                x: rarity(h.probability),
                y: h.averageSensitivity / Math.sqrt(h.inputCount),
              })),
            }),
          ),
          {
            name: 'Lemma 2.1',
            kind: 'bound',
            points: grid.map((q) => ({
              x: q,
              y: (boundFactor * halfspaceSensitivityBound({ inputCount: n, probability: q })) / Math.sqrt(n),
            })),
          },
        ],
        seen: `The halfspaces follow the bound over ${text(Math.log10(0.5 / least), 2)} powers of ten of q; the closest reaches ${text(Math.max(...listed.map((h) => ratioOf(compare(h)))))} of it.`,
      },
      {
        title: 'How much of the bound is reached, as n grows',
        x: { label: 'inputs n', scale: 'log' },
        y: { label: 'largest AS / bound', scale: 'linear' },
        series: [
          {
            name: 'equal weights, any bias',
            kind: 'exact',
            points: byCount.map((b) => ({ x: b.count, y: b.largest })),
          },
          {
            name: 'equal weights, q below 0.01',
            kind: 'exact',
            points: byCount.filter((b) => b.rare > 0).map((b) => ({ x: b.count, y: b.rare })),
          },
          { name: 'AND of all n', kind: 'exact', points: conjunctions.map((c) => ({ x: c.count, y: c.ratio })) },
          { name: 'Lemma 2.1', kind: 'bound', points: largeInputCounts.map((x) => ({ x, y: boundFactor })) },
        ],
        seen: `With equal weights the largest share reached goes from ${text(byCount[0].largest)} at n = ${byCount[0].count} to ${text(byCount.at(-1)?.largest ?? 0)} at n = ${byCount.at(-1)?.count}: the bound is tight in the limit, and no smaller power of n is possible.`,
      },
    ],
    notes: [
      'With equal weights and q = exp(-z²/2 + ...) the share reached goes to 1 as n and then z grow: the constant 1/√2 cannot be improved.',
      'f has values 0 and 1, so AS is a quarter of the expected number of sensitive coordinates.',
      'Biases are chosen so that p falls geometrically from 1/2; halfspaces that are constant are left out.',
    ],
  };
}

function rarity(probability: number): number {
  return Math.min(probability, 1 - probability);
}

async function drawKinds(
  inputCount: number,
  vectors: number,
  seed: number,
): Promise<{ readonly name: string; readonly weights: readonly Float64Array[] }[]> {
  const { createRandom } = await import('@fewfire/core');
  const random = createRandom(seed);
  const draw = (weight: (i: number) => number): Float64Array =>
    Float64Array.from({ length: inputCount }, (_, i) => weight(i));
  const many = (weight: (i: number) => number): Float64Array[] => Array.from({ length: vectors }, () => draw(weight));
  return [
    { name: 'normal weights', weights: many(() => random.normal()) },
    // Few coordinates carry most of the weight.
    { name: 'decaying weights', weights: many((i) => random.normal() * 0.7 ** i) },
    { name: 'equal weights', weights: [draw(() => 1)] },
    // x_1 and .. and x_j are true together: the rest has no say.
    { name: 'AND of j inputs', weights: Array.from({ length: inputCount }, (_, j) => draw((i) => (i <= j ? 1 : 0))) },
  ];
}

// The halfspaces of one weight vector whose p falls geometrically from 1/2, measured by listing the cube.
async function listHalfspaces(weights: Float64Array, biases: number, options: ExperimentOptions): Promise<Halfspace[]> {
  const { averageSensitivityFromValues, createTurn, valuesOnCube } = await import('@fewfire/core/internal');
  const n = weights.length;
  const run = { signal: options.signal };
  const sums = await valuesOnCube(n, (x) => weights.reduce((sum, w, i) => sum + w * x[i], 0), run);
  const sorted = Float64Array.from(sums).sort();
  const found = new Map<number, Halfspace>();
  const turn = createTurn(options.signal);
  for (let i = 0; i < biases; i++) {
    const p = 0.5 * 2 ** ((-i * (n - 1)) / Math.max(1, biases - 1));
    const bias = sorted[Math.max(0, sorted.length - 1 - Math.round(p * sorted.length))];
    const values = sums.map((sum) => (sum > bias + 1e-9 ? 1 : 0));
    const probability = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (probability === 0 || probability === 1 || found.has(probability)) continue;
    found.set(probability, { inputCount: n, probability, averageSensitivity: averageSensitivityFromValues(values) });
    await turn();
  }
  return [...found.values()];
}

/**
 * 1[at least t of n inputs are +1] for every t: the sensitive pairs are the C(n, t) t edges below layer t, so
 * AS = C(n, t) t / 2^(n+1). The rarer halves by symmetry, in logarithms; rarer than 1e-250 is left out.
 */
function layerHalfspaces(inputCount: number): Halfspace[] {
  const found: Halfspace[] = [];
  let lnLayer = -inputCount * Math.LN2;
  let tail = 0;
  for (let t = inputCount; t > inputCount / 2; t--) {
    const layer = Math.exp(lnLayer);
    tail += layer;
    if (tail > 1e-250)
      found.push({ inputCount, probability: Math.min(0.5, tail), averageSensitivity: (layer * t) / 2 });
    lnLayer += Math.log(t) - Math.log(inputCount - t + 1);
  }
  return found;
}
