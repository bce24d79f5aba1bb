/**
 * E9, the introduction's 33x: if 3 % of the units of a layer are active, how much faster can it run? A loop over all
 * units, a loop that leaves out the output weights of inactive ones (it still has to compute every preactivation to know
 * which they are), and the ceiling: a loop that is told the active units. Plain TypeScript on one thread: no kernels.
 *
 * Times are of the machine it runs on, so two runs differ in every number here except the shares of active units.
 */
import type { ReluLayer } from '@fewfire/core';
import { createTurn, type RealRows } from '@fewfire/core/internal';
import type { Claim, Experiment, ExperimentOptions, ExperimentResult, Figure, Series } from './experiment.ts';
import {
  createLoopBuffers,
  denseLoop,
  dynamicLayer,
  firstInputs,
  loadTrainedBlock,
  measureActivity,
  normalInputs,
  oracleLoop,
  skipInactiveLoop,
} from './relu-layer.ts';

const TITLE = 'What 3 % active units are worth in time';
const PUBLISHED_SHARE = 0.03;
const PUBLISHED_FACTOR = 33;
const WARM_UP_MS = 20;
const SCALES = {
  tiny: { shares: [0.03, 0.3, 1], rows: 8, rounds: 5, leastMs: 1, widths: [[256, 1024]] },
  quick: { shares: [0.01, 0.03, 0.1, 0.3, 1], rows: 32, rounds: 9, leastMs: 8, widths: [[256, 1024]] },
  full: {
    shares: [0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.5, 1],
    rows: 32,
    rounds: 15,
    leastMs: 20,
    widths: [
      [256, 1024],
      [768, 3072],
    ],
  },
} as const;

/** Median, least and largest of several runs. */
interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

interface Timing {
  readonly layer: ReluLayer;
  /** Measured share of active units, mean over the inputs. */
  readonly share: number;
  /** Microseconds per input. */
  readonly dense: Spread;
  readonly skip: Spread;
  readonly oracle: Spread;
  /** Dense over the others, run by run. */
  readonly skipFactor: Spread;
  readonly oracleFactor: Spread;
  /** Numbers in the outputs of the other loops that are not bit by bit those of the dense loop. */
  readonly differing: number;
}

export const experiment: Experiment = { id: 'E9', title: TITLE, run };

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const { scale, boundFactor = 1, seed = 1 } = options;
  const { shares, rows, rounds, leastMs, widths } = SCALES[scale];
  const block = await loadTrainedBlock(options);
  const total = widths.length * shares.length + 1;
  const trained = await time(block.layer, firstInputs(block.inputs, rows), options);
  options.onProgress?.({ phase: 'timing layers', done: 1, total, unit: 'steps' });
  const sweeps: Timing[][] = [];
  for (const [inputWidth, unitCount] of widths) {
    const inputs = normalInputs(inputWidth, rows, seed + 100);
    const sweep: Timing[] = [];
    for (const firingRate of shares) {
      const name = `made, ${inputWidth} x ${unitCount}`;
      sweep.push(await time(dynamicLayer({ name, inputWidth, unitCount, firingRate, seed }), inputs, options));
      const done = 1 + sweeps.length * shares.length + sweep.length;
      options.onProgress?.({ phase: 'timing layers', done, total, unit: 'steps' });
    }
    sweeps.push(sweep);
  }
  const all = [trained, ...sweeps.flat()];
  return {
    id: 'E9',
    title: TITLE,
    statement:
      'The introduction: 3 % active units suggest a potential factor of 33, and no approach has come anywhere close to it.',
    settings: {
      scale,
      shares,
      inputCount: rows,
      rounds,
      leastMsPerTiming: leastMs,
      interval: 'least and largest of the rounds',
      deterministic: false,
      timesAre: `estimates on this machine: Node ${process.versions.node}, ${process.platform} ${process.arch}, one thread, plain TypeScript`,
      layers: widths.map(([inputWidth, unitCount]) => `${inputWidth} x ${unitCount}`),
    },
    seed,
    claims: [
      ceilingClaim(all, boundFactor),
      skipClaim(all, boundFactor),
      potentialClaim(sweeps[0], boundFactor),
      sameClaim(all),
    ],
    figures: [timeFigure(sweeps[0], trained), factorFigure(sweeps, trained)],
    notes: [
      'Times are estimates of this machine and differ from run to run; shares of active units are the same for a seed. The loops take turns in every round, and factors are taken within a round, so that a slower spell of the machine hits all of them.',
      'The loops are plain TypeScript on one thread, the same code for all three but for what they leave out. Kernels change the times, and the factors with them: a dense loop gains more from vector instructions than gathering single rows does.',
      'One input at a time. In a batch the active units of several inputs together are soon most of the units (E8), and leaving some out stops paying.',
      'The loop that is told the active units is no method: it shows what is left to win for methods that predict them.',
    ],
  };

  async function time(layer: ReluLayer, inputs: RealRows, within: ExperimentOptions): Promise<Timing> {
    const activity = await measureActivity(layer, inputs, within);
    const task = prepare(layer, inputs, activity.rowCounts, activity.active);
    const loops = [task.dense, task.skip, task.oracle];
    const differing = task.countDiffering();
    // As often as it takes to fill the least time: the clock and pauses of the garbage collector weigh little then.
    const passes = loops.map((loop) => {
      // First until it is compiled.
      for (let spent = 0; spent < WARM_UP_MS; ) spent += Math.max(1e-3, elapsedMs(loop, 1));
      const once = Math.max(1e-3, elapsedMs(loop, 3) / 3);
      return Math.max(1, Math.ceil(leastMs / once));
    });
    const times = loops.map(() => [] as number[]);
    const turn = createTurn(within.signal);
    for (let round = 0; round < rounds; round++) {
      for (let l = 0; l < loops.length; l++) {
        await turn();
        times[l].push((1000 * elapsedMs(loops[l], passes[l])) / (passes[l] * inputs.rowCount));
      }
    }
    const [dense, skip, oracle] = times;
    return {
      layer,
      share: activity.active.length / (inputs.rowCount * layer.unitCount),
      dense: spread(dense),
      skip: spread(skip),
      oracle: spread(oracle),
      skipFactor: spread(dense.map((t, round) => t / skip[round])),
      oracleFactor: spread(dense.map((t, round) => t / oracle[round])),
      differing,
    };
  }
}

interface Task {
  readonly dense: () => void;
  readonly skip: () => void;
  readonly oracle: () => void;
  countDiffering(): number;
}

// Every loop goes through all inputs once; rows and sets of active units are cut beforehand.
function prepare(layer: ReluLayer, inputs: RealRows, rowCounts: Uint32Array, active: Uint32Array): Task {
  const { inputWidth } = layer;
  const rows: Float32Array[] = [];
  const sets: Uint32Array[] = [];
  let at = 0;
  for (let row = 0; row < inputs.rowCount; row++) {
    rows.push(inputs.values.subarray(row * inputWidth, (row + 1) * inputWidth));
    sets.push(active.subarray(at, at + rowCounts[row]));
    at += rowCounts[row];
  }
  const buffers = createLoopBuffers(layer);
  return {
    dense: () => {
      for (const x of rows) denseLoop(layer, x, buffers);
    },
    skip: () => {
      for (const x of rows) skipInactiveLoop(layer, x, buffers);
    },
    oracle: () => {
      for (let row = 0; row < rows.length; row++) oracleLoop(layer, rows[row], sets[row], buffers);
    },
    countDiffering: () => {
      let differing = 0;
      const { out: expected, ...rest } = createLoopBuffers(layer);
      const compare = (): void => {
        for (let i = 0; i < inputWidth; i++) if (!Object.is(buffers.out[i], expected[i])) differing++;
      };
      rows.forEach((x, row) => {
        denseLoop(layer, x, { out: expected, ...rest });
        skipInactiveLoop(layer, x, buffers);
        compare();
        oracleLoop(layer, x, sets[row], buffers);
        compare();
      });
      return differing;
    },
  };
}

function elapsedMs(loop: () => void, passes: number): number {
  const start = performance.now();
  for (let pass = 0; pass < passes; pass++) loop();
  return performance.now() - start;
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, low: sorted[0], high: sorted[sorted.length - 1] };
}

function ceilingClaim(all: readonly Timing[], boundFactor: number): Claim {
  const worst = maximumBy(all, ({ skipFactor, oracleFactor }) => skipFactor.low / oracleFactor.high);
  const ratio = worst.skipFactor.low / (boundFactor * worst.oracleFactor.high);
  return {
    statement: 'Introduction: leaving out inactive units stays below the ceiling of knowing them beforehand',
    measured: `over ${all.length} layers the skip-inactive loop is at most ${factor(maximumOf(all, (t) => t.skipFactor.median))} faster than the dense one, the loop that is told the active units up to ${factor(maximumOf(all, (t) => t.oracleFactor.median))} (medians). Criterion: at every share the least factor of the first is at most the largest of the second; the closest is at ${percent(worst.share)} active, ${factor(worst.skipFactor.low)} against ${factor(worst.oracleFactor.high)}`,
    verdict: ratio <= 1 ? 'consistent with' : 'not consistent with',
    largestRatio: ratio,
  };
}

function skipClaim(all: readonly Timing[], boundFactor: number): Claim {
  const sparse = all.filter(({ share }) => share <= 0.1);
  const worst = maximumBy(sparse, ({ skipFactor }) => skipFactor.median);
  // Half of 33: far from "anywhere close" by any reading.
  const limit = (boundFactor * PUBLISHED_FACTOR) / 2;
  return {
    statement: 'Introduction: not anywhere close to a factor of 33',
    measured: `which units are active is known only after the up-projection, half of the multiplications; so skipping the others makes the layer ${factor(worst.skipFactor.median)} faster (${factor(worst.skipFactor.low)} to ${factor(worst.skipFactor.high)}) at the most, with ${percent(worst.share)} active. Criterion: the largest median of layers with at most 10 % active is below ${factor(limit)}`,
    verdict: worst.skipFactor.median < limit ? 'consistent with' : 'not consistent with',
    largestRatio: worst.skipFactor.median / limit,
  };
}

function potentialClaim(sweep: readonly Timing[], boundFactor: number): Claim {
  const near = nearPublished(sweep);
  const [low, high] = [0.5 / near.share, (boundFactor * 1.5) / near.share];
  const { median } = near.oracleFactor;
  return {
    statement: 'Introduction: 3 % active units suggest a potential factor of 33',
    measured: `with ${percent(near.share)} active the loop that is told the active units is ${factor(median)} faster (${factor(near.oracleFactor.low)} to ${factor(near.oracleFactor.high)}), where multiplications fall by ${factor(1 / near.share)}. Criterion: the median is from a half to one and a half of that, ${factor(low)} to ${factor(high)}`,
    verdict: median >= low && median <= high ? 'consistent with' : 'not consistent with',
    largestRatio: median / high,
  };
}

function nearPublished(sweep: readonly Timing[]): Timing {
  return maximumBy(sweep, ({ share }) => -Math.abs(Math.log(share / PUBLISHED_SHARE)));
}

function sameClaim(all: readonly Timing[]): Claim {
  const differing = all.reduce((sum, t) => sum + t.differing, 0);
  return {
    statement: 'Section 1: units that are not active do not matter for the output',
    measured: `${differing} numbers of the outputs of the other two loops differ from those of the dense loop, compared bit by bit on ${all.length} layers`,
    verdict: differing === 0 ? 'holds' : 'does not hold',
  };
}

function timeFigure(sweep: readonly Timing[], trained: Timing): Figure {
  const series = (name: string, pick: (timing: Timing) => Spread): Series => ({
    name,
    kind: 'estimate',
    points: sweep.map((timing) => point(timing.share, pick(timing))),
  });
  const first = sweep[0];
  const last = sweep[sweep.length - 1];
  return {
    title: `Time of a layer against its share of active units (${first.layer.name})`,
    x: { label: 'share of the units that are active, measured', scale: 'log' },
    y: { label: 'microseconds per input, median (least to largest)', scale: 'log' },
    series: [
      series('all units', (t) => t.dense),
      series('inactive units skipped', (t) => t.skip),
      series('active units told', (t) => t.oracle),
      {
        name: 'trained block: all units',
        kind: 'estimate',
        points: [point(trained.share, trained.dense)],
      },
      {
        name: 'trained block: inactive units skipped',
        kind: 'estimate',
        points: [point(trained.share, trained.skip)],
      },
      {
        name: 'trained block: active units told',
        kind: 'estimate',
        points: [point(trained.share, trained.oracle)],
      },
    ],
    seen: `All units take ${micros(first.dense)} at ${percent(first.share)} active and ${micros(last.dense)} at ${percent(last.share)}; skipping inactive ones takes ${micros(first.skip)} and ${micros(last.skip)}, knowing the active ones ${micros(first.oracle)} and ${micros(last.oracle)}. The trained block, with ${percent(trained.share)} active, takes ${micros(trained.dense)}, ${micros(trained.skip)} and ${micros(trained.oracle)}.`,
  };
}

function factorFigure(sweeps: readonly (readonly Timing[])[], trained: Timing): Figure {
  const shares = sweeps[0].map(({ share }) => share);
  const series: Series[] = sweeps.flatMap((sweep) => {
    const of = sweeps.length > 1 ? ` (${sweep[0].layer.inputWidth} x ${sweep[0].layer.unitCount})` : '';
    return [
      {
        name: `inactive units skipped${of}`,
        kind: 'estimate',
        points: sweep.map((t) => point(t.share, t.skipFactor)),
      },
      { name: `active units told${of}`, kind: 'estimate', points: sweep.map((t) => point(t.share, t.oracleFactor)) },
    ] satisfies Series[];
  });
  const near = nearPublished(sweeps[0]);
  return {
    title: 'Faster than all units, by how much',
    x: { label: 'share of the units that are active, measured', scale: 'log' },
    y: { label: 'time of all units / time, median (least to largest)', scale: 'log' },
    series: [
      ...series,
      {
        name: 'trained block: inactive units skipped',
        kind: 'estimate',
        points: [point(trained.share, trained.skipFactor)],
      },
      {
        name: 'trained block: active units told',
        kind: 'estimate',
        points: [point(trained.share, trained.oracleFactor)],
      },
      {
        name: 'multiplications saved by skipping, 2 / (1 + share)',
        kind: 'exact',
        points: shares.map((share) => ({ x: share, y: 2 / (1 + share) })),
      },
      {
        name: 'multiplications saved by knowing, 1 / share',
        kind: 'exact',
        points: shares.map((share) => ({ x: share, y: 1 / share })),
      },
      {
        name: "the introduction's 33x at 3 %",
        kind: 'published, constant 1',
        points: [{ x: PUBLISHED_SHARE, y: PUBLISHED_FACTOR }],
      },
    ],
    seen: `With ${percent(near.share)} active, skipping makes the layer ${factor(near.skipFactor.median)} faster and knowing the active units ${factor(near.oracleFactor.median)}, against ${factor(1 / near.share)} fewer multiplications; for the trained block it is ${factor(trained.skipFactor.median)} and ${factor(trained.oracleFactor.median)}.`,
  };
}

function point(share: number, { median, low, high }: Spread): Series['points'][number] {
  return { x: share, y: median, low, high };
}

function maximumBy<T>(items: readonly T[], value: (item: T) => number): T {
  return items.reduce((best, item) => (value(item) > value(best) ? item : best));
}

function maximumOf(all: readonly Timing[], value: (timing: Timing) => number): number {
  return Math.max(...all.map(value));
}

function factor(value: number): string {
  return `${Number(value.toPrecision(3))}x`;
}

function micros({ median }: Spread): string {
  return `${Number(median.toPrecision(3))} µs`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
