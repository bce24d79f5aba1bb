/**
 * Do the samples of a batch depend on each other? A model may attend over the axis that is taken for samples, normalise by
 * the batch, or carry a state along it; then what is inside depends on how the inputs were cut into batches. Samples are
 * run alone and among others, and the values inside compared. Differences up to the rounding of deep models pass: weaker
 * dependence than that is not seen, nor one that only samples have which are not tried.
 *
 * A value inside has rows along its last axis, m of them for each sample, and the axis of samples may stand anywhere among
 * the others ([time, sample, width], or both in one axis). With p of the m on axes before it and q = m / p behind, row
 * (i, j) of sample s of c is row (i c + s) q + j: the layouts of a value are the divisors p of m.
 */
import { createRandom, FewfireError, type RunOptions } from '@fewfire/core';
import type { BatchPlan } from './model-inputs.ts';
import type { CapturedValue, OnnxRunner } from './onnx-runner.ts';

/** Whether the rows of a batch depend on each other. */
export interface SampleDependence {
  readonly samples: 'independent' | 'dependent' | 'not known';
  /** What was seen, or why nothing is known: a sentence without its end, empty for independent ones. */
  readonly reason: string;
}

export type Values = ReadonlyMap<string, CapturedValue>;

export interface ValueRows {
  /** Length of the rows; undefined for that of the last axis. */
  readonly width: number | undefined;
  /** What the value belongs to, for messages. */
  readonly where: string;
}

export interface RowCheckTask {
  readonly runner: OnnxRunner;
  readonly plan: BatchPlan;
  readonly sampleCount: number;
  /** The values to compare, by name. */
  readonly rows: ReadonlyMap<string, ValueRows>;
  /** Whether those are passed over that are not floating-point numbers. */
  readonly floatsOnly: boolean;
  /** The values of one run may take so many bytes. */
  readonly limitBytes: number;
}

export interface RowCheck {
  readonly dependence: SampleDependence;
  /** Bytes of the values of one sample; undefined where none was run alone. */
  readonly bytesPerSample: number | undefined;
  /** Whether several samples can be run at once. */
  readonly runsTogether: boolean;
  /**
   * Compares those samples of a run that were run alone, too.
   * @returns what was seen to depend, null if nothing was
   */
  compare(values: Values, samples: readonly number[]): string | null;
  /** The rows of a value of a run, sample after sample. */
  rowsBySample(name: string, value: CapturedValue, sampleCount: number): Float32Array;
}

/** Samples run alone: the first two, the last and some between; two where they are large. */
const MOST_ALONE = 6;
/** Errors of single precision grow in deep models, to some 1e-4 of the largest number; half precision starts at 5e-4. */
const TOLERANCE = 1e-3;
const HALF_TOLERANCE = 2e-2;

/** @throws FewfireError as `OnnxRunner.run`, where not being alone or being alone is not the reason */
export async function checkRows(task: RowCheckTask, options: RunOptions = {}): Promise<RowCheck> {
  const { runner, plan, sampleCount, rows, floatsOnly, limitBytes } = task;
  const { fixedBatch } = plan;
  // A model that takes so many samples at a time is given copies of one: then that has no others to depend on.
  const copies = fixedBatch ?? 1;
  const run = async (samples: readonly number[]): Promise<Values> =>
    await runner.run(plan.pick(samples), floatsOnly ? [...rows.keys()] : undefined);
  const aloneRun = async (sample: number): Promise<Values> => await run(new Array<number>(copies).fill(sample));
  const alone = new Map<number, Values>();
  const layouts = new Map<string, readonly number[]>();
  let bytesPerSample: number | undefined;

  const widthOf = (name: string, { dims }: CapturedValue): number => rows.get(name)?.width ?? dims.at(-1) ?? 1;
  // Of all rows alone: what rounding leaves of a row of zeros must not look like a difference.
  const largest = (name: string): number => {
    let size = 0;
    for (const values of alone.values())
      for (const x of captured(values, name).numbers) size = Math.max(size, Math.abs(x));
    return size;
  };
  const compare = (values: Values, samples: readonly number[]): string | null => {
    for (const [place, sample] of samples.entries()) {
      const reference = alone.get(sample);
      if (reference === undefined) continue;
      for (const [name, { where }] of rows) {
        if (!reference.has(name)) continue;
        const width = widthOf(name, captured(reference, name));
        const one = { value: captured(reference, name), sampleCount: copies, place: 0 };
        const other = { value: captured(values, name), sampleCount: samples.length, place };
        const known = layouts.get(name) ?? layoutsOf(one.value, width, copies);
        const same = sameLayouts(one, other, width, known, largest(name));
        if (same.length === 0) {
          return `row ${sample + 1} gives other values in ${where} among other rows than alone`;
        }
        layouts.set(name, same);
      }
    }
    return null;
  };
  const answer = (samples: SampleDependence['samples'], reason = '', runsTogether = true): RowCheck => ({
    dependence: { samples, reason },
    bytesPerSample,
    runsTogether,
    compare: samples === 'independent' ? compare : () => null,
    rowsBySample(name, value, count) {
      const layout = samples === 'independent' ? (layouts.get(name)?.[0] ?? 1) : 1;
      return bySample(value, widthOf(name, value), count, layout);
    },
  });
  if (sampleCount === 1 || fixedBatch === 1) return answer('not known', 'the model was run on one row at a time');

  const tried = samplesToTry(sampleCount, fixedBatch, options.seed ?? 1);
  while (alone.size < tried.length) {
    const sample = tried[alone.size];
    options.onProgress?.({ phase: 'running rows alone', done: alone.size, total: tried.length, unit: 'rows' });
    try {
      alone.set(sample, await aloneRun(sample));
    } catch (error) {
      if (!(error instanceof FewfireError) || fixedBatch !== undefined) throw error;
      return answer('dependent', `row ${sample + 1} alone is refused: ${error.message}`);
    }
    bytesPerSample = Math.max(bytesPerSample ?? 0, bytesOf(alone.get(sample) as Values) / copies);
    if (2 * MOST_ALONE * copies * bytesPerSample > limitBytes) tried.splice(2);
  }
  if ([...alone.values()].every(({ size }) => size === 0)) return answer('not known', 'there are no values to compare');
  const varying = [...rows].find(
    ([name]) => new Set([...alone.values()].map((values) => values.get(name)?.numbers.length)).size > 1,
  );
  if (varying !== undefined) {
    return answer('not known', `the number of rows in ${varying[1].where} is not the same for all`);
  }
  const together = fixedBatch === undefined ? tried : Array.from({ length: fixedBatch }, (_, i) => i);
  if (2 * together.length * (bytesPerSample as number) > limitBytes) {
    return answer('not known', `the memory does not hold the values of ${together.length} rows at once`, false);
  }
  let values: Values;
  try {
    values = await run(together);
  } catch (error) {
    if (!(error instanceof FewfireError) || fixedBatch !== undefined) throw error;
    return answer('not known', `${together.length} rows at once are refused: ${error.message}`, false);
  }
  const seen = compare(values, together);
  if (seen === null) return answer('independent');
  layouts.clear();
  // Copies behind the first may be meant to differ, where a state is carried along.
  const [first, ...others] = together.map((_, place) => (place === 0 ? tried[0] : -1));
  const again = await aloneRun(tried[0]);
  return compare(again, fixedBatch === undefined ? [first] : [first, ...others]) === null
    ? answer('dependent', seen)
    : answer('not known', 'two runs of one row differ: the model draws random numbers');
}

function samplesToTry(sampleCount: number, fixedBatch: number | undefined, seed: number): number[] {
  // Where a batch is fixed, those that come first and last in the first one.
  if (fixedBatch !== undefined) return [0, fixedBatch - 1];
  const random = createRandom(seed);
  const between = Array.from({ length: MOST_ALONE - 3 }, () => random.integer(sampleCount));
  return [...new Set([0, sampleCount - 1, 1, ...between])];
}

function captured(values: Values, name: string): CapturedValue {
  return values.get(name) as CapturedValue;
}

export function bytesOf(values: Values): number {
  let bytes = 0;
  for (const { numbers } of values.values()) bytes += numbers.byteLength;
  return bytes;
}

/** A run of several samples, and the place of one among them. */
interface PlacedSample {
  readonly value: CapturedValue;
  readonly sampleCount: number;
  readonly place: number;
}

// Divisors of the rows of a sample, rising; none where the rows do not divide among the samples.
function layoutsOf({ numbers }: CapturedValue, width: number, sampleCount: number): readonly number[] {
  const each = numbers.length / width / sampleCount;
  if (!Number.isInteger(each)) return [];
  // No rows: any layout.
  const layouts = each === 0 ? [1] : [];
  for (let p = 1; p * p <= each; p++) if (each % p === 0) layouts.push(p, each / p);
  return [...new Set(layouts)].sort((a, b) => a - b);
}

// Those under which the sample has the same rows in both runs, up to rounding.
function sameLayouts(
  one: PlacedSample,
  other: PlacedSample,
  width: number,
  layouts: readonly number[],
  size: number,
): readonly number[] {
  const each = one.value.numbers.length / width / one.sampleCount;
  if (other.value.numbers.length !== each * width * other.sampleCount) return [];
  const tolerance = (one.value.type === 'float16' ? HALF_TOLERANCE : TOLERANCE) * size;
  return layouts.filter((layout) => isWithin(tolerance, one, other, width, each, layout));
}

function isWithin(
  tolerance: number,
  one: PlacedSample,
  other: PlacedSample,
  width: number,
  each: number,
  layout: number,
): boolean {
  const [a, b] = [one.value.numbers, other.value.numbers];
  for (let row = 0; row < each; row++) {
    const from = rowOf(one, row, each, layout) * width;
    const to = rowOf(other, row, each, layout) * width;
    for (let i = 0; i < width; i++) {
      const [x, y] = [a[from + i], b[to + i]];
      // NaN and infinity must be in both.
      if (!(Math.abs(x - y) <= tolerance || Object.is(x, y))) return false;
    }
  }
  return true;
}

function rowOf({ sampleCount, place }: PlacedSample, row: number, each: number, layout: number): number {
  const behind = each / layout;
  return (Math.floor(row / behind) * sampleCount + place) * behind + (row % behind);
}

function bySample(value: CapturedValue, width: number, sampleCount: number, layout: number): Float32Array {
  const { numbers } = value;
  if (layout === 1) return numbers;
  const each = numbers.length / width / sampleCount;
  const sorted = new Float32Array(numbers.length);
  for (let place = 0; place < sampleCount; place++) {
    for (let row = 0; row < each; row++) {
      const from = rowOf({ value, sampleCount, place }, row, each, layout) * width;
      sorted.set(numbers.subarray(from, from + width), (place * each + row) * width);
    }
  }
  return sorted;
}
