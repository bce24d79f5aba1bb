import { describe, expect, it } from 'vitest';
import { createMonomialOperator, planMonomialOperator } from '../src/index.ts';
import { threadsAvailable } from '../src/pool.ts';

describe('threads', () => {
  it('are there, in Chromium too: tests run in a page that may share memory', () => {
    expect(threadsAvailable()).toBe(true);
  });

  it('the result does not depend on the number of threads', async () => {
    const [n, m, degree] = [40, 5000, 3];
    const planes = Uint8Array.from({ length: 5 * m }, (_, i) => Math.imul(i + 1, 2654435761) >>> 13);
    const points = { rowCount: m, coordinateCount: n, planes };
    const base = planMonomialOperator({ rowCount: m, coordinateCount: n, degree });
    expect(base.method).toBe('blocks');
    const rows = Float64Array.from({ length: m }, (_, i) => Math.sin(i));
    const coefficients = Float64Array.from({ length: base.monomialCount }, (_, i) => Math.cos(i));
    const results: Float64Array[][] = [];
    for (const threads of [1, 2, 3]) {
      const operator = await createMonomialOperator(points, { degree, plan: { ...base, threads } });
      const adjoint = new Float64Array(base.monomialCount);
      const forward = new Float64Array(m);
      for (let repeat = 0; repeat < 3; repeat++) {
        await operator.adjoint(rows, adjoint);
        await operator.forward(coefficients, forward);
      }
      operator.dispose();
      results.push([adjoint, forward]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('aborting stops all threads and leaves the operator usable', async () => {
    const [n, m, degree] = [100, 200000, 3];
    const planes = Uint8Array.from({ length: 13 * m }, (_, i) => Math.imul(i + 1, 2654435761) >>> 13);
    const base = planMonomialOperator({ rowCount: m, coordinateCount: n, degree, threads: 2 });
    expect(base.threads).toBe(2);
    const operator = await createMonomialOperator({ rowCount: m, coordinateCount: n, planes }, { degree, plan: base });
    const controller = new AbortController();
    const coefficients = new Float64Array(base.monomialCount);
    const ones = new Float64Array(m).fill(1);
    setTimeout(() => controller.abort(new Error('enough')), 30);
    await expect(operator.adjoint(ones, coefficients, controller.signal)).rejects.toThrow('enough');
    await operator.adjoint(ones, coefficients);
    expect(coefficients[0]).toBe(m);
    operator.dispose();
  });
});
