/** certifySparsity against brute force on the doubles themselves; the parts of a certificate. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  certifySparsity,
  createNetwork,
  createRandom,
  decisionTreeNetwork,
  domainPoints,
  ensembleNetwork,
  extremalNetwork,
  FewfireError,
  gatedIndexingNetwork,
  halfspaceNetwork,
  indexingNetwork,
  juntaNetwork,
  learningWithRoundingNetwork,
  liftedParityNetwork,
  type MilpSolver,
  type NetworkDomain,
  parityNetwork,
  parseCertificate,
  randomEnsembleNetwork,
  type SparseNetwork,
  serializeCertificate,
} from '../src/index.ts';
import {
  bitAt,
  certifyConflicts,
  conflictOf,
  countRowsExactly,
  drawPoints,
  networkChecksum,
  tighten,
} from '../src/internal.ts';

/** Every double as a whole multiple of 2^-1074, so that signs are decided without rounding. */
function overTiny(value: number): bigint {
  let power = 1074;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    power--;
  }
  return BigInt(scaled) << BigInt(power);
}

function activeUnits(network: SparseNetwork, points: CubePoints, row: number): number[] {
  const { inputCount, unitCount, weights, biases } = network;
  return Array.from({ length: unitCount }, (_, j) => j).filter((j) => {
    let sum = -overTiny(biases[j]);
    for (let i = 0; i < inputCount; i++) {
      const weight = overTiny(weights[j * inputCount + i]);
      sum += bitAt(points, row, i) === 1 ? -weight : weight;
    }
    return sum > 0n;
  });
}

function bruteForce(network: SparseNetwork, domain: NetworkDomain = network.domain) {
  const bits = domain.kind === 'lift' ? domain.bitCount : network.inputCount;
  const points = domainPoints({ ...network, domain }, 0, 2 ** bits);
  const sets = Array.from({ length: points.rowCount }, (_, row) => activeUnits(network, points, row));
  return { points, sets, k: Math.max(...sets.map((set) => set.length)) };
}

const integers = fc.integer({ min: -3, max: 3 });
const tenths = fc.integer({ min: -5, max: 5 }).map((value) => value / 10);
const doubles = fc.double({ min: -2, max: 2, noNaN: true });
const wild = fc.constantFrom(0, 1, -1, 0.1, -1 / 3, 1e-20, 2 ** 40, -(2 ** 60), 5e-324);

function networks(numbers: fc.Arbitrary<number>, most = 6): fc.Arbitrary<SparseNetwork> {
  return fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 0, max: 8 })).chain(([inputCount, unitCount]) =>
    fc
      .tuple(
        fc.array(numbers, { minLength: inputCount * unitCount, maxLength: inputCount * unitCount }),
        fc.array(fc.tuple(numbers, fc.integer({ min: -1, max: 2 ** inputCount - 1 })), {
          minLength: unitCount,
          maxLength: unitCount,
        }),
      )
      .map(([weights, biases]) =>
        createNetwork({
          inputCount,
          weights,
          // Half of them a sum of the unit's weights: a tie at some point.
          biases: biases.map(([free, mask], j) =>
            mask < 0
              ? free
              : weights
                  .slice(j * inputCount, (j + 1) * inputCount)
                  .reduce((sum, w, i) => sum + ((mask >> i) & 1 ? -w : w), 0),
          ),
          outputWeights: new Float64Array(unitCount).fill(1),
        }),
      ),
  );
}

const anyNetwork = fc.constantFrom(integers, tenths, doubles, wild).chain((numbers) => networks(numbers));

describe('certifySparsity', () => {
  it('every method holds the k of brute force, ties included', async () => {
    await fc.assert(
      fc.asyncProperty(anyNetwork, async (network) => {
        const { k, points, sets } = bruteForce(network);
        for (const method of ['auto', 'sweep', 'conflicts', 'sample'] as const) {
          const certificate = await certifySparsity(network, { method, sampleCount: 50 });
          expect(certificate.kLower).toBeLessThanOrEqual(k);
          expect(certificate.kUpper).toBeGreaterThanOrEqual(k);
          if (certificate.exact) expect([certificate.kLower, certificate.kUpper]).toEqual([k, k]);
          if (method === 'sweep' || method === 'auto') expect(certificate.exact).toBe(true);
          const code = Number.parseInt([...(certificate.witness?.bits ?? '')].reverse().join(''), 2);
          expect(sets[code].length).toBe(certificate.kLower);
        }
        const domain = { kind: 'rows', label: 'all' } as const;
        const counted = await certifySparsity(network, { domain, points });
        expect([counted.kLower, counted.kUpper, counted.exact]).toEqual([k, k, true]);
      }),
      { numRuns: 150 },
    );
  });

  it('the families are certified as they claim', async () => {
    const random = createRandom(3);
    const table = Float64Array.from({ length: 16 }, () => random.normal());
    const members = [
      parityNetwork({ inputCount: 8, coordinates: [0, 2, 3, 7] }),
      parityNetwork({ inputCount: 8, coordinates: [0, 2, 3, 7], form: 'paper' }),
      juntaNetwork({ inputCount: 9, coordinates: [1, 2, 5, 8], truthTable: table }),
      randomEnsembleNetwork({ inputCount: 10, treeCount: 3, depth: 4, seed: 2 }),
      randomEnsembleNetwork({ inputCount: 10, treeCount: 3, depth: 4, seed: 2, form: 'paper' }),
      indexingNetwork({ addressBits: 3 }),
    ];
    for (const { network, claims } of members) {
      for (const method of ['sweep', 'auto', 'conflicts'] as const) {
        const certificate = await certifySparsity(network, { method });
        expect([network.provenance.family, certificate.kLower, certificate.kUpper]).toEqual([
          network.provenance.family,
          claims.k,
          claims.k,
        ]);
        expect(certificate.exact).toBe(true);
      }
    }
  });

  it('lifted parity is 1-sparse on the lift, and not on the cube of its coordinates', async () => {
    for (const values of ['sign', 'zero-one'] as const) {
      const { network } = liftedParityNetwork({ bitCount: 5, subset: [0, 1, 3, 4], values });
      const onLift = await certifySparsity(network);
      expect(onLift.domain).toEqual({ kind: 'lift', bitCount: 5 });
      expect(onLift.evidence.method).toBe('sweep');
      expect([onLift.kLower, onLift.kUpper, onLift.exact]).toEqual([1, 1, true]);
      const onCube = await certifySparsity(network, { domain: { kind: 'cube' } });
      expect(onCube.kLower).toBe(bruteForce(network, { kind: 'cube' }).k);
      expect(onCube.kLower).toBeGreaterThan(1);
    }
  });

  it('learning with rounding is 1-sparse on its lift', async () => {
    const { network } = learningWithRoundingNetwork({ dimension: 3, modulus: 8, roundedModulus: 2, seed: 4 });
    const certificate = await certifySparsity(network);
    expect([certificate.kLower, certificate.kUpper, certificate.exact]).toEqual([1, 1, true]);
  });

  it('a tree with 4,096 leaves on 60 coordinates: one class', async () => {
    const { network } = randomEnsembleNetwork({ inputCount: 60, treeCount: 1, depth: 12, seed: 5 });
    const certificate = await certifySparsity(network);
    expect([certificate.kLower, certificate.kUpper, certificate.exact]).toEqual([1, 1, true]);
    expect(certificate.evidence.method).toBe('conflicts');
  });

  it('an ensemble of trees on many coordinates: a class per tree', async () => {
    const { network } = randomEnsembleNetwork({ inputCount: 100, treeCount: 6, depth: 5, seed: 7 });
    const certificate = await certifySparsity(network);
    expect([certificate.kLower, certificate.kUpper, certificate.exact]).toEqual([6, 6, true]);
  });

  it('is the same for any number of threads', async () => {
    const { network } = randomEnsembleNetwork({ inputCount: 20, treeCount: 4, depth: 4, seed: 3 });
    const one = await certifySparsity(network, { method: 'sweep', threads: 1 });
    expect(await certifySparsity(network, { method: 'sweep', threads: 2 })).toEqual(one);
    expect(one.network.sha256).toBe(await networkChecksum(network));
  });

  it('networks without units, and units without weights', async () => {
    const none = createNetwork({ inputCount: 3, weights: [], biases: [], outputWeights: [] });
    for (const method of ['auto', 'sweep', 'conflicts'] as const) {
      expect(await certifySparsity(none, { method })).toMatchObject({ kLower: 0, kUpper: 0, exact: true });
    }
    const constants = createNetwork({
      inputCount: 2,
      weights: [0, 0, 0, 0, 0, 0],
      biases: [-1, 0, 1],
      outputWeights: [1, 1, 1],
    });
    for (const method of ['auto', 'sweep', 'conflicts'] as const) {
      expect(await certifySparsity(constants, { method })).toMatchObject({ kLower: 1, kUpper: 1, exact: true });
    }
  });

  it('refuses what it cannot do', async () => {
    const network = createNetwork({ inputCount: 2, weights: [1, 1], biases: [0], outputWeights: [1] });
    const rows = { kind: 'rows', label: 'data' } as const;
    const refused: [Parameters<typeof certifySparsity>[1], string][] = [
      [{ domain: rows }, 'no points are given'],
      [{ domain: rows, points: drawPoints(network, 3, 1), method: 'sweep' }, "expected 'rows'"],
      [{ domain: { kind: 'lift', bitCount: 2 } }, 'a lift of 2 bits has 3 coordinates'],
      [{ method: 'milp' }, 'needs a solver'],
      [{ method: 'rows' }, 'needs a domain of rows'],
      [{ method: 'sample', k: 1, shareThreshold: 0.1 }, 'expected one'],
      [{ method: 'sample', sampleCount: 10, shareThreshold: 0.01 }, 'at least 459 samples'],
      [{ method: 'sample', sampleCount: 0 }, 'sampleCount is 0'],
      [{ method: 'guess' as 'auto' }, '`method` is "guess"; expected one of auto, '],
    ];
    for (const [options, message] of refused) {
      await expect(certifySparsity(network, options)).rejects.toThrow(message);
    }
    const wide = createNetwork({
      inputCount: 41,
      weights: new Float64Array(41).fill(1),
      biases: [0],
      outputWeights: [1],
    });
    await expect(certifySparsity(wide, { method: 'sweep' })).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('aborts, in every method', async () => {
    const random = createRandom(1);
    const dense = (unitCount: number): SparseNetwork =>
      createNetwork({
        inputCount: 36,
        weights: Float64Array.from({ length: 36 * unitCount }, () => random.normal()),
        biases: Float64Array.from({ length: unitCount }, () => 2 + random.normal()),
        outputWeights: new Float64Array(unitCount).fill(1),
      });
    for (const [method, unitCount] of [
      ['sweep', 3000],
      ['conflicts', 3000],
      ['sample', 100],
    ] as const) {
      const controller = new AbortController();
      let calls = 0;
      const run = certifySparsity(dense(unitCount), {
        method,
        signal: controller.signal,
        sampleCount: 2_000_000,
        // From a timer, so that it comes only if the work lets others run.
        onProgress: () => {
          if (++calls === 2) setTimeout(() => controller.abort());
        },
      });
      await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    }
  });
});

describe('tighten', () => {
  it('dead units are those active nowhere; the raised bias is attained or above all sums', () => {
    fc.assert(
      fc.property(anyNetwork, (network) => {
        const { sets } = bruteForce(network);
        const tightened = tighten(network);
        for (const j of tightened.deadUnits) expect(sets.some((set) => set.includes(j))).toBe(false);
        for (const j of tightened.alwaysActiveUnits) expect(sets.every((set) => set.includes(j))).toBe(true);
        for (const j of tightened.liveUnits) expect(sets.some((set) => set.includes(j))).toBe(true);
      }),
    );
  });

  it('raises a leaf of p literals from p - 2 and p - 1 to p', () => {
    const leaf = (bias: number) =>
      tighten({ inputCount: 3, weights: Float64Array.of(1, -1, 1), biases: Float64Array.of(bias) }).leastAbove[0];
    expect([leaf(1), leaf(2), leaf(0.5), leaf(0)]).toEqual([3, 3, 1, 1]);
  });
});

describe('conflicts', () => {
  it('are sound: units in conflict are never active together, and lambda is a proof', async () => {
    let seen = 0;
    fc.assert(
      fc.property(anyNetwork, (network) => {
        const { sets } = bruteForce(network);
        const { leastAbove } = tighten(network);
        const n = network.inputCount;
        for (let i = 0; i < network.unitCount; i++) {
          for (let j = 0; j < i; j++) {
            const conflict = conflictOf(network, i, j);
            if (conflict === undefined) continue;
            seen++;
            expect(sets.some((set) => set.includes(i) && set.includes(j))).toBe(false);
            const { lambda, coordinate } = conflict;
            // lambda is a double, which is enough to see the inequality only for numbers of similar size.
            const isTame = network.weights.every((w) => w === 0 || (Math.abs(w) > 1e-3 && Math.abs(w) < 1e3));
            if (coordinate === null || !isTame) continue;
            let norm = 0;
            for (let l = 0; l < n; l++) {
              norm += Math.abs(lambda * network.weights[i * n + l] + (1 - lambda) * network.weights[j * n + l]);
            }
            const right = lambda * leastAbove[i] + (1 - lambda) * leastAbove[j];
            // Doubles here, so up to rounding.
            expect(norm - right).toBeLessThan(1e-9 * Math.max(1, norm));
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(seen).toBeGreaterThan(100);
  });

  it('find every lambda that a fine search over [0,1] finds', () => {
    fc.assert(
      fc.property(networks(integers, 4), (network) => {
        const { leastAbove } = tighten(network);
        const n = network.inputCount;
        for (let i = 0; i < network.unitCount; i++) {
          for (let j = 0; j < i; j++) {
            if (conflictOf(network, i, j) !== undefined) continue;
            for (let step = 0; step <= 420; step++) {
              const [a, b] = [step, 420 - step];
              let norm = 0;
              for (let l = 0; l < n; l++)
                norm += Math.abs(a * network.weights[i * n + l] + b * network.weights[j * n + l]);
              expect(norm).toBeGreaterThanOrEqual(a * leastAbove[i] + b * leastAbove[j]);
            }
          }
        }
      }),
    );
  });

  it('classes are a partition of the live units, at least k of them', async () => {
    await fc.assert(
      fc.asyncProperty(anyNetwork, async (network) => {
        const { k } = bruteForce(network);
        const { deadUnits, classes, kUpper } = await certifyConflicts(tighten(network));
        expect(kUpper).toBe(classes.length);
        expect(kUpper).toBeGreaterThanOrEqual(k);
        expect([...deadUnits, ...classes.flat()].sort((a, b) => a - b)).toEqual(
          Array.from({ length: network.unitCount }, (_, j) => j),
        );
      }),
    );
  });
});

describe('rows', () => {
  it('are counted exactly where rounding would decide otherwise', async () => {
    // 0.1 + 0.2 > 0.3 as doubles add, but the doubles themselves satisfy it too; 1 + 1e-20 is 1 when added.
    const network = createNetwork({
      inputCount: 2,
      weights: [0.1, 0.2, 1, 1e-20],
      biases: [0.30000000000000004, 1],
      outputWeights: [1, 1],
    });
    const { points, sets } = bruteForce(network);
    const counts = await countRowsExactly(network, tighten(network), points);
    expect(Array.from(counts.unitCounts)).toEqual([0, 1].map((j) => sets.filter((set) => set.includes(j)).length));
    expect(counts.unitCounts[1]).toBe(1);
  });
});

describe('sample', () => {
  const { network } = randomEnsembleNetwork({ inputCount: 12, treeCount: 4, depth: 3, seed: 9 });

  it('states a Clopper-Pearson limit for a k chosen beforehand, seen, or by a threshold', async () => {
    const seen = await certifySparsity(network, { method: 'sample', sampleCount: 1000, confidenceDelta: 0.01 });
    expect(seen.evidence).toMatchObject({ choice: 'largest-seen', k: 4, aboveCount: 0 });
    const none = (seen.evidence as { shareUpperLimit: number }).shareUpperLimit;
    expect(none).toBeCloseTo(1 - 0.01 ** (1 / 1000), 12);
    const fixed = await certifySparsity(network, { method: 'sample', sampleCount: 1000, k: 0 });
    expect(fixed.evidence).toMatchObject({ choice: 'beforehand', k: 0, aboveCount: 1000, shareUpperLimit: 1 });
    const sparse = createNetwork({
      inputCount: 6,
      weights: [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
      biases: [5, 0],
      outputWeights: [1, 1],
    });
    const by = await certifySparsity(sparse, { method: 'sample', sampleCount: 5000, shareThreshold: 0.05 });
    expect(by.evidence).toMatchObject({ choice: 'threshold', k: 1, shareUpperLimit: 0.05 });
    expect(by.kUpper).toBe(2);
  });

  it('holds: the true share is below the limit in nearly all of 200 repetitions', async () => {
    const random = createRandom(11);
    const small = createNetwork({
      inputCount: 8,
      weights: Float64Array.from({ length: 80 }, () => random.normal()),
      biases: Float64Array.from({ length: 10 }, () => 2),
      outputWeights: new Float64Array(10).fill(1),
    });
    const { sets } = bruteForce(small);
    const share = sets.filter((set) => set.length > 3).length / sets.length;
    let failures = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const { evidence } = await certifySparsity(small, {
        method: 'sample',
        sampleCount: 60,
        k: 3,
        confidenceDelta: 0.1,
        seed,
      });
      if (evidence.method === 'sample' && share > evidence.shareUpperLimit) failures++;
    }
    // Expected at most 20; 36 has chance below 1e-3.
    expect(failures).toBeLessThan(36);
  });
});

describe('the certificate file', () => {
  it('comes back as it was, and refuses what is none', async () => {
    const { network } = parityNetwork({ inputCount: 5, coordinates: [0, 1, 4] });
    for (const method of ['sweep', 'conflicts', 'sample'] as const) {
      const certificate = await certifySparsity(network, { method, sampleCount: 100 });
      const text = await serializeCertificate(certificate);
      expect(await parseCertificate(text, 'c.json')).toEqual(certificate);
      await expect(parseCertificate(text.slice(0, 200), 'c.json')).rejects.toThrow('ends or breaks early');
      await expect(parseCertificate(text.replace('"kLower":1', '"kLower":2'), 'c.json')).rejects.toThrow('checksum');
      await expect(parseCertificate('{}', 'c.json')).rejects.toThrow('expected fewfire-certificate');
    }
  });
});

describe('families measured by the sweep', () => {
  it('gated indexing and the extremal network', async () => {
    for (const alpha of [undefined, 0.2]) {
      const gated = gatedIndexingNetwork({ addressBits: 3, dataCount: 5, ...(alpha === undefined ? {} : { alpha }) });
      const { kLower, kUpper } = await certifySparsity(gated.network, { method: 'sweep' });
      expect([kLower, kUpper]).toEqual(new Array(2).fill(bruteForce(gated.network).k));
      if (alpha === undefined) expect(kUpper).toBe(1);
    }
    const tree = decisionTreeNetwork({ inputCount: 4, tree: { value: 2 } });
    expect((await certifySparsity(tree.network)).kUpper).toBe(1);
    const twice = ensembleNetwork({ inputCount: 4, trees: [{ value: 2 }, { value: 1 }] });
    expect((await certifySparsity(twice.network)).kUpper).toBe(2);
    const extremal = extremalNetwork({ inputCount: 6, coordinates: [0, 1, 4], copies: 3 });
    expect((await certifySparsity(extremal.network, { method: 'sweep' })).kUpper).toBe(extremal.claims.k);
  });
});

it('keeps what is proved when the solver fails', async () => {
  const { network } = halfspaceNetwork({ inputCount: 45, unitCount: 12, firingRate: 0.05, seed: 2 });
  const solver: MilpSolver = {
    name: 'refuses',
    solve: () => Promise.reject(new FewfireError('invalid-data', 'refused')),
  };
  const certificate = await certifySparsity(network, { budgetSeconds: 2, solver });
  expect(certificate.evidence.method).toBe('conflicts');
  expect(certificate.notes.join()).toContain('refused');
});
