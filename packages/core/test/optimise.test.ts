/** Optima against brute force over every configuration that is allowed, for random polynomials and all codings. */
import { describe, expect, it } from 'vitest';
import {
  type CoordinateGroup,
  createRandom,
  type MilpProblem,
  type MilpSolver,
  type OptimiseOptions,
  optimisePolynomial,
  type Polynomial,
  polynomialFromTerms,
  type Random,
} from '../src/index.ts';

interface Instance {
  readonly polynomial: Polynomial;
  readonly groups: readonly CoordinateGroup[];
  readonly value: (bits: ArrayLike<number>) => number;
}

/** Two-valued, exclusive and chained columns, some with missing, up to `most` coordinates. */
function randomInstance(random: Random, most: number): Instance {
  const groups: CoordinateGroup[] = [];
  let n = 0;
  while (n < most) {
    const size = Math.min(most - n, 1 + random.integer(4));
    const coordinates = Array.from({ length: size }, (_, j) => n + j);
    const chain = random.integer(2) === 0;
    const states = [[], ...coordinates.map((s, j) => (chain ? coordinates.slice(0, j + 1) : [s]))];
    if (random.integer(3) === 0 && size > 1) states[size] = [coordinates[size - 1]]; // as a missing cell of thresholds
    groups.push({ coordinates, states });
    n += size;
  }
  const degree = 1 + random.integer(4);
  const terms = Array.from({ length: 3 * n }, () => ({
    coordinates: Array.from(random.permutation(n).subarray(0, Math.min(n, random.integer(degree + 1)))),
    coefficient: random.integer(3) === 0 ? random.integer(5) - 2 : random.normal(),
  }));
  const value = (bits: ArrayLike<number>): number =>
    terms.reduce(
      (sum, { coordinates, coefficient }) => sum + coordinates.reduce((c, s) => (bits[s] === 1 ? -c : c), coefficient),
      0,
    );
  const names = Array.from({ length: n }, (_, s) => `x${s}`);
  return { polynomial: polynomialFromTerms(names, terms), groups, value };
}

function allowed({ groups, polynomial }: Instance, options: OptimiseOptions): Uint8Array[] {
  let points: Uint8Array[] = [new Uint8Array(polynomial.coordinates.length)];
  const fixed = options.fixed ?? [];
  const possible = groups.map(({ coordinates, states }) =>
    states.filter((yes) =>
      fixed.every(
        ({ coordinate, bit }) => !coordinates.includes(coordinate) || (bit === 1) === yes.includes(coordinate),
      ),
    ),
  );
  for (const states of possible) {
    points = points.flatMap((point) =>
      states.map((yes) => {
        const next = point.slice();
        for (const s of yes) next[s] = 1;
        return next;
      }),
    );
  }
  const { atMost } = options;
  if (atMost === undefined) return points;
  const counting = (atMost.groups ?? Array.from(groups.keys())).filter((g) =>
    possible[g].some((yes) => yes.length === 0),
  );
  return points.filter(
    (point) => counting.filter((g) => groups[g].coordinates.some((s) => point[s] === 1)).length <= atMost.count,
  );
}

/** A solver that never gets anywhere. */
const refusing: MilpSolver = {
  name: 'none',
  solve: (_: MilpProblem) => Promise.resolve({ status: 'limit', provenUpperBound: Number.POSITIVE_INFINITY }),
};

function variants(random: Random, { groups }: Instance): OptimiseOptions[] {
  const one = groups[random.integer(groups.length)];
  const yes = one.states[random.integer(one.states.length)];
  const coordinate = one.coordinates[random.integer(one.coordinates.length)];
  const fixed = [{ coordinate, bit: yes.includes(coordinate) ? 1 : 0 } as const];
  const atMost = { count: random.integer(4) };
  const among = { count: random.integer(3), groups: Array.from(groups.keys()).filter((g) => g % 2 === 0) };
  return (['maximise', 'minimise'] as const).flatMap((direction) => [
    { direction, groups },
    { direction, groups, fixed },
    { direction, groups, atMost },
    { direction, groups, atMost: among, fixed },
  ]);
}

describe('optimisePolynomial', () => {
  it('finds what brute force finds, whatever is fixed and counted', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = createRandom(seed);
      const instance = randomInstance(random, 2 + random.integer(9));
      for (const options of variants(random, instance)) {
        const points = allowed(instance, options);
        const values = points.map(instance.value);
        const best = options.direction === 'maximise' ? Math.max(...values) : Math.min(...values);
        const optimum = await optimisePolynomial(instance.polynomial, undefined, options);
        expect(optimum.proof).toBe('enumerated (exact)');
        expect(Math.abs(optimum.value - best), `seed ${seed}`).toBeLessThan(1e-9);
        expect(Math.abs(optimum.value - instance.value(optimum.bits))).toBeLessThan(1e-9);
        expect(points.map(String)).toContain(String(optimum.bits));
        expect(optimum.bound).toBe(optimum.value);
      }
    }
  });

  it('a constant is its own optimum, and equal calls give equal answers', async () => {
    const constant = polynomialFromTerms(['a', 'b'], [{ coordinates: [], coefficient: 2.5 }]);
    const optimum = await optimisePolynomial(constant, undefined, { direction: 'minimise' });
    expect(optimum).toMatchObject({ value: 2.5, gap: 0, proof: 'enumerated (exact)' });
    const { polynomial, groups } = randomInstance(createRandom(5), 10);
    const once = await optimisePolynomial(polynomial, undefined, { direction: 'maximise', groups });
    expect(await optimisePolynomial(polynomial, undefined, { direction: 'maximise', groups })).toEqual(once);
  });

  // Dense and flat: no coordinate matters more than another, which is the worst case of the bound.
  function flat(n: number): Polynomial {
    const random = createRandom(9);
    const terms = Array.from({ length: n }, (_, i) =>
      Array.from({ length: i }, (_, j) => ({ coordinates: [j, i], coefficient: random.normal() })),
    ).flat();
    return polynomialFromTerms(
      Array.from({ length: n }, (_, s) => `x${s}`),
      terms,
    );
  }

  it('out of time, the value found and the bound enclose the optimum', async () => {
    const polynomial = flat(60);
    for (const direction of ['maximise', 'minimise'] as const) {
      const sign = direction === 'maximise' ? 1 : -1;
      const { value, bound, gap, proof, notes } = await optimisePolynomial(polynomial, refusing, {
        direction,
        timeLimitMs: 40,
      });
      expect(proof).toBe('gap remains');
      expect(sign * bound).toBeGreaterThan(sign * value);
      expect(gap).toBeCloseTo(Math.abs(bound - value), 9);
      expect(notes).toContain('the enumeration ran out of time');
    }
    // Where brute force can tell: what stays open is bounded.
    const small = flat(13);
    const value = (point: number): number =>
      Array.from({ length: small.termCount }, (_, t) => {
        const members = small.members.subarray(small.offsets[t], small.offsets[t + 1]);
        return members.reduce((c, s) => ((point >> s) & 1 ? -c : c), small.coefficients[t]);
      }).reduce((sum, each) => sum + each, 0);
    const best = Math.max(...Array.from({ length: 2 ** 13 }, (_, point) => value(point)));
    const optimum = await optimisePolynomial(small, refusing, {
      direction: 'maximise',
      method: 'milp',
      timeLimitMs: 1,
    });
    expect(optimum.proof).toBe('gap remains');
    expect(optimum.bound).toBeGreaterThanOrEqual(best);
    expect(optimum.value).toBeLessThanOrEqual(best + 1e-9);
  });

  it('does not enumerate beyond the memory that is allowed, and says so', async () => {
    const { proof, stepCount, notes } = await optimisePolynomial(flat(30), undefined, {
      direction: 'maximise',
      memoryLimitBytes: 10_000,
    });
    expect({ proof, stepCount }).toEqual({ proof: 'gap remains', stepCount: 0 });
    expect(notes).toEqual(['not enumerated: that needs 1 MB, more than allowed']);
  });

  it('an abort ends it soon', async () => {
    const controller = new AbortController();
    const run = optimisePolynomial(flat(60), undefined, { direction: 'maximise', signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each<[string, Partial<OptimiseOptions>]>([
    ['a coordinate in two groups', { groups: [0, 1].map(() => ({ coordinates: [0], states: [[], [0]] })) }],
    ['a state outside its group', { groups: [{ coordinates: [0], states: [[1]] }] }],
    ['a group without states', { groups: [{ coordinates: [0], states: [] }] }],
    ['what cannot be', { groups: [{ coordinates: [0], states: [[0]] }], fixed: [{ coordinate: 0, bit: 0 }] }],
    ['half a group', { atMost: { count: 0.5 } }],
    ['a group that is not there', { atMost: { count: 1, groups: [7] } }],
    ['no time', { timeLimitMs: 0 }],
    ['a solver that is not there', { method: 'milp' }],
    ['a coordinate that is not there', { fixed: [{ coordinate: 9, bit: 0 }] }],
  ])('refuses %s', async (_, wrong) => {
    await expect(optimisePolynomial(flat(3), undefined, { direction: 'maximise', ...wrong })).rejects.toMatchObject({
      name: 'FewfireError',
      code: 'invalid-argument',
    });
  });
});
