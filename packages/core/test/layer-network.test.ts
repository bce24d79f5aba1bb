/** Layers as networks and back: nothing is rounded, so a certificate of the one is true of the other. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  certifySparsity,
  checkCertificate,
  createNetwork,
  createRandom,
  evaluateNetwork,
  FewfireError,
  gatedIndexingNetwork,
  indexingNetwork,
  type LayerInputValues,
  layerFromNetwork,
  networkFromLayer,
  parityNetwork,
  prepareSparseMlp,
  type ReluLayer,
  randomEnsembleNetwork,
  type SparseNetwork,
  serializeCertificate,
} from '../src/index.ts';
import { expectTensor, networkChecksum, parseSafetensors, realRows } from '../src/internal.ts';
import { sign, wholeCube } from './helpers.ts';
import { networkByDefinition } from './network-helpers.ts';

const INPUTS: readonly LayerInputValues[] = [
  { no: 1, yes: -1 },
  { no: -1, yes: 1 },
  { no: 0, yes: 1 },
  { no: 1, yes: 0 },
  { no: 0, yes: -1 },
  { no: -1, yes: 0 },
];

/** A double times 2^1074, which is whole for every double: sums and products of these are exact. */
function whole(value: number): bigint {
  let scaled = value;
  let doublings = 0;
  for (; !Number.isInteger(scaled); doublings++) scaled *= 2;
  return BigInt(scaled) << BigInt(1074 - doublings);
}

const ONE = whole(1);

/** Preactivations (times 2^1074) and one output (times 2^2148) of a layer at one point, exactly. */
function layerExactly(
  layer: ReluLayer<Float32Array | Float64Array>,
  output: number,
  inputs: LayerInputValues,
  points: CubePoints,
  row: number,
): { readonly active: number[]; readonly value: bigint } {
  const { inputWidth, unitCount, outputWidth, up, upBias, down, downBias } = layer;
  const active: number[] = [];
  let value = whole(downBias[output]) * ONE;
  for (let u = 0; u < unitCount; u++) {
    let z = whole(upBias[u]);
    for (let i = 0; i < inputWidth; i++) {
      const x = sign(points, row, i) === 1 ? inputs.no : inputs.yes;
      if (x !== 0) z += BigInt(x) * whole(up[u * inputWidth + i]);
    }
    if (z <= 0n) continue;
    active.push(u);
    value += z * whole(down[u * outputWidth + output]);
  }
  return { active, value };
}

function networkExactly(
  network: SparseNetwork,
  points: CubePoints,
  row: number,
): { readonly active: number[]; readonly value: bigint } {
  const layer = { ...layerOf(network), down: network.outputWeights };
  return layerExactly(layer, 0, { no: 1, yes: -1 }, points, row);
}

// By its definition, so that the converter under test is not used to check itself.
function layerOf(network: SparseNetwork): ReluLayer<Float64Array> {
  return {
    name: 'by definition',
    inputWidth: network.inputCount,
    unitCount: network.unitCount,
    outputWidth: 1,
    activation: 'relu',
    up: network.weights,
    upBias: network.biases.map((b) => -b),
    down: network.outputWeights,
    downBias: new Float64Array(1),
  };
}

/** Layers in single precision: whole numbers, normal sizes, or numbers of very different sizes. */
const layers: fc.Arbitrary<ReluLayer> = fc
  .record({ n: fc.integer({ min: 1, max: 5 }), s: fc.integer({ min: 0, max: 7 }), o: fc.integer({ min: 1, max: 3 }) })
  .chain(({ n, s, o }) => {
    const number = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.float({ min: -2, max: 2, noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(-0, 2 ** -149, 3 * 2 ** -140, 2 ** 60),
    );
    const usual = fc.integer({ min: -(2 ** 23), max: 2 ** 23 }).map((v) => v / 2 ** 20);
    const numbers = (length: number): fc.Arbitrary<Float32Array> =>
      fc
        .oneof(
          { weight: 3, arbitrary: fc.array(usual, { minLength: length, maxLength: length }) },
          {
            weight: 1,
            arbitrary: fc.array(number, { minLength: length, maxLength: length }),
          },
        )
        .map((values) => Float32Array.from(values));
    return fc
      .record({ up: numbers(n * s), upBias: numbers(s), down: numbers(s * o), downBias: numbers(o) })
      .map((parts) => ({
        name: 'drawn',
        inputWidth: n,
        unitCount: s,
        outputWidth: o,
        activation: 'relu' as const,
        ...parts,
      }));
  });

/** Plain gradient descent on the squares of the errors over all points, so few steps and so small that a test may do it. */
function trainedLayer(
  n: number,
  unitCount: number,
  inputs: LayerInputValues,
  target: (x: number) => number,
): ReluLayer {
  const random = createRandom(3);
  const rows = realRows(wholeCube(n), inputs);
  const up = Float32Array.from({ length: unitCount * n }, () => random.normal() / Math.sqrt(n));
  const upBias = Float32Array.from({ length: unitCount }, () => random.normal() / 4);
  const down = Float32Array.from({ length: unitCount }, () => random.normal() / Math.sqrt(unitCount));
  const downBias = new Float32Array(1);
  const rate = 0.05;
  for (let step = 0; step < 12 * rows.rowCount; step++) {
    const row = random.integer(rows.rowCount);
    const x = rows.values.subarray(row * n, (row + 1) * n);
    const z = upBias.map((b, u) => x.reduce((sum, v, i) => sum + v * up[u * n + i], b));
    const error = z.reduce((sum, v, u) => sum + Math.max(0, v) * down[u], downBias[0]) - target(row);
    for (let u = 0; u < unitCount; u++) {
      if (z[u] <= 0) continue;
      const slope = rate * error * down[u];
      down[u] -= rate * error * z[u];
      upBias[u] -= slope;
      for (let i = 0; i < n; i++) up[u * n + i] -= slope * x[i];
    }
    downBias[0] -= rate * error;
  }
  return { name: 'trained', inputWidth: n, unitCount, outputWidth: 1, activation: 'relu', up, upBias, down, downBias };
}

/** Some units of the trained block in examples/ over its first inputs, the others being those of one held-out row. */
function sliceOfTrainedBlock(n: number, unitCount: number): ReluLayer {
  const file = readFileSync(new URL('../../../examples/relu-mlp.safetensors', import.meta.url));
  const tensors = parseSafetensors(new Uint8Array(file), 'the trained block');
  const numbers = (name: string, shape: (number | null)[]): Float32Array =>
    expectTensor(tensors, name, shape, 'the trained block').values;
  const weights = numbers('up.weight', [1024, 256]);
  const bias = numbers('up.bias', [1024]);
  const down = numbers('down.weight', [256, 1024]);
  const rows = numbers('inputs', [null, 256]);
  const up = new Float32Array(unitCount * n);
  const upBias = new Float32Array(unitCount);
  for (let u = 0; u < unitCount; u++) {
    up.set(weights.subarray(256 * u, 256 * u + n), n * u);
    let sum = bias[u];
    for (let i = n; i < 256; i++) sum += weights[256 * u + i] * rows[i];
    upBias[u] = sum;
  }
  return {
    name: 'slice of the trained block',
    inputWidth: n,
    unitCount,
    outputWidth: 2,
    activation: 'relu',
    up,
    upBias,
    down: Float32Array.from({ length: 2 * unitCount }, (_, at) => down[(at & 1) * 1024 + (at >> 1)]),
    downBias: Float32Array.of(0.5, -0.25),
  };
}

async function certify(network: SparseNetwork): Promise<number> {
  const certificate = await certifySparsity(network);
  expect(certificate.exact).toBe(true);
  const report = await checkCertificate(await serializeCertificate(certificate), network, { rerunSweep: true });
  expect(report).toMatchObject({ valid: true, complete: true });
  return certificate.kUpper;
}

async function refusal(job: () => unknown): Promise<FewfireError> {
  try {
    await job();
  } catch (error) {
    expect(error).toBeInstanceOf(FewfireError);
    return error as FewfireError;
  }
  throw new Error('nothing was refused');
}

describe('a layer as a network', () => {
  it('has the same active units and, with the bias of its output, the same value at every point, exactly', () => {
    const counts = { compared: 0, refused: 0 };
    fc.assert(
      fc.property(layers, fc.constantFrom(...INPUTS), fc.nat(2), (layer, inputs, drawn) => {
        const output = drawn % layer.outputWidth;
        const points = wholeCube(layer.inputWidth);
        const exactly = (row: number): ReturnType<typeof layerExactly> =>
          layerExactly(layer, output, inputs, points, row);
        try {
          const { network, outputBias } = networkFromLayer(layer, { output, inputs });
          for (let row = 0; row < points.rowCount; row++) {
            const { active, value } = networkExactly(network, points, row);
            expect({ active, value: value + whole(outputBias) * ONE }).toEqual(exactly(row));
          }
          counts.compared++;
        } catch (error) {
          if (!(error instanceof FewfireError)) throw error;
          // Only inputs of 0 need sums, and only sums can need more digits than a double has.
          expect([error.code, inputs.no === 0 || inputs.yes === 0]).toEqual(['unsupported', true]);
          counts.refused++;
        }
      }),
      { numRuns: 400, seed: 5 },
    );
    expect(counts.compared).toBeGreaterThan(200);
    expect(counts.refused).toBeGreaterThan(5);
  });

  it.each([
    ['+1 and -1', { no: 1, yes: -1 }],
    ['0 and 1', { no: 0, yes: 1 }],
  ] as const)('certifies a layer trained on %s with the k that all points have', async (_, inputs) => {
    // A yes where exactly two of the first five inputs are.
    const target = (x: number): number => ([0, 1, 2, 3, 4].filter((i) => (x >> i) & 1).length === 2 ? 1 : 0);
    const layer = trainedLayer(8, 20, inputs, target);
    const points = wholeCube(8);
    const { network } = networkFromLayer(layer, { inputs });
    let most = 0;
    for (let row = 0; row < 256; row++)
      most = Math.max(most, layerExactly(layer, 0, inputs, points, row).active.length);
    expect(most).toBeLessThan(20);
    expect(await certify(network)).toBe(most);
    expect(network.provenance).toEqual({
      family: 'layer',
      parameters: { name: 'trained', output: 0, inputs: { ...inputs } },
      seed: null,
    });
  });

  it('certifies a part of the trained block, whichever output is taken', async () => {
    const layer = sliceOfTrainedBlock(9, 80);
    const points = wholeCube(9);
    const inputs = { no: 0, yes: 1 } as const;
    let most = 0;
    for (let row = 0; row < 512; row++)
      most = Math.max(most, layerExactly(layer, 0, inputs, points, row).active.length);
    for (const output of [0, 1]) {
      const { network, outputBias } = networkFromLayer(layer, { inputs, output });
      expect(outputBias).toBe(layer.downBias[output]);
      expect(await certify(network)).toBe(most);
      // And it computes what the layer's own runner does, up to the rounding of single precision.
      const mlp = await prepareSparseMlp(layer);
      const outputs = mlp.forwardBatch(realRows(points, inputs).values, 512);
      mlp.dispose();
      (await evaluateNetwork(network, points)).forEach((value, row) => {
        expect(value + outputBias).toBeCloseTo(outputs[2 * row + output], 4);
      });
    }
  });

  it('is refused where a network has no such units, or several outputs leave it open', async () => {
    const layer = sliceOfTrainedBlock(3, 4);
    const one = { ...layer, outputWidth: 1, down: layer.down.slice(0, 4), downBias: Float32Array.of(1) };
    const gate = { linear: layer.up, linearBias: layer.upBias };
    const cases: readonly (readonly [() => unknown, string, RegExp])[] = [
      [() => networkFromLayer(layer), 'invalid-argument', /has 2 outputs.*`output` is undefined.*0 to 1/],
      [() => networkFromLayer(layer, { output: 2 }), 'invalid-argument', /`output` is 2/],
      [
        () => networkFromLayer({ ...one, activation: 'squared-relu' }),
        'unsupported',
        /are squared-relu; expected plain/,
      ],
      [() => networkFromLayer({ ...one, ...gate }), 'unsupported', /are gated relu; expected plain/],
      [() => networkFromLayer({ ...one, activation: 'gelu' as 'relu' }), 'invalid-data', /the activation is "gelu"/],
      [() => networkFromLayer({ ...one, up: layer.up.slice(1) }), 'invalid-data', /up has 11 numbers.*of 12/],
      [() => networkFromLayer({ ...one, downBias: Float32Array.of(Infinity) }), 'invalid-data', /downBias is Infinity/],
      [() => networkFromLayer(one, { inputs: { no: 1, yes: 1 } }), 'invalid-argument', /1 for a no and 1 for a yes/],
      [() => networkFromLayer(one, { inputs: { no: 0, yes: 2 as 1 } }), 'invalid-argument', /2 for a yes/],
      [() => networkFromLayer(one, { domain: { kind: 'lift', bitCount: 3 } }), 'invalid-argument', /a lift of 3 bits/],
      [() => networkFromLayer(one, { outputs: 1 } as object), 'invalid-argument', /outputs.*output/],
    ];
    for (const [job, code, message] of cases) {
      const error = await refusal(job);
      expect(error.code, error.message).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('\n');
    }
  });

  it('is refused where its bias would have to be rounded', async () => {
    const layer = {
      ...sliceOfTrainedBlock(2, 1),
      outputWidth: 1,
      down: Float32Array.of(1),
      downBias: Float32Array.of(0),
    };
    // 1 + 2^-53 is no double.
    const hard = { ...layer, up: Float32Array.of(2 ** -52, 0), upBias: Float32Array.of(1) };
    expect(networkFromLayer(hard).network.biases[0]).toBe(-1);
    const error = await refusal(() => networkFromLayer(hard, { inputs: { no: 0, yes: 1 } }));
    expect([error.code, error.message]).toEqual(['unsupported', expect.stringMatching(/^unit 0 .*without rounding/)]);
    // Nor is half of the least double.
    const least = { ...hard, up: Float64Array.of(2 ** -1074, 0), upBias: Float64Array.of(0) };
    const other = await refusal(() => networkFromLayer(least, { inputs: { no: 0, yes: 1 } }));
    expect(other.message).toMatch(/^unit 0 .*without rounding/);
    // One bit less is.
    const easy = { ...hard, up: Float32Array.of(2 ** -51, 0) };
    expect(networkFromLayer(easy, { inputs: { no: 0, yes: 1 } }).network.biases[0]).toBe(-1 - 2 ** -52);
  });
});

describe('a network as a layer', () => {
  it.each([
    ['indexing', () => indexingNetwork({ addressBits: 3 })],
    ['gated indexing', () => gatedIndexingNetwork({ addressBits: 2, dataCount: 6, seed: 3 })],
    ['parity', () => parityNetwork({ coordinates: [0, 2, 3, 5, 6], inputCount: 8 })],
    ['two trees', () => randomEnsembleNetwork({ inputCount: 10, treeCount: 2, depth: 3, seed: 4 })],
  ])('runs a certified network: %s', async (_, make) => {
    const { network: made } = make();
    // Real numbers of a family are rounded before the certificate is made: it is of the network that runs.
    const network = createNetwork({
      ...made,
      weights: Float32Array.from(made.weights),
      biases: Float32Array.from(made.biases),
      outputWeights: Float32Array.from(made.outputWeights),
    });
    const k = await certify(network);
    const points = wholeCube(network.inputCount);
    const rows = realRows(points);
    const sparse = await prepareSparseMlp(layerFromNetwork(network), { path: 'sparse' });
    const outputs = sparse.forwardBatch(rows.values, rows.rowCount);
    const values = await evaluateNetwork(network, points);
    let most = 0;
    for (let row = 0; row < rows.rowCount; row++) {
      const x = rows.values.subarray(row * rows.width, (row + 1) * rows.width);
      const own = sparse.forward(x);
      most = Math.max(most, sparse.activeUnits().length);
      expect([...sparse.activeUnits()]).toEqual(networkByDefinition(network, points, row).active);
      const dense = sparse.forwardDense(x);
      expect(Object.is(own[0], dense[0]) && Object.is(own[0], outputs[row])).toBe(true);
      expect(own[0]).toBeCloseTo(values[row], 4);
    }
    sparse.dispose();
    expect(most).toBe(k);
  });

  it('is the network again when it is taken back, whatever its numbers are', async () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const networks = fc
      .record({ n: fc.integer({ min: 1, max: 4 }), s: fc.integer({ min: 0, max: 6 }), lift: fc.boolean() })
      .chain(({ n, s, lift }) => {
        const inputCount = lift ? (n * (n + 1)) / 2 : n;
        const numbers = (length: number): fc.Arbitrary<number[]> =>
          fc.array(double, { minLength: length, maxLength: length });
        return fc
          .record({ weights: numbers(inputCount * s), biases: numbers(s), outputWeights: numbers(s) })
          .map((parts) =>
            createNetwork({
              inputCount,
              ...parts,
              domain: lift ? { kind: 'lift', bitCount: n } : { kind: 'cube' },
              provenance: { family: 'drawn', parameters: { n }, seed: 7 },
            }),
          );
      });
    await fc.assert(
      fc.asyncProperty(networks, async (network) => {
        const { domain, provenance } = network;
        const layer = layerFromNetwork(network, 'double');
        const back = networkFromLayer(layer, { domain, provenance });
        expect(back).toEqual({ network, outputBias: 0 });
        expect(await networkChecksum(back.network)).toBe(await networkChecksum(network));
        expect(layerFromNetwork(back.network, 'double')).toEqual(layer);
        // Copies: a change of the layer is none of the network.
        layer.up.fill(5);
        expect(back.network).toEqual(network);
      }),
      { numRuns: 150, seed: 6 },
    );
  });

  it('is refused in single precision where that would round', async () => {
    const parts = { inputCount: 1, weights: [0.5], biases: [0.25], outputWeights: [1] };
    expect(layerFromNetwork(createNetwork(parts))).toMatchObject({
      up: Float32Array.of(0.5),
      upBias: Float32Array.of(-0.25),
      down: Float32Array.of(1),
      downBias: Float32Array.of(0),
    });
    for (const [change, message] of [
      [{ weights: [0.1] }, /^weight 0 of the network is 0.1,.*double precision/],
      [{ biases: [1e60] }, /^bias 0 of the network is 1e\+60,/],
      [{ outputWeights: [2 ** -160] }, /^output weight 0/],
    ] as const) {
      const network = createNetwork({ ...parts, ...change });
      const error = await refusal(() => layerFromNetwork(network));
      expect([error.code, error.message]).toEqual(['unsupported', expect.stringMatching(message)]);
      expect(layerFromNetwork(network, 'double').up).toEqual(network.weights);
    }
    const error = await refusal(() => layerFromNetwork(createNetwork(parts), 'half' as 'single'));
    expect(error.message).toContain('`precision` is "half"; expected one of single, double');
  });
});
