import { describe, expect, it } from 'vitest';
import {
  boundProjection,
  boundRows,
  createMlpKernel,
  type MlpKernelOptions,
  type MlpProjection,
  type MlpScreen,
  type ProjectionScreen,
  packedIndex,
  paddedColumns,
  projectionIndex,
  quantiseProjection,
  quantiseRows,
  type ReluLayer,
  referenceMlp,
  stepDown,
} from '../src/index.ts';
import {
  alongRows,
  borderBiases,
  createStream,
  drawBasis,
  drawInput,
  INPUT_KINDS,
  intoSpan,
  type MlpShape,
  makeLayer,
  nearSpan,
  sameBits,
} from './mlp-cases.ts';

const SHAPES: readonly MlpShape[] = [
  { inputWidth: 1, unitCount: 1, outputWidth: 1, squared: false, gated: false },
  { inputWidth: 16, unitCount: 8, outputWidth: 16, squared: false, gated: false },
  { inputWidth: 19, unitCount: 27, outputWidth: 5, squared: true, gated: false },
  { inputWidth: 33, unitCount: 50, outputWidth: 17, squared: false, gated: true },
  { inputWidth: 64, unitCount: 61, outputWidth: 64, squared: true, gated: true },
];

function screenOf(weights: ReluLayer): MlpScreen {
  const rows = quantiseRows(weights.up, weights.inputWidth, weights.unitCount);
  return boundRows(rows, weights.up, weights.upBias, weights.inputWidth);
}

function projectionOf(weights: ReluLayer, { basis, refineAbove, change, coarse }: Projected): ProjectionScreen {
  const { inputWidth: d, up } = weights;
  const fine = quantiseProjection(basis, basis.length / d, up, d, refineAbove);
  const codes = coarse
    ? { factors: fine.factors.map((q) => Math.round(q / 25)), factorScales: fine.factorScales.map((s) => 25 * s) }
    : {};
  const projection = boundProjection({ ...fine, ...codes }, up, d);
  if (projection === undefined) throw new Error('the basis is not orthonormal');
  return change === undefined ? projection : change(projection);
}

interface Mismatches {
  activeSets: number;
  outputs: number;
  screenedOut: number;
  /** By the first test alone. */
  projectedOut: number;
}

/** What a layer is changed to before it runs: a projection of its own, and faults. */
interface StressChanges {
  readonly screen?: (screen: MlpScreen) => MlpScreen;
  readonly projection?: (seed: number) => Projected;
}

interface Projected {
  readonly basis: Float64Array;
  /** Of the weights, what is left outside the basis; 0 for multiples of its rows, which lose next to nothing as factors. */
  readonly outside: number;
  readonly refineAbove: number;
  readonly change?: (projection: ProjectionScreen) => ProjectionScreen;
  /** Factors of few digits: bounds have to make up for any. */
  readonly coarse?: boolean;
}

// Sparse against dense (same memory) and every so often against the reference, with every fourth layer on the border.
async function stress(
  shape: MlpShape,
  inputCount: number,
  options: MlpKernelOptions,
  { screen: changeScreen = (screen) => screen, projection: project }: StressChanges = {},
): Promise<Mismatches> {
  const found = { activeSets: 0, outputs: 0, screenedOut: 0, projectedOut: 0 };
  const perLayer = 20;
  const next = createStream(7);
  const x = new Float32Array(shape.inputWidth);
  const [sparse, dense] = [0, 1].map(() => new Float32Array(shape.outputWidth));
  for (let done = 0, seed = 1; done < inputCount; seed++) {
    let weights = makeLayer(shape, seed, seed % 7 === 0 ? 1e-20 : seed % 7 === 1 ? 1e15 : 1);
    const projected = project?.(seed);
    if (projected !== undefined) {
      weights =
        projected.outside === 0
          ? alongRows(weights, projected.basis)
          : nearSpan(weights, projected.basis, projected.outside);
    }
    const onBorder = seed % 4 === 0;
    if (onBorder) {
      drawInput(seed % INPUT_KINDS, next, x);
      // Within the span nothing else makes up for the errors there.
      if (projected?.coarse) x.set(intoSpan(x, projected.basis));
      weights = { ...weights, upBias: borderBiases(weights, x) };
    }
    const projection = projected && projectionOf(weights, projected);
    const kernel = await createMlpKernel(weights, changeScreen(screenOf(weights)), { ...options, projection });
    for (let k = 0; k < perLayer; k++, done++) {
      if (!onBorder || k > 0) drawInput((k + seed) % INPUT_KINDS, next, x);
      kernel.run('dense', x, 0, 1, dense, 0);
      const active = kernel.activeUnits(0);
      kernel.run('sparse', x, 0, 1, sparse, 0);
      found.screenedOut += shape.unitCount - kernel.evaluatedCount(0);
      if (projection !== undefined && kernel.evaluatedCount(0) < shape.unitCount) {
        found.projectedOut += shape.unitCount - kernel.projectedCount(0);
      }
      const units = kernel.activeUnits(0);
      if (units.length !== active.length || units.some((u, i) => u !== active[i])) found.activeSets++;
      if (!sameBits(sparse, dense)) found.outputs++;
      if (k % 4 === 0) {
        const expected = referenceMlp(weights, x);
        if (!sameBits(dense, expected.output)) found.outputs++;
        if (active.join() !== expected.activeUnits.join()) found.activeSets++;
      }
    }
    kernel.dispose();
  }
  return found;
}

describe('feed-forward layers', () => {
  it.each(['simd', 'scalar'] as const)(
    'sparse = dense = reference, bit for bit, on hostile inputs: %s',
    async (variant) => {
      for (const shape of SHAPES) {
        const found = await stress(shape, 1000, { variant });
        expect(found).toMatchObject({ activeSets: 0, outputs: 0 });
        // The test would prove nothing if every unit were evaluated.
        if (shape.unitCount > 1) expect(found.screenedOut).toBeGreaterThan(1000 * shape.unitCount * 0.2);
      }
    },
  );

  it('the same stress finds a bound that is a little too small', async () => {
    const shrink = (factor: number) => (screen: MlpScreen) => ({
      ...screen,
      weightErrors: screen.weightErrors.map((e) => e * factor),
      codeNorms: screen.codeNorms.map((e) => e * factor),
    });
    let missed = 0;
    for (const shape of SHAPES) missed += (await stress(shape, 1000, {}, { screen: shrink(0.3) })).activeSets;
    expect(missed).toBeGreaterThan(0);
    // Without the errors of rounding and quantising, units on the border are lost at once.
    missed = 0;
    for (const shape of SHAPES) missed += (await stress(shape, 400, {}, { screen: shrink(0) })).activeSets;
    expect(missed).toBeGreaterThan(20);
  });

  it('the threshold alone does not carry the underflow: without its slack, border units are lost', async () => {
    const bare = (screen: MlpScreen): MlpScreen => ({
      ...screen,
      weightErrors: screen.weightErrors.map(() => 0),
      thresholds: screen.thresholds.map((t) => t + 2 ** -115),
    });
    expect((await stress(SHAPES[3], 400, {}, { screen: bare })).activeSets).toBeGreaterThan(0);
  });

  it('NaN and infinity go through every unit and come out as by definition', async () => {
    for (const shape of SHAPES) {
      const weights = makeLayer(shape, 3);
      const kernel = await createMlpKernel(weights, screenOf(weights), {});
      const output = new Float32Array(shape.outputWidth);
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const x = new Float32Array(shape.inputWidth).fill(0.5);
        x[shape.inputWidth >> 1] = bad;
        const expected = referenceMlp(weights, x);
        for (const method of ['sparse', 'dense'] as const) {
          kernel.run(method, x, 0, 1, output, 0);
          expect(sameBits(output, expected.output)).toBe(true);
          expect(kernel.activeUnits(0)).toEqual(expected.activeUnits);
          expect(kernel.evaluatedCount(0)).toBe(shape.unitCount);
        }
      }
    }
  });

  it('batches of any size, both ways, give each input what it gets alone', async () => {
    const shape = { inputWidth: 70, unitCount: 1500, outputWidth: 40, squared: false, gated: true };
    const weights = makeLayer(shape, 5);
    const screen = screenOf(weights);
    const next = createStream(3);
    const inputs = new Float32Array(13 * 70);
    for (let i = 0; i < 13; i++) drawInput(i % INPUT_KINDS, next, inputs.subarray(70 * i, 70 * i + 70));
    const projections = [
      undefined,
      projectionOf(weights, { basis: drawBasis(32, 70, createStream(6)), outside: 1, refineAbove: 0.3 }),
    ];
    for (const [variant, projection] of (['simd', 'scalar'] as const).flatMap((v) =>
      projections.map((p) => [v, p] as const),
    )) {
      const kernel = await createMlpKernel(weights, screen, { variant, inputCapacity: 13, projection });
      for (const count of [1, 2, 4, 7, 13]) {
        for (const method of ['sparse', 'dense'] as const) {
          const outputs = new Float32Array(40 * count);
          kernel.run(method, inputs, 0, count, outputs, 0);
          for (let i = 0; i < count; i++) {
            const expected = referenceMlp(weights, inputs.subarray(70 * i, 70 * i + 70));
            expect(sameBits(outputs.subarray(40 * i, 40 * i + 40), expected.output)).toBe(true);
            expect(kernel.activeUnits(i)).toEqual(expected.activeUnits);
          }
        }
      }
    }
  });

  it('a list that holds the active units is enough; with fewer, exactly those count', async () => {
    const weights = makeLayer(SHAPES[3], 9);
    const kernel = await createMlpKernel(weights, screenOf(weights), {});
    const x = new Float32Array(33);
    drawInput(0, createStream(5), x);
    const expected = referenceMlp(weights, x);
    const output = new Float32Array(17);
    kernel.runListed(x, expected.activeUnits, output);
    expect(sameBits(output, expected.output)).toBe(true);
    kernel.runListed(x, expected.activeUnits.subarray(1), output);
    expect(kernel.activeUnits(0)).toEqual(expected.activeUnits.subarray(1));
    kernel.run('sparse', x, 0, 1, output, 0);
    expect(sameBits(output, expected.output)).toBe(true);
  });

  // A third of the layers each: weights along the rows, near their span, and hardly so.
  const project =
    (width: number, refineAbove: number, change?: (projection: ProjectionScreen) => ProjectionScreen) =>
    (seed: number): Projected => ({
      basis: drawBasis(16, width, createStream(seed + 100)),
      outside: [0, 0.02, 0.5][seed % 3],
      refineAbove,
      coarse: (seed >> 2) % 2 === 1,
      ...(change && { change }),
    });

  it.each(['simd', 'scalar'] as const)('with a first test on a projection: %s', async (variant) => {
    for (const shape of SHAPES.slice(3)) {
      // Never the int8 test after it, always, and where much is left.
      for (const refineAbove of [1, 0, 0.4]) {
        const found = await stress(shape, 600, { variant }, { projection: project(shape.inputWidth, refineAbove) });
        expect(found).toMatchObject({ activeSets: 0, outputs: 0 });
        expect(found.projectedOut).toBeGreaterThan(600 * shape.unitCount * 0.15);
        if (refineAbove === 1) expect(found.screenedOut).toBeLessThanOrEqual(found.projectedOut);
        else expect(found.screenedOut).toBeGreaterThan(found.projectedOut);
      }
    }
  });

  it.each(['insideErrors', 'norms', 'residuals'] as const)(
    'the same stress finds the %s of a projection missing',
    async (name) => {
      let missed = 0;
      const without = (projection: ProjectionScreen): ProjectionScreen => ({
        ...projection,
        [name]: projection[name].map(() => 0),
      });
      for (const shape of SHAPES.slice(3)) {
        missed += (await stress(shape, 1200, {}, { projection: project(shape.inputWidth, 1, without) })).activeSets;
      }
      expect(missed).toBeGreaterThan(0);
    },
  );

  it('the bounds of a projection cover what it leaves, by other sums', () => {
    const [d, rank] = [33, 16];
    const basis = drawBasis(rank, d, createStream(3));
    const weights = nearSpan(makeLayer(SHAPES[3], 11), basis, 0.3);
    const screen = projectionOf(weights, { basis, outside: 0.3, refineAbove: 1 });
    const row = (k: number): number[] =>
      Array.from({ length: d }, (_, c) => screen.rowScales[k] * screen.rows[projectionIndex(k, c, 48)]);
    const rows = Array.from({ length: rank }, (_, k) => row(k));
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
    // No direction is longer in the rows than the bound says.
    const next = createStream(8);
    for (let t = 0; t < 100; t++) {
      const x = Array.from({ length: d }, () => next() - 0.5);
      const y = rows.map((r) => dot(r, x));
      expect(dot(y, y) * screen.inverse).toBeLessThanOrEqual(dot(x, x));
    }
    const orthonormal = Array.from({ length: rank }, (_, k) => [...basis.subarray(k * d, (k + 1) * d)]);
    for (let u = 0; u < weights.unitCount; u++) {
      const w = [...weights.up.subarray(u * d, (u + 1) * d)];
      const left = w.slice();
      const codes: number[] = [];
      for (let k = 0; k < rank; k++) {
        const a = screen.factorScales[u] * screen.factors[packedIndex(u, k, rank)];
        codes.push(a);
        for (let c = 0; c < d; c++) left[c] -= a * rows[k][c];
      }
      expect(screen.residuals[u]).toBeGreaterThanOrEqual(Math.hypot(...left));
      expect(screen.norms[u]).toBeGreaterThanOrEqual(Math.max(Math.hypot(...codes), Math.hypot(...w)));
      // The rows' span is the basis' but for the rounding of the rows.
      const inside = Math.hypot(...orthonormal.map((r) => dot(r, left)));
      expect(screen.insideErrors[u]).toBeGreaterThanOrEqual(inside - 1e-4 * Math.hypot(...left));
      if (u > 4) expect(screen.insideErrors[u]).toBeLessThan(0.02 * Math.hypot(...w) + 1e-30);
    }
  });

  it('padding is not counted where a bound is beyond single precision', async () => {
    const [d, s] = [48, 9];
    const next = createStream(2);
    const up = Float32Array.from({ length: d * s }, () => 2 ** -15 * (next() - 0.5));
    const small = { inputWidth: d, unitCount: s, outputWidth: 3, name: 'small', activation: 'relu' as const };
    const weights = {
      ...small,
      up,
      upBias: new Float32Array(s),
      down: new Float32Array(3 * s),
      downBias: new Float32Array(3),
    };
    const x = Float32Array.from({ length: d }, (_, c) => (c < 20 ? 0 : c === 20 ? 3.4028e38 : 8e33));
    const projection = projectionOf(weights, { basis: drawBasis(16, d, next), outside: 1, refineAbove: 0 });
    for (const options of [{}, { projection }]) {
      const kernel = await createMlpKernel(weights, screenOf(weights), options);
      kernel.run('sparse', x, 0, 1, new Float32Array(3), 0);
      expect(kernel.evaluatedCount(0)).toBeLessThanOrEqual(s);
      expect(kernel.activeUnits(0)).toEqual(referenceMlp(weights, x).activeUnits);
      expect(kernel.projectedCount(0)).toBe('projection' in options ? s : 0);
    }
  });

  it('counts of the first test are those of the last run: all units if not screened, none if dense', async () => {
    const weights = nearSpan(makeLayer(SHAPES[3], 5), drawBasis(16, 33, createStream(3)), 0.01);
    const projection = projectionOf(weights, {
      basis: drawBasis(16, 33, createStream(3)),
      outside: 0.01,
      refineAbove: 1,
    });
    const kernel = await createMlpKernel(weights, screenOf(weights), { projection });
    const x = new Float32Array(33).fill(0.5);
    const run = (method: 'sparse' | 'dense'): number => {
      kernel.run(method, x, 0, 1, new Float32Array(17), 0);
      return kernel.projectedCount(0);
    };
    expect(run('sparse')).toBeLessThan(50);
    expect(run('dense')).toBe(0);
    x[3] = Number.NaN;
    expect(run('sparse')).toBe(50);
  });

  it('rows that are not nearly orthonormal, or not numbers, are refused', () => {
    const d = 33;
    const weights = makeLayer(SHAPES[3], 4);
    const good = quantiseProjection(drawBasis(16, d, createStream(3)), 16, weights.up, d, 1);
    const bound = (change: Partial<MlpProjection>): ProjectionScreen | undefined =>
      boundProjection({ ...good, ...change }, weights.up, d);
    expect(bound({})?.rank).toBe(16);
    for (const factor of [0, 0.5, 2, 1e30, Number.NaN]) {
      expect(bound({ rowScales: good.rowScales.map((v, k) => (k === 3 ? v * factor : v)) })).toBeUndefined();
    }
    const twice = good.rows.slice();
    for (let c = 0; c < d; c++) twice[projectionIndex(5, c, 48)] = twice[projectionIndex(6, c, 48)];
    expect(bound({ rows: twice })).toBeUndefined();
    // Before any work that grows with the cube of the rank.
    for (const rank of [8, 48, 4096]) expect(bound({ rank })).toBeUndefined();
    expect(bound({ rows: good.rows.map(() => 32767), rowScales: good.rowScales.map(() => 2 ** -15) })).toBeUndefined();
  });

  it('bounds cover what quantising leaves, by a sum of another kind', () => {
    const weights = makeLayer(SHAPES[3], 11);
    const { inputWidth: d, unitCount } = weights;
    const screen = screenOf(weights);
    const columns = paddedColumns(d);
    for (let u = 0; u < unitCount; u++) {
      const left: number[] = [];
      const codes: number[] = [];
      for (let c = 0; c < d; c++) {
        const code = screen.rows[packedIndex(u, c, columns)];
        codes.push(screen.scales[u] * code);
        left.push(weights.up[u * d + c] - screen.scales[u] * code);
        if (u > 1) expect(Math.abs(left[c])).toBeLessThanOrEqual(screen.scales[u] * 0.5001);
      }
      expect(screen.weightErrors[u]).toBeGreaterThanOrEqual(Math.hypot(...left));
      expect(screen.codeNorms[u]).toBeGreaterThanOrEqual(Math.hypot(...codes));
      expect(screen.thresholds[u]).toBeLessThan(-weights.upBias[u]);
    }
  });

  it('thresholds lie below -bias by more than all underflow, for every size of bias', () => {
    const biases = [0, -0, 1, -1, 2 ** -149, -(2 ** -149), 2 ** -92, -(2 ** -92), 2 ** -116, -(2 ** -116), 3e38, -3e38];
    for (let e = -149; e < 128; e++) biases.push(2 ** e, -(2 ** e), Math.fround(1.7 * 2 ** e));
    const upBias = Float32Array.from(biases.filter((b) => Math.abs(b) < 3.5e38));
    const up = new Float32Array(upBias.length);
    const screen = boundRows(quantiseRows(up, 1, upBias.length), up, upBias, 1);
    upBias.forEach((bias, u) => {
      const t = screen.thresholds[u];
      // In whole multiples of 2^-149, exactly.
      const units = (v: number): bigint => BigInt(v * 2 ** 149);
      if (Number.isFinite(t)) expect(units(t) <= -units(bias) - units(2 ** -117)).toBe(true);
    });
    expect([stepDown(0), stepDown(1), stepDown(-1)]).toEqual([-(2 ** -149), 1 - 2 ** -24, -1 - 2 ** -23]);
  });
});
