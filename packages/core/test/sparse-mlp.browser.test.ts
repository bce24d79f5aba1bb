import { type MlpProjection, quantiseRows } from '@fewfire/kernels';
import { describe, expect, it } from 'vitest';
import { createRandom, type FewfireError, parseSparseMlp, prepareSparseMlp, type ReluLayer } from '../src/index.ts';
import { predictedCost } from '../src/mlp/choose-method.ts';
import { serializeMlp } from '../src/mlp/mlp-file.ts';

function makeBlock(options: { gated?: boolean; bias?: number; seed?: number } = {}): ReluLayer {
  const [d, s, o] = [37, 150, 21];
  const random = createRandom(options.seed ?? 1);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const bias = options.bias ?? -9;
  return {
    name: 'made',
    inputWidth: d,
    unitCount: s,
    outputWidth: o,
    activation: options.gated ? 'squared-relu' : 'relu',
    up: draw(s * d),
    upBias: draw(s).map((b) => b + bias),
    ...(options.gated ? { linear: draw(s * d), linearBias: draw(s) } : {}),
    down: draw(s * o),
    downBias: draw(o),
  };
}

function makeInputs(count: number, seed = 2): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count * 37 }, () => random.normal());
}

/** In double precision, by definition: what single precision must come close to. */
function inDoubles(block: ReluLayer, x: Float32Array): { output: number[]; preactivations: number[] } {
  const { inputWidth: d, unitCount: s, outputWidth: o } = block;
  const dot = (rows: Float32Array, u: number): number => x.reduce((sum, v, c) => sum + v * rows[u * d + c], 0);
  const preactivations = Array.from({ length: s }, (_, u) => dot(block.up, u) + block.upBias[u]);
  const output = Array.from(block.downBias);
  preactivations.forEach((z, u) => {
    if (z <= 0) return;
    const a = block.activation === 'relu' ? z : z * z;
    const gate = block.linear && block.linearBias ? dot(block.linear, u) + block.linearBias[u] : 1;
    for (let k = 0; k < o; k++) output[k] += a * gate * block.down[u * o + k];
  });
  return { output, preactivations };
}

describe('SparseMlp', () => {
  it.each([false, true])('computes the block, few units and the same bits as dense (gated: %s)', async (gated) => {
    const block = makeBlock({ gated });
    using mlp = await prepareSparseMlp(block);
    const inputs = makeInputs(50);
    for (let i = 0; i < 50; i++) {
      const x = inputs.subarray(37 * i, 37 * i + 37);
      const sparse = mlp.forward(x);
      const active = mlp.activeUnits();
      expect(mlp.forwardDense(x)).toEqual(sparse);
      expect(mlp.activeUnits()).toEqual(active);
      const { output, preactivations } = inDoubles(block, x);
      const scale = Math.max(1, ...output.map(Math.abs));
      for (const [k, y] of output.entries()) expect(Math.abs(sparse[k] - y)).toBeLessThan(1e-4 * scale);
      const clear = preactivations.flatMap((z, u) => (z > 1e-4 ? [u] : []));
      for (const u of clear) expect(active).toContain(u);
      expect(active.length - clear.length).toBeLessThanOrEqual(1);
    }
    const { inputs: count, denseInputs, units, evaluated, active } = mlp.counters();
    expect([count, denseInputs, units]).toEqual([100, 50, 100 * 150]);
    // Half of the inputs went dense and evaluated everything; the others little more than what fires.
    expect(evaluated - 50 * 150).toBeLessThan(active);
    mlp.resetCounters();
    expect(mlp.counters().inputs).toBe(0);
  });

  it('a batch of any size gives each input what it gets alone, by every path', async () => {
    const block = makeBlock({ bias: -2 });
    const inputs = makeInputs(11);
    using one = await prepareSparseMlp(block, { path: 'sparse' });
    const expected = Array.from({ length: 11 }, (_, i) => [
      ...one.forward(inputs.subarray(37 * i, 37 * i + 37)),
    ]).flat();
    for (const path of ['auto', 'sparse', 'dense'] as const) {
      using mlp = await prepareSparseMlp(block, { path, inputCapacity: 4, threads: 2 });
      expect([...mlp.forwardBatch(inputs, 11)]).toEqual(expected);
      expect(mlp.forwardBatch(new Float32Array(0), 0)).toHaveLength(0);
      expect(() => mlp.activeUnits()).toThrow('call forward');
    }
  });

  it('turns to dense when most units fire, tries the screen again now and then, and comes back', async () => {
    const block = makeBlock({ bias: 0 });
    using mlp = await prepareSparseMlp(block);
    const zeros = new Float32Array(37);
    // Biases around 0 make half of the units fire at 0: 0.13 + 0.5 + 0.5 of the dense time.
    expect(predictedCost({ evaluated: 0.5, active: 0.5 }, 1)).toBeGreaterThan(1);
    for (let i = 0; i < 40; i++) mlp.forward(zeros);
    expect(mlp.counters().denseInputs).toBe(38);
    const silent = makeBlock({ bias: -100 });
    using quiet = await prepareSparseMlp(silent);
    for (let i = 0; i < 40; i++) quiet.forward(zeros);
    expect(quiet.counters()).toMatchObject({ denseInputs: 0, evaluated: 0, active: 0 });
  });

  it('refuses what cannot be prepared or run', async () => {
    const block = makeBlock();
    const bad = block.up.slice();
    bad[5] = Number.NaN;
    await expect(prepareSparseMlp({ ...block, up: bad })).rejects.toThrow('number 5 of up is NaN');
    bad[5] = Infinity;
    await expect(prepareSparseMlp({ ...block, up: bad })).rejects.toMatchObject({ code: 'invalid-data' });
    await expect(prepareSparseMlp({ ...block, unitCount: 151 })).rejects.toThrow('up has 5550 numbers');
    await expect(prepareSparseMlp({ ...block, inputWidth: 0 })).rejects.toThrow('inputWidth is 0');
    await expect(prepareSparseMlp({ ...block, linear: block.up })).rejects.toThrow('needs both');
    await expect(prepareSparseMlp(block, { memoryLimitBytes: 1000 })).rejects.toMatchObject({ code: 'memory-budget' });
    await expect(prepareSparseMlp(block, { threads: 0 })).rejects.toThrow('threads is 0');
    await expect(prepareSparseMlp(block, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
    const mlp = await prepareSparseMlp(block);
    expect(() => mlp.forward(new Float32Array(36))).toThrow('exactly 37');
    expect(() => mlp.forward(new Float32Array(37), new Float32Array(3))).toThrow('exactly 21');
    expect(() => mlp.forwardBatch(new Float32Array(37), 1.5)).toThrow('rowCount is 1.5');
    mlp.dispose();
    expect(() => mlp.forward(new Float32Array(37))).toThrow('disposed');
  });
});

/** Weights and inputs that share 12 directions of 96, with some noise: the structure a projection lives on. */
function makeStructured(inputCount: number): { readonly block: ReluLayer; readonly inputs: Float32Array } {
  const [d, s, o, rank] = [96, 400, 10, 12];
  const random = createRandom(3);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const directions = draw(rank * d);
  const rows = (count: number, noise: number): Float32Array => {
    const made = draw(count * d).map((v) => noise * v);
    for (let r = 0; r < count; r++) {
      for (let k = 0; k < rank; k++) {
        const factor = random.normal() / (1 + k / 4);
        for (let c = 0; c < d; c++) made[r * d + c] += factor * directions[k * d + c];
      }
    }
    return made;
  };
  const block: ReluLayer = {
    name: 'structured',
    inputWidth: d,
    unitCount: s,
    outputWidth: o,
    activation: 'relu',
    up: rows(s, 0.05),
    upBias: new Float32Array(s).fill(-250),
    down: draw(s * o),
    downBias: draw(o),
  };
  return { block, inputs: rows(inputCount, 0.05) };
}

describe('a first test fitted to sample inputs', () => {
  const { block, inputs } = makeStructured(700);
  const sampleInputs = inputs.subarray(0, 600 * 96);

  it('drops most units before the int8 test, and changes no bit', async () => {
    using plain = await prepareSparseMlp(block);
    using mlp = await prepareSparseMlp(block, { sampleInputs, path: 'sparse' });
    expect(plain.projection).toBeUndefined();
    expect(mlp.projection?.rank).toBe(16);
    const random = createRandom(8);
    for (let i = 0; i < 100; i++) {
      const x = inputs.slice(96 * (600 + i), 96 * (601 + i));
      // Inputs that the test was not made for, too.
      if (i % 4 === 3) for (let c = 0; c < 96; c++) x[c] = 10 ** ((i % 60) - 30) * random.normal();
      expect(mlp.forward(x)).toEqual(plain.forwardDense(x));
      expect(mlp.activeUnits()).toEqual(plain.activeUnits());
    }
    mlp.resetCounters();
    const fresh = inputs.slice(96 * 600);
    expect(mlp.forwardBatch(fresh, 100)).toEqual(plain.forwardBatch(fresh, 100));
    const { units, projected, evaluated, active } = mlp.counters();
    expect(projected).not.toBeNull();
    expect(projected).toBeGreaterThanOrEqual(evaluated);
    expect(projected).toBeLessThan(0.5 * units);
    expect(evaluated).toBeLessThan(active + 0.1 * units);
    expect(plain.counters().projected).toBeNull();
  });

  it('is the same for the same inputs, and comes back from a file', async () => {
    using mlp = await prepareSparseMlp(block, { sampleInputs });
    using twin = await prepareSparseMlp(block, { sampleInputs });
    const bytes = await mlp.serialize();
    expect(await twin.serialize()).toEqual(bytes);
    using again = await parseSparseMlp(bytes, 'a file', { path: 'sparse' });
    expect(again.projection).toEqual(mlp.projection);
    const x = inputs.subarray(96 * 650, 96 * 651);
    expect(again.forward(x)).toEqual(mlp.forward(x));
    expect(again.counters()).toEqual(mlp.counters());
  });

  it('is left out where it does not pay: no shared structure, few inputs, inputs or weights of zeros', async () => {
    const random = createRandom(4);
    const noise = Float32Array.from({ length: 600 * 96 }, () => random.normal());
    const projectionOf = async (change: Partial<ReluLayer>, sample: Float32Array): Promise<unknown> => {
      using mlp = await prepareSparseMlp({ ...block, ...change }, { sampleInputs: sample });
      return mlp.projection;
    };
    const unstructured = { up: block.up.map(() => random.normal()), upBias: new Float32Array(400).fill(-15) };
    expect(await projectionOf(unstructured, noise)).toBeUndefined();
    expect(await projectionOf({}, inputs.subarray(0, 20 * 96))).toBeUndefined();
    expect(await projectionOf({}, new Float32Array(0))).toBeUndefined();
    expect(await projectionOf({}, new Float32Array(600 * 96))).toBeUndefined();
    expect(await projectionOf({ up: new Float32Array(400 * 96) }, sampleInputs)).toBeUndefined();
  });

  it('comes back from a file where most units survive every test', async () => {
    const high = { ...block, upBias: new Float32Array(400).fill(60) };
    using mlp = await prepareSparseMlp(high, { sampleInputs });
    expect(mlp.projection?.refineAbove).toBe(1);
    using again = await parseSparseMlp(await mlp.serialize(), 'a file');
    expect(again.projection).toEqual(mlp.projection);
  });

  it('takes no more directions than inputs and weights have', async () => {
    // Coordinates that are zero in both: of 96, 8 or 20 are left.
    for (const left of [8, 20]) {
      const only = (values: Float32Array): Float32Array => values.map((v, i) => (i % 96 < left ? v : 0));
      using mlp = await prepareSparseMlp({ ...block, up: only(block.up) }, { sampleInputs: only(sampleInputs) });
      expect(mlp.projection?.rank ?? 0).toBeLessThanOrEqual(left);
      const x = only(inputs.subarray(96 * 600, 96 * 601));
      expect(mlp.forward(x)).toEqual(mlp.forwardDense(x));
    }
  });

  it('is left out where it does not fit into the memory allowed', async () => {
    using plain = await prepareSparseMlp(block);
    using mlp = await prepareSparseMlp(block, { sampleInputs, memoryLimitBytes: plain.memoryBytes });
    expect(mlp.projection).toBeUndefined();
  });

  it('refuses inputs of another width and NaN, and stops when told', async () => {
    const bad = sampleInputs.slice();
    bad[96 * 7 + 5] = Number.NaN;
    await expect(prepareSparseMlp(block, { sampleInputs: bad })).rejects.toThrow('number 5 of row 7');
    await expect(prepareSparseMlp(block, { sampleInputs: bad.subarray(1) })).rejects.toThrow('rows of 96');
    const controller = new AbortController();
    const fit = prepareSparseMlp(block, {
      sampleInputs,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(fit).rejects.toThrow('enough');
  });

  it('a file with a projection that says nothing is refused', async () => {
    using mlp = await prepareSparseMlp(block, { sampleInputs });
    const { projection } = mlp;
    if (projection === undefined) throw new Error('no projection');
    const rows = quantiseRows(block.up, 96, 400);
    const forge = async (change: Partial<MlpProjection>): Promise<string> => {
      const bytes = await serializeMlp(block, { rows, projection: { ...projection, ...change } });
      return parseSparseMlp(bytes, 'a file').then(
        () => 'taken',
        (error: FewfireError) => `${error.code}: ${error.message}`,
      );
    };
    const changed = <T extends Float32Array | Int16Array | Int8Array>(values: T, at: number, to: number): T => {
      const copy = values.slice() as T;
      copy[at] = to;
      return copy;
    };
    expect(await forge({})).toBe('taken');
    expect(await forge({ rowScales: changed(projection.rowScales, 2, 0) })).toMatch(/model-file: .*nothing follows/);
    expect(await forge({ rowScales: changed(projection.rowScales, 2, -1) })).toMatch(/model-file: .*scale 2 is -1/);
    expect(await forge({ factorScales: changed(projection.factorScales, 0, Infinity) })).toMatch(/scale 0 is Inf/);
    expect(await forge({ refineAbove: 2 })).toMatch(/model-file: .*refineAbove/);
    expect(await forge({ rank: 8 })).toMatch(/model-file: .*rank/);
    expect(await forge({ rank: 32 })).toMatch(/model-file: .*section projectionRows/);
  });
});

describe('files of prepared blocks', () => {
  it.each([false, true])('come back as they were (gated: %s)', async (gated) => {
    const block = makeBlock({ gated });
    using mlp = await prepareSparseMlp(block);
    const bytes = await mlp.serialize();
    using again = await parseSparseMlp(bytes, 'a file');
    expect(again.block).toEqual(block);
    expect(await again.serialize()).toEqual(bytes);
    const x = makeInputs(1);
    expect(again.forward(x)).toEqual(mlp.forward(x));
    expect(again.counters().evaluated).toBe(mlp.counters().evaluated);
  });

  it('any cut and any edited byte is refused', async () => {
    using mlp = await prepareSparseMlp(makeBlock());
    const bytes = await mlp.serialize();
    const random = createRandom(5);
    const places = [
      0,
      7,
      8,
      12,
      16,
      60,
      bytes.length - 1,
      ...Array.from({ length: 60 }, () => random.integer(bytes.length)),
    ];
    for (const at of places) {
      const edited = bytes.slice();
      edited[at] ^= 1 << random.integer(8);
      await expect(parseSparseMlp(edited, 'a file')).rejects.toMatchObject({ code: 'model-file' });
      await expect(parseSparseMlp(bytes.slice(0, at), 'a file')).rejects.toMatchObject({ code: 'model-file' });
    }
    await expect(parseSparseMlp(new Uint8Array([...bytes, 0]), 'a file')).rejects.toThrow('hash');
  });

  it('a forged file with a matching hash is checked in every field, and cannot make results inexact', async () => {
    const block = makeBlock();
    using mlp = await prepareSparseMlp(block);
    const bytes = await mlp.serialize();
    const header = new TextDecoder().decode(bytes.subarray(16, 16 + new DataView(bytes.buffer).getUint32(12, true)));
    const forge = async (change: (copy: Uint8Array<ArrayBuffer>) => void): Promise<Uint8Array<ArrayBuffer>> => {
      const copy = bytes.slice();
      change(copy);
      const end = copy.length - 32;
      copy.set(new Uint8Array(await crypto.subtle.digest('SHA-256', copy.subarray(0, end))), end);
      return copy;
    };
    const replace = (from: string, to: string): Promise<Uint8Array<ArrayBuffer>> => {
      expect(from.length).toBe(to.length);
      expect(header).toContain(from);
      return forge((copy) => copy.set(new TextEncoder().encode(header.replace(from, to)), 16));
    };
    const dataStart = Math.ceil((16 + header.length) / 64) * 64;
    const { sections } = JSON.parse(header) as { sections: { name: string; offset: number; byteLength: number }[] };
    const place = (name: string): number =>
      dataStart + (sections.find((one) => one.name === name)?.offset ?? Number.NaN);
    for (const [from, to] of [
      ['"unitCount":150', '"unitCount":151'],
      ['"inputWidth":37', '"inputWidth":36'],
      ['"downBias"', '"downBiaz"'],
      ['"relu"', '"gelu"'],
      ['"offset":0', '"offset":1'],
      ['"screenScales","type":"f32"', '"screenScales","type":"f64"'],
      ['{"name"', '["name"'],
    ]) {
      await expect(parseSparseMlp(await replace(from, to), 'a file'), from).rejects.toMatchObject({
        code: 'model-file',
      });
    }
    const nan = await forge((copy) => new DataView(copy.buffer).setFloat32(place('down'), Number.NaN, true));
    await expect(parseSparseMlp(nan, 'a file')).rejects.toMatchObject({ code: 'invalid-data' });
    const scale = await forge((copy) => new DataView(copy.buffer).setFloat32(place('screenScales'), -1, true));
    await expect(parseSparseMlp(scale, 'a file')).rejects.toThrow('scale 0 is -1');
    const padding = await forge((copy) => copy.set([1], place('screenRows') + 4 * 48 - 1));
    await expect(parseSparseMlp(padding, 'a file')).rejects.toThrow('padding');

    // Rows and scales that have nothing to do with the weights: slow, but exact.
    const random = createRandom(9);
    const nonsense = await forge((copy) => {
      const view = new DataView(copy.buffer);
      for (let u = 0; u < 150; u++) {
        const factor = [0, 1e-40, 1e38, 1, 0.01][random.integer(5)];
        view.setFloat32(place('screenScales') + 4 * u, factor, true);
        for (let c = 0; c < 16; c++)
          copy[place('screenRows') + (u >> 2) * 4 * 48 + (u & 3) * 16 + c] = random.integer(256);
      }
    });
    using strange = await parseSparseMlp(nonsense, 'a file', { path: 'sparse' });
    const inputs = makeInputs(40);
    for (let i = 0; i < 40; i++) {
      const x = inputs.subarray(37 * i, 37 * i + 37).map((v) => v * 10 ** (i - 20));
      expect(strange.forward(x)).toEqual(mlp.forwardDense(x));
    }
    expect(strange.counters().evaluated).toBeGreaterThan(mlp.counters().active);
  });
});
