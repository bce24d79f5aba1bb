/**
 * The configuration at which a polynomial is largest or smallest, with what is proven of it. Local search finds a good
 * one; branch and bound looks at the rest or rules it out; a mixed-integer solver tries where that has no room or takes
 * too long. Whatever is left open is stated as a gap.
 */
import {
  type ChecksOf,
  checkOptions,
  checkRunOptions,
  createRandom,
  createTurn,
  FewfireError,
  type RunOptions,
} from '../base/index.ts';
import { cubePointsFromRows } from '../cube/index.ts';
import type { MilpSolver } from '../network/index.ts';
import { evaluatePolynomial, type FixedCoordinate, type Polynomial } from '../spectrum/index.ts';
import { solveByMilp } from './optimise-milp.ts';
import { branchAndBound, branchObstacle, createImprove, localSearch } from './optimise-search.ts';
import {
  type CoordinateGroup,
  configurationBits,
  createSearchSpace,
  roundingSlack,
  type SearchSpace,
  spaceValue,
} from './optimise-space.ts';

/** Options of `optimisePolynomial`. */
export interface OptimiseOptions extends RunOptions {
  readonly direction: 'maximise' | 'minimise';
  readonly groups?: readonly CoordinateGroup[];
  readonly fixed?: readonly FixedCoordinate[];
  /** At most `count` groups (of those listed, by position in `groups`) may have a yes; groups that must have one do not count. */
  readonly atMost?: { readonly count: number; readonly groups?: readonly number[] | undefined } | undefined;
  /** Default 60,000. */
  readonly timeLimitMs?: number | undefined;
  /** `auto` enumerates for up to half of the time and gives the rest to the solver. */
  readonly method?: 'auto' | 'enumerate' | 'milp' | undefined;
}

export const OPTIMISE_CHECKS: ChecksOf<Pick<OptimiseOptions, 'direction' | 'timeLimitMs' | 'method'>> = {
  direction: { need: ['maximise', 'minimise'] },
  timeLimitMs: 'number',
  method: ['auto', 'enumerate', 'milp'],
};

/**
 * What is known of the configuration found. `enumerated (exact)`: every other one was looked at or ruled out; exact up
 * to the rounding of values, 1e-12 of the sum of |coefficients|. `solver optimum`: a floating-point solver's proof that
 * nothing here checks. `gap remains`: a configuration may be better by up to the gap.
 */
export type OptimumProof = 'enumerated (exact)' | 'solver optimum' | 'gap remains';

/** The best configuration found, and what is proved of it. */
export interface PolynomialOptimum {
  /** A bit per coordinate (1 for a yes). One of the best: others may be as good. */
  readonly bits: Uint8Array;
  /** The polynomial there, computed from the bits as predictions are. */
  readonly value: number;
  /** No allowed configuration has a value beyond this one. */
  readonly bound: number;
  /** |bound - value| */
  readonly gap: number;
  readonly proof: OptimumProof;
  /** The solver that was asked, or null. */
  readonly solver: string | null;
  /** How often the enumeration fixed a coordinate. */
  readonly stepCount: number;
  readonly notes: readonly string[];
}

const DEFAULT_TIME_LIMIT_MS = 60_000;
/** With more terms the programme has so weak a bound that it only costs time (chess columns at degree 3: 8,400 terms). */
const MILP_TERMS = 4000;

/**
 * The bits at which a polynomial is largest or smallest, and what is proved of them.
 * @param solver without one, only enumeration is tried
 * @throws FewfireError `invalid-argument` for options that contradict themselves; the signal's reason when aborted
 * @example
 * ```ts
 * import { optimisePolynomial, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * const { bits, value, proof } = await optimisePolynomial(f, undefined, { direction: 'maximise' });
 * console.log(bits, value, proof); // Uint8Array(3) [ 0, 0, 0 ] 1.5 enumerated (exact)
 * ```
 */
export async function optimisePolynomial(
  polynomial: Polynomial,
  solver: MilpSolver | undefined,
  options: OptimiseOptions,
): Promise<PolynomialOptimum> {
  checkRunOptions('optimisePolynomial', options, {
    ...OPTIMISE_CHECKS,
    groups: 'object',
    fixed: 'object',
    atMost: 'object',
  });
  const { direction, timeLimitMs = DEFAULT_TIME_LIMIT_MS, method = 'auto' } = options;
  checkLimits(options, solver);
  const turn = createTurn(options.signal);
  const startedAt = performance.now();
  const limits = { groups: options.groups ?? [], fixed: options.fixed ?? [], atMost: options.atMost };
  const space = await createSearchSpace(polynomial, direction, limits, turn);
  const notes: string[] = [];
  const improve = await createImprove(space, turn);
  let chosen = await localSearch(space, improve, createRandom(options.seed ?? 1), startedAt + timeLimitMs / 4);
  let bound = termBound(space);
  let proof: OptimumProof =
    bound <= spaceValue(space, chosen) + roundingSlack(space) ? 'enumerated (exact)' : 'gap remains';
  let stepCount = 0;
  let asked: string | null = null;

  const small = space.polynomial.termCount <= MILP_TERMS;
  const obstacle = method === 'milp' ? undefined : branchObstacle(space, options.memoryLimitBytes);
  if (obstacle !== undefined) notes.push(obstacle);
  const branches = method !== 'milp' && obstacle === undefined;
  if (proof === 'gap remains' && branches) {
    const solverFollows = method === 'auto' && solver !== undefined && small;
    const deadline = startedAt + (solverFollows ? timeLimitMs / 2 : timeLimitMs);
    const outcome = await branchAndBound(space, chosen, deadline, turn, options);
    chosen = outcome.chosen;
    stepCount = outcome.stepCount;
    bound = Math.min(bound, Math.max(outcome.openBound, outcome.value));
    if (outcome.openBound === Number.NEGATIVE_INFINITY) proof = 'enumerated (exact)';
    else notes.push('the enumeration ran out of time');
  }
  const wanted = method === 'milp' || (method === 'auto' && (small || !branches));
  if (proof === 'gap remains' && wanted && solver !== undefined) {
    asked = solver.name;
    const left = Math.max(1, timeLimitMs - (performance.now() - startedAt));
    const result = await solveByMilp(space, solver, turn, { ...options, timeLimitMs: left });
    if (result.chosen !== undefined) chosen = better(space, chosen, await improve(result.chosen));
    bound = Math.min(bound, result.bound);
    const tolerance = 1e6 * roundingSlack(space);
    if (bound - spaceValue(space, chosen) <= tolerance) proof = 'solver optimum';
    else notes.push(`${solver.name} ran out of time`);
  } else if (proof === 'gap remains' && method === 'auto' && !wanted) {
    notes.push(`more than ${MILP_TERMS} terms: not given to the solver, whose bound would be worse`);
  }
  const bits = configurationBits(space, chosen, polynomial.coordinates.length);
  const [value] = await evaluatePolynomial(polynomial, cubePointsFromRows([bits]));
  const sign = direction === 'maximise' ? 1 : -1;
  // What is proven holds up to rounding, so the bound never falls behind the value itself.
  const limit = proof === 'enumerated (exact)' ? value : sign * Math.max(bound, sign * value);
  return { bits, value, bound: limit, gap: Math.abs(limit - value), proof, solver: asked, stepCount, notes };
}

function better(space: SearchSpace, a: readonly number[], b: readonly number[]): readonly number[] {
  return spaceValue(space, b) > spaceValue(space, a) + roundingSlack(space) ? b : a;
}

// The constant and the sizes of all other coefficients.
function termBound({ polynomial: { termCount, offsets, coefficients } }: SearchSpace): number {
  let sum = 0;
  for (let t = 0; t < termCount; t++)
    sum += offsets[t + 1] === offsets[t] ? coefficients[t] : Math.abs(coefficients[t]);
  return sum;
}

function checkLimits(options: OptimiseOptions, solver: MilpSolver | undefined): void {
  const { timeLimitMs = DEFAULT_TIME_LIMIT_MS, atMost, method, groups = [] } = options;
  const refuse = (message: string): never => {
    throw new FewfireError('invalid-argument', message);
  };
  if (!(timeLimitMs > 0)) refuse(`timeLimitMs is ${timeLimitMs}; expected a positive number`);
  if (method === 'milp' && solver === undefined) {
    refuse("method is 'milp' without a solver; expected one, such as createHighsSolver() of @fewfire/node");
  }
  if (atMost === undefined) return;
  checkOptions('atMost', atMost, { count: { need: 'number' }, groups: 'object' });
  if (!Number.isInteger(atMost.count) || atMost.count < 0) {
    refuse(`atMost.count is ${atMost.count}; expected a whole number, at least 0`);
  }
  const unknown = atMost.groups?.find((g) => !Number.isInteger(g) || g < 0 || g >= groups.length);
  if (unknown !== undefined) refuse(`atMost names group ${unknown}; expected groups from 0 to ${groups.length - 1}`);
}
