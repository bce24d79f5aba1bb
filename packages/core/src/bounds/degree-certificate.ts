/**
 * The degree certificate of a network: from its sparsity, firing rates and
 * scales, how much weight can lie beyond each degree, and so the degree that
 * learns it. A proof needs k (and groups) proven on the whole cube and rates
 * that are exact or too large; anything else makes an estimate, and says so.
 */
import { checkOptions, FewfireError } from '../base/index.ts';
import { checkConfidence, checkCount, checkPositive, checkScale, checkShare } from './checks.ts';
import { averageSensitivityBound, groupedAverageSensitivityBound } from './lemma-3-2.ts';
import { product } from './minimise.ts';
import { degreeFromAverageSensitivity } from './theorem-3-1.ts';
import { gammaTerm, theoremADegree, theoremATail } from './theorem-a.ts';

/** What the degree certificate needs to know of a network. */
export interface NetworkDescription {
  /** n; degrees are cut off there, if given. */
  readonly inputCount?: number | undefined;
  /** s. */
  readonly unitCount: number;
  /** k. */
  readonly sparsity: number;
  /** `bound` if at most k units are active on every point of the cube is proven; otherwise `estimate`. */
  readonly sparsityKind: 'bound' | 'estimate';
  /** p_j, the probability that unit j is active on a uniform point. */
  readonly firingRates: Float64Array;
  /** What the rates are. `upper-limit`: all of them hold together with probability 1 - confidenceDelta. */
  readonly firingRatesKind: 'exact' | 'upper-limit' | 'estimate';
  /** Needed with upper limits: the probability that one of them fails. */
  readonly confidenceDelta?: number | undefined;
  /** u_j^2 ||w_j||^2. */
  readonly squaredScales: Float64Array;
  /** Group of every unit; at most one unit of a group is active on any point (trees of a forest, colour classes). */
  readonly groups?: ArrayLike<number> | undefined;
  /** `bound` if the groups are proven 1-sparse on the whole cube; the default is `estimate`. */
  readonly groupsKind?: 'bound' | 'estimate' | undefined;
}

/** One way to bound the network, as a whole or by its groups. */
export interface CertificateRoute {
  readonly kind: 'bound' | 'estimate';
  /** New Lemma 3.2. */
  readonly averageSensitivity: number;
  /** F of Theorem A: min(4k, s) Gamma, or (sum_c sqrt(min(4, s_c) Gamma_c))^2. */
  readonly derivativeFactor: number;
}

/** What proves that a network is near a polynomial of low degree. */
export interface DegreeCertificate {
  /** `bound` if the route for the whole network is one. */
  readonly kind: 'bound' | 'estimate';
  /** The probability that upper limits of the rates fail; 0 for exact rates, undefined for estimates. */
  readonly confidenceDelta: number | undefined;
  readonly inputCount: number | undefined;
  /** Q = sum_j p_j u_j^2 ||w_j||^2, or k W^2 if rates that are too large make that smaller. */
  readonly scaledFiring: number;
  /** Gamma = sum_j u_j^2 ||w_j||^2 g*(min(2 p_j, 1/2)). */
  readonly gamma: number;
  readonly whole: CertificateRoute;
  readonly groups: CertificateRoute | undefined;
}

/** Bounds of the weight beyond a degree, by each route. */
export interface TailBounds {
  readonly kind: 'bound' | 'estimate';
  /** AS / (d + 1). */
  readonly certificate: number;
  /** Theorem A; Infinity at degree 0. */
  readonly theoremA: number;
  readonly least: number;
}

/** Degrees that suffice for an error, by each route. */
export interface SufficientDegrees {
  readonly kind: 'bound' | 'estimate';
  /** Least degree at which AS / (d + 1) is at most epsilon / 2. */
  readonly certificate: number;
  /** Least degree at which Theorem A gives at most epsilon / 2. */
  readonly theoremA: number;
  readonly least: number;
}

/**
 * Q, Gamma, and the bounds of the average sensitivity as a whole and by groups.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { degreeCertificate } from '@fewfire/core';
 *
 * // Two units that fire on a quarter of the cube each, never together.
 * const certificate = degreeCertificate({
 *   inputCount: 10,
 *   unitCount: 2,
 *   sparsity: 1,
 *   sparsityKind: 'bound',
 *   firingRates: Float64Array.of(0.25, 0.25),
 *   firingRatesKind: 'exact',
 *   squaredScales: Float64Array.of(1, 1),
 * });
 * console.log(certificate.kind, certificate.scaledFiring); // bound 0.5
 * ```
 */
export function degreeCertificate(network: NetworkDescription): DegreeCertificate {
  checkOptions('degreeCertificate', network, {
    inputCount: 'number',
    unitCount: 'any',
    sparsity: 'any',
    sparsityKind: { need: ['bound', 'estimate'] },
    firingRates: { need: 'object' },
    firingRatesKind: { need: ['exact', 'upper-limit', 'estimate'] },
    confidenceDelta: 'number',
    squaredScales: { need: 'object' },
    groups: 'object',
    groupsKind: ['bound', 'estimate'],
  });
  checkDescription(network);
  const { unitCount: s, sparsity: k, firingRates, squaredScales, groups } = network;
  let sum = 0;
  let gamma = 0;
  let largest = 0;
  for (let j = 0; j < s; j++) {
    sum += firingRates[j] * squaredScales[j];
    gamma += gammaTerm(firingRates[j], squaredScales[j]);
    largest = Math.max(largest, squaredScales[j]);
  }
  const scaledFiring = Math.min(sum, product(k, largest));
  const ratesProven = network.firingRatesKind !== 'estimate';
  const whole: CertificateRoute = {
    kind: ratesProven && network.sparsityKind === 'bound' ? 'bound' : 'estimate',
    averageSensitivity: averageSensitivityBound({ unitCount: s, sparsity: k, scaledFiring }),
    derivativeFactor: product(Math.min(4 * k, s), gamma),
  };
  return {
    kind: whole.kind,
    confidenceDelta:
      network.firingRatesKind === 'estimate'
        ? undefined
        : network.firingRatesKind === 'exact'
          ? 0
          : network.confidenceDelta,
    inputCount: network.inputCount,
    scaledFiring,
    gamma,
    whole,
    groups:
      groups === undefined
        ? undefined
        : groupRoute(network, groups, ratesProven && network.groupsKind === 'bound' ? 'bound' : 'estimate'),
  };
}

// sqrt(AS) and sqrt(sum_i NS(D_i h)) are seminorms, so both bounds add up over groups under the square root.
function groupRoute(
  network: NetworkDescription,
  groups: ArrayLike<number>,
  kind: 'bound' | 'estimate',
): CertificateRoute {
  const { unitCount: s, firingRates, squaredScales } = network;
  const sums = new Map<number, { count: number; firing: number; gamma: number; largest: number }>();
  for (let j = 0; j < s; j++) {
    const sum = sums.get(groups[j]) ?? { count: 0, firing: 0, gamma: 0, largest: 0 };
    sum.count++;
    sum.firing += firingRates[j] * squaredScales[j];
    sum.gamma += gammaTerm(firingRates[j], squaredScales[j]);
    sum.largest = Math.max(sum.largest, squaredScales[j]);
    sums.set(groups[j], sum);
  }
  const list = [...sums.values()];
  let root = 0;
  for (const { count, gamma } of list) root += Math.sqrt(Math.min(4, count) * gamma);
  return {
    kind,
    averageSensitivity: groupedAverageSensitivityBound({
      scaledFirings: list.map(({ firing, largest }) => Math.min(firing, largest)),
      unitCounts: list.map(({ count }) => count),
    }),
    derivativeFactor: root * root,
  };
}

/**
 * Bounds of the weight beyond degree d, by the better of the two routes for each statement. A proven route is never
 * passed over for a smaller estimate: estimates count only if nothing is proven. From n on the tail is 0.
 * @throws FewfireError `invalid-argument` for a degree that is no whole number
 * @example
 * ```ts
 * import { degreeCertificate, tailBounds } from '@fewfire/core';
 *
 * // Two units that fire on a quarter of the cube each, never together.
 * const certificate = degreeCertificate({
 *   inputCount: 10,
 *   unitCount: 2,
 *   sparsity: 1,
 *   sparsityKind: 'bound',
 *   firingRates: Float64Array.of(0.25, 0.25),
 *   firingRatesKind: 'exact',
 *   squaredScales: Float64Array.of(1, 1),
 * });
 * console.log(tailBounds(certificate, 1).least); // 0.8325546111576977
 * ```
 */
export function tailBounds(certificate: DegreeCertificate, degree: number): TailBounds {
  checkCount('degree (d)', degree, 0);
  const { kind, averageSensitivity, derivativeFactor } = bestRoute(certificate);
  if (certificate.inputCount !== undefined && degree >= certificate.inputCount) {
    return { kind: 'bound', certificate: 0, theoremA: 0, least: 0 };
  }
  const fromSensitivity = averageSensitivity / (degree + 1);
  const theoremA = theoremATail({ derivativeFactor, degree }).bound;
  return { kind, certificate: fromSensitivity, theoremA, least: Math.min(fromSensitivity, theoremA) };
}

/**
 * The least degree at which each statement leaves at most epsilon / 2, cut off at n.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { degreeCertificate, sufficientDegrees } from '@fewfire/core';
 *
 * // Two units that fire on a quarter of the cube each, never together.
 * const certificate = degreeCertificate({
 *   inputCount: 10,
 *   unitCount: 2,
 *   sparsity: 1,
 *   sparsityKind: 'bound',
 *   firingRates: Float64Array.of(0.25, 0.25),
 *   firingRatesKind: 'exact',
 *   squaredScales: Float64Array.of(1, 1),
 * });
 * console.log(sufficientDegrees(certificate, { epsilon: 0.1 }).least); // 10
 * ```
 */
export function sufficientDegrees(
  certificate: DegreeCertificate,
  options: { readonly epsilon: number },
): SufficientDegrees {
  checkOptions('sufficientDegrees', options, { epsilon: 'any' });
  checkPositive('epsilon', options.epsilon);
  const { kind, averageSensitivity, derivativeFactor } = bestRoute(certificate);
  const most = certificate.inputCount ?? Number.POSITIVE_INFINITY;
  const fromSensitivity = Math.min(
    most,
    degreeFromAverageSensitivity({ averageSensitivity, epsilon: options.epsilon }),
  );
  const theoremA = Math.min(most, theoremADegree({ derivativeFactor, epsilon: options.epsilon }));
  return { kind, certificate: fromSensitivity, theoremA, least: Math.min(fromSensitivity, theoremA) };
}

// Of routes of the same standing the smaller number; a proven route before an estimate.
function bestRoute({ whole, groups }: DegreeCertificate): CertificateRoute {
  if (groups === undefined || (groups.kind === 'estimate' && whole.kind === 'bound')) return whole;
  if (whole.kind === 'estimate' && groups.kind === 'bound') return groups;
  return {
    kind: whole.kind,
    averageSensitivity: Math.min(whole.averageSensitivity, groups.averageSensitivity),
    derivativeFactor: Math.min(whole.derivativeFactor, groups.derivativeFactor),
  };
}

function checkDescription(network: NetworkDescription): void {
  const { unitCount: s, firingRates, squaredScales, groups } = network;
  if (network.inputCount !== undefined) checkCount('inputCount (n)', network.inputCount, 0);
  checkCount('unitCount (s)', s, 0);
  checkCount('sparsity (k)', network.sparsity, 0, s);
  const lengths = { firingRates: firingRates.length, squaredScales: squaredScales.length, groups: groups?.length ?? s };
  for (const [name, length] of Object.entries(lengths)) {
    if (length !== s) {
      throw new FewfireError('invalid-argument', `${name} has ${length} entries; expected one per unit, ${s}`);
    }
  }
  for (let j = 0; j < s; j++) {
    checkShare(`firingRates[${j}] (p_j)`, firingRates[j]);
    checkScale(`squaredScales[${j}] (u_j^2 ||w_j||^2)`, squaredScales[j]);
  }
  if (network.firingRatesKind === 'upper-limit') {
    if (network.confidenceDelta === undefined) {
      throw new FewfireError(
        'invalid-argument',
        'confidenceDelta is missing; expected, beside firing rates that are upper limits, the probability that one of them fails',
      );
    }
    checkConfidence('confidenceDelta', network.confidenceDelta);
  }
}
