/**
 * The arithmetic of the bounds room: values from formulas written differently
 * (exact integers, plain loops, grids), laws, bad arguments, and no NaN
 * anywhere. Whether the bounds hold is in bounds-brute-force.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  anyDistributionSampleCounts,
  averageSensitivityBound,
  averageSensitivityBounds,
  degreeCertificate,
  FewfireError,
  halfspaceSensitivityBound,
  lowDegreeSampleCounts,
  type NetworkDescription,
  noiseSensitivityBound,
  noiseSensitivityBounds,
  rademacherBounds,
  sufficientDegrees,
  tailBounds,
  tailFromAverageSensitivity,
  tailFromNoiseSensitivity,
  theoremB,
  uniformLearningCosts,
} from '../src/index.ts';
import {
  averageSensitivityBoundWithExceedance,
  biasFactor,
  classDegreeCertificate,
  degreeFromAverageSensitivity,
  degreeOfNoise,
  derivativeFactor,
  groupedAverageSensitivityBound,
  lnHalfspaceCuts,
  lnMonomialCount,
  networkDegreeCertificate,
  regressionErrorBound,
  regressionSampleCount,
  theoremADegree,
  theoremASimpleDegree,
  theoremASimpleTail,
  theoremATail,
  valueBound,
} from '../src/internal.ts';

const close = (got: number, expected: number, relative = 1e-12): void => {
  expect(Math.abs(got - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));
};

// Exact integers; the logarithm is taken from the leading digits.
function exactBinomialSum(n: bigint, k: bigint): bigint {
  let term = 1n;
  let sum = 1n;
  for (let i = 0n; i < k && i < n; i++) {
    term = (term * (n - i)) / (i + 1n);
    sum += term;
  }
  return sum;
}
function lnBig(x: bigint): number {
  const digits = x.toString();
  return Math.log(Number(`${digits.slice(0, 17)}`)) + (digits.length - Math.min(17, digits.length)) * Math.LN10;
}

// The least over eta on a fine grid of ln eta.
function gridMinimum(cost: (eta: number) => number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let t = 0.001; t < 120; t += 0.002) least = Math.min(least, cost(Math.exp(-t)));
  return least;
}

describe('counts', () => {
  test('monomials and halfspace cuts are exact to rounding', () => {
    expect(Math.round(Math.exp(lnMonomialCount({ inputCount: 100, degree: 3 })))).toBe(166_751);
    expect(Math.round(Math.exp(lnMonomialCount({ inputCount: 100, degree: 5 })))).toBe(79_375_496);
    const cases: [number, number][] = [
      [10, 0],
      [10, 3],
      [10, 9],
      [10, 10],
      [10, 50],
      [2000, 999],
      [2000, 1000],
      [2001, 1700],
      [4001, 2000],
      [5000, 1500],
      [1e6, 4],
      [1e12, 12],
      [Number.MAX_SAFE_INTEGER, 20],
    ];
    for (const [n, d] of cases) {
      close(lnMonomialCount({ inputCount: n, degree: d }), lnBig(exactBinomialSum(BigInt(n), BigInt(d))), 1e-13);
    }
    // Cover: 2 (C(9,0) + C(9,1) + C(9,2)) = 92 cuts of 10 points in the plane; all 2^m while m <= n + 1.
    close(Math.exp(lnHalfspaceCuts({ inputCount: 2, sampleCount: 10 })), 92);
    close(lnHalfspaceCuts({ inputCount: 9, sampleCount: 10 }), 10 * Math.LN2);
    close(lnHalfspaceCuts({ inputCount: 1e9, sampleCount: 1 }), Math.LN2);
  });

  test('huge sums are never rounded down and never above 2^n', () => {
    for (const n of [1e8, 1e9, 1e12, 1e15]) {
      const ln2n = n * Math.LN2;
      for (const share of [0.1, 0.49, 0.5, 0.5000001, 0.9]) {
        const got = lnMonomialCount({ inputCount: n, degree: Math.floor(share * n) });
        // Entropy form of the largest term alone from below.
        const p = Math.min(share, 0.5);
        const largest = n * (-p * Math.log(p) - (1 - p) * Math.log(1 - p)) - Math.log(n);
        expect(got).toBeGreaterThanOrEqual(largest * (1 - 1e-12) - 2);
        expect(got).toBeLessThanOrEqual(ln2n);
      }
    }
  });
});

describe('values by hand', () => {
  test('Lemma 2.1', () => {
    // Dictator: p = 1/2, AS = 1/4; the bound is sqrt(n ln 2) / (2 sqrt 2).
    close(halfspaceSensitivityBound({ inputCount: 8, probability: 0.5 }), Math.sqrt(Math.LN2));
    close(halfspaceSensitivityBound({ inputCount: 2, probability: 0.25 }), 0.25 * Math.sqrt(Math.log(4)));
    close(
      halfspaceSensitivityBound({ inputCount: 5, probability: 0.9 }),
      halfspaceSensitivityBound({ inputCount: 5, probability: 0.1 }),
    );
    expect(halfspaceSensitivityBound({ inputCount: 5, probability: 0 })).toBe(0);
    expect(halfspaceSensitivityBound({ inputCount: 5, probability: 1 })).toBe(0);
    close(biasFactor(Math.exp(-4)), 2 * Math.exp(-4));
  });

  test('Lemma 2.3', () => {
    // n = 3, d = 1: D = 4. 4 * 4 * ln(80) / 0.1 = 701.12...; 2 * 4 * (1 + sqrt(2 ln 10))^2 / 0.1 = 791.7...
    const options = { inputCount: 3, degree: 1, valueBound: 1, epsilon: 0.1, confidenceDelta: 0.1 };
    const counts = lowDegreeSampleCounts(options);
    expect(counts.unionBound).toBe(Math.ceil(160 * Math.log(80)));
    expect(counts.boundedDifferences).toBe(Math.ceil(80 * (1 + Math.sqrt(2 * Math.log(10))) ** 2));
    expect(counts).toEqual({ unionBound: 702, boundedDifferences: 792, least: 702 });
    // C = 1, D = 4, delta = 0.1 and epsilon = 8: few samples, no less than one.
    expect(lowDegreeSampleCounts({ ...options, epsilon: 1e9 }).least).toBe(1);
    const large = lowDegreeSampleCounts({
      inputCount: 100,
      degree: 5,
      valueBound: 3,
      epsilon: 0.01,
      confidenceDelta: 0.01,
    });
    close(large.boundedDifferences, (18 * 79_375_496 * (1 + Math.sqrt(2 * Math.log(100))) ** 2) / 0.01, 1e-10);
    expect(large.least).toBe(large.boundedDifferences);
    // 6.52 * 4 * ln 40 = 96.2...
    expect(regressionSampleCount({ inputCount: 3, degree: 1, confidenceDelta: 0.1 })).toBe(97);
    close(
      regressionErrorBound({ inputCount: 3, degree: 1, sampleCount: 160, tailWeight: 0.2, noiseVariance: 0.3 }),
      0.2 + (16 * 0.5) / 160,
    );
  });

  test('Lemma 3.2 and 3.4', () => {
    const scale = { inputCount: 64, unitCount: 20, sparsity: 2, weightScale: 1.5, biasScale: 3 };
    const { published, explicit, new: sharp } = averageSensitivityBounds(scale);
    close(valueBound(scale), 2 * (1.5 * 8 + 3));
    close(published, 16 * 2.25 * 8 * Math.log(1280) + 8 * 9 * Math.sqrt(Math.log(20)));
    expect(sharp).toBe(36);
    const G = 20 * 0.1 * Math.sqrt(Math.log(10));
    const large = (eta: number): number => 4 * (1.5 * Math.sqrt(2 * Math.log(40 / eta)) + 3) ** 2;
    close(
      explicit,
      gridMinimum((eta) => 9 + 2 * Math.sqrt(128) * G * large(eta) + eta * 64 * 900),
      1e-6,
    );
    const noisy = noiseSensitivityBounds({ ...scale, noiseDelta: 0.125 });
    close(
      noisy.published,
      Math.sqrt(0.125) * (16 * 2.25 * Math.log(1280 / 0.125) ** 2 + 8 * 9 * Math.sqrt(Math.log(20))),
    );
    close(
      noisy.explicit,
      gridMinimum((eta) => 0.25 * 9 * Math.log(40 / (0.125 * eta)) + 2 * Math.sqrt(0.25) * G * large(eta) + eta * 900),
      1e-6,
    );
    expect(noisy.new).toBe(4.5);
    // 1/0.3 is not whole: three buckets.
    close(
      noiseSensitivityBounds({ ...scale, noiseDelta: 0.3 }).explicit,
      gridMinimum((eta) => 0.6 * 9 * Math.log(40 / (0.3 * eta)) + 2 * Math.sqrt(2 / 3) * G * large(eta) + eta * 900),
      1e-6,
    );
    expect(averageSensitivityBound({ unitCount: 20, sparsity: 2, scaledFiring: 3 })).toBe(24);
    expect(averageSensitivityBound({ unitCount: 3, sparsity: 2, scaledFiring: 3 })).toBe(18);
    expect(averageSensitivityBound({ unitCount: 20, sparsity: 0, scaledFiring: 0 })).toBe(0);
    close(groupedAverageSensitivityBound({ scaledFirings: [4, 9] }), 100);
    close(groupedAverageSensitivityBound({ scaledFirings: [2, 9], unitCounts: [1, 7] }), 64);
    expect(noiseSensitivityBound({ unitCount: 20, sparsity: 2, scaledFiring: 3, noiseDelta: 0.25 })).toBe(6);
    const exceeding = { unitCount: 10, sparsity: 1, scaledFiring: 3, squaredScaleSum: 40, exceedanceShare: 0.01 };
    close(averageSensitivityBoundWithExceedance(exceeding), 12 + 8);
    close(averageSensitivityBoundWithExceedance({ ...exceeding, exceedanceShare: 1 }), 60);
  });

  test('one unit: the explicit form is below 4 k^2 W^2, not below 2 min(2k, s) k W^2', () => {
    const one = { inputCount: 1, unitCount: 1, sparsity: 1, weightScale: 1, biasScale: 0 };
    const forms = averageSensitivityBounds(one);
    expect(forms.explicit).toBeLessThan(3.64);
    expect(forms.new).toBe(2);
  });

  test('every 1/r has r buckets', () => {
    const scale = { inputCount: 4, unitCount: 1, sparsity: 1, weightScale: 0, biasScale: 1 };
    // With W = 0 the explicit form is 2 sqrt(2/r) G B^2 + eta B^2, its infimum at eta -> 0.
    for (let r = 2; r < 3000; r++) {
      const { explicit } = noiseSensitivityBounds({ ...scale, noiseDelta: 1 / r });
      close(explicit, 2 * Math.sqrt(2 / r) * 0.5 * Math.sqrt(Math.LN2), 1e-12);
    }
  });

  test('Claim 1', () => {
    close(tailFromNoiseSensitivity({ noiseSensitivity: 0.3, noiseDelta: 0.25, degree: 2 }), 0.6 / (1 - 0.125));
    expect(tailFromNoiseSensitivity({ noiseSensitivity: 0.3, noiseDelta: 0.5, degree: 0 })).toBe(0.6);
    expect(tailFromAverageSensitivity({ averageSensitivity: 6, degree: 2 })).toBe(2);
    expect(degreeOfNoise({ noiseDelta: 0.1 })).toBe(9);
    expect(degreeOfNoise({ noiseDelta: 0.3 })).toBe(3);
    for (let d = 1; d < 400; d++) {
      expect(degreeOfNoise({ noiseDelta: Math.min(0.5, 1 / d) })).toBe(Math.max(1, d - 1));
      if (d < 2) continue;
      expect(tailFromNoiseSensitivity({ noiseSensitivity: 1, noiseDelta: 1 / d, degree: d - 1 })).toBeLessThan(2.32);
    }
  });

  test('degree certificates', () => {
    // W^2 = p/4 and epsilon = 2: the parity of p bits needs exactly degree p - 1 to leave weight 1.
    for (let p = 1; p < 300; p++) {
      expect(classDegreeCertificate({ sparsity: 1, weightScale: Math.sqrt(p) / 2, epsilon: 2 })).toBe(p - 1);
      expect(networkDegreeCertificate({ unitCount: 2 ** 20, sparsity: 1, scaledFiring: p / 4, epsilon: 2 })).toBe(
        p - 1,
      );
    }
    expect(classDegreeCertificate({ sparsity: 2, weightScale: 1, epsilon: 0.1 })).toBe(319);
    expect(classDegreeCertificate({ unitCount: 3, sparsity: 2, weightScale: 1, epsilon: 0.1 })).toBe(239);
    expect(classDegreeCertificate({ sparsity: 2, weightScale: 0, epsilon: 0.1 })).toBe(0);
    expect(degreeFromAverageSensitivity({ averageSensitivity: 0.01, epsilon: 1 })).toBe(0);
    expect(degreeFromAverageSensitivity({ averageSensitivity: 1.01, epsilon: 1 })).toBe(2);
  });

  test('Theorem A: the least over r, against a loop over r', () => {
    for (const degree of [1, 2, 3, 5, 17, 100, 1234]) {
      let least = Number.POSITIVE_INFINITY;
      for (let r = 2; r < 20_000; r++) {
        least = Math.min(least, 2 / (1 - (1 - 2 / r) ** degree) / (Math.sqrt(2 * r) * (degree + 1)));
      }
      close(theoremATail({ derivativeFactor: 1, degree }).bound, least, 1e-10);
    }
    // s < 4k: min(4k, s) = s = 6 and Gamma = s W^2 sqrt(ln 2) / 2; s >= 4k: 4k 2k W^2 sqrt(ln(s/2k)).
    close(derivativeFactor({ unitCount: 6, sparsity: 2, weightScale: 3 }), 6 * 9 * 3 * Math.sqrt(Math.LN2));
    close(derivativeFactor({ unitCount: 400, sparsity: 2, weightScale: 3 }), 8 * 9 * 4 * Math.sqrt(Math.log(100)));
    const wide = { unitCount: 400, sparsity: 2, weightScale: 3 };
    close(theoremASimpleTail({ ...wide, degree: 4 }), (13.1 * 36 * Math.sqrt(Math.log(100))) / 8);
    expect(theoremASimpleTail({ ...wide, degree: 0 })).toBe(Number.POSITIVE_INFINITY);
    expect(theoremASimpleDegree({ ...wide, epsilon: 0.5 })).toBe(
      Math.ceil(((26.2 * 36 * Math.sqrt(Math.log(100))) / 0.5) ** (2 / 3)),
    );
  });

  test('Theorem 3.1', () => {
    const options = {
      inputCount: 50,
      unitCount: 8,
      sparsity: 1,
      weightScale: 1,
      biasScale: 1,
      epsilon: 1,
      confidenceDelta: 0.1,
    };
    const costs = uniformLearningCosts(options);
    expect(costs.published.statedDegree).toBe(Math.ceil(Math.log(400) ** 4 + Math.log(8)));
    expect(costs.published.degree).toBe(50);
    expect(costs.new.statedDegree).toBe(7);
    expect(costs.new.sampleCount).toBe(
      lowDegreeSampleCounts({
        inputCount: 50,
        degree: 7,
        valueBound: Math.sqrt(50) + 1,
        epsilon: 1,
        confidenceDelta: 0.1,
      }).least,
    );
    // The explicit degree: one less would leave more than epsilon / 2 by the same route.
    const { epsilon: _, confidenceDelta: __, ...given } = options;
    const r = costs.explicit.statedDegree + 1;
    const limit = (1 / 4) * (1 - Math.exp(-2));
    expect(noiseSensitivityBounds({ ...given, noiseDelta: 1 / r }).explicit).toBeLessThanOrEqual(limit);
    expect(noiseSensitivityBounds({ ...given, noiseDelta: 1 / (r - 1) }).explicit).toBeGreaterThan(limit * (1 - 1e-9));
    // Where Theorem A is the better one: epsilon small, s moderate.
    const fine = uniformLearningCosts({ ...options, epsilon: 1e-4 });
    expect(fine.new.statedDegree).toBeLessThan(classDegreeCertificate({ sparsity: 1, weightScale: 1, epsilon: 1e-4 }));
  });

  test('Theorems 5.1, 5.3 and B', () => {
    const options = {
      inputCount: 3,
      unitCount: 6,
      sparsity: 2,
      weightScale: 1,
      biasScale: 0.5,
      radius: 2,
      sampleCount: 1000,
    };
    const M = 2.5;
    const bounds = rademacherBounds(options);
    close(bounds.published, M * Math.sqrt((36 * Math.log(2 * 1000 * 2.5)) / 1000));
    const N = 2 * (1 + 999 + (999 * 998) / 2 + (999 * 998 * 997) / 6);
    close(
      bounds.explicit,
      gridMinimum((eta) => M * Math.sqrt((24 * Math.log((8 * N) / eta)) / 1000) + eta * 2 * M),
      1e-6,
    );
    close(bounds.classical, (12 * M) / Math.sqrt(1000));
    expect(bounds.trivial).toBe(5);
    const sums: number[] = [];
    for (let K = 1; K <= 40; K++) {
      const e = (l: number): number =>
        l === 0 ? 0 : Math.min(4 ** (l + 1) * Math.log(2000) + Math.log(2), 4 * Math.log(1 + 2 ** (l + 1)));
      let sum = 2 ** (1 - K) * Math.sqrt(1000);
      for (let l = 1; l <= K; l++) sum += (4 / 2 ** l) * Math.sqrt(2 * (e(l) + e(l - 1) + Math.log(2)));
      sums.push(sum);
    }
    const b = theoremB(options);
    close(b.bound, M * Math.sqrt(12 / 1000) * Math.min(...sums));
    expect(b.levelCount).toBe(1 + sums.indexOf(Math.min(...sums)));
    expect(b.peeledBound).toBeGreaterThan(Math.SQRT2 * b.bound);
    const { sampleCount: _, ...source } = options;
    const wanted = { ...source, epsilon: 5, confidenceDelta: 0.05 };
    const counts = anyDistributionSampleCounts(wanted);
    close(counts.published, Math.ceil((25 * M * M * 36 + 625 * Math.log(20)) / 25));
    const left = (sampleCount: number, form: 'explicit' | 'least'): number =>
      8 * 5 * rademacherBounds({ ...source, sampleCount })[form] + 100 * Math.sqrt((2 * Math.log(40)) / sampleCount);
    expect(left(counts.explicit, 'explicit')).toBeLessThanOrEqual(5 * (1 + 1e-12));
    expect(left(counts.explicit - 1, 'explicit')).toBeGreaterThan(5 * (1 - 1e-9));
    expect(left(counts.new, 'least')).toBeLessThanOrEqual(5 * (1 + 1e-12));
    expect(counts.new).toBeLessThanOrEqual(counts.explicit);
    // h -> c h with epsilon -> c^2 epsilon changes nothing.
    const scaled = anyDistributionSampleCounts({ ...wanted, weightScale: 8, biasScale: 4, epsilon: 320 });
    expect(scaled).toEqual(counts);
  });

  test('without the number of coordinates Theorem B stays, Theorem 5.3 does not', () => {
    const at = (inputCount: number): { explicit: number; new: number } =>
      rademacherBounds({
        inputCount,
        unitCount: 1e6,
        sparsity: 1,
        weightScale: 1,
        biasScale: 0,
        radius: 1,
        sampleCount: 1e13,
      });
    expect(at(1e13).new).toBe(at(1e15).new);
    expect(at(1e13).new).toBeLessThan(at(1e13).explicit);
  });
});

describe('degree certificate of a network', () => {
  const parity: NetworkDescription = {
    unitCount: 8,
    sparsity: 1,
    sparsityKind: 'bound',
    firingRates: new Float64Array(8).fill(1 / 8),
    firingRatesKind: 'exact',
    squaredScales: new Float64Array(8).fill(3 / 4),
  };

  test('Q, Gamma and the routes', () => {
    const certificate = degreeCertificate({ ...parity, groups: [0, 0, 0, 0, 1, 1, 1, 2], groupsKind: 'bound' });
    close(certificate.scaledFiring, 0.75);
    close(certificate.gamma, 6 * 0.25 * Math.sqrt(Math.log(4)));
    close(certificate.whole.averageSensitivity, 3);
    close(certificate.whole.derivativeFactor, 4 * certificate.gamma);
    const q = [4, 3, 1].map((count) => (count * 0.75) / 8);
    close(
      certificate.groups!.averageSensitivity,
      (2 * Math.sqrt(q[0]) + 2 * Math.sqrt(q[1]) + Math.sqrt(2 * q[2])) ** 2,
    );
    const g = 0.75 * 0.25 * Math.sqrt(Math.log(4));
    close(certificate.groups!.derivativeFactor, (Math.sqrt(4 * 4 * g) + Math.sqrt(3 * 3 * g) + Math.sqrt(g)) ** 2);
    expect(certificate.kind).toBe('bound');
    expect(certificate.confidenceDelta).toBe(0);
    // The extremal tail: 1 beyond degree 2.
    close(tailBounds(certificate, 2).certificate, 1);
    expect(sufficientDegrees(certificate, { epsilon: 2 }).certificate).toBe(2);
    expect(sufficientDegrees(certificate, { epsilon: 2 }).least).toBe(2);
  });

  test('rates that are too large never make Q exceed k W^2', () => {
    const certificate = degreeCertificate({
      ...parity,
      firingRates: new Float64Array(8).fill(0.5),
      firingRatesKind: 'upper-limit',
      confidenceDelta: 0.01,
    });
    close(certificate.scaledFiring, 0.75);
    expect(certificate).toMatchObject({ kind: 'bound', confidenceDelta: 0.01 });
  });

  test('says whether it is a bound or an estimate', () => {
    const kind = (change: Partial<NetworkDescription>): string => {
      const certificate = degreeCertificate({ ...parity, ...change });
      expect(tailBounds(certificate, 1).kind).toBe(certificate.kind);
      expect(sufficientDegrees(certificate, { epsilon: 1 }).kind).toBe(certificate.kind);
      return certificate.kind;
    };
    expect(kind({})).toBe('bound');
    expect(kind({ sparsityKind: 'estimate' })).toBe('estimate');
    expect(kind({ firingRatesKind: 'estimate' })).toBe('estimate');
    expect(kind({ firingRatesKind: 'upper-limit', confidenceDelta: 0.05 })).toBe('bound');
    expect(kind({ sparsityKind: 'estimate', firingRatesKind: 'upper-limit', confidenceDelta: 0.05 })).toBe('estimate');
    expect(degreeCertificate({ ...parity, firingRatesKind: 'estimate' }).confidenceDelta).toBeUndefined();
    // A smaller estimate by groups does not push a proven bound aside, and a proven one by groups replaces an estimate.
    const two = {
      ...parity,
      unitCount: 2,
      sparsity: 2,
      firingRates: Float64Array.of(0.4, 0.001),
      squaredScales: Float64Array.of(1, 1),
    };
    const loose = degreeCertificate({ ...two, groups: [0, 0] });
    expect(loose.groups!.kind).toBe('estimate');
    expect(tailBounds(loose, 0)).toMatchObject({ kind: 'bound', certificate: loose.whole.averageSensitivity });
    const better = degreeCertificate({ ...two, sparsityKind: 'estimate', groups: [0, 1], groupsKind: 'bound' });
    expect(better.kind).toBe('estimate');
    expect(tailBounds(better, 0)).toMatchObject({ kind: 'bound', certificate: better.groups!.averageSensitivity });
  });

  test('nothing lies beyond degree n, and dead networks have no tail', () => {
    const certificate = degreeCertificate({ ...parity, inputCount: 3 });
    expect(tailBounds(certificate, 3)).toEqual({ kind: 'bound', certificate: 0, theoremA: 0, least: 0 });
    expect(sufficientDegrees(certificate, { epsilon: 1e-9 })).toMatchObject({ certificate: 3, theoremA: 3, least: 3 });
    const dead = degreeCertificate({ ...parity, sparsity: 0, firingRates: new Float64Array(8) });
    expect(tailBounds(dead, 0).least).toBe(0);
    const empty = {
      ...parity,
      unitCount: 0,
      sparsity: 0,
      firingRates: new Float64Array(0),
      squaredScales: new Float64Array(0),
    };
    expect(sufficientDegrees(degreeCertificate(empty), { epsilon: 1 }).least).toBe(0);
  });

  test('bad descriptions', () => {
    const bad: [Partial<NetworkDescription>, RegExp][] = [
      [{ sparsity: 9 }, /sparsity \(k\) is 9; expected an integer from 0 to 8/],
      [{ firingRates: new Float64Array(7) }, /firingRates has 7 entries; expected one per unit, 8/],
      [{ firingRates: new Float64Array(8).fill(1.5) }, /firingRates\[0\].* is 1\.5; expected a number from 0 to 1/],
      [{ squaredScales: new Float64Array(8).fill(Number.NaN) }, /squaredScales\[0\].* is NaN/],
      [{ groups: [0, 1] }, /groups has 2 entries/],
      [{ firingRatesKind: 'upper-limit' }, /confidenceDelta is missing/],
    ];
    for (const [change, message] of bad) expect(() => degreeCertificate({ ...parity, ...change })).toThrow(message);
  });
});

// Wide ranges: counts to 2^53, scales over all magnitudes with 0, probabilities next to 0 and 1.
const count = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.double({ min: 0, max: 53, noNaN: true }).map((e) => Math.min(Number.MAX_SAFE_INTEGER, Math.floor(2 ** e))),
);
const positive = fc.double({ min: -307, max: 308, noNaN: true }).map((e) => 10 ** e);
const scale = fc.oneof(
  fc.constant(0),
  fc.constant(Number.MAX_VALUE),
  positive,
  fc.double({ min: 0, max: 10, noNaN: true }),
);
const chance = fc.oneof(
  fc.constant(1 - 2 ** -53),
  fc.double({ min: -300, max: -0.001, noNaN: true }).map((e) => 10 ** e),
);
const noise = chance.map((p) => p / 2);
const units = fc.tuple(count, count).map(([a, b]) => ({ unitCount: Math.max(a, b), sparsity: Math.min(a, b) }));
const network = fc
  .tuple(units, count, scale, scale)
  .map(([u, inputCount, weightScale, biasScale]) => ({ ...u, inputCount, weightScale, biasScale }));

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(numbersOf);
  return [];
}

describe('laws', () => {
  test('no NaN and nothing negative for any valid input', () => {
    const degree = fc.oneof(fc.constant(0), count);
    fc.assert(
      fc.property(
        network,
        fc.record({
          degree,
          epsilon: positive,
          confidenceDelta: chance,
          noiseDelta: noise,
          radius: positive,
          sampleCount: count,
        }),
        fc.record({ Q: fc.oneof(scale, fc.constant(Number.POSITIVE_INFINITY)), share: chance, other: scale }),
        (h, o, r) => {
          const { degree, epsilon, confidenceDelta, noiseDelta, radius, sampleCount } = o;
          const { inputCount, unitCount, sparsity } = h;
          const withQ = { unitCount, sparsity, scaledFiring: r.Q };
          const sampled = { ...h, radius, sampleCount };
          const results = {
            lemma21: halfspaceSensitivityBound({ inputCount, probability: r.share }),
            lemma23: lowDegreeSampleCounts({ inputCount, degree, valueBound: r.Q, epsilon, confidenceDelta }),
            regression: regressionSampleCount({ ...h, ...o }),
            error: regressionErrorBound({ ...h, ...o, tailWeight: r.Q, noiseVariance: r.other }),
            lemma32: averageSensitivityBounds(h),
            ofNetwork: averageSensitivityBound(withQ),
            grouped: groupedAverageSensitivityBound({ scaledFirings: [r.Q, r.other], unitCounts: [1, h.unitCount] }),
            exceeding: averageSensitivityBoundWithExceedance({
              ...withQ,
              squaredScaleSum: r.other,
              exceedanceShare: r.share,
            }),
            lemma34: noiseSensitivityBounds({ ...h, noiseDelta }),
            noisy: noiseSensitivityBound({ ...withQ, noiseDelta }),
            claim1: tailFromNoiseSensitivity({ noiseSensitivity: r.Q, noiseDelta, degree }),
            claim1AS: tailFromAverageSensitivity({ averageSensitivity: r.Q, degree }),
            degreeOfNoise: degreeOfNoise(o),
            certificate: classDegreeCertificate({ ...h, ...o }),
            ofNetworkDegree: networkDegreeCertificate({ ...withQ, epsilon }),
            theoremA: theoremATail({ ...o, derivativeFactor: r.Q }),
            theoremADegree: theoremADegree({ derivativeFactor: r.Q, epsilon }),
            simple: theoremASimpleTail({ ...h, ...o }),
            simpleDegree: theoremASimpleDegree({ ...h, ...o }),
            factor: derivativeFactor(h),
            theorem31: uniformLearningCosts({ ...h, epsilon, confidenceDelta }),
            rademacher: rademacherBounds(sampled),
            theoremB: theoremB(sampled),
          };
          const isWrong = (result: unknown): boolean => numbersOf(result).some((value) => !(value >= 0));
          expect(Object.entries(results).filter(([, result]) => isWrong(result))).toEqual([]);
        },
      ),
      { numRuns: 400, seed: 1 },
    );
    fc.assert(
      fc.property(network, positive, positive, chance, (h, radius, epsilon, confidenceDelta) => {
        const counts = anyDistributionSampleCounts({ ...h, radius, epsilon, confidenceDelta });
        for (const value of numbersOf(counts)) expect(value >= 1, JSON.stringify(counts)).toBe(true);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test('bounds grow with what makes a class larger and fall with degree and samples', () => {
    const small = fc.integer({ min: 1, max: 40 });
    const size = fc.double({ min: 0.01, max: 10, noNaN: true });
    const le = (a: number, b: number): void => expect(a).toBeLessThanOrEqual(b * (1 + 1e-9));
    fc.assert(
      fc.property(small, small, small, small, size, size, size, (n, a, b, d, W, B, grow) => {
        const h = { inputCount: n, unitCount: a + b - 1, sparsity: a, weightScale: W, biasScale: B };
        const larger = [
          { ...h, inputCount: n + 3 },
          { ...h, unitCount: a + b + 5 },
          { ...h, weightScale: W + grow },
          { ...h, biasScale: B + grow },
          { ...h, sparsity: a + 1, unitCount: a + b },
        ];
        const o = { epsilon: 0.5, confidenceDelta: 0.1 };
        const noisy = { noiseDelta: 1 / (d + 2) };
        const drawn = { radius: 1, sampleCount: 50 * d };
        for (const g of larger) {
          for (const form of ['published', 'explicit', 'new'] as const) {
            le(averageSensitivityBounds(h)[form], averageSensitivityBounds(g)[form]);
            le(noiseSensitivityBounds({ ...h, ...noisy })[form], noiseSensitivityBounds({ ...g, ...noisy })[form]);
            le(rademacherBounds({ ...h, ...drawn })[form], rademacherBounds({ ...g, ...drawn })[form]);
          }
          le(derivativeFactor(h), derivativeFactor(g));
          le(classDegreeCertificate({ ...h, ...o }), classDegreeCertificate({ ...g, ...o }));
        }
        // The explicit forms are never the better ones.
        le(averageSensitivityBounds(h).new, averageSensitivityBounds(h).explicit);
        le(noiseSensitivityBounds({ ...h, ...noisy }).new, noiseSensitivityBounds({ ...h, ...noisy }).explicit);
        const F = { derivativeFactor: derivativeFactor(h) };
        le(theoremATail({ ...F, degree: d + 1 }).bound, theoremATail({ ...F, degree: d }).bound);
        le(theoremATail({ ...F, degree: d }).bound, theoremASimpleTail({ ...h, degree: d }));
        le(theoremB({ ...h, ...drawn, sampleCount: 4 * drawn.sampleCount }).bound, theoremB({ ...h, ...drawn }).bound);
        le(theoremB({ ...h, ...drawn }).bound, theoremB({ ...h, ...drawn }).peeledBound);
        le(
          noiseSensitivityBounds({ ...h, noiseDelta: 1 / (d + 3) }).explicit,
          noiseSensitivityBounds({ ...h, ...noisy }).explicit,
        );
        const degree = theoremADegree({ ...F, epsilon: grow });
        le(theoremATail({ ...F, degree }).bound, grow / 2);
        if (degree > 1) expect(theoremATail({ ...F, degree: degree - 1 }).bound).toBeGreaterThan(grow / 2);
        expect(degree).toBeLessThanOrEqual(theoremASimpleDegree({ ...h, epsilon: grow }));
        // Better than the certificate beyond 10.8 ln max(2, s/2k).
        const s2k = Math.log(Math.max(2, h.unitCount / (2 * h.sparsity)));
        const far = Math.ceil(10.8 * s2k) + d;
        le(theoremATail({ ...F, degree: far }).bound, (4 * (h.sparsity * W) ** 2) / (far + 1));
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  test('Gamma of the class is at most 2 k W^2 sqrt(ln max(2, s/2k)), and that of any rates at most the class', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 40, maxLength: 40 }),
        (rates, scales) => {
          const unitCount = rates.length;
          const total = rates.reduce((sum, p) => sum + p, 0);
          const sparsity = Math.min(unitCount, Math.max(1, Math.ceil(total)));
          const certificate = degreeCertificate({
            unitCount,
            sparsity,
            sparsityKind: 'bound',
            firingRates: Float64Array.from(rates),
            firingRatesKind: 'exact',
            squaredScales: Float64Array.from(scales.slice(0, unitCount)),
          });
          const most = derivativeFactor({ unitCount, sparsity, weightScale: 1 });
          expect(certificate.whole.derivativeFactor).toBeLessThanOrEqual(most * (1 + 1e-12));
          const stated = 2 * sparsity * Math.sqrt(Math.log(Math.max(2, unitCount / (2 * sparsity))));
          expect(most).toBeLessThanOrEqual(4 * sparsity * stated * (1 + 1e-12));
          expect(certificate.whole.averageSensitivity).toBeLessThanOrEqual(4 * sparsity * sparsity * (1 + 1e-12));
        },
      ),
      { seed: 4 },
    );
  });
});

test('bad arguments say what was got and expected', () => {
  const h = { inputCount: 5, unitCount: 4, sparsity: 2, weightScale: 1, biasScale: 1 };
  const bad: [() => unknown, RegExp][] = [
    [() => averageSensitivityBounds({ ...h, inputCount: 0 }), /inputCount \(n\) is 0; expected an integer from 1/],
    [() => averageSensitivityBounds({ ...h, unitCount: 2.5 }), /unitCount \(s\) is 2\.5/],
    [() => averageSensitivityBounds({ ...h, sparsity: 5 }), /sparsity \(k\) is 5; expected an integer from 1 to 4/],
    [() => averageSensitivityBounds({ ...h, weightScale: -1 }), /weightScale \(W\) is -1; expected a finite number/],
    [() => averageSensitivityBounds({ ...h, biasScale: Number.NaN }), /biasScale \(B\) is NaN/],
    [() => noiseSensitivityBounds({ ...h, noiseDelta: 0.6 }), /noiseDelta is 0\.6; expected a flipping probability/],
    [() => noiseSensitivityBounds({ ...h, noiseDelta: 0 }), /noiseDelta is 0;/],
    [
      () => uniformLearningCosts({ ...h, epsilon: 0, confidenceDelta: 0.1 }),
      /epsilon is 0; expected a finite number above 0/,
    ],
    [
      () => uniformLearningCosts({ ...h, epsilon: 1, confidenceDelta: 1 }),
      /confidenceDelta is 1; expected a probability/,
    ],
    [() => theoremB({ ...h, radius: 0, sampleCount: 5 }), /radius \(R\) is 0/],
    [() => theoremB({ ...h, radius: 1, sampleCount: 0 }), /sampleCount \(m\) is 0/],
    [() => halfspaceSensitivityBound({ inputCount: 3, probability: 1.2 }), /probability \(p\) is 1\.2/],
    [() => theoremATail({ derivativeFactor: -1, degree: 1 }), /derivativeFactor is -1/],
    [() => tailFromAverageSensitivity({ averageSensitivity: 1, degree: -1 }), /degree \(d\) is -1/],
    [() => groupedAverageSensitivityBound({ scaledFirings: [1], unitCounts: [1, 2] }), /unitCounts has 2 entries/],
  ];
  for (const [call, message] of bad) {
    expect(call).toThrow(message);
    try {
      call();
    } catch (error) {
      expect(error).toBeInstanceOf(FewfireError);
      expect((error as FewfireError).code).toBe('invalid-argument');
    }
  }
});
