/**
 * Finding few terms among many: a polynomial with five terms is planted over 40 yes/no coordinates, and the lasso finds
 * them among all 10,701 monomials of degree at most 3 from 800 noisy rows, without ever forming the design matrix.
 * Also how every long call is watched and stopped.
 *
 *   node examples/sparse-terms.ts        (Node 22.18 or newer, after npm run setup)
 */
import {
  countMonomials,
  createRandom,
  cubePointsFromRows,
  evaluatePolynomial,
  fitElasticNet,
  polynomialFromTerms,
  selectLowDegree,
  termList,
} from '@fewfire/core';

const ROWS = 800;
const names = Array.from({ length: 40 }, (_, j) => `x${j}`);
const planted = polynomialFromTerms(names, [
  { coordinates: [], coefficient: 0.5 },
  { coordinates: [3], coefficient: 1 },
  { coordinates: [7, 21], coefficient: -1.5 },
  { coordinates: [0, 11, 38], coefficient: 2 },
  { coordinates: [14, 15, 16], coefficient: -0.75 },
]);
const random = createRandom(1);
const points = cubePointsFromRows(Array.from({ length: ROWS }, () => names.map(() => random.integer(2))));
const target = (await evaluatePolynomial(planted, points)).map((value) => value + 0.3 * random.normal());

// The folds choose the penalty: the sparsest terms within one standard error of the lowest error.
const phases = new Set<string>();
const { best } = await selectLowDegree(points, target, {
  degree: 3,
  method: 'lasso',
  signal: AbortSignal.timeout(60_000),
  onProgress: ({ phase }) => phases.add(phase),
});
const { lambda, l1Ratio, hierarchy, refit } = best;
const { model, summary } = await fitElasticNet(points, target, { degree: 3, lambda, l1Ratio, hierarchy, refit });
console.log(`${summary.termCount} of ${countMonomials(names.length, 3).toLocaleString('en-US')} monomials chosen`);
for (const { coordinates, coefficient } of termList(model)) {
  console.log(`  ${coefficient.toFixed(2)} ${coordinates.map((at) => names[at]).join(' ') || '(constant)'}`);
}
console.log(`the lasso that chose them is optimal up to ${(summary.dualityGap ?? 1) <= 1e-8 ? '1e-8' : 'more'}`);
console.log(`progress told of: ${[...phases].join('; ')}`);

// Aborting rejects the call within 100 ms.
const controller = new AbortController();
const stopped = selectLowDegree(points, target, {
  degree: 3,
  method: 'lasso',
  signal: controller.signal,
  onProgress: () => controller.abort(),
});
console.log(
  await stopped.then(
    () => 'finished',
    (error: Error) => `stopped: ${error.name}`,
  ),
);
