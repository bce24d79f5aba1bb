/**
 * Measured <= bound: every statement of the bounds room against brute force,
 * on families that come close to the bounds and on random and adversarial
 * networks. The harness itself is tested: bounds made too small are caught.
 */
import { describe, expect, test } from 'vitest';
import {
  averageSensitivityBound,
  averageSensitivityBounds,
  createRandom,
  degreeCertificate,
  halfspaceSensitivityBound,
  noiseSensitivityBound,
  noiseSensitivityBounds,
  type Random,
  rademacherBounds,
  sufficientDegrees,
  tailBounds,
  tailFromAverageSensitivity,
  tailFromNoiseSensitivity,
} from '../src/index.ts';
import {
  averageSensitivityBoundWithExceedance,
  derivativeFactor,
  regressionErrorBound,
  theoremASimpleTail,
  theoremATail,
} from '../src/internal.ts';
import {
  averageSensitivityOf,
  coordinate,
  exceedance,
  exclusiveGroups,
  extremalNetwork,
  juntaLeaves,
  type Measured,
  measure,
  networkOfLeaves,
  noiseSensitivityOf,
  type PlainNetwork,
  preactivation,
  randomTree,
  randomUnits,
} from './bounds-harness.ts';

interface Pair {
  readonly name: string;
  readonly measured: number;
  readonly bound: number;
}

const deltas = [1e-3, 0.05, 0.1, 0.21, 0.3, 1 / 3, 0.4, 0.5];

// Every pair of a measured quantity and a proven bound of it.
function pairs(network: PlainNetwork, m: Measured = measure(network)): Pair[] {
  const list: Pair[] = [];
  const add = (name: string, measured: number, bound: number): void => {
    list.push({ name, measured, bound });
  };
  const { n } = network;
  const s = network.u.length;
  const k = m.sparsity;
  if (k === 0) return list;
  const { scaledFiring, averageSensitivity: as } = m;
  const scale = { inputCount: n, unitCount: s, sparsity: k, weightScale: m.weightScale, biasScale: m.biasScale };
  const form = averageSensitivityBounds(scale);
  add('new Lemma 3.2, Q', as, averageSensitivityBound({ unitCount: s, sparsity: k, scaledFiring }));
  add('new Lemma 3.2, W', as, form.new);
  add('explicit Lemma 3.2', as, form.explicit);
  for (let fewer = 1; fewer < k; fewer++) {
    const squaredScaleSum = m.squaredScales.reduce((sum, c) => sum + c, 0);
    const exceedanceShare = exceedance(m, fewer);
    const options = { unitCount: s, sparsity: fewer, scaledFiring, squaredScaleSum, exceedanceShare };
    add(`Remark 3.5, k = ${fewer}`, as, averageSensitivityBoundWithExceedance(options));
  }
  const groups = exclusiveGroups(m);
  const certificate = degreeCertificate({
    unitCount: s,
    sparsity: k,
    sparsityKind: 'bound',
    firingRates: m.firingRates,
    firingRatesKind: 'exact',
    squaredScales: m.squaredScales,
    groups,
    groupsKind: 'bound',
  });
  add('groups', as, certificate.groups?.averageSensitivity ?? Number.NaN);
  for (let d = 0; d < n; d++) {
    const tail = m.tails[d];
    add(`Claim 1 AS, d = ${d}`, tail, tailFromAverageSensitivity({ averageSensitivity: as, degree: d }));
    add(`certificate, d = ${d}`, tail, tailBounds(certificate, d).certificate);
    add(`least, d = ${d}`, tail, tailBounds(certificate, d).least);
    for (const route of [certificate.whole, certificate.groups!]) {
      add(`Theorem A, d = ${d}`, tail, theoremATail({ derivativeFactor: route.derivativeFactor, degree: d }).bound);
    }
    add(
      `Theorem A class, d = ${d}`,
      tail,
      theoremATail({ derivativeFactor: derivativeFactor(scale), degree: d }).bound,
    );
    add(`Theorem A simple, d = ${d}`, tail, theoremASimpleTail({ ...scale, degree: d }));
  }
  for (const noiseDelta of n <= 6 ? deltas : [0.1, 0.4]) {
    const ns = noiseSensitivityOf(m.values, n, noiseDelta);
    const forms = noiseSensitivityBounds({ ...scale, noiseDelta });
    add('new Lemma 3.4, Q', ns, noiseSensitivityBound({ unitCount: s, sparsity: k, scaledFiring, noiseDelta }));
    add('new Lemma 3.4, W', ns, forms.new);
    add('explicit Lemma 3.4', ns, forms.explicit);
    // "Shown for comparison": the explicit forms are never the better ones.
    add('new below explicit 3.4', forms.new, forms.explicit);
    for (let d = 0; d < n; d++) {
      add('Claim 1 NS', m.tails[d], tailFromNoiseSensitivity({ noiseSensitivity: ns, noiseDelta, degree: d }));
    }
  }
  for (const epsilon of [0.01, 0.3, 2].map((share) => (share * m.values.reduce((sum, v) => sum + v * v, 0)) / 2 ** n)) {
    if (epsilon === 0) continue;
    const degrees = sufficientDegrees(certificate, { epsilon });
    add('sufficient certificate', m.tails[Math.min(n, degrees.certificate)], epsilon / 2);
    add('sufficient Theorem A', m.tails[Math.min(n, degrees.theoremA)], epsilon / 2);
  }
  return list;
}

// Violations when every bound is multiplied by `factor`; rounding of a relative 1e-9 is forgiven.
function violations(list: readonly Pair[], factor = 1): string[] {
  return list
    .filter(({ measured, bound }) => !(measured <= factor * bound * (1 + 1e-9) + 1e-12))
    .map(({ name, measured, bound }) => `${name}: ${measured} > ${bound}`);
}

function closest(list: readonly Pair[], prefix: string): number {
  return Math.max(0, ...list.filter((p) => p.name.startsWith(prefix) && p.bound > 0).map((p) => p.measured / p.bound));
}

const families: Record<string, (random: Random) => PlainNetwork> = {
  'tight junta': (random) => {
    const p = 1 + random.integer(5);
    return networkOfLeaves(
      p + random.integer(2),
      juntaLeaves(p, () => random.normal()),
      'tight',
    );
  },
  'paper junta': (random) => {
    const p = 1 + random.integer(5);
    return networkOfLeaves(
      p + random.integer(2),
      juntaLeaves(p, () => random.normal()),
      'paper',
    );
  },
  'random tree': (random) => {
    const n = 2 + random.integer(5);
    return networkOfLeaves(n, randomTree(n, random), random.uniform() < 0.5 ? 'tight' : 'paper');
  },
  'ensemble of trees': (random) => {
    const n = 2 + random.integer(4);
    const leaves = Array.from({ length: 1 + random.integer(3) }, () => randomTree(n, random)).flat();
    return networkOfLeaves(n, leaves, 'tight');
  },
  'conflicting units': (random) => {
    // Pairs w, -w with b >= 0 are never active together.
    const n = 2 + random.integer(5);
    const half = randomUnits(n, 1 + random.integer(3), () => Math.abs(random.normal()) / 2, random);
    return {
      n,
      w: [...half.w, ...half.w.map((row) => row.map((weight) => -weight))],
      b: [...half.b, ...half.b],
      u: [...half.u, ...half.u.map(() => random.normal())],
    };
  },
  'random halfspace units': (random) =>
    randomUnits(2 + random.integer(5), 1 + random.integer(12), () => random.normal() * 1.5, random),
  'rarely active units': (random) => randomUnits(6, 1 + random.integer(24), () => 1 + random.uniform(), random),
  'integer weights with ties': (random) => {
    const n = 2 + random.integer(5);
    const s = 1 + random.integer(8);
    const small = (): number => random.integer(7) - 3;
    return {
      n,
      w: Array.from({ length: s }, () => Array.from({ length: n }, small)),
      b: Array.from({ length: s }, () => random.integer(9) - 3),
      u: Array.from({ length: s }, small),
    };
  },
  'no bias at all': (random) => randomUnits(5, 1 + random.integer(6), () => 0, random),
};

describe('measured <= bound', () => {
  for (const [name, make] of Object.entries(families)) {
    test(name, () => {
      const random = createRandom(name.length);
      for (let trial = 0; trial < 1000; trial++) expect(violations(pairs(make(random)))).toEqual([]);
    });
  }

  test('larger cubes', () => {
    const random = createRandom(5);
    for (let trial = 0; trial < 2; trial++) {
      expect(violations(pairs(randomUnits(9, 20, () => random.normal(), random)))).toEqual([]);
      expect(violations(pairs(networkOfLeaves(9, randomTree(9, random), 'tight')))).toEqual([]);
    }
    expect(violations(pairs(randomUnits(10, 30, () => 1 + random.uniform(), random)))).toEqual([]);
  });

  test('networks that climb towards the bounds do not pass them', () => {
    const random = createRandom(11);
    const reached = { lemma: 0, theoremA: 0 };
    for (let start = 0; start < 24; start++) {
      const target = start % 2 === 0 ? 'new Lemma 3.2, Q' : 'Theorem A';
      const n = 3 + (start % 2);
      // A third of the climbs start near the extremal network of two bits, all others anywhere.
      const extremal = extremalNetwork(2, 1 + (start % 2));
      const near = (x: number): number => x + 0.3 * random.normal();
      let network: PlainNetwork =
        start % 3 === 0
          ? { n: 2, w: extremal.w.map((row) => row.map(near)), b: extremal.b.map(near), u: extremal.u.map(near) }
          : randomUnits(n, 2 + random.integer(5), () => random.normal(), random);
      let best = 0;
      for (let step = 0; step < 400; step++) {
        const size = random.uniform() < 0.2 ? 1 : 0.2;
        const shake = (x: number): number => (random.uniform() < 0.4 ? x + size * random.normal() : x);
        const next = {
          n: network.n,
          w: network.w.map((row) => row.map(shake)),
          b: network.b.map(shake),
          u: network.u.map(shake),
        };
        const list = pairs(next);
        expect(violations(list)).toEqual([]);
        const value = closest(list, target);
        if (value >= best) {
          best = value;
          network = next;
        }
      }
      if (target === 'Theorem A') reached.theoremA = Math.max(reached.theoremA, best);
      else reached.lemma = Math.max(reached.lemma, best);
    }
    // The climb gets somewhere, so that the test means something.
    expect(reached.lemma).toBeGreaterThan(0.5);
    expect(reached.theoremA).toBeGreaterThan(0.05);
  });

  test('the extremal family meets 4 k^2 W^2 and 4 k^2 W^2 / (d + 1)', () => {
    for (let p = 1; p <= 7; p++) {
      for (const k of [1, 2, 3]) {
        const network = extremalNetwork(p, k);
        const m = measure(network);
        expect(m.sparsity).toBe(k);
        const { new: bound } = averageSensitivityBounds({
          inputCount: p,
          unitCount: network.u.length,
          sparsity: k,
          weightScale: m.weightScale,
          biasScale: m.biasScale,
        });
        // By hand: W = sqrt(p) / 2, so 4 k^2 W^2 = k^2 p.
        expect(Math.abs(bound - k * k * p)).toBeLessThanOrEqual(1e-12 * bound);
        expect(Math.abs(m.averageSensitivity - bound)).toBeLessThanOrEqual(1e-12 * bound);
        expect(Math.abs(m.tails[p - 1] - bound / p)).toBeLessThanOrEqual(1e-12 * bound);
        const sharp = averageSensitivityBound({
          unitCount: network.u.length,
          sparsity: k,
          scaledFiring: m.scaledFiring,
        });
        expect(Math.abs(m.averageSensitivity - sharp)).toBeLessThanOrEqual(1e-12 * sharp);
      }
    }
  });

  test('bounds made smaller are caught on the extremal family', () => {
    for (const p of [1, 2, 4]) {
      for (const k of [1, 2]) {
        const list = pairs(extremalNetwork(p, k));
        expect(violations(list)).toEqual([]);
        for (const factor of [0.5, 0.99]) {
          const caught = violations(list, factor).join('\n');
          for (const name of ['new Lemma 3.2, Q', 'new Lemma 3.2, W', 'groups', `certificate, d = ${p - 1}`]) {
            expect(caught).toContain(name);
          }
        }
      }
    }
  });

  test('too small a firing rate, scale or sparsity is caught too', () => {
    const network = extremalNetwork(3, 2);
    const m = measure(network);
    const as = m.averageSensitivity;
    const unitCount = network.u.length;
    expect(averageSensitivityBound({ unitCount, sparsity: 1, scaledFiring: m.scaledFiring })).toBeLessThan(as);
    expect(averageSensitivityBound({ unitCount, sparsity: 2, scaledFiring: 0.99 * m.scaledFiring })).toBeLessThan(as);
  });
});

describe('Lemma 2.1', () => {
  test('holds on thousands of halfspaces', () => {
    const random = createRandom(3);
    let largest = 0;
    for (let trial = 0; trial < 6000; trial++) {
      const n = 1 + random.integer(7);
      const integral = trial % 3 === 0;
      const w = Array.from({ length: n }, () =>
        integral ? random.integer(5) - 1 : random.normal() ** (1 + (trial % 2) * 2),
      );
      const b = integral ? random.integer(9) - 4 : random.normal() * Math.hypot(...w);
      const values = Array.from({ length: 2 ** n }, (_, x) => (preactivation(w, b, x) > 0 ? 1 : 0));
      const probability = values.reduce<number>((sum, v) => sum + v, 0) / 2 ** n;
      const measured = averageSensitivityOf(values, n);
      const bound = halfspaceSensitivityBound({ inputCount: n, probability });
      expect(measured).toBeLessThanOrEqual(bound * (1 + 1e-12));
      if (bound > 0) largest = Math.max(largest, measured / bound);
    }
    // AND of n literals has ratio 1 / sqrt(2 ln 2) = 0.849, so a constant 0.8 times as large would fail here.
    expect(largest).toBeGreaterThan(0.84);
    expect(largest).toBeLessThan(1);
  });
});

test('least squares on fresh samples stays below its error bound on average', () => {
  // n = 4, d = 1 (D = 5), target x0 x1 x2 + x3: tail 1. Normal equations by Gauss, error in population.
  const random = createRandom(8);
  const sampleCount = 300;
  const trials = 60;
  let total = 0;
  for (let trial = 0; trial < trials; trial++) {
    const gram = Array.from({ length: 5 }, () => new Float64Array(6));
    for (let i = 0; i < sampleCount; i++) {
      const x = random.integer(16);
      const row = [1, ...[0, 1, 2, 3].map((j) => coordinate(x, j))];
      const y = row[1] * row[2] * row[3] + row[4] + 0.5 * random.normal();
      for (let a = 0; a < 5; a++) {
        for (let c = 0; c < 5; c++) gram[a][c] += row[a] * row[c];
        gram[a][5] += row[a] * y;
      }
    }
    for (let a = 0; a < 5; a++) {
      for (let c = 0; c < 5; c++) {
        if (c === a) continue;
        const factor = gram[c][a] / gram[a][a];
        for (let e = a; e < 6; e++) gram[c][e] -= factor * gram[a][e];
      }
    }
    const truth = [0, 0, 0, 0, 1];
    total += 1 + truth.reduce((sum, value, a) => sum + (gram[a][5] / gram[a][a] - value) ** 2, 0);
  }
  const bound = regressionErrorBound({ inputCount: 4, degree: 1, sampleCount, tailWeight: 1, noiseVariance: 0.25 });
  expect(bound).toBeCloseTo(1 + (20 * 1.25) / 300, 12);
  expect(total / trials).toBeLessThanOrEqual(bound);
  expect(total / trials).toBeGreaterThan(1);
});

describe('Rademacher complexity', () => {
  const provenForms = ['explicit', 'classical', 'trivial', 'new', 'least'] as const;

  test('finite classes, exactly over all sign vectors, stay below every bound', () => {
    const random = createRandom(21);
    for (let trial = 0; trial < 40; trial++) {
      const n = 1 + random.integer(3);
      const m = 1 + random.integer(8);
      const points = Array.from({ length: m }, () => Array.from({ length: n }, () => random.normal()));
      const unitCount = 1 + random.integer(3);
      const members = Array.from({ length: 60 }, () => randomUnits(n, unitCount, () => random.normal(), random));
      const a = (h: PlainNetwork, j: number, x: readonly number[]): number =>
        h.w[j].reduce((sum, weight, i) => sum + weight * x[i], -h.b[j]);
      const k = Math.max(1, ...members.flatMap((h) => points.map((x) => h.u.filter((_, j) => a(h, j, x) > 0).length)));
      const values = members.map((h) =>
        points.map((x) => h.u.reduce((sum, u, j) => sum + u * Math.max(0, a(h, j, x)), 0)),
      );
      let sum = 0;
      for (let signs = 0; signs < 2 ** m; signs++) {
        sum += Math.max(...values.map((v) => v.reduce((s, value, i) => s + coordinate(signs, i) * value, 0)));
      }
      const bounds = rademacherBounds({
        inputCount: n,
        unitCount,
        sparsity: k,
        weightScale: Math.max(...members.flatMap((h) => h.u.map((u, j) => Math.abs(u) * Math.hypot(...h.w[j])))),
        biasScale: Math.max(...members.flatMap((h) => h.u.map((u, j) => Math.abs(u * h.b[j])))),
        radius: Math.max(...points.map((x) => Math.hypot(...x))),
        sampleCount: m,
      });
      for (const form of provenForms) expect(sum / 2 ** m / m).toBeLessThanOrEqual(bounds[form]);
    }
  });

  test('orthogonal samples: the lower bound of order sqrt(sk/m) stays below every bound', () => {
    // P parts of g orthogonal points of length R = 1, k equal units per part fitted to the positive signs:
    // the supremum is (W k / m) sum over parts of (positive signs) / sqrt(g), on average W k / (2 sqrt(g)).
    for (const parts of [1, 3, 40, 1000]) {
      for (const k of [1, 2, 16]) {
        for (const size of [1, 2, 10, 1000, 1e6]) {
          const sampleCount = parts * size;
          const bounds = rademacherBounds({
            inputCount: sampleCount,
            unitCount: parts * k,
            sparsity: k,
            weightScale: 1,
            biasScale: 0,
            radius: 1,
            sampleCount,
          });
          const lower = k / (2 * Math.sqrt(size));
          for (const form of provenForms) expect(lower).toBeLessThanOrEqual(bounds[form]);
          // The same by s, k, m: half of M sqrt(sk/m).
          expect(lower).toBeCloseTo(Math.sqrt((parts * k * k) / sampleCount) / 2, 10);
        }
      }
    }
  });

  test('where the bounds say something, a search over one unit stays below them', () => {
    const random = createRandom(2);
    const sampleCount = 4000;
    const directions = Array.from({ length: 64 }, (_, i) => (2 * Math.PI * i) / 64);
    const angles = Array.from({ length: sampleCount }, () => 2 * Math.PI * random.uniform());
    const values = directions.map((d) => Float64Array.from(angles, (angle) => Math.max(0, Math.cos(angle - d))));
    let sum = 0;
    const draws = 30;
    for (let draw = 0; draw < draws; draw++) {
      const signs = Int8Array.from({ length: sampleCount }, () => (random.uniform() < 0.5 ? -1 : 1));
      sum += Math.max(0, ...values.map((v) => Math.abs(v.reduce((s, value, i) => s + signs[i] * value, 0))));
    }
    const bounds = rademacherBounds({
      inputCount: 2,
      unitCount: 1,
      sparsity: 1,
      weightScale: 1,
      biasScale: 0,
      radius: 1,
      sampleCount,
    });
    for (const form of provenForms) expect(sum / draws / sampleCount).toBeLessThanOrEqual(bounds[form]);
    expect(bounds.explicit).toBeLessThan(0.2);
    expect(bounds.new).toBeLessThan(0.5);
    expect(sum / draws / sampleCount).toBeGreaterThan(0.01);
  });
});
