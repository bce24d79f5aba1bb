import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countMonomials,
  createMonomialIndex,
  createMonomialOperator,
  createMonomialOperatorF32,
  type OperatorPlan,
  type PackedPoints,
  planMonomialOperator,
} from '../src/index.ts';
import { memoryParts } from '../src/learning/plan.ts';
import { integers, randomPoints, reals } from './random-points.ts';

/** A plan with a given block width, whether or not the planner would choose it. */
function blockPlan(points: PackedPoints, degree: number, g: number, groupSize: number, threads = 1): OperatorPlan {
  const { rowCount, coordinateCount } = points;
  return {
    rowCount,
    coordinateCount,
    degree,
    monomialCount: countMonomials(coordinateCount, degree),
    method: 'blocks',
    precision: 'f64',
    blockBits: g,
    blockCount: Math.ceil(coordinateCount / g),
    groupSize,
    partCount: 4,
    threads,
    memoryBytes: 0,
    costNs: 0,
  };
}

async function both(
  points: PackedPoints,
  plan: OperatorPlan,
  variant: 'simd' | 'scalar' | 'reference',
  rows: Float64Array,
  coefficients: Float64Array,
): Promise<[Float64Array, Float64Array]> {
  const create = plan.precision === 'f32' ? createMonomialOperatorF32 : createMonomialOperator;
  const operator = await create(points, { degree: plan.degree, plan, variant });
  const adjoint = new Float64Array(plan.monomialCount);
  const forward = new Float64Array(plan.rowCount);
  // Twice each, interleaved: a call must not depend on what an earlier one left behind.
  await operator.adjoint(rows, adjoint);
  await operator.forward(coefficients, forward);
  await operator.adjoint(rows, adjoint);
  await operator.forward(coefficients, forward);
  operator.dispose();
  return [adjoint, forward];
}

const shapes: [n: number, d: number, m: number, g: number, k: number][] = [
  [1, 1, 5, 1, 1],
  [9, 1, 100, 4, 8],
  [13, 2, 3000, 6, 8],
  [17, 2, 2049, 3, 8],
  [40, 2, 500, 7, 4],
  [13, 3, 257, 3, 4],
  [20, 3, 64, 5, 2],
  [11, 4, 200, 2, 8],
  [12, 5, 100, 3, 1],
  [9, 6, 70, 1, 8],
  [10, 10, 50, 1, 2],
  // Fewer blocks than the degree.
  [8, 4, 33, 4, 8],
  [7, 7, 33, 2, 4],
];

describe('monomial operators', () => {
  it.each(shapes)(
    'n=%i d=%i m=%i g=%i K=%i: simd = scalar bit for bit, = reference exactly on integers',
    async (n, d, m, g, k) => {
      const points = randomPoints(m, n, n * 31 + d);
      const plan = blockPlan(points, d, g, k);
      const integerArguments = [integers(m, 5), integers(plan.monomialCount, 6)] as const;
      const reference = await both(points, plan, 'reference', ...integerArguments);
      expect(await both(points, plan, 'simd', ...integerArguments)).toEqual(reference);
      expect(await both(points, plan, 'scalar', ...integerArguments)).toEqual(reference);
      const realArguments = [reals(m, 7), reals(plan.monomialCount, 8)] as const;
      const simd = await both(points, plan, 'simd', ...realArguments);
      expect(await both(points, plan, 'scalar', ...realArguments)).toEqual(simd);
      const exact = await both(points, plan, 'reference', ...realArguments);
      for (const part of [0, 1]) {
        const scale = Math.max(...exact[part].map(Math.abs));
        simd[part].forEach((value, i) => {
          expect(Math.abs(value - exact[part][i])).toBeLessThan(1e-12 * Math.max(1, scale));
        });
      }
    },
  );

  it.each(['cube', 'blocks'] as const)('%s: bits beyond the last coordinate change nothing', async (method) => {
    const [n, m] = [9, 300];
    const points = randomPoints(m, n, 4);
    const planes = points.planes.map((byte, at) => (at >= m ? byte | 0xfe : byte));
    const plan: OperatorPlan = { ...blockPlan(points, 2, 4, 8), method };
    const [rows, coefficients] = [integers(m, 5), integers(plan.monomialCount, 6)];
    const expected = await both(points, plan, 'reference', rows, coefficients);
    for (const variant of ['simd', 'scalar'] as const) {
      expect(await both({ ...points, planes }, plan, variant, rows, coefficients)).toEqual(expected);
    }
  });

  it.each(shapes.filter(([, , , g]) => g >= 2))(
    'adjoint in f32, n=%i d=%i m=%i g=%i K=%i: simd = scalar, exact on small integers, within its bound',
    async (n, d, m, g, k) => {
      const points = randomPoints(m, n, n * 31 + d);
      const plan: OperatorPlan = { ...blockPlan(points, d, g, k), precision: 'f32' };
      // Sums stay below 2^24, so nothing is rounded; the forward is f64 and shares the plan.
      const small = [integers(m, 5), integers(plan.monomialCount, 6)] as const;
      const reference = await both(points, plan, 'reference', ...small);
      expect(await both(points, plan, 'simd', ...small)).toEqual(reference);
      expect(await both(points, plan, 'scalar', ...small)).toEqual(reference);
      const rows = reals(m, 7);
      const real = [rows, reals(plan.monomialCount, 8)] as const;
      const simd = await both(points, plan, 'simd', ...real);
      expect(await both(points, plan, 'scalar', ...real)).toEqual(simd);
      const [exact] = await both(points, plan, 'reference', ...real);
      // `Precision` in kernels.ts: k u / (1 - k u) times the sum of |rowValues|.
      const ku = (m + d * 2 ** g + 1) * 2 ** -24;
      const bound = (ku / (1 - ku)) * rows.reduce((sum, value) => sum + Math.abs(value), 0);
      const worst = Math.max(...exact.map((value, at) => Math.abs(value - simd[0][at])));
      expect(worst).toBeLessThan(bound);
      // And it is f32: with f64 sums the difference would be some 1e-13.
      if (m > 50) expect(worst).toBeGreaterThan(1e-9);
    },
  );

  it.each([
    [6, 3, 100],
    [12, 2, 1000],
    [16, 16, 300],
  ])('whole cube n=%i d=%i m=%i equals the reference', async (n, d, m) => {
    const points = randomPoints(m, n, 3);
    const plan: OperatorPlan = { ...blockPlan(points, d, 1, 1), method: 'cube' };
    const rows = integers(m, 1);
    const coefficients = integers(plan.monomialCount, 2);
    const reference = await both(points, plan, 'reference', rows, coefficients);
    expect(await both(points, plan, 'simd', rows, coefficients)).toEqual(reference);
    expect(await both(points, plan, 'scalar', rows, coefficients)).toEqual(reference);
  });

  it('whatever plan is chosen, the answer is the reference', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 400 }),
        fc.nat(),
        async (n, d, m, seed) => {
          if (countMonomials(n, d) > 4000) return;
          const points = randomPoints(m, n, seed);
          const plan = planMonomialOperator({ rowCount: m, coordinateCount: n, degree: d });
          const rows = integers(m, seed);
          const coefficients = integers(plan.monomialCount, seed + 1);
          expect(await both(points, plan, 'simd', rows, coefficients)).toEqual(
            await both(points, plan, 'reference', rows, coefficients),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('forward and adjoint are transposes: <A c, r> = <c, A* r>', async () => {
    const points = randomPoints(1000, 30, 9);
    const plan = planMonomialOperator({ rowCount: 1000, coordinateCount: 30, degree: 3 });
    const rows = integers(1000, 1);
    const coefficients = integers(plan.monomialCount, 2);
    const [adjoint, forward] = await both(points, plan, 'simd', rows, coefficients);
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
    expect(dot(forward, rows)).toBe(dot(coefficients, adjoint));
  });

  it('refuses a plan of the other precision, whose kernels are in another binary', async () => {
    const points = randomPoints(100, 20, 1);
    const plan = blockPlan(points, 2, 4, 8);
    const planF32: OperatorPlan = { ...plan, precision: 'f32' };
    await expect(createMonomialOperator(points, { degree: 2, plan: planF32 })).rejects.toThrow('in f32');
    await expect(createMonomialOperatorF32(points, { degree: 2, plan })).rejects.toThrow('in f64');
    const operator = await createMonomialOperatorF32(points, { degree: 2 });
    expect(operator.plan.precision).toBe('f32');
    operator.dispose();
  });

  it('refuses vectors of another length', async () => {
    const points = randomPoints(10, 5, 1);
    const operator = await createMonomialOperator(points, { degree: 2 });
    await expect(operator.adjoint(new Float64Array(9), new Float64Array(16))).rejects.toThrow('expected 10 row values');
  });

  it('an aborted call rejects with the reason', async () => {
    const points = randomPoints(20000, 60, 1);
    const operator = await createMonomialOperator(points, { degree: 3 });
    const controller = new AbortController();
    const call = operator.adjoint(
      new Float64Array(20000).fill(1),
      new Float64Array(operator.plan.monomialCount),
      controller.signal,
    );
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    // And the operator still works.
    const coefficients = new Float64Array(operator.plan.monomialCount);
    await operator.adjoint(new Float64Array(20000).fill(1), coefficients);
    expect(coefficients[0]).toBe(20000);
  });
});

describe('planner', () => {
  it('plans f32 only for blocks of at least two coordinates', () => {
    for (const [coordinateCount, degree, rowCount] of [
      [100, 3, 20000],
      [100, 2, 100],
      [1000, 1, 10],
      [30, 8, 50],
    ]) {
      const plan = planMonomialOperator({ rowCount, coordinateCount, degree, precision: 'f32' });
      expect(plan.precision).toBe('f32');
      expect(plan.method).toBe('blocks');
      expect(plan.blockBits).toBeGreaterThanOrEqual(2);
    }
  });

  it('predicts the bytes an operator allocates, within 5 % and 128 KiB', async () => {
    const original = WebAssembly.Memory;
    for (const [n, d, m] of [
      [100, 2, 20000],
      [60, 3, 3000],
      [30, 4, 1000],
      [12, 3, 5000],
    ]) {
      let allocated = 0;
      WebAssembly.Memory = class extends original {
        constructor(descriptor: WebAssembly.MemoryDescriptor) {
          super(descriptor);
          allocated += this.buffer.byteLength;
        }
      };
      try {
        const points = randomPoints(m, n, 1);
        const operator = await createMonomialOperator(points, { degree: d });
        const actual = allocated + memoryParts(operator.plan).positionBytes;
        expect(Math.abs(actual - operator.plan.memoryBytes)).toBeLessThan(0.05 * actual + 128 * 1024);
      } finally {
        WebAssembly.Memory = original;
      }
    }
  });
});

describe('monomial order', () => {
  it('indexOf, subsetAt and forEach agree', () => {
    const index = createMonomialIndex(9, 4);
    let seen = 0;
    index.forEach((subset, size, at) => {
      expect(at).toBe(seen++);
      const list = Array.from(subset.subarray(0, size));
      expect(index.indexOf(list)).toBe(at);
      expect(index.subsetAt(at)).toEqual(list);
    });
    expect(seen).toBe(1 + 9 + 36 + 84 + 126);
    expect(index.count).toBe(seen);
  });
});
