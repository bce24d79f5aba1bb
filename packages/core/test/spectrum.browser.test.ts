/** The spectrum room against its definitions: naive loops over the whole cube, and the laws that hold for every function. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  averageSensitivity,
  banzhafInteractions,
  banzhafValues,
  evaluatePolynomial,
  fourierTransform,
  influences,
  inverseFourierTransform,
  levelWeights,
  moebiusForm,
  noiseSensitivity,
  noiseStability,
  type Polynomial,
  polynomialDegree,
  polynomialFromMoebius,
  polynomialFromSpectrum,
  polynomialFromTerms,
  polynomialToSpectrum,
  restrictPolynomial,
  shapleyInteractions,
  shapleyValues,
  tailFromAverageSensitivity,
  tailFromNoiseSensitivity,
  tailWeight,
  termList,
  valuesOnCube,
} from '../src/index.ts';
import {
  averageSensitivityFromValues,
  banzhafInteraction,
  biasedFourierTransform,
  createBasisChange,
  createMonomialIndex,
  euclideanNorm,
  faithfulBanzhaf,
  influencesFromValues,
  inverseBiasedFourierTransform,
  levelWeight,
  moebiusTermList,
  noiseOperator,
  normFromValues,
  polynomialSensitivities,
  polynomialToVector,
  sensitivityFromValues,
  shapleyInteraction,
  spectralNorm,
  spectrumDegree,
} from '../src/internal.ts';
import { createRandom, randomPoints, randomTerms, wholeCube } from './helpers.ts';

// The definitions, by loops. A point is the number whose bit i is coordinate i, a set the number of its bits.
const bits = (x: number): number => (x === 0 ? 0 : (x & 1) + bits(x >>> 1));
const chi = (S: number, x: number): number => (bits(S & x) % 2 === 0 ? 1 : -1);
const log2 = (values: Float64Array): number => Math.round(Math.log2(values.length));
const points = (n: number): number[] => Array.from({ length: 2 ** n }, (_, x) => x);
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, v) => sum + v, 0) / numbers.length;
const members = (S: number): number[] => points(5).filter((i) => (S >>> i) & 1);
const factorial = (k: number): number => (k <= 1 ? 1 : k * factorial(k - 1));
const coefficient = (f: Float64Array, S: number): number => mean(points(log2(f)).map((x) => f[x] * chi(S, x)));
/** Pr[noise = z] over n bits. */
const noiseChance = (z: number, n: number, delta: number): number => delta ** bits(z) * (1 - delta) ** (n - bits(z));

function randomValues(n: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const kind = random.integer(3);
  return Float64Array.from({ length: 2 ** n }, () =>
    kind === 0 ? random.normal() : kind === 1 ? (random.uniform() < 0.5 ? -1 : 1) : random.integer(3),
  );
}

/** What a vector and a polynomial say must be the same. */
async function bothSpectra(values: Float64Array): Promise<[Float64Array, Polynomial]> {
  const spectrum = await fourierTransform(values);
  return [spectrum, polynomialFromSpectrum(spectrum)];
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-10): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(actual[i] - expected[i])).toBeLessThan(tolerance * (1 + Math.abs(expected[i])));
  }
}

const function_ = (most: number) => fc.record({ n: fc.integer({ min: 0, max: most }), seed: fc.nat(1e6) });
const check = (
  most: number,
  property: (n: number, values: Float64Array, seed: number) => Promise<void>,
  numRuns = 30,
) =>
  fc.assert(
    fc.asyncProperty(function_(most), ({ n, seed }) => property(n, randomValues(n, seed), seed)),
    { numRuns },
  );

describe('transform', () => {
  it('is the mean of f chi_S, and inverts', () =>
    check(8, async (n, values) => {
      const before = values.slice();
      const spectrum = await fourierTransform(values);
      expect(values).toEqual(before);
      expectClose(
        spectrum,
        points(n).map((S) => coefficient(values, S)),
      );
      expectClose(await inverseFourierTransform(spectrum), values);
    }));

  it('at n = 12, by the definition at 50 subsets', async () => {
    const values = randomValues(12, 5);
    const spectrum = await fourierTransform(values);
    const random = createRandom(1);
    for (let k = 0; k < 50; k++) {
      const S = random.integer(4096);
      expect(spectrum[S]).toBeCloseTo(coefficient(values, S), 12);
    }
  });

  it('chi_S chi_T = chi_{S xor T}; linear; Parseval and Plancherel', () =>
    check(7, async (n, f, seed) => {
      const g = randomValues(n, seed + 1);
      const random = createRandom(seed);
      const S = random.integer(2 ** n);
      const T = random.integer(2 ** n);
      const parity = (set: number) => Float64Array.from(points(n), (x) => chi(set, x));
      const product = parity(S).map((value, x) => value * parity(T)[x]);
      const spectrum = await fourierTransform(product);
      expectClose(
        spectrum,
        points(n).map((U) => (U === (S ^ T) ? 1 : 0)),
      );
      const [a, b] = [await fourierTransform(f), await fourierTransform(g)];
      expectClose(
        await fourierTransform(f.map((value, x) => 2 * value - 3 * g[x])),
        a.map((value, U) => 2 * value - 3 * b[U]),
      );
      const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, i) => sum + value * y[i], 0);
      expect(dot(a, b)).toBeCloseTo(dot(f, g) / 2 ** n, 9);
      expect(dot(a, a)).toBeCloseTo(dot(f, f) / 2 ** n, 9);
    }));

  it('values of a function of a point; polynomial and vector are one spectrum', async () => {
    const terms = randomTerms(9, 7, 3, createRandom(3));
    const value = (x: ArrayLike<number>): number =>
      terms.reduce((sum, term) => sum + term.coordinates.reduce((c, i) => c * x[i], term.coefficient), 0);
    const values = await valuesOnCube(7, (x, point) => {
      expect(Array.from(x)).toEqual(Array.from({ length: 7 }, (_, i) => ((point >>> i) & 1 ? -1 : 1)));
      return value(x);
    });
    const polynomial = polynomialFromTerms(
      Array.from({ length: 7 }, (_, i) => `x${i}`),
      terms,
    );
    expectClose(values, await evaluatePolynomial(polynomial, wholeCube(7)));
    const spectrum = await fourierTransform(values);
    expectClose(spectrum, polynomialToSpectrum(polynomial));
    const back = polynomialFromSpectrum(spectrum, { tolerance: 1e-12 });
    expect(termList(back).map((term) => term.coordinates)).toEqual(
      termList(polynomial).map((term) => term.coordinates),
    );
    expectClose(back.coefficients, polynomial.coefficients);
    expect(polynomialFromSpectrum(polynomialToSpectrum(polynomial))).toEqual(polynomial);
  });

  it('refuses wrong lengths, NaN, too many coordinates and too little memory before allocating', async () => {
    await expect(fourierTransform(new Float64Array(3))).rejects.toThrow('expected 2^n');
    await expect(fourierTransform(Float64Array.of(1, Number.NaN))).rejects.toThrow('expected finite numbers');
    await expect(fourierTransform(new Float64Array(1024), { memoryLimitBytes: 10_000 })).rejects.toMatchObject({
      code: 'memory-budget',
    });
    await expect(valuesOnCube(40, () => 0)).rejects.toThrow('at most 26');
    const names = Array.from({ length: 30 }, (_, i) => `x${i}`);
    expect(() => polynomialToSpectrum(polynomialFromTerms(names, []))).toThrow('at most 26');
    await expect(fourierTransform(new Float64Array(4), { signal: AbortSignal.abort() })).rejects.toThrow('abort');
    const controller = new AbortController();
    let calls = 0;
    const slow = (): number => {
      if (++calls === 1000) controller.abort();
      const start = performance.now();
      while (calls % 1000 === 0 && performance.now() < start + 30);
      return 0;
    };
    // Counted in a variable: a failed expectation would print the million values.
    const outcome = await valuesOnCube(20, slow, { signal: controller.signal }).catch((error) => error.name);
    expect(outcome === 'AbortError').toBe(true);
    expect(calls).toBeLessThan(5000);
  });
});

describe('level weights and norms', () => {
  it('by the definition, from vector and polynomial', () =>
    check(8, async (n, values) => {
      const squares = points(n).map((S) => coefficient(values, S) ** 2);
      for (const spectrum of await bothSpectra(values)) {
        const weights = levelWeights(spectrum);
        for (let level = 0; level <= n; level++) {
          const expected = points(n).reduce((sum, S) => sum + (bits(S) === level ? squares[S] : 0), 0);
          const beyond = points(n).reduce((sum, S) => sum + (bits(S) > level ? squares[S] : 0), 0);
          expect(weights[level] ?? 0).toBeCloseTo(expected, 10);
          expect(levelWeight(spectrum, level)).toBeCloseTo(expected, 10);
          expect(tailWeight(spectrum, level)).toBeCloseTo(beyond, 10);
        }
        const largest = Math.max(...points(n).map((S) => (Math.sqrt(squares[S]) > 1e-12 ? bits(S) : 0)));
        expect(spectrumDegree(spectrum, 1e-12)).toBe(largest);
        expect(euclideanNorm(spectrum)).toBeCloseTo(normFromValues(values, 2), 10);
        expect(spectralNorm(spectrum)).toBeCloseTo(
          points(n).reduce((sum, S) => sum + Math.sqrt(squares[S]), 0),
          9,
        );
        expect(spectralNorm(spectrum)).toBeGreaterThanOrEqual(normFromValues(values, Infinity) - 1e-9);
      }
      expect(normFromValues(values, 3)).toBeCloseTo(mean([...values].map((v) => Math.abs(v) ** 3)) ** (1 / 3), 9);
      expect(normFromValues(values, Infinity)).toBe(Math.max(...values.map(Math.abs)));
    }));

  it('of a polynomial ends at its degree; of nothing is [0]', () => {
    const p = polynomialFromTerms(['a', 'b', 'c'], [{ coordinates: [0, 2], coefficient: 3 }]);
    expect(levelWeights(p)).toEqual([0, 0, 9]);
    expect(levelWeights(polynomialFromTerms(['a'], []))).toEqual([0]);
    expect(levelWeights(new Float64Array(8))).toEqual([0, 0, 0, 0]);
    expect(() => normFromValues(new Float64Array(8), 0.5)).toThrow('expected at least 1');
  });
});

describe('sensitivity', () => {
  it('at a point, influences and their sum: definition, values, vector and polynomial agree', () =>
    check(8, async (n, values) => {
      const flipped = (x: number, i: number): number => (values[x] - values[x ^ (1 << i)]) ** 2 / 4;
      const expected = Array.from({ length: n }, (_, i) => mean(points(n).map((x) => flipped(x, i))));
      const average = expected.reduce((sum, v) => sum + v, 0);
      const atPoints = points(n).map((x) => expected.reduce((sum, _, i) => sum + flipped(x, i), 0));
      expectClose(influencesFromValues(values), expected);
      expect(averageSensitivityFromValues(values)).toBeCloseTo(average, 10);
      expectClose(
        points(n).map((x) => sensitivityFromValues(values, x)),
        atPoints,
      );
      for (const spectrum of await bothSpectra(values)) {
        expectClose(influences(spectrum), expected);
        expect(averageSensitivity(spectrum)).toBeCloseTo(average, 10);
        if (!(spectrum instanceof Float64Array)) {
          expectClose(await polynomialSensitivities(spectrum, wholeCube(n)), atPoints, 1e-9);
        }
      }
    }));

  it('beyond one block: n = 14 vector, 1000 rows over 30 coordinates', async () => {
    const values = randomValues(14, 9);
    expectClose(influences(await fourierTransform(values)), influencesFromValues(values));
    const random = createRandom(4);
    const polynomial = polynomialFromTerms(
      Array.from({ length: 30 }, (_, i) => `x${i}`),
      randomTerms(40, 30, 4, random),
    );
    const rows = randomPoints(1000, 30, random);
    const sensitivities = await polynomialSensitivities(polynomial, rows);
    const at = await evaluatePolynomial(polynomial, rows);
    const sums = new Float64Array(1000);
    for (let i = 0; i < 30; i++) {
      const other = { ...rows, planes: rows.planes.slice() };
      for (let row = 0; row < 1000; row++) other.planes[(i >> 3) * 1000 + row] ^= 1 << (i & 7);
      const changed = await evaluatePolynomial(polynomial, other);
      for (let row = 0; row < 1000; row++) sums[row] += (at[row] - changed[row]) ** 2 / 4;
    }
    expectClose(sensitivities, sums, 1e-9);
  });
});

describe('noise', () => {
  const deltas = [0, 1e-9, 0.1, 0.37, 0.5];

  it('sensitivity, stability and operator by the definition', () =>
    check(
      5,
      async (n, f) => {
        for (const delta of deltas) {
          const rho = 1 - 2 * delta;
          let sensitivity = 0;
          let stability = 0;
          const smoothed = points(n).map((x) => {
            let sum = 0;
            for (const z of points(n)) {
              const chance = noiseChance(z, n, delta);
              sum += chance * f[x ^ z];
              sensitivity += (chance * (f[x] - f[x ^ z]) ** 2) / 4 / 2 ** n;
              stability += (chance * f[x] * f[x ^ z]) / 2 ** n;
            }
            return sum;
          });
          for (const spectrum of await bothSpectra(f)) {
            const found = noiseSensitivity(spectrum, { noiseDelta: delta });
            expect(found).toBeCloseTo(sensitivity, 10);
            // Not only absolutely: 1e-9 of noise keeps its digits.
            if (sensitivity > 0 && delta > 0) expect(Math.abs(found / sensitivity - 1)).toBeLessThan(1e-10);
            expect(noiseStability(spectrum, { rho })).toBeCloseTo(stability, 10);
            const operated = noiseOperator(spectrum, { rho });
            const vector = operated instanceof Float64Array ? operated : polynomialToSpectrum(operated);
            expectClose(await inverseFourierTransform(vector), smoothed);
          }
        }
      },
      20,
    ));

  it('NS <= delta AS, and Claim 1 bounds every tail', () =>
    check(9, async (n, values) => {
      const spectrum = await fourierTransform(values);
      const average = averageSensitivity(spectrum);
      for (const noiseDelta of deltas) {
        const sensitivity = noiseSensitivity(spectrum, { noiseDelta });
        expect(sensitivity).toBeLessThanOrEqual(noiseDelta * average * (1 + 1e-12) + 1e-15);
        for (let degree = 0; degree < n; degree++) {
          const tail = tailWeight(spectrum, degree) * (1 - 1e-12) - 1e-12;
          expect(tailFromAverageSensitivity({ averageSensitivity: average, degree })).toBeGreaterThanOrEqual(tail);
          if (noiseDelta > 1e-6) {
            expect(
              tailFromNoiseSensitivity({ noiseSensitivity: sensitivity, noiseDelta, degree }),
            ).toBeGreaterThanOrEqual(tail);
          }
        }
      }
    }));

  it('Claim 1 is tight for a parity, and its constant at delta = 1/d is at most 2.32', () => {
    const parity = polynomialFromTerms(['a', 'b', 'c', 'd'], [{ coordinates: [0, 1, 2, 3], coefficient: 2 }]);
    const noise = noiseSensitivity(parity, { noiseDelta: 0.2 });
    expect(tailFromNoiseSensitivity({ noiseSensitivity: noise, noiseDelta: 0.2, degree: 3 })).toBeCloseTo(4, 12);
    expect(tailFromAverageSensitivity({ averageSensitivity: averageSensitivity(parity), degree: 3 })).toBeCloseTo(
      4,
      12,
    );
    for (let d = 2; d < 500; d++) {
      expect(tailFromNoiseSensitivity({ noiseSensitivity: 1, noiseDelta: 1 / d, degree: d - 1 })).toBeLessThanOrEqual(
        2.32,
      );
    }
  });

  it('refuses a noise above one half and a rho above one', () => {
    expect(() => noiseSensitivity(new Float64Array(2), { noiseDelta: 0.6 })).toThrow('from 0 to 0.5');
    expect(() => noiseOperator(new Float64Array(2), { rho: 1.1 })).toThrow('from -1 to 1');
    expect(() => tailFromNoiseSensitivity({ noiseSensitivity: 1, noiseDelta: 0, degree: 1 })).toThrow('above 0');
  });
});

describe('restriction', () => {
  it('is the function with those coordinates fixed', () =>
    check(7, async (n, values, seed) => {
      const [, polynomial] = await bothSpectra(values);
      const random = createRandom(seed);
      const fixed = Array.from(random.permutation(n).subarray(0, random.integer(n + 1)), (coordinate) => ({
        coordinate,
        bit: random.integer(2) as 0 | 1,
      }));
      const restricted = restrictPolynomial(polynomial, fixed);
      const free = points(5).filter((i) => i < n && !fixed.some(({ coordinate }) => coordinate === i));
      expect(restricted.coordinates).toEqual(free.map((i) => polynomial.coordinates[i]));
      const found = await evaluatePolynomial(restricted, wholeCube(free.length));
      const expected = points(free.length).map((z) => {
        let x = 0;
        for (const { coordinate, bit } of fixed) x |= bit << coordinate;
        for (const [at, i] of free.entries()) x |= ((z >>> at) & 1) << i;
        return values[x];
      });
      expectClose(found, expected, 1e-9);
    }));

  it('refuses a coordinate fixed twice or not there', () => {
    const p = polynomialFromTerms(['a', 'b'], []);
    expect(() => restrictPolynomial(p, [{ coordinate: 2, bit: 0 }])).toThrow('at most once');
    const twice = [
      { coordinate: 1, bit: 0 },
      { coordinate: 1, bit: 1 },
    ] as const;
    expect(() => restrictPolynomial(p, twice)).toThrow('at most once');
  });
});

// A game is f with x_i = -1 for present players: the point number is the coalition.
const dividend = (f: Float64Array, S: number): number =>
  points(log2(f))
    .filter((T) => (T & S) === T)
    .reduce((sum, T) => sum + (-1) ** (bits(S) - bits(T)) * f[T], 0);
/** Sum over L inside S of (-1)^(|S|-|L|) f(T + L): the discrete derivative at T. */
const derivative = (f: Float64Array, S: number, T: number): number =>
  points(log2(f))
    .filter((L) => (L & S) === L)
    .reduce((sum, L) => sum + (-1) ** (bits(S) - bits(L)) * f[T | L], 0);

function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((rest) =>
    Array.from({ length: n }, (_, at) => [...rest.slice(0, at), n - 1, ...rest.slice(at)]),
  );
}

const maskOf = (coordinates: readonly number[]): number => coordinates.reduce((S, i) => S | (1 << i), 0);

describe('Moebius form', () => {
  it('has the Harsanyi dividends, gives back the function, and goes back to the polynomial', () =>
    check(7, async (n, values) => {
      const [spectrum, polynomial] = await bothSpectra(values);
      const form = await moebiusForm(polynomial);
      const found = new Float64Array(2 ** n);
      for (const term of moebiusTermList(form)) found[maskOf(term.coordinates)] = term.dividend;
      expectClose(
        found,
        points(n).map((S) => dividend(values, S)),
        1e-9,
      );
      for (const x of points(n)) {
        const sum = points(n).reduce((total, S) => total + ((S & x) === S ? found[S] : 0), 0);
        expect(sum).toBeCloseTo(values[x], 8);
      }
      expectClose(polynomialToSpectrum(await polynomialFromMoebius(form)), spectrum, 1e-9);
    }));

  it('of an and is one term; refuses a term of 40 coordinates before building its subsets', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `x${i}`);
    const and = polynomialFromTerms(names, [
      { coordinates: [], coefficient: 0.25 },
      { coordinates: [3], coefficient: -0.25 },
      { coordinates: [30], coefficient: -0.25 },
      { coordinates: [3, 30], coefficient: 0.25 },
    ]);
    expect(moebiusTermList(await moebiusForm(and))).toEqual([{ coordinates: [3, 30], dividend: 1 }]);
    const parity = polynomialFromTerms(names, [{ coordinates: names.map((_, i) => i), coefficient: 1 }]);
    await expect(moebiusForm(parity)).rejects.toThrow('lower the order');
    await expect(moebiusForm(and, { memoryLimitBytes: 100 })).rejects.toMatchObject({ code: 'memory-budget' });
    await expect(moebiusForm(and, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    // A low order of it is fine.
    expect(await shapleyInteractions(parity, { order: 2 })).toHaveLength(780);
  });
});

describe('attribution', () => {
  it('Shapley values are the mean over all orders of arrival, and efficient', () =>
    check(
      7,
      async (n, values) => {
        const sums = new Float64Array(n);
        const orders = permutations(n);
        for (const order of orders) {
          let coalition = 0;
          for (const i of order) {
            sums[i] += values[coalition | (1 << i)] - values[coalition];
            coalition |= 1 << i;
          }
        }
        for (const spectrum of await bothSpectra(values)) {
          const shapley = shapleyValues(spectrum);
          expectClose(
            shapley,
            sums.map((sum) => sum / orders.length),
            1e-9,
          );
          expect(shapley.reduce((sum, v) => sum + v, 0)).toBeCloseTo(values[2 ** n - 1] - values[0], 9);
        }
      },
      12,
    ));

  it('Shapley: a dummy gets 0, symmetric players get the same, sums of games get sums', () =>
    check(9, async (n, values, seed) => {
      if (n < 2) return;
      const game = (f: (x: number) => number) => fourierTransform(Float64Array.from(points(n), f));
      const swap = (x: number): number => (x & ~3) | ((x & 1) << 1) | ((x >> 1) & 1);
      const dummy = shapleyValues(await game((x) => values[x & ~1]));
      expect(dummy[0]).toBeCloseTo(0, 10);
      expect(banzhafValues(await game((x) => values[x & ~1]))[0]).toBeCloseTo(0, 10);
      const symmetric = await game((x) => values[x] + values[swap(x)]);
      expect(shapleyValues(symmetric)[0]).toBeCloseTo(shapleyValues(symmetric)[1], 9);
      expect(banzhafValues(symmetric)[0]).toBeCloseTo(banzhafValues(symmetric)[1], 9);
      const other = randomValues(n, seed + 7);
      const [a, b, sum] = [
        await game((x) => values[x]),
        await game((x) => other[x]),
        await game((x) => values[x] + other[x]),
      ];
      const [left, right] = [shapleyValues(a), shapleyValues(b)];
      expectClose(
        shapleyValues(sum),
        left.map((value, i) => value + right[i]),
        1e-9,
      );
    }));

  it('Banzhaf values and interactions are mean discrete derivatives', () =>
    check(6, async (n, values) => {
      const [spectrum, polynomial] = await bothSpectra(values);
      const expected = points(n).map((S) =>
        mean(
          points(n)
            .filter((T) => (T & S) === 0)
            .map((T) => derivative(values, S, T)),
        ),
      );
      expectClose(
        points(n).map((S) => banzhafInteraction(polynomial, members(S))),
        expected,
        1e-9,
      );
      const listed = new Float64Array(2 ** n);
      for (const { coordinates, value } of banzhafInteractions(polynomial)) listed[maskOf(coordinates)] = value;
      expectClose(listed, expected, 1e-9);
      const singles = Array.from({ length: n }, (_, i) => expected[1 << i]);
      expectClose(banzhafValues(spectrum), singles, 1e-9);
      expectClose(banzhafValues(polynomial), singles, 1e-9);
    }));

  it('Shapley interaction index by its definition', () =>
    check(6, async (n, values) => {
      const [spectrum, polynomial] = await bothSpectra(values);
      const expected = points(n).map((S) =>
        points(n)
          .filter((T) => (T & S) === 0)
          .reduce((sum, T) => {
            const [s, t] = [bits(S), bits(T)];
            return sum + ((factorial(n - t - s) * factorial(t)) / factorial(n - s + 1)) * derivative(values, S, T);
          }, 0),
      );
      expectClose(
        points(n).map((S) => shapleyInteraction(polynomial, members(S))),
        expected,
        1e-9,
      );
      for (const order of [1, 2, n]) {
        const found = new Float64Array(2 ** n);
        for (const { coordinates, value } of await shapleyInteractions(polynomial, { order })) {
          expect(coordinates.length).toBeGreaterThan(0);
          found[maskOf(coordinates)] = value;
        }
        expectClose(
          found,
          expected.map((value, S) => (S > 0 && bits(S) <= order ? value : 0)),
          1e-9,
        );
      }
      expectClose(
        shapleyValues(spectrum),
        Array.from({ length: n }, (_, i) => expected[1 << i]),
        1e-9,
      );
    }));

  it('faithful Banzhaf of order l is the best game of order l: dividends of the truncation, orthogonal error', () =>
    check(6, async (n, values) => {
      const [spectrum, polynomial] = await bothSpectra(values);
      for (let order = 0; order <= n; order++) {
        const form = await faithfulBanzhaf(polynomial, { order });
        const game = new Float64Array(2 ** n);
        for (const x of points(n)) {
          for (const term of moebiusTermList(form)) {
            expect(term.coordinates.length).toBeLessThanOrEqual(order);
            const S = maskOf(term.coordinates);
            if ((S & x) === S) game[x] += term.dividend;
          }
        }
        // Least squares over games of order l: the error is orthogonal to every [S present], |S| <= l.
        for (const S of points(n).filter((set) => bits(set) <= order)) {
          expect(mean(points(n).map((x) => ((S & x) === S ? values[x] - game[x] : 0)))).toBeCloseTo(0, 8);
        }
        const error = mean(points(n).map((x) => (values[x] - game[x]) ** 2));
        expect(error).toBeCloseTo(tailWeight(spectrum, order), 8);
      }
    }));

  it('refuses players that are not there', () => {
    const p = polynomialFromTerms(['a', 'b'], [{ coordinates: [0, 1], coefficient: 1 }]);
    expect(() => shapleyInteraction(p, [0, 2])).toThrow('expected different coordinates');
    expect(() => banzhafInteraction(p, [1, 1])).toThrow('expected different coordinates');
    expect(banzhafInteraction(p, [1, 0])).toBe(4);
    expect(banzhafInteraction(p, [])).toBe(0);
    expect(polynomialDegree(p)).toBe(2);
  });
});

describe('biased spectrum', () => {
  it('is E f phi_S under the product distribution; Parseval; inverts', () =>
    check(6, async (n, values, seed) => {
      const random = createRandom(seed);
      const means = Float64Array.from({ length: n }, () => 1.9 * random.uniform() - 0.95);
      const chance = (x: number): number => means.reduce((p, mu, i) => (p * (1 + ((x >>> i) & 1 ? -mu : mu))) / 2, 1);
      const phi = (S: number, x: number): number =>
        members(S).reduce((p, i) => (p * (((x >>> i) & 1 ? -1 : 1) - means[i])) / Math.sqrt(1 - means[i] ** 2), 1);
      const found = await biasedFourierTransform(values, means);
      expectClose(
        found,
        points(n).map((S) => points(n).reduce((sum, x) => sum + chance(x) * values[x] * phi(S, x), 0)),
        1e-9,
      );
      const second = points(n).reduce((sum, x) => sum + chance(x) * values[x] ** 2, 0);
      expect(found.reduce((sum, c) => sum + c * c, 0)).toBeCloseTo(second, 8);
      expectClose(await inverseBiasedFourierTransform(found, means), values, 1e-8);
    }));

  it('without bias is the Fourier transform, and agrees with the change of basis of fits', async () => {
    const values = randomValues(6, 3);
    expectClose(await biasedFourierTransform(values, new Float64Array(6)), await fourierTransform(values));
    const means = Float64Array.of(0.3, -0.8, 0, 0.9, -0.1, 0.5);
    const polynomial = polynomialFromSpectrum(await fourierTransform(values));
    const vector = polynomialToVector(polynomial, 6);
    const index = createMonomialIndex(6, 6);
    createBasisChange(index, means, 1e-9).fromParities(vector);
    const found = await biasedFourierTransform(values, means);
    index.forEach((subset, size, at) => {
      expect(vector[at]).toBeCloseTo(found[maskOf(Array.from(subset.subarray(0, size)))], 9);
    });
    await expect(biasedFourierTransform(values, Float64Array.of(1, 0, 0, 0, 0, 0))).rejects.toThrow('strictly between');
  });
});
