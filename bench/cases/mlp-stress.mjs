/**
 * The exactness of the sparse feed-forward kernels on hostile inputs, many more than a test can take:
 * `node bench/cases/mlp-stress.mjs [inputs, default 1e6]`. Sparse against dense for every input, both against the plain
 * reference for every hundredth; a quarter of the layers stand exactly on the border between silent and active, and every
 * other one that is wide enough has a first test on a projection.
 */
import { pathToFileURL } from 'node:url';
import {
  boundProjection,
  boundRows,
  createMlpKernel,
  quantiseProjection,
  quantiseRows,
  referenceMlp,
} from '@fewfire/kernels';
import { importSource } from '../lib.mjs';

const INPUTS_PER_LAYER = 500;

const SHAPES = [
  [1, 1, 1],
  [15, 31, 3],
  [16, 64, 16],
  [48, 200, 48],
  [100, 256, 37],
  [256, 128, 64],
].flatMap(([inputWidth, unitCount, outputWidth]) =>
  [0, 1, 2, 3].map((bits) => ({ inputWidth, unitCount, outputWidth, squared: bits % 2 === 1, gated: bits > 1 })),
);

/** Counts over `inputCount` inputs; `shrink` < 1 injects a fault into the bound. */
export async function stress(inputCount, { shrink = 1, variant = 'simd', onLayer = () => {} } = {}) {
  // The generators are those of the tests: one set of hostile inputs.
  const cases = await importSource('packages/kernels/test/mlp-cases.ts');
  const { borderBiases, createStream, drawInput, INPUT_KINDS, makeLayer, sameBits } = cases;
  const found = { inputs: 0, activeSets: 0, outputs: 0, units: 0, evaluated: 0, active: 0, notScreened: 0 };
  Object.assign(found, { projectedInputs: 0, projectedUnits: 0, projectedOut: 0 });
  const next = createStream(11);
  for (let seed = 1; found.inputs < inputCount; seed++) {
    const shape = SHAPES[seed % SHAPES.length];
    const x = new Float32Array(shape.inputWidth);
    const sparse = new Float32Array(shape.outputWidth);
    const dense = new Float32Array(shape.outputWidth);
    let weights = makeLayer(shape, seed, [1, 1, 1, 1e-20, 1e15][seed % 5]);
    const basis = drawnBasis(shape.inputWidth, seed, cases);
    if (basis !== undefined) weights = withStructure(weights, basis, seed, cases);
    const onBorder = seed % 4 === 0;
    const border = new Float32Array(shape.inputWidth);
    if (onBorder) {
      drawInput((seed >> 2) % INPUT_KINDS, next, border);
      if (basis !== undefined && seed % 3 === 0) border.set(cases.intoSpan(border, basis));
      weights = { ...weights, upBias: borderBiases(weights, border) };
    }
    const rows = quantiseRows(weights.up, shape.inputWidth, shape.unitCount);
    const screen = boundRows(rows, weights.up, weights.upBias, shape.inputWidth);
    const shrunken = {
      ...screen,
      weightErrors: screen.weightErrors.map((e) => e * shrink),
      codeNorms: screen.codeNorms.map((e) => e * shrink),
    };
    const projection = basis && shrunkenProjection(weights, basis, seed, shrink);
    const kernel = await createMlpKernel(weights, shrunken, { variant, projection });
    for (let k = 0; k < INPUTS_PER_LAYER; k++) {
      // On a border: the input itself, the input with signs of zeros or single numbers changed, and others.
      if (onBorder && k % 2 === 0) {
        x.set(border);
        if (k > 0) x[k % x.length] = Math.fround(x[k % x.length] * (1 + 2 ** -23 * ((k >> 3) % 5)));
      } else drawInput(k % INPUT_KINDS, next, x);
      kernel.run('dense', x, 0, 1, dense, 0);
      const active = kernel.activeUnits(0);
      kernel.run('sparse', x, 0, 1, sparse, 0);
      const units = kernel.activeUnits(0);
      found.inputs++;
      found.units += shape.unitCount;
      found.evaluated += kernel.evaluatedCount(0);
      found.active += units.length;
      if (kernel.evaluatedCount(0) === shape.unitCount) found.notScreened++;
      else if (projection !== undefined) {
        found.projectedInputs++;
        found.projectedUnits += shape.unitCount;
        found.projectedOut += shape.unitCount - kernel.projectedCount(0);
      }
      if (units.length !== active.length || units.some((u, i) => u !== active[i])) found.activeSets++;
      if (!sameBits(sparse, dense)) found.outputs++;
      if (k % 100 === 0) {
        const expected = referenceMlp(weights, x);
        if (!sameBits(dense, expected.output)) found.outputs++;
        if (active.join() !== expected.activeUnits.join()) found.activeSets++;
      }
    }
    kernel.dispose();
    onLayer(found);
  }
  return found;
}

// Half of the layers of some width, whatever their shape is.
function drawnBasis(width, seed, { createStream, drawBasis }) {
  if (width < 48 || Math.floor(seed / SHAPES.length) % 2 === 0) return undefined;
  return drawBasis(16 * Math.round(width / 64), width, createStream(seed));
}

function withStructure(weights, basis, seed, { alongRows, nearSpan }) {
  return seed % 5 === 0 ? alongRows(weights, basis) : nearSpan(weights, basis, [0.01, 0.1, 1][seed % 3]);
}

/** Factors of few digits in every other layer, and the int8 test after it never, always or where much is left. */
function shrunkenProjection({ up, inputWidth }, basis, seed, shrink) {
  const fine = quantiseProjection(basis, basis.length / inputWidth, up, inputWidth, [1, 0, 0.3][seed % 3]);
  const step = seed % 2 === 0 ? 1 : 25;
  const projection = boundProjection(
    {
      ...fine,
      factors: fine.factors.map((q) => Math.round(q / step)),
      factorScales: fine.factorScales.map((s) => step * s),
    },
    up,
    inputWidth,
  );
  const smaller = (values) => values.map((v) => v * shrink);
  return {
    ...projection,
    insideErrors: smaller(projection.insideErrors),
    norms: smaller(projection.norms),
    residuals: smaller(projection.residuals),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const inputCount = Number(process.argv[2] ?? 1e6);
  const start = performance.now();
  const exact = await stress(inputCount);
  const fault = await stress(Math.min(inputCount, 50_000), { shrink: 0.3 });
  const percent = (part) => `${((100 * part) / exact.units).toFixed(1)} %`;
  console.log(
    `${exact.inputs.toLocaleString('en-US')} inputs in ${((performance.now() - start) / 1e3).toFixed(0)} s: ` +
      `${exact.activeSets} wrong active sets, ${exact.outputs} outputs with other bits; ` +
      `${percent(exact.evaluated)} of units evaluated, ${percent(exact.active)} active, ${exact.notScreened} inputs where all were evaluated; ` +
      `of ${exact.projectedInputs.toLocaleString('en-US')} others with a projection it ruled out ${((100 * exact.projectedOut) / exact.projectedUnits).toFixed(1)} %`,
  );
  console.log(
    `with bounds at 30 % (${fault.inputs} inputs): ${fault.activeSets} wrong active sets, as there should be`,
  );
  if (exact.activeSets + exact.outputs > 0 || fault.activeSets === 0) process.exitCode = 1;
}
