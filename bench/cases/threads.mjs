/** Two threads beside one, adjoint and forward at (n,d,m) = (100,3,1e5), in turn. */
import { createMonomialOperator } from '@fewfire/kernels';
import { median, ratio, seconds } from '../lib.mjs';

async function run() {
  const [n, degree, m] = [100, 3, 100_000];
  const planes = new Uint8Array(13 * m);
  let state = 1;
  for (let i = 0; i < planes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    planes[i] = i < 12 * m ? state >>> 24 : (state >>> 24) & 15;
  }
  const points = { rowCount: m, coordinateCount: n, planes };
  const operators = [
    await createMonomialOperator(points, { degree, threads: 1 }),
    await createMonomialOperator(points, { degree, threads: 2 }),
  ];
  const rows = Float64Array.from({ length: m }, (_, i) => Math.sin(i));
  const coefficients = new Float64Array(operators[0].plan.monomialCount);
  const times = [[], []];
  for (let repeat = 0; repeat < 12; repeat++) {
    for (const [k, operator] of operators.entries()) {
      const start = performance.now();
      await operator.adjoint(rows, coefficients);
      await operator.forward(coefficients, new Float64Array(m));
      if (repeat > 1) times[k].push((performance.now() - start) / 1e3);
    }
  }
  for (const operator of operators) operator.dispose();
  const [one, two] = times.map(median);
  return {
    rows: [
      {
        what: 'adjoint + forward, (100,3,100,000), two threads',
        fewfire: seconds(two),
        peer: `one thread: ${seconds(one)}`,
        ratio: `${ratio(one / two)} faster`,
      },
    ],
    times,
  };
}

export const cases = [{ name: 'threads', peer: 'one thread', run }];
