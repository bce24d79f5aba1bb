/**
 * E8, Section 1: after training few units of a ReLU layer are active on an input, and they are others on other inputs
 * (dynamic), not the same few beside units that could be deleted (dead). Controls: the same inputs through a layer
 * that was never trained, and made layers that are sparse in the one way and in the other.
 */
import type { Interval, ReluLayer } from '@fewfire/core';
import {
  clopperPearsonInterval,
  clopperPearsonUpperLimit,
  empiricalBernsteinInterval,
  type RealRows,
} from '@fewfire/core/internal';
import type { Claim, Experiment, ExperimentOptions, ExperimentResult, Figure, Series } from './experiment.ts';
import {
  deadLayer,
  dynamicLayer,
  firstInputs,
  type LayerActivity,
  loadTrainedBlock,
  measureActivity,
  normalInputs,
} from './relu-layer.ts';

const TITLE = 'Few units are active, and not always the same';
const CONFIDENCE_DELTA = 0.05;
/** A layer counts as sparse if at most a tenth of its units are active on average; layers without training have about half. */
const SPARSE_LIMIT = 0.1;
/** Sparsity counts as dynamic if deleting the dead units would explain less than half of the inactivity. */
const DEAD_LIMIT = 0.5;
const MADE_RATE = 0.03;
const SCALES = {
  tiny: { rows: 384, unitCount: 256 },
  quick: { rows: 1024, unitCount: 1024 },
  full: { rows: 4096, unitCount: 4096 },
} as const;

interface Measured {
  readonly name: string;
  readonly activity: LayerActivity;
  readonly meanShare: number;
  readonly interval: Interval;
  readonly silentCount: number;
  /** Of the pairs (input, unit) that are inactive, the share whose unit is silent on all inputs. */
  readonly inactivityOfSilent: number;
  /** Mean share of active units among those that are not silent. */
  readonly liveShare: number;
}

export const experiment: Experiment = { id: 'E8', title: TITLE, run };

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const { scale, boundFactor = 1, seed = 1 } = options;
  const { rows, unitCount } = SCALES[scale];
  const trained = await loadTrainedBlock(options);
  const { inputWidth } = trained.layer;
  const heldOut = firstInputs(trained.inputs, rows);
  const normal = normalInputs(inputWidth, rows, seed + 100);
  const untrained = dynamicLayer({
    name: 'same shape, not trained',
    inputWidth,
    unitCount: trained.layer.unitCount,
    firingRate: 0.5,
    seed,
  });
  const made = { inputWidth, unitCount, seed: seed + 1 };
  const cases: readonly (readonly [ReluLayer, RealRows])[] = [
    [trained.layer, heldOut],
    [untrained, heldOut],
    [dynamicLayer({ ...made, name: 'made, dynamic', firingRate: MADE_RATE }), normal],
    [deadLayer({ ...made, name: 'made, dead', liveShare: MADE_RATE }), normal],
  ];
  const measured: Measured[] = [];
  for (const [layer, inputs] of cases) {
    measured.push(describe(layer.name, await measureActivity(layer, inputs, options)));
    options.onProgress?.({ phase: 'counting active units', done: measured.length, total: cases.length, unit: 'steps' });
  }
  const [block, control, dynamic, dead] = measured;
  return {
    id: 'E8',
    title: TITLE,
    statement:
      'Section 1: after training, often as few as 3 % of the units of an MLP layer are active on an input, and the sparsity is dynamic: other units on other inputs, not dead units that could be deleted.',
    settings: {
      scale,
      trainedBlock: 'relu-mlp.safetensors',
      inputWidth,
      trainedUnitCount: trained.layer.unitCount,
      trainedInputCount: heldOut.rowCount,
      madeUnitCount: unitCount,
      madeInputCount: rows,
      madeFiringRate: MADE_RATE,
      sparseLimit: SPARSE_LIMIT,
      deadLimit: DEAD_LIMIT,
      confidenceDelta: CONFIDENCE_DELTA,
    },
    seed,
    claims: [
      sparseClaim(block, control, boundFactor),
      dynamicClaim(block, boundFactor),
      controlClaim(dynamic, dead, boundFactor),
    ],
    figures: [histogramFigure(measured), ratesFigure(measured), unionFigure(measured)],
    notes: notes(block),
  };
}

function describe(name: string, activity: LayerActivity): Measured {
  const { rowCount, unitCount, rowCounts, unitCounts } = activity;
  const shares = Array.from(rowCounts, (count) => count / unitCount);
  const meanShare = shares.reduce((sum, share) => sum + share, 0) / rowCount;
  const variance = shares.reduce((sum, share) => sum + (share - meanShare) ** 2, 0) / (rowCount - 1);
  const silentCount = unitCounts.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
  const inactive = (1 - meanShare) * unitCount;
  return {
    name,
    activity,
    meanShare,
    interval: empiricalBernsteinInterval(meanShare, variance, rowCount, [0, 1], CONFIDENCE_DELTA),
    silentCount,
    inactivityOfSilent: inactive > 0 ? silentCount / inactive : 0,
    liveShare: silentCount < unitCount ? (meanShare * unitCount) / (unitCount - silentCount) : 0,
  };
}

function sparseClaim(block: Measured, control: Measured, boundFactor: number): Claim {
  const limit = SPARSE_LIMIT * boundFactor;
  const sparse = block.interval[1] <= limit && control.interval[0] > limit;
  return {
    statement: 'Section 1: few units of a trained layer are active',
    measured: `${percent(block.meanShare)} of the ${block.activity.unitCount} units of the trained block are active on an input (95 % interval ${range(block.interval)}; on ${percent(quantile(block.activity, 0.99))} at most for 99 % of the inputs), ${percent(control.meanShare)} of a layer of the same shape that was not trained. Criterion: the upper limit of the trained block is at most ${percent(limit)}, the other layer is above it`,
    verdict: sparse ? 'consistent with' : 'not consistent with',
    largestRatio: block.interval[1] / limit,
  };
}

function dynamicClaim(block: Measured, boundFactor: number): Claim {
  const deadLimit = DEAD_LIMIT * boundFactor;
  const liveLimit = SPARSE_LIMIT * boundFactor;
  const dynamic = block.inactivityOfSilent < deadLimit && block.liveShare <= liveLimit;
  return {
    statement: 'Section 1: the sparsity is dynamic, not dead',
    measured: `${block.silentCount} of ${block.activity.unitCount} units of the trained block were active on none of ${block.activity.rowCount} inputs; they make up ${percent(block.inactivityOfSilent)} of all inactivity, and of the other units ${percent(block.liveShare)} are active on average. Criterion: less than ${percent(deadLimit)} of the inactivity, and at most ${percent(liveLimit)} of the other units`,
    verdict: dynamic ? 'consistent with' : 'not consistent with',
    largestRatio: Math.max(block.inactivityOfSilent / deadLimit, block.liveShare / liveLimit),
  };
}

function controlClaim(dynamic: Measured, dead: Measured, boundFactor: number): Claim {
  const limit = DEAD_LIMIT * boundFactor;
  const apart = dynamic.inactivityOfSilent < limit && dead.inactivityOfSilent >= limit;
  const sameShare = Math.abs(dynamic.meanShare - dead.meanShare) <= 0.01 * boundFactor;
  return {
    statement: 'Section 1: the share of active units alone does not tell dynamic from dead',
    measured: `two made layers have ${percent(dynamic.meanShare)} and ${percent(dead.meanShare)} of their units active on average; silent units make up ${percent(dynamic.inactivityOfSilent)} of the inactivity of the dynamic one and ${percent(dead.inactivityOfSilent)} of the dead one. Criterion: shares within one point, and one below ${percent(limit)}, the other not`,
    verdict: apart && sameShare ? 'consistent with' : 'not consistent with',
  };
}

function histogramFigure(measured: readonly Measured[]): Figure {
  const width = 0.01;
  const series: Series[] = measured.map(({ name, activity }) => {
    const { rowCounts, unitCount, rowCount } = activity;
    const bins = new Map<number, number>();
    // A share on the edge of two bins belongs to the lower one, all of (0, 1 %] to the first.
    for (const count of rowCounts) {
      const bin = Math.max(0, Math.ceil(count / unitCount / width - 1e-9) - 1);
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
    }
    const first = Math.min(...bins.keys());
    const last = Math.max(...bins.keys());
    return {
      name,
      kind: 'estimate',
      points: Array.from({ length: last - first + 1 }, (_, b) => {
        const count = bins.get(first + b) ?? 0;
        const [low, high] = clopperPearsonInterval(count, rowCount, CONFIDENCE_DELTA);
        return { x: (first + b + 0.5) * width, y: count / rowCount, low, high };
      }),
    };
  });
  const [block, control] = measured;
  return {
    title: 'How many units are active on an input',
    x: { label: 'share of the units that are active (bins of 1 %)', scale: 'linear' },
    y: { label: 'share of the inputs', scale: 'linear' },
    series,
    seen: `On half of the inputs at most ${percent(quantile(block.activity, 0.5))} of the trained block's units are active, on all of them at most ${percent(quantile(block.activity, 1))}; without training it is ${percent(quantile(control.activity, 0.5))} on half of them.`,
  };
}

function ratesFigure(measured: readonly Measured[]): Figure {
  const series: Series[] = measured.map(({ name, activity }) => {
    const rates = Array.from(activity.unitCounts)
      .filter((count) => count > 0)
      .sort((a, b) => b - a);
    return {
      name,
      kind: 'estimate',
      points: ranks(rates.length).map((rank) => {
        const [low, high] = clopperPearsonInterval(rates[rank - 1], activity.rowCount, CONFIDENCE_DELTA);
        return { x: rank / activity.unitCount, y: rates[rank - 1] / activity.rowCount, low, high };
      }),
    };
  });
  const [block, , , dead] = measured;
  const most = Math.max(...block.activity.unitCounts) / block.activity.rowCount;
  return {
    title: 'How often each unit is active',
    x: { label: 'units, most active first (share of all units)', scale: 'log' },
    y: { label: 'share of the inputs on which the unit is active', scale: 'log' },
    series,
    seen: `In the trained block rates fall smoothly from ${percent(most)}, and ${percent(1 - block.silentCount / block.activity.unitCount)} of the units were active at least once; in the made dead layer ${percent(1 - dead.silentCount / dead.activity.unitCount)} are active everywhere and the curve ends there. Units that were never active have no place on a log axis and are left out.`,
  };
}

function unionFigure(measured: readonly Measured[]): Figure {
  const series: Series[] = measured.map(({ name, activity }) => ({
    name,
    kind: 'exact',
    points: ranks(activity.rowCount).map((count) => ({ x: count, y: unionShare(activity, count) })),
  }));
  const [block, , dynamic, dead] = measured;
  const at = (m: Measured, count: number): string =>
    percent(unionShare(m.activity, Math.min(count, m.activity.rowCount)));
  const most = block.activity.rowCount;
  return {
    title: 'Units that are active on at least one of m inputs',
    x: { label: 'inputs (m)', scale: 'log' },
    y: { label: 'share of the units, mean over all choices of m of the inputs', scale: 'log' },
    series,
    seen: `One input of the trained block needs ${at(block, 1)} of the units, 32 inputs together ${at(block, 32)}, all ${most} inputs ${at(block, most)}: the sets differ. The made dynamic layer goes from ${at(dynamic, 1)} to ${at(dynamic, most)}, the dead one stays at ${at(dead, most)}. This is also why skipping units stops paying in batches.`,
  };
}

/** The mean over all sets of `count` of the inputs of the share of units active on at least one: exact, 1 - C(N-c, m)/C(N, m) per unit. */
function unionShare({ rowCount, unitCount, unitCounts }: LayerActivity, count: number): number {
  let sum = 0;
  const cache = new Map<number, number>();
  for (const c of unitCounts) {
    let seen = cache.get(c);
    if (seen === undefined) {
      let missed = 1;
      // The chance that none of `count` draws hits one of c rows, as a product over the fewer of the two.
      const [few, many] = c < count ? [c, count] : [count, c];
      for (let i = 0; i < few && missed > 0; i++) missed *= Math.max(0, rowCount - many - i) / (rowCount - i);
      seen = 1 - missed;
      cache.set(c, seen);
    }
    sum += seen;
  }
  return sum / unitCount;
}

function notes(block: Measured): string[] {
  const { rowCount, unitCount } = block.activity;
  const upper = clopperPearsonUpperLimit(0, rowCount, CONFIDENCE_DELTA);
  return [
    `Active means a preactivation above 0, with sums in double precision. The trained block is one layer of one small model, so its numbers are an example and no law.`,
    `Intervals treat inputs as independent. Held-out inputs of neighbouring positions of a text are not quite, so those of the trained block are somewhat too narrow.`,
    `A unit that was active on none of ${rowCount} inputs may still be active on others: its rate is below ${percent(upper)} with confidence 95 % (one unit at a time). So the ${block.silentCount} of ${unitCount} silent units are an upper estimate of the dead ones.`,
  ];
}

/** The share of units that are active on at most a share q of the inputs: an order statistic. */
function quantile({ rowCounts, unitCount }: LayerActivity, q: number): number {
  const sorted = rowCounts.toSorted();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] / unitCount;
}

// Some 40 places from 1 to `last`, evenly on a log axis, and the last.
function ranks(last: number): number[] {
  const places = new Set<number>();
  for (let i = 0; i <= 40 && last > 0; i++) places.add(Math.round(last ** (i / 40)));
  return [...places];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function range([low, high]: Interval): string {
  return `${percent(low)} to ${percent(high)}`;
}
