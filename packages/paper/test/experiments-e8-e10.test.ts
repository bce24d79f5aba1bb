/** E8 to E10 at tiny scale: verdicts follow from numbers, runs repeat, bad files are refused. Times are not judged here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FewfireError } from '@fewfire/core';
import { parseSafetensors, readSafetensors } from '@fewfire/node';
import { afterAll, describe, expect, it } from 'vitest';
import { experiment as e8 } from '../src/e8.ts';
import { experiment as e9 } from '../src/e9.ts';
import { experiment as e10 } from '../src/e10.ts';
import type { Experiment, ExperimentResult } from '../src/experiment.ts';
import {
  createLoopBuffers,
  deadLayer,
  denseLoop,
  dynamicLayer,
  loadTrainedBlock,
  measureActivity,
  normalInputs,
  oracleLoop,
  skipInactiveLoop,
} from '../src/relu-layer.ts';

const folder = mkdtempSync(join(tmpdir(), 'fewfire-e8-'));
afterAll(() => rmSync(folder, { recursive: true }));

const verdicts = (result: ExperimentResult): string[] => result.claims.map(({ verdict }) => verdict);

async function refusal(work: () => unknown): Promise<FewfireError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(FewfireError);
    return error as FewfireError;
  }
  throw new Error('it was not refused');
}

describe.each([e8, e9, e10])('$id', (experiment: Experiment) => {
  it('returns finite curves inside their intervals, a sentence for each figure, and plain JSON', async () => {
    const result = await experiment.run({ scale: 'tiny', seed: 3 });
    expect(result.id).toBe(experiment.id);
    expect(result.seed).toBe(3);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result.claims.length).toBeGreaterThan(0);
    expect(result.figures.length).toBeGreaterThan(0);
    for (const { measured } of result.claims) expect(measured).not.toMatch(/NaN|Infinity|undefined/);
    for (const note of result.notes) expect(note).not.toMatch(/NaN|Infinity|undefined/);
    for (const figure of result.figures) {
      expect(figure.seen).toMatch(/\d/);
      expect(figure.seen).not.toMatch(/NaN|Infinity|undefined/);
      expect(new Set(figure.series.map(({ name }) => name)).size).toBe(figure.series.length);
      for (const { name, points } of figure.series) {
        expect(points.length, name).toBeGreaterThan(0);
        for (const { x, y, low = y, high = y } of points) {
          for (const value of [x, y, low, high]) expect(Number.isFinite(value), name).toBe(true);
          if (figure.x.scale === 'log') expect(x, name).toBeGreaterThan(0);
          if (figure.y.scale === 'log') expect(y, name).toBeGreaterThan(0);
          expect(low, name).toBeLessThanOrEqual(y * (1 + 1e-9));
          expect(high, name).toBeGreaterThanOrEqual(y * (1 - 1e-9));
        }
      }
    }
  });

  it('stops with the reason of its signal', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(experiment.run({ scale: 'tiny', signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('E8', () => {
  it('finds the trained block sparse and its sparsity dynamic, and says so only by its limits', async () => {
    const result = await e8.run({ scale: 'tiny' });
    expect(verdicts(result)).toEqual(['consistent with', 'consistent with', 'consistent with']);
    expect(verdicts(await e8.run({ scale: 'tiny', boundFactor: 0.01 }))).toEqual(Array(3).fill('not consistent with'));
    expect(await e8.run({ scale: 'tiny' })).toEqual(result);
  });

  it('is read from its own package, the same bytes as in examples/', () => {
    const [own, example] = ['../data', '../../../examples'].map((place) =>
      readFileSync(new URL(`${place}/relu-mlp.safetensors`, import.meta.url)),
    );
    expect(own.equals(example)).toBe(true);
  });

  it('counts in the whole trained block what a count of its own finds', async () => {
    const { layer, inputs } = await loadTrainedBlock();
    expect([layer.unitCount, layer.inputWidth, inputs.rowCount]).toEqual([1024, 256, 1024]);
    const few = { rowCount: 20, width: 256, values: inputs.values.subarray(0, 20 * 256) };
    const activity = await measureActivity(layer, few);
    const expected = Array.from({ length: 20 }, (_, row) => {
      let count = 0;
      for (let j = 0; j < 1024; j++) {
        let sum = layer.upBias[j];
        for (let i = 0; i < 256; i++) sum += layer.up[j * 256 + i] * few.values[row * 256 + i];
        if (sum > 0) count++;
      }
      return count;
    });
    expect(Array.from(activity.rowCounts)).toEqual(expected);
    expect(activity.unitCounts.reduce((a, b) => a + b)).toBe(activity.active.length);
  });

  it('tells a made dead layer from a dynamic one', async () => {
    const shape = { name: 'made', inputWidth: 32, unitCount: 200, seed: 5 };
    const inputs = normalInputs(32, 300, 6);
    const dead = await measureActivity(deadLayer({ ...shape, liveShare: 0.05 }), inputs);
    expect(Array.from(dead.rowCounts)).toEqual(Array(300).fill(10));
    expect(dead.unitCounts.filter((count) => count > 0)).toHaveLength(10);
    const dynamic = await measureActivity(dynamicLayer({ ...shape, firingRate: 0.05 }), inputs);
    expect(dynamic.unitCounts.filter((count) => count > 0).length).toBeGreaterThan(190);
  });
});

describe('E9', () => {
  it('has loops whose outputs are equal bit by bit, and right', async () => {
    // Sizes that are no multiples of four.
    const layer = dynamicLayer({ name: 'odd', inputWidth: 13, unitCount: 37, firingRate: 0.2, seed: 8 });
    const inputs = normalInputs(13, 25, 9);
    const { rowCounts, active } = await measureActivity(layer, inputs);
    const buffers = createLoopBuffers(layer);
    let at = 0;
    for (let row = 0; row < 25; row++) {
      const x = inputs.values.subarray(row * 13, (row + 1) * 13);
      denseLoop(layer, x, buffers);
      const dense = buffers.out.slice();
      skipInactiveLoop(layer, x, buffers);
      expect(buffers.out).toEqual(dense);
      oracleLoop(layer, x, active.subarray(at, at + rowCounts[row]), buffers);
      expect(buffers.out).toEqual(dense);
      at += rowCounts[row];
      for (let i = 0; i < 13; i++) {
        let expected = 0;
        for (let j = 0; j < 37; j++) {
          let sum = layer.upBias[j];
          for (let c = 0; c < 13; c++) sum += layer.up[j * 13 + c] * x[c];
          expected += Math.max(0, sum) * layer.down[j * 13 + i];
        }
        expect(dense[i]).toBeCloseTo(expected, 10);
      }
    }
  });

  it('says that its times are not deterministic, and judges them by its limits', async () => {
    const result = await e9.run({ scale: 'tiny' });
    expect(result.settings.deterministic).toBe(false);
    expect(verdicts(result)[3]).toBe('holds');
    const wrong = await e9.run({ scale: 'tiny', boundFactor: 0.001 });
    expect(verdicts(wrong).slice(0, 3)).toEqual(Array(3).fill('not consistent with'));
  });
});

describe('E10', () => {
  it('certifies, learns and bounds at tiny scale, the same every time', async () => {
    const result = await e10.run({ scale: 'tiny' });
    expect(verdicts(result)).toEqual(['holds', 'holds', 'consistent with', 'holds', 'holds']);
    expect(await e10.run({ scale: 'tiny', threads: 2 })).toEqual(result);
  });

  it('loses every verdict about a bound when the bound is wrong', async () => {
    const wrong = verdicts(await e10.run({ scale: 'tiny', boundFactor: 0.001 }));
    expect(wrong).toEqual(['does not hold', 'holds', 'not consistent with', 'does not hold', 'does not hold']);
  });
});

describe('safetensors', () => {
  interface Entry {
    dtype?: string;
    shape?: unknown;
    data_offsets?: unknown;
  }
  const file = (header: unknown, data: readonly number[] = [1, 2, 3, 4]): Uint8Array => {
    const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const bytes = new Uint8Array(8 + text.length + 4 * data.length);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    data.forEach((value, i) => {
      view.setFloat32(8 + text.length + 4 * i, value, true);
    });
    return bytes;
  };
  const a: Entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const b: Entry = { dtype: 'F32', shape: [1, 2], data_offsets: [8, 16] };

  it('reads tensors at any offset, and metadata is no tensor', () => {
    const bytes = file({ __metadata__: { format: 'pt' }, b, a });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const tensors = parseSafetensors(shifted.subarray(3), 'x');
    expect([...tensors.keys()].sort()).toEqual(['a', 'b']);
    expect(tensors.get('b')).toEqual({ shape: [1, 2], values: Float32Array.of(3, 4) });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['too short', new Uint8Array(5), /too few/],
    ['a header beyond the end', file({ a, b }).subarray(0, 40), /whole safetensors/],
    ['no JSON', file('{{{{'), /not JSON/],
    ['a list', file('[1]'), /not a JSON object/],
    ['an entry of another kind', file({ a: 5, b }), /damaged entry/],
    ['a negative length', file({ a: { ...a, shape: [-2] }, b }), /damaged entry/],
    [
      'lengths whose product overflows',
      file({ a: { ...a, shape: [2 ** 40, 2 ** 40, 2 ** 40] }, b }),
      /expected .* bytes/,
    ],
    ['another type', file({ a: { ...a, dtype: 'F64' }, b }), /F64/],
    ['offsets beyond the end', file({ a, b: { ...b, shape: [1, 4], data_offsets: [8, 24] } }), /cut off/],
    ['an overlap', file({ a, b: { ...b, data_offsets: [4, 12] } }), /overlap/],
    ['bytes of no tensor', file({ a }), /8 bytes after/],
    ['NaN', file({ a, b }, [1, Number.NaN, 3, 4]), /number 1 of tensor "a" is NaN/],
  ])('refuses %s', async (_, bytes, message) => {
    expect((await refusal(() => parseSafetensors(bytes, 'x.safetensors'))).message).toMatch(message);
  });

  it('refuses files that are missing, too large, or no trained block, and says where the block should be', async () => {
    const path = join(folder, 'small.safetensors');
    writeFileSync(path, file({ a, b }));
    expect((await refusal(() => readSafetensors(path, { memoryLimitBytes: 100 }))).code).toBe('memory-budget');
    expect((await refusal(() => readSafetensors(folder))).code).toBe('file-unreadable');
    expect((await refusal(() => loadTrainedBlock({}, path))).message).toContain('"up.weight"');
    const missing = await refusal(() => loadTrainedBlock({}, join(folder, 'none.safetensors')));
    expect(missing.code).toBe('file-not-found');
    expect(missing.message).toContain('comes with @fewfire/paper');
  });
});
