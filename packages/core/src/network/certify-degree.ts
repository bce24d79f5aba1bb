/**
 * Which degree suffices for a network, from what can be proved of it in some seconds: its sparsity k, its firing rates and
 * the classes of units that never fire together, put into the degree certificate. Budgets are predicted work, never the
 * clock.
 */
import { checkRunOptions, FewfireError, type RunOptions } from '../base/index.ts';
import { type DegreeCertificate, degreeCertificate } from '../bounds/index.ts';
import { certifyConflicts, certifySparsity, type SparsityCertificate, tightenWithPauses } from './certify/index.ts';
import type { FiringRates } from './firing-rates.ts';
import { squaredScales } from './network.ts';
import { type AnyNetwork, isTreeNetwork, treeSquaredScales } from './tree-network.ts';

/** Seconds that looking for the sparsity may take, by prediction, in each of its steps. */
const SPARSITY_SECONDS = 3;

/**
 * The sparsity on the network's own domain as far as a few seconds prove it.
 * @returns undefined for a domain of rows: `certifySparsity` counts them, where they are given
 * @throws FewfireError as `certifySparsity`
 */
export async function boundSparsity(
  network: AnyNetwork,
  options: RunOptions = {},
): Promise<SparsityCertificate | undefined> {
  checkRunOptions('boundSparsity', options, {});
  if (network.domain.kind === 'rows') return undefined;
  return await certifySparsity(network, { ...options, budgetSeconds: SPARSITY_SECONDS });
}

/** Units for which classes of conflicting ones are looked for, where the proof of k does not have them. */
const GROUPED_UNITS = 2048;

/** Of a network on the cube. */
export interface CertifiedDegree {
  readonly certificate: DegreeCertificate;
  /** Classes of units that never fire together, where they were looked for. */
  readonly classCount: number | undefined;
}

/**
 * The degree certificate of a network on the cube: a bound where k is proved and the rates are exact, else a bound with a
 * probability, or an estimate.
 * @param sparsity of the network on the whole cube
 * @param rates of the network on the whole cube, for each of its units
 * @throws FewfireError `invalid-argument` for a network that is not on the cube, a certificate of another domain or rates of
 *   other units, and for a wrong option
 */
export async function certifyDegree(
  network: AnyNetwork,
  sparsity: SparsityCertificate,
  rates: FiringRates,
  options: RunOptions = {},
): Promise<CertifiedDegree> {
  checkRunOptions('certifyDegree', options, {});
  checkOnCube(network, sparsity, rates);
  const classes = await unitClasses(network, sparsity, options);
  const certificate = degreeCertificate({
    inputCount: network.inputCount,
    unitCount: network.unitCount,
    sparsity: sparsity.kUpper,
    sparsityKind: sparsity.upperBound === 'proved' ? 'bound' : 'estimate',
    firingRates: rates.upper,
    firingRatesKind: rates.kind === 'exact' ? 'exact' : 'upper-limit',
    confidenceDelta: rates.confidenceDelta ?? undefined,
    squaredScales: isTreeNetwork(network) ? treeSquaredScales(network) : squaredScales(network),
    groups: classes === undefined ? undefined : groupOfUnits(network.unitCount, classes),
    groupsKind: 'bound',
  });
  return { certificate, classCount: classes?.length };
}

// It is about uniform points of the cube: k and rates of other points would make it a wrong number.
function checkOnCube(network: AnyNetwork, { domain }: SparsityCertificate, { rates }: FiringRates): void {
  for (const { kind } of [network.domain, domain]) {
    if (kind === 'cube') continue;
    throw new FewfireError(
      'invalid-argument',
      `a degree is certified on the cube, and the domain is ${kind}; give the network on the whole cube, and its sparsity there`,
    );
  }
  if (rates.length === network.unitCount) return;
  throw new FewfireError(
    'invalid-argument',
    `there are ${rates.length} firing rates, and the network has ${network.unitCount} units; expected one for each`,
  );
}

// Classes of units that are proven never active together.
async function unitClasses(
  network: AnyNetwork,
  { evidence, kUpper }: SparsityCertificate,
  options: RunOptions,
): Promise<readonly (readonly number[])[] | undefined> {
  if (kUpper < 2) return undefined;
  if (evidence.method === 'conflicts') return evidence.classes;
  if (network.unitCount > GROUPED_UNITS) return undefined;
  return (await certifyConflicts(await tightenWithPauses(network, options), { ...options, stopAt: kUpper })).classes;
}

// A dead unit may join any class.
function groupOfUnits(unitCount: number, classes: readonly (readonly number[])[]): number[] {
  const groups = new Array<number>(unitCount).fill(0);
  classes.forEach((members, group) => {
    for (const j of members) groups[j] = group;
  });
  return groups;
}
