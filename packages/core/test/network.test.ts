import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createNetwork,
  deadUnits,
  denseNetwork,
  estimateFiringRates,
  evaluateNetwork,
  halfspaceNetwork,
  juntaNetwork,
  measureFiringRates,
  measureSparsity,
  parityNetwork,
  parseNetwork,
  preactivations,
  randomEnsembleNetwork,
  type SparseNetwork,
  sampleNetwork,
  serializeNetwork,
  squaredScales,
} from '../src/index.ts';
import {
  activeSet,
  countRowsExactly,
  drawnParts,
  drawPoints,
  evaluateNetworkReference,
  networkChecksum,
  networkScale,
  parseNetworkTensors,
  restrictToUnits,
  roundingMargin,
  serializeNetworkTensors,
  tighten,
} from '../src/internal.ts';
import { sign, wholeCube } from './helpers.ts';
import { networkByDefinition } from './network-helpers.ts';

/** Networks with integer, dyadic or real weights, some units dead, some inputs unused. */
const network = (most = 8): fc.Arbitrary<SparseNetwork> =>
  fc
    .record({ n: fc.integer({ min: 1, max: most }), s: fc.integer({ min: 0, max: 20 }), kind: fc.nat(2) })
    .chain(({ n, s, kind }) => {
      const number =
        kind === 0
          ? fc.integer({ min: -4, max: 4 })
          : kind === 1
            ? fc.integer({ min: -64, max: 64 }).map((v) => v / 16)
            : fc.double({ min: -3, max: 3, noNaN: true });
      const numbers = (length: number): fc.Arbitrary<number[]> =>
        fc.array(number, { minLength: length, maxLength: length });
      return fc
        .record({ weights: numbers(n * s), biases: numbers(s), outputWeights: numbers(s) })
        .map((parts) => createNetwork({ inputCount: n, ...parts }));
    });

describe('SparseNetwork', () => {
  it('values, active sets, restrictions and sparsity are those of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(network(), async (net) => {
        const points = wholeCube(net.inputCount);
        const values = await evaluateNetwork(net, points);
        expect(evaluateNetworkReference(net, points)).toEqual(values);
        const sparsity = await measureSparsity(net, points);
        const histogram = new Map<number, number>();
        let maximum = 0;
        for (let row = 0; row < points.rowCount; row++) {
          const z = preactivations(net, points, row);
          const active = activeSet(net, points, row);
          expect(Array.from(active)).toEqual(Array.from(z.keys()).filter((j) => z[j] > 0));
          const { value } = networkByDefinition(net, points, row);
          expect(Math.abs(values[row] - value)).toBeLessThan(1e-11);
          // On R_x the network is the affine map of R_x.
          const map = restrictToUnits(net, active);
          let affine = -map.bias;
          for (let i = 0; i < net.inputCount; i++) affine += map.weights[i] * sign(points, row, i);
          expect(Math.abs(values[row] - affine)).toBeLessThan(1e-11);
          histogram.set(active.length, (histogram.get(active.length) ?? 0) + 1);
          maximum = Math.max(maximum, active.length);
        }
        expect(sparsity.maximum).toBe(maximum);
        expect(activeSet(net, points, sparsity.maximumRow).length).toBe(maximum);
        expect(Array.from(sparsity.histogram)).toEqual(
          Array.from({ length: maximum + 1 }, (_, a) => histogram.get(a) ?? 0),
        );
        // |h| <= k (W sqrt n + B).
        const { weight, bias } = networkScale(net);
        const bound = maximum * (weight * Math.sqrt(net.inputCount) + bias);
        for (const value of values) expect(Math.abs(value)).toBeLessThanOrEqual(bound + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it('scale is unchanged when units are rescaled', () => {
    fc.assert(
      fc.property(network(), (net) => {
        // Subnormal numbers lose digits when they are halved.
        fc.pre([...net.weights, ...net.biases].every((v) => v === 0 || Math.abs(v) > 1e-300));
        const factors = net.biases.map((_, j) => 2 ** ((j % 7) - 3));
        const rescaled = createNetwork({
          inputCount: net.inputCount,
          weights: net.weights.map((w, i) => w * factors[Math.floor(i / net.inputCount)]),
          biases: net.biases.map((b, j) => b * factors[j]),
          outputWeights: net.outputWeights.map((u, j) => u / factors[j]),
        });
        expect(networkScale(rescaled)).toEqual(networkScale(net));
        expect(Math.max(0, ...squaredScales(net))).toBeCloseTo(networkScale(net).weight ** 2, 9);
      }),
    );
  });

  it('dead units and exact rates: counted over the whole cube', async () => {
    await fc.assert(
      fc.asyncProperty(network(), async (net) => {
        const points = wholeCube(net.inputCount);
        const { unitCounts } = await countRowsExactly(net, tighten(net), points);
        const { kind, rates, lower, upper } = await measureFiringRates(net);
        expect(kind).toBe('exact');
        for (let j = 0; j < net.unitCount; j++) {
          const rate = unitCounts[j] / points.rowCount;
          expect(rate).toBeGreaterThanOrEqual(lower[j]);
          expect(rate).toBeLessThanOrEqual(upper[j]);
          if (lower[j] === upper[j]) expect(rates[j]).toBe(rate);
        }
        for (const j of deadUnits(net)) expect(unitCounts[j]).toBe(0);
      }),
      { numRuns: 60 },
    );
    // Exactly on the edge: ||w||_1 = b is dead, a little less is not.
    const edge = createNetwork({ inputCount: 2, weights: [1, -2, 1, -2], biases: [3, 2.5], outputWeights: [1, 1] });
    expect(Array.from(deadUnits(edge))).toEqual([0]);
    expect(Array.from((await measureFiringRates(edge)).rates)).toEqual([0, 0.25]);
    // The doubles 0.1 and 0.2 add up to more than the double 0.3, which doubles alone cannot tell.
    const rounded = createNetwork({ inputCount: 2, weights: [0.1, 0.2], biases: [0.3], outputWeights: [1] });
    expect(Array.from(deadUnits(rounded))).toEqual([]);
    const open = await measureFiringRates(rounded);
    expect([open.lower[0], open.rates[0], open.upper[0]]).toEqual([0.25, 0.25, 0.25]);
  });

  it('sums that need one bit more than a double has are not called exact, though their total rounds to one that is', () => {
    expect(1 + 2 ** -53).toBe(1);
    expect(roundingMargin(Float64Array.of(2 ** -53), 1).margin).toBeGreaterThan(0);
    expect(roundingMargin(Float64Array.of(2 ** -52), 1).margin).toBe(0);
  });

  it('rates of wide units are counted in halves, and estimates enclose them', async () => {
    const { network: wide } = halfspaceNetwork({ inputCount: 30, unitCount: 20, firingRate: 0.2, seed: 2 });
    const exact = await measureFiringRates(wide);
    const estimated = await estimateFiringRates(wide, { sampleCount: 20_000, seed: 3, confidenceDelta: 1e-6 });
    expect(estimated.kind).toBe('estimated');
    for (let j = 0; j < 20; j++) {
      expect(exact.rates[j]).toBeGreaterThan(estimated.lower[j]);
      expect(exact.rates[j]).toBeLessThan(estimated.upper[j]);
      expect(estimated.upper[j] - estimated.lower[j]).toBeLessThan(0.04);
    }
    // Counting by hand in one case: sum of 30 signs above 10, so at least 21 of 30 heads.
    const majority = createNetwork({
      inputCount: 30,
      weights: new Float64Array(30).fill(1),
      biases: [10],
      outputWeights: [1],
    });
    let heads = 0;
    let choose = 1;
    for (let k = 0; k <= 30; k++) {
      if (2 * k - 30 > 10) heads += choose;
      choose = (choose * (30 - k)) / (k + 1);
    }
    expect((await measureFiringRates(majority)).rates[0]).toBe(heads / 2 ** 30);
    await expect(measureFiringRates(denseNetwork({ inputCount: 41, unitCount: 1 }).network)).rejects.toThrow(
      'estimate',
    );
    await expect(estimateFiringRates(wide, { sampleCount: 0 })).rejects.toThrow('sampleCount');
  });

  it('refuses parts that do not fit', async () => {
    const parts = { inputCount: 3, weights: [1, 2, 3], biases: [0], outputWeights: [1] };
    expect(() => createNetwork({ ...parts, weights: [1, 2] })).toThrow('2 weights');
    expect(() => createNetwork({ ...parts, biases: [Number.NaN] })).toThrow('bias 0 is NaN');
    expect(() => createNetwork({ ...parts, inputCount: 0 })).toThrow('inputCount');
    expect(() => createNetwork({ ...parts, domain: { kind: 'lift', bitCount: 3 } })).toThrow('6 coordinates');
    expect(createNetwork({ ...parts, domain: { kind: 'lift', bitCount: 2 } }).domain).toEqual({
      kind: 'lift',
      bitCount: 2,
    });
    const net = createNetwork(parts);
    await expect(evaluateNetwork(net, wholeCube(4))).rejects.toThrow('4 coordinates');
    await expect(evaluateNetwork(net, wholeCube(3), { memoryLimitBytes: 1000 })).rejects.toThrow('MB are allowed');
    expect(() => restrictToUnits(net, [1])).toThrow('unit 1');
    expect(() => preactivations(net, wholeCube(3), 8)).toThrow('from 0 to 7');
  });
});

describe('network files', () => {
  const code = (pattern: RegExp): object => ({ code: 'network-file', message: expect.stringMatching(pattern) });

  it('both kinds come back equal, with one checksum', async () => {
    await fc.assert(
      fc.asyncProperty(network(), async (net) => {
        const text = await serializeNetwork(net);
        const bytes = await serializeNetworkTensors(net);
        const fromText = await parseNetwork(text, 'a.json');
        expect(fromText).toEqual(net);
        const fromBytes = await parseNetworkTensors(bytes, 'a.safetensors');
        expect(fromBytes).toEqual(net);
        expect(await serializeNetwork(fromBytes)).toBe(text);
        expect(await serializeNetworkTensors(fromText)).toEqual(bytes);
        expect(JSON.parse(text).checksum).toBe(await networkChecksum(net));
      }),
      { numRuns: 40 },
    );
    const { network: ensemble } = randomEnsembleNetwork({ inputCount: 9, treeCount: 3, depth: 3, seed: 2 });
    expect(await parseNetwork(await serializeNetwork(ensemble), 'e')).toEqual(ensemble);
    expect(await parseNetworkTensors(await serializeNetworkTensors(ensemble), 'e')).toEqual(ensemble);
  });

  it('JSON: every truncation and every edit of a number or word is refused', async () => {
    const text = await serializeNetwork(parityNetwork({ inputCount: 3, coordinates: [0, 2] }).network);
    for (let end = 0; end < text.length - 1; end++) {
      await expect(parseNetwork(text.slice(0, end), 'x')).rejects.toMatchObject(code(/^x /));
    }
    for (const match of text.matchAll(/\d|[a-z]/g)) {
      const changed = match[0] === '3' ? '4' : /\d/.test(match[0]) ? '3' : 'q';
      if (changed === match[0]) continue;
      const edited = text.slice(0, match.index) + changed + text.slice(match.index + 1);
      await expect(parseNetwork(edited, 'x')).rejects.toMatchObject(code(/^x /));
    }
    const data = JSON.parse(text);
    const refuse = (change: object, pattern: RegExp): Promise<void> =>
      expect(parseNetwork(JSON.stringify({ ...data, ...change }), 'x')).rejects.toMatchObject(code(pattern));
    await refuse({ format: 'fewfire-model' }, /not a fewfire network/);
    await refuse({ version: 2 }, /trees is missing/);
    await refuse({ version: 3 }, /version 3/);
    await refuse({ weights: data.weights.slice(1) }, /3 rows of weights for 4 biases/);
    await refuse({ weights: [[1], ...data.weights.slice(1)] }, /unit 0 has 1 weights/);
    await refuse({ extra: 1 }, /damaged or edited/);
    await refuse({ domain: { kind: 'rows', label: 'other' } }, /checksum/);
    await refuse({ inputCount: 1e9 }, /unit 0 has 3 weights/);
    await expect(parseNetwork('[]', 'x')).rejects.toMatchObject(code(/not a fewfire network/));
    // The order of keys does not matter.
    const reversed = Object.fromEntries(Object.entries(data).reverse());
    expect((await parseNetwork(JSON.stringify(reversed), 'x')).unitCount).toBe(4);
  });

  it('safetensors: every truncation and every changed byte is refused', async () => {
    const net = parityNetwork({ inputCount: 3, coordinates: [0, 2] }).network;
    const bytes = await serializeNetworkTensors(net);
    for (let end = 0; end < bytes.length; end++) {
      await expect(parseNetworkTensors(bytes.slice(0, end), 'x')).rejects.toMatchObject(code(/^x/));
    }
    await expect(parseNetworkTensors(Uint8Array.of(...bytes, 0), 'x')).rejects.toMatchObject(code(/1 bytes after/));
    const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    for (let at = 0; at < bytes.length; at++) {
      // White space of the header has no meaning; a zero may change its sign unnoticed, being equal.
      const edited = bytes.slice();
      edited[at] ^= at >= headerEnd ? 0x11 : 1;
      if (at < headerEnd && bytes[at] === 0x20) continue;
      const outcome = await parseNetworkTensors(edited, 'x').catch((error: unknown) => error);
      expect(outcome).toMatchObject(code(/^x/));
    }
  });

  it('safetensors of other programs: read without metadata, refused with other tensors', async () => {
    const make = (header: object, dataBytes: number): Uint8Array => {
      const text = new TextEncoder().encode(JSON.stringify(header));
      const bytes = new Uint8Array(8 + text.length + dataBytes);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
      bytes.set(text, 8);
      return bytes;
    };
    const tensor = (shape: number[], begin: number, end: number, dtype = 'F64'): object => ({
      dtype,
      shape,
      data_offsets: [begin, end],
    });
    const good = { output_weights: tensor([2], 0, 16), weights: tensor([2, 3], 16, 64), biases: tensor([2], 64, 80) };
    const net = await parseNetworkTensors(make(good, 80), 'x');
    expect([net.inputCount, net.unitCount, net.domain.kind, net.provenance.family]).toEqual([
      3,
      2,
      'cube',
      'safetensors',
    ]);
    const refuse = (change: object, pattern: RegExp, size = 80): Promise<void> =>
      expect(parseNetworkTensors(make({ ...good, ...change }, size), 'x')).rejects.toMatchObject(code(pattern));
    await refuse({ more: tensor([0], 80, 80) }, /has the tensors/);
    await refuse({ biases: undefined }, /has the tensors/);
    await refuse({ biases: tensor([4], 64, 80, 'F32') }, /F32, expected F64/);
    await refuse({ biases: tensor([2], 48, 64) }, /overlap or leave a hole/);
    await refuse({ biases: tensor([2], 72, 88) }, /overlap or leave a hole/, 88);
    await refuse({ biases: tensor([2], 64, 80) }, /bytes after/, 88);
    await refuse({ biases: tensor([1e15], 64, 80) }, /cut off or damaged/);
    await refuse({ biases: tensor([2], 80, 64) }, /cut off or damaged/);
    await refuse({ biases: tensor([2, 1], 64, 80) }, /expected weights/);
    await refuse({ biases: { dtype: 'F64' } }, /entry of tensor biases/);
    await refuse({ __metadata__: { checksum: 'abc' } }, /not a fewfire network/);
    await refuse({ __metadata__: { format: 'fewfire-network', version: '1' } }, /metadata lacks/);
    await refuse({ __metadata__: { format: 'fewfire-network', version: '9' } }, /version 9/);
    const huge = make(good, 80);
    new DataView(huge.buffer).setBigUint64(0, 2n ** 62n, true);
    await expect(parseNetworkTensors(huge, 'x')).rejects.toMatchObject(code(/states a header/));
    // Tensors of a view into a larger buffer are read from the right place.
    const offset = new Uint8Array(1000);
    offset.set(make(good, 80), 3);
    expect(await parseNetworkTensors(offset.subarray(3, 3 + make(good, 80).length), 'x')).toEqual(net);
  });
});

it('counts rates and scales exactly where doubles round, overflow or underflow', async () => {
  const one = (weights: number[], bias: number, outputWeight = 1) =>
    createNetwork({ inputCount: weights.length, weights, biases: [bias], outputWeights: [outputWeight] });
  const rate = async (...unit: Parameters<typeof one>) => {
    const { rates, lower, upper } = await measureFiringRates(one(...unit));
    expect([lower[0], upper[0]]).toEqual([rates[0], rates[0]]);
    return rates[0];
  };
  expect(await rate([-0.1, 0, 0.2, 0], -0.30000000000000004)).toBe(1);
  expect(await rate([2 ** 1023, 2 ** 1023, 2 ** 1023, 2 ** 1023], -(2 ** 1000))).toBe(11 / 16);
  expect(squaredScales(one([1e-170], 0, 1e100))[0]).toBeCloseTo(1e-140, 150);
  expect(networkScale(one([1e-170], 0, 1e170)).weight).toBeCloseTo(1, 12);
  expect(networkScale(one([1e200], 0)).weight).toBe(1e200);
});

describe('wide networks and many points are counted a part at a time', () => {
  it('points drawn in parts are those drawn at once', () => {
    const shape = { inputCount: 180_000, domain: { kind: 'cube' } as const };
    const parts = [...drawnParts(shape, 1700, 5)];
    expect(parts.length).toBeGreaterThan(1);
    const all = drawPoints(shape, 1700, 5);
    let first = 0;
    for (const { rowCount, planes } of parts) {
      for (let p = 0; p < shape.inputCount / 8; p += 97) {
        const own = planes.subarray(p * rowCount, (p + 1) * rowCount);
        const expected = all.planes.subarray(p * 1700 + first, p * 1700 + first + rowCount);
        expect(Buffer.compare(own, expected)).toBe(0);
      }
      first += rowCount;
    }
    expect(first).toBe(1700);
  });

  it('units beyond one part count as the others do', async () => {
    // 64 units of 131,072 inputs are one part; every third has weights whose sums are no whole doubles.
    const inputCount = 131_072;
    const unitCount = 150;
    const weights = new Float64Array(unitCount * inputCount);
    const used = Array.from({ length: unitCount }, (_, j) => [j, 700 * j + 1, inputCount - 1 - j]);
    used.forEach((inputs, j) => {
      inputs.forEach((input, k) => {
        weights[j * inputCount + input] = (j % 3 === 0 ? [1, -1e-30, 0.1] : [1, -1, 2])[k];
      });
    });
    const biases = Array.from({ length: unitCount }, (_, j) => (j % 5) - 2);
    const wide = createNetwork({ inputCount, weights, biases, outputWeights: biases });
    const points = drawPoints(wide, 40, 3);
    const counts = await countRowsExactly(wide, tighten(wide), points);
    const isActive = (j: number, row: number): boolean =>
      used[j].reduce((sum, i) => sum + weights[j * inputCount + i] * sign(points, row, i), 0) > biases[j];
    const rows = Array.from({ length: 40 }, (_, row) => row);
    const perUnit = used.map((_, j) => rows.filter((row) => isActive(j, row)).length);
    expect(Array.from(counts.unitCounts)).toEqual(perUnit);
    const perRow = rows.map((row) => used.filter((_, j) => isActive(j, row)).length);
    expect(counts.maximum).toBe(Math.max(...perRow));
    expect(counts.histogram[counts.maximum]).toBe(perRow.filter((count) => count === counts.maximum).length);
  });
});

it('flips the only row of a function into {0,1} within {0,1}', async () => {
  const { network: bit } = juntaNetwork({ inputCount: 2, coordinates: [0], truthTable: [0, 1] });
  for (let seed = 1; seed <= 6; seed++) {
    const { values, target } = await sampleNetwork(bit, { rowCount: 1, flip: 1, seed });
    expect(target[0]).toBe(1 - values[0]);
  }
});

it('refuses a network without units that claims a trillion inputs', () => {
  const parts = { inputCount: 2 ** 40, weights: [], biases: [], outputWeights: [] };
  expect(() => createNetwork(parts)).toThrow(/inputCount/);
});
