/**
 * Certifies how many units of a network are active together on a named set of points
 * (THEORY section 7). The result is an interval [kLower, kUpper] with a point that
 * reaches the lower end and evidence for the upper one; it is called exact only if
 * the two meet and the upper one is proved.
 *
 * `auto` goes from cheap to expensive by predicted work, never by the clock, so the
 * same call gives the same certificate: conflicts, a sweep, the solver.
 */
import { MAX_SWEPT_BITS, planSweep, type SweepDomain, sweepActivity } from '@fewfire/kernels';
import { checkRunOptions, FewfireError, type RunOptions } from '../../base/index.ts';
import { bitAt, type CubePoints } from '../../cube/index.ts';
import { liftedPair } from '../domain.ts';
import { checkDomainKind, liftedCount, type NetworkDomain } from '../network.ts';
import { networkChecksum } from '../network-file.ts';
import { type AnyNetwork, isTreeNetwork, treeUnitCounts } from '../tree-network.ts';
import { type CertificateMethod, type Evidence, pointsChecksum, type SparsityCertificate } from './certificate.ts';
import { certifyConflicts } from './conflicts.ts';
import { estimateSparsity, type SampleOptions } from './estimate.ts';
import { type MilpSolver, solveSparsity } from './milp.ts';
import { countRowsExactly } from './rows.ts';
import { type FoundPoint, findActivePoint } from './search.ts';
import { type TightenedNetwork, tightenWithPauses } from './tighten.ts';

/** Options of `certifySparsity`. */
export interface CertifyOptions extends RunOptions, SampleOptions {
  /** Default: the network's own domain. */
  readonly domain?: NetworkDomain;
  /** The points of a domain of rows. */
  readonly points?: CubePoints;
  /** Default `auto`: for rows it counts them; else conflicts, a sweep, the solver, until one settles k within the budget. */
  readonly method?: CertificateMethod | 'auto';
  /** Needed for `milp`; `auto` uses it if there is one. */
  readonly solver?: MilpSolver;
  /** For the solver. Default 60,000. */
  readonly timeLimitMs?: number;
  /** What `auto` may spend on each of its steps, by prediction for one thread of a 2020s core. Default 120. */
  readonly budgetSeconds?: number;
}

type Space = Exclude<NetworkDomain, { kind: 'rows' }>;

/** Preactivations per second of a sweep, for predictions; measured 3 to 10 times that. */
const SWEEP_RATE = 1e9;
/** Pair tests per second for pairs that share ten coordinates. */
const PAIR_RATE = 1e7;
const DEFAULT_MEMORY = 2 ** 31;

/**
 * How many units of a network are active at once: an interval [kLower, kUpper], with a point that reaches its lower
 * end and the evidence for the upper one. Exact where both meet.
 * @throws FewfireError `invalid-argument` (a domain that does not fit the network, rows without points, no solver),
 *   `memory-budget`, `unsupported` (a sweep over more bits than `MAX_SWEPT_BITS` of @fewfire/kernels)
 * @example
 * ```ts
 * import { certifySparsity, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { kUpper, exact } = await certifySparsity(network);
 * console.log(kUpper, exact); // 1 true
 * ```
 */
export async function certifySparsity(network: AnyNetwork, options: CertifyOptions = {}): Promise<SparsityCertificate> {
  checkRunOptions('certifySparsity', options, {
    domain: 'object',
    points: 'object',
    method: ['auto', 'conflicts', 'sweep', 'milp', 'rows', 'sample'],
    solver: 'object',
    timeLimitMs: 'number',
    budgetSeconds: 'number',
    sampleCount: 'number',
    confidenceDelta: 'number',
    k: 'number',
    shareThreshold: 'number',
  });
  const { method = 'auto', solver } = options;
  const domain = options.domain ?? network.domain;
  checkDomainKind(domain);
  checkDomain(network, domain, options.points);
  options.signal?.throwIfAborted();
  const tightened = await tightenWithPauses(network, options);
  if (domain.kind === 'rows') {
    if (method !== 'auto' && method !== 'rows') {
      throw new FewfireError('invalid-argument', `method ${method} needs a cube or a lift; expected 'rows' for rows`);
    }
    return countGivenRows(network, tightened, domain, options.points as CubePoints, options);
  }
  switch (method) {
    case 'sweep':
      return sweep(network, tightened, domain, options);
    case 'conflicts':
      return conflicts(network, tightened, domain, options);
    case 'milp':
      if (solver === undefined) {
        throw new FewfireError(
          'invalid-argument',
          `method milp needs a solver; expected options.solver, for example createHighsSolver() of @fewfire/node`,
        );
      }
      return milp(network, tightened, domain, solver, options);
    case 'sample':
      return sample(network, tightened, domain, options);
    case 'rows':
      throw new FewfireError(
        'invalid-argument',
        `method rows needs a domain of rows and its points, the domain is the ${domain.kind}; expected options.domain = { kind: 'rows', label } and options.points`,
      );
    case 'auto':
      return automatic(network, tightened, domain, options);
  }
}

async function automatic(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Space,
  options: CertifyOptions,
): Promise<SparsityCertificate> {
  const { budgetSeconds = 120, solver, memoryLimitBytes = DEFAULT_MEMORY, threads } = options;
  const bitCount = bitsThatMatter(network, tightened, domain);
  // A plan lays units out by bits, which is much for what nobody sweeps.
  const plan =
    bitCount > MAX_SWEPT_BITS ? undefined : planSweep(tightened.units, sweepDomain(network, domain), threads);
  const sweepSeconds = plan === undefined ? Number.POSITIVE_INFINITY : plan.unitUpdates / SWEEP_RATE;
  const canSweep = plan !== undefined && sweepSeconds <= budgetSeconds && plan.memoryBytes <= memoryLimitBytes;
  const notes: string[] = [];
  // A second's sweep settles everything that the other methods may leave open.
  if (canSweep && sweepSeconds <= 1) return sweep(network, tightened, domain, options);
  const pairSeconds = conflictSeconds(tightened);
  let best: SparsityCertificate | undefined;
  if (isTreeNetwork(network)) {
    best = await conflicts(network, tightened, domain, options, true);
    if (best.exact) return best;
  }
  if (pairSeconds <= budgetSeconds) {
    best = await conflicts(network, tightened, domain, options);
    if (best.exact) return best;
  } else notes.push(`conflicts of units were not looked for: about ${Math.ceil(pairSeconds)} s`);
  if (canSweep) return sweep(network, tightened, domain, options);
  notes.push(
    plan === undefined
      ? `the domain was not swept: ${bitCount} bits matter, at most ${MAX_SWEPT_BITS} can be swept`
      : `the domain was not swept: ${plan.sweptBits} bits by ${plan.unitSlots} units, ${plan.unitUpdates.toPrecision(2)} additions`,
  );
  best ??= await conflicts(network, tightened, domain, options, true);
  if (solver !== undefined) {
    const classes = best.evidence.method === 'conflicts' ? best.evidence.classes : [];
    try {
      const solved = await milp(network, tightened, domain, solver, options, classes);
      // A proof is worth more than an equal solver bound; the better point serves both.
      const better = solved.kUpper < best.kUpper ? solved : best;
      const point = solved.kLower > best.kLower ? solved : best;
      best = withPoint(better, point);
    } catch (error) {
      // What is proved stays proved when a solver fails.
      if (!(error instanceof FewfireError)) throw error;
      notes.push(`the solver gave nothing: ${error.message}`);
    }
  } else notes.push('no mixed-integer solver was given');
  return { ...best, notes: [...best.notes, ...notes] };
}

function withPoint(certificate: SparsityCertificate, point: SparsityCertificate): SparsityCertificate {
  const { kLower, witness } = point;
  return {
    ...certificate,
    kLower,
    witness,
    exact: certificate.upperBound === 'proved' && kLower === certificate.kUpper,
  };
}

async function sweep(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Space,
  options: CertifyOptions,
): Promise<SparsityCertificate> {
  const { signal, threads, onProgress, memoryLimitBytes = DEFAULT_MEMORY } = options;
  const space = sweepDomain(network, domain);
  const bitCount = bitsThatMatter(network, tightened, domain);
  if (bitCount > MAX_SWEPT_BITS) {
    throw new FewfireError(
      'unsupported',
      `a sweep over ${bitCount} bits that matter, at most ${MAX_SWEPT_BITS} are possible; expected method 'conflicts', 'milp' or 'sample'`,
    );
  }
  const plan = planSweep(tightened.units, space, threads);
  if (plan.memoryBytes > memoryLimitBytes) {
    throw new FewfireError(
      'memory-budget',
      `a sweep of ${network.unitCount} units needs ${Math.ceil(plan.memoryBytes / 1e6)} MB, ${Math.floor(memoryLimitBytes / 1e6)} MB are allowed; allow more or use method 'conflicts'`,
    );
  }
  const total = 2 ** plan.sweptBits;
  const result = await sweepActivity(tightened.units, space, {
    signal,
    threads,
    onShare: (share) => onProgress?.({ phase: 'sweeping the domain', done: share * total, total, unit: 'steps' }),
  });
  return assemble(network, domain, { bits: result.witness, activeCount: result.maximum }, result.maximum, {
    method: 'sweep',
    sweptBits: result.sweptBits,
    histogram: Array.from(result.histogram),
    unitCounts: Array.from(result.unitCounts),
  });
}

/** @param known only classes that need no looking for */
async function conflicts(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Space,
  options: CertifyOptions,
  known = false,
): Promise<SparsityCertificate> {
  const own = knownClasses(network, tightened);
  const found = await findActivePoint(network, tightened, domain, { ...options, stopAt: own.length });
  const deadUnits = Array.from(tightened.deadUnits);
  let classes = own;
  if (!known && own.length > found.activeCount) {
    const looked = await certifyConflicts(tightened, { ...options, stopAt: found.activeCount });
    if (looked.classes.length < own.length) classes = looked.classes;
  }
  return assemble(network, domain, found, classes.length, { method: 'conflicts', deadUnits, classes });
}

// Classes that need no looking for: the leaves of a tree, of which one is reached; else every live unit by itself.
function knownClasses(network: AnyNetwork, { liveUnits }: TightenedNetwork): readonly (readonly number[])[] {
  if (!isTreeNetwork(network)) return Array.from(liveUnits, (j) => [j]);
  let first = 0;
  const classes = treeUnitCounts(network).map((count) => {
    first += count;
    return Array.from({ length: count }, (_, at) => first - count + at);
  });
  return classes.filter((members) => members.length > 0);
}

async function milp(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Space,
  solver: MilpSolver,
  options: CertifyOptions,
  classes?: readonly (readonly number[])[],
): Promise<SparsityCertificate> {
  const { timeLimitMs = 60_000, budgetSeconds = 120 } = options;
  const cuts =
    classes ??
    (conflictSeconds(tightened) <= budgetSeconds ? (await certifyConflicts(tightened, options)).classes : []);
  const searched = await findActivePoint(network, tightened, domain, options);
  const outcome = await solveSparsity(network, tightened, domain, solver, { ...options, timeLimitMs, classes: cuts });
  const found =
    outcome.found !== undefined && outcome.found.activeCount > searched.activeCount ? outcome.found : searched;
  if (found.activeCount > outcome.kUpper) {
    throw new FewfireError(
      'not-converged',
      `${solver.name} states a bound of ${outcome.kUpper}, but ${found.activeCount} units are active at a point that was counted exactly; its bound is wrong: use method 'sweep' or 'conflicts'`,
    );
  }
  return assemble(network, domain, found, outcome.kUpper, {
    method: 'milp',
    solver: solver.name,
    status: outcome.status,
  });
}

async function sample(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Space,
  options: CertifyOptions,
): Promise<SparsityCertificate> {
  const { estimate, found } = await estimateSparsity(network, tightened, domain, options);
  return assemble(network, domain, found, tightened.liveUnits.length, {
    method: 'sample',
    deadUnits: Array.from(tightened.deadUnits),
    ...estimate,
  });
}

async function countGivenRows(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: NetworkDomain,
  points: CubePoints,
  options: CertifyOptions,
): Promise<SparsityCertificate> {
  const counts = await countRowsExactly(network, tightened, points, options);
  const row = counts.maximumRow;
  const found = {
    bits: Uint8Array.from({ length: row < 0 ? 0 : network.inputCount }, (_, i) => bitAt(points, row, i)),
    activeCount: counts.maximum,
  };
  return assemble(
    network,
    domain,
    found,
    counts.maximum,
    {
      method: 'rows',
      rowCount: points.rowCount,
      pointsSha256: await pointsChecksum(points),
      histogram: Array.from(counts.histogram),
      unitCounts: Array.from(counts.unitCounts),
    },
    row,
  );
}

async function assemble(
  network: AnyNetwork,
  domain: NetworkDomain,
  found: FoundPoint,
  kUpper: number,
  evidence: Evidence,
  row: number | null = null,
): Promise<SparsityCertificate> {
  const upperBound = evidence.method === 'milp' ? 'solver bound' : 'proved';
  const { inputCount, unitCount } = network;
  return {
    network: { sha256: await networkChecksum(network), inputCount, unitCount },
    domain,
    kLower: found.activeCount,
    kUpper,
    exact: upperBound === 'proved' && found.activeCount === kUpper,
    upperBound,
    witness: row === -1 ? null : { bits: found.bits.join(''), row },
    evidence,
    notes: [],
  };
}

// Bits of the domain that some unit depends on which is neither dead nor always active.
function bitsThatMatter(network: AnyNetwork, { units, liveUnits }: TightenedNetwork, domain: Space): number {
  const inputs = new Uint8Array(network.inputCount);
  for (const j of liveUnits) {
    if (units[j].lowest >= 1n) continue;
    for (const input of units[j].inputs) inputs[input] = 1;
  }
  if (domain.kind === 'cube') return inputs.reduce((sum, used) => sum + used, 0);
  const { bitCount } = domain;
  const bits = inputs.slice(0, bitCount);
  for (let l = 1; l < bitCount; l++) {
    for (let i = 0; i < l; i++) {
      if (inputs[liftedPair(bitCount, i, l)] === 0) continue;
      bits[i] = 1;
      bits[l] = 1;
    }
  }
  return bits.reduce((sum, used) => sum + used, 0);
}

function sweepDomain(network: AnyNetwork, domain: Space): SweepDomain {
  return domain.kind === 'lift' ? domain : { kind: 'cube', bitCount: network.inputCount };
}

// A pair is merged over its inputs, and tested at every coordinate of opposite signs.
function conflictSeconds({ units, liveUnits }: TightenedNetwork): number {
  const inputs = Array.from(liveUnits).reduce((sum, j) => sum + units[j].inputs.length, 0);
  const mean = liveUnits.length === 0 ? 0 : inputs / liveUnits.length;
  return ((liveUnits.length ** 2 / 2) * (1 + mean / 10 + (mean / 20) ** 2)) / PAIR_RATE;
}

function checkDomain(network: AnyNetwork, domain: NetworkDomain, points: CubePoints | undefined): void {
  if (domain.kind === 'lift' && liftedCount(domain.bitCount) !== network.inputCount) {
    throw new FewfireError(
      'invalid-argument',
      `a lift of ${domain.bitCount} bits has ${liftedCount(domain.bitCount)} coordinates, the network ${network.inputCount} inputs; expected the same number`,
    );
  }
  if (domain.kind !== 'rows') return;
  if (points === undefined) {
    throw new FewfireError(
      'invalid-argument',
      `the domain is rows of ${JSON.stringify(domain.label)} and no points are given; expected options.points, or another domain`,
    );
  }
  if (points.coordinateCount !== network.inputCount) {
    throw new FewfireError(
      'invalid-argument',
      `the points have ${points.coordinateCount} coordinates, the network ${network.inputCount} inputs; expected the same number`,
    );
  }
}
