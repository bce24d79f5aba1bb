/**
 * Checks a certificate of sparsity against a network. This file shares no code with
 * what produces certificates (certify/ and the kernels): it reads the file, hashes
 * the network, takes doubles apart, evaluates units, tests conflicts, sweeps and
 * counts by itself, simply and slowly, in whole numbers. Of a network of trees it reads
 * what stands in the file and makes the units of the leaves by itself. It imports types,
 * the error class and `createTurn` only.
 *
 * Every item of the report is `verified`, `failed`, or `not independently checked`:
 * a solver's bound always, a sweep unless it is asked for again, rows without points.
 */
import { checkRunOptions, createTurn, FewfireError, type RunOptions, type Turn } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import type { AnyNetwork } from './tree-network.ts';

/** What a check of a certificate says. */
export type CheckStatus = 'verified' | 'failed' | 'not independently checked';

/** One check of a certificate. */
export interface CertificateCheck {
  readonly what: string;
  readonly status: CheckStatus;
  readonly detail: string;
}

/** What an independent check of a certificate found. */
export interface CertificateReport {
  /** No check failed. */
  readonly valid: boolean;
  /** No check failed and none was left out. */
  readonly complete: boolean;
  readonly checks: readonly CertificateCheck[];
}

/** Options of `checkCertificate`. */
export interface CheckOptions extends RunOptions {
  /** The points of a certificate about rows. */
  readonly points?: CubePoints | undefined;
  /** Sweeps the domain again, about 10^8 additions per second. Default false. */
  readonly rerunSweep?: boolean | undefined;
}

/**
 * Checks a certificate against its network with arithmetic of its own, which shares no code with `certifySparsity`.
 * @param text the certificate file
 * @throws FewfireError `invalid-data` only where the text is not a certificate of this version at all; `memory-budget`
 *   where the units in whole numbers need more memory than allowed; the signal's reason
 * @example
 * ```ts
 * import {
 *   certifySparsity,
 *   checkCertificate,
 *   parityNetwork,
 *   serializeCertificate,
 * } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const text = await serializeCertificate(await certifySparsity(network));
 * const { valid, checks } = await checkCertificate(text, network);
 * console.log(valid, checks[0].what, checks[0].status); // true form verified
 * ```
 */
export async function checkCertificate(
  text: string,
  network: AnyNetwork,
  options: CheckOptions = {},
): Promise<CertificateReport> {
  checkRunOptions('checkCertificate', options, { points: 'object', rerunSweep: 'boolean' });
  const file = readFile(text);
  const checks: CertificateCheck[] = [];
  const add = (what: string, passed: boolean, detail: string): boolean => {
    checks.push({ what, status: passed ? 'verified' : 'failed', detail });
    return passed;
  };
  const leave = (what: string, detail: string): void => {
    checks.push({ what, status: 'not independently checked', detail });
  };
  try {
    await check(file, network, options, add, leave);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    add('form', false, error.message);
  }
  const valid = checks.every((entry) => entry.status !== 'failed');
  return { valid, complete: checks.every((entry) => entry.status === 'verified'), checks };
}

/** A field that is missing or of the wrong form. */
class Damaged extends Error {}

type Fields = { readonly [key: string]: unknown };

/** What a file may ask of the checker: it comes from anyone. */
const MAX_NESTING = 100;
const MAX_SWEPT_BITS = 53;

const KEYS = 'checksum domain evidence exact format kLower kUpper network notes upperBound version witness';

const EVIDENCE_KEYS: { readonly [method: string]: string } = {
  sweep: 'histogram method sweptBits unitCounts',
  conflicts: 'classes deadUnits method',
  milp: 'method solver status',
  rows: 'histogram method pointsSha256 rowCount unitCounts',
  sample: 'aboveCount choice confidenceDelta deadUnits histogram k method sampleCount seed shareUpperLimit',
};

async function check(
  file: Fields,
  network: AnyNetwork,
  options: CheckOptions,
  add: (what: string, passed: boolean, detail: string) => boolean,
  leave: (what: string, detail: string) => void,
): Promise<void> {
  const { checksum, format: _format, version: _version, ...body } = file;
  const evidence = fields(file.evidence, 'evidence');
  const method = string(evidence.method, 'evidence.method');
  add('form', keysOf(file) === KEYS && keysOf(evidence) === EVIDENCE_KEYS[method], 'the fields of a certificate');
  add('checksum', checksum === (await sha256([sortedJson(body)])), 'the content is as it was written');

  const about = fields(file.network, 'network');
  const ownHash = await sha256(contentOf(network));
  add('network', about.sha256 === ownHash, `the certificate is about this network (${ownHash.slice(0, 12)})`);
  const turn = createTurn(options.signal);
  const { inputCount, unitCount, weightCount } = await shapeOf(network, turn);
  add(
    'shape',
    about.inputCount === inputCount && about.unitCount === unitCount && keysOf(about) === 'inputCount sha256 unitCount',
    `${unitCount} units of ${inputCount} inputs`,
  );
  const domain = fields(file.domain, 'domain');
  const kind = string(domain.kind, 'domain.kind');
  const bitCount = kind === 'lift' ? whole(domain.bitCount, 'domain.bitCount') : inputCount;
  add(
    'domain',
    (kind === 'cube' && keysOf(domain) === 'kind') ||
      (kind === 'lift' && keysOf(domain) === 'bitCount kind' && (bitCount * (bitCount + 1)) / 2 === inputCount) ||
      (kind === 'rows' && keysOf(domain) === 'kind label' && typeof domain.label === 'string'),
    `points that the network can be asked about: ${kind}`,
  );
  add('method', (kind === 'rows') === (method === 'rows'), `${method} is evidence about ${kind}`);

  const kLower = whole(file.kLower, 'kLower');
  const kUpper = whole(file.kUpper, 'kUpper');
  const notes = list(file.notes, 'notes');
  add(
    'notes',
    notes.every((note) => typeof note === 'string'),
    'notes are text',
  );
  add('interval', kLower <= kUpper && kUpper <= unitCount, `${kLower} <= ${kUpper}`);
  const label = method === 'milp' ? 'solver bound' : 'proved';
  add('label', file.upperBound === label, `the upper bound is called ${label}`);
  add('exact', file.exact === (method !== 'milp' && kLower === kUpper), `exact only where a proof meets a point`);
  checkMemory(unitCount, weightCount, options);
  const units: WholeUnit[] = [];
  for (const row of rowsOf(network)) {
    const wait = turn();
    if (wait !== undefined) await wait;
    if (![...row.weights, row.bias].every(Number.isFinite)) {
      add('numbers', false, 'weights and biases are finite');
      return;
    }
    units.push(wholeUnit(row));
  }
  const space: Space = { kind, bitCount, inputCount };
  checkWitness(file, space, units, kLower, options, add, leave);
  const job: Job = { evidence, kLower, kUpper, units, space, options, add, leave, turn };
  if (method === 'sweep') await checkSweep(job);
  else if (method === 'conflicts') await checkConflicts(job);
  else if (method === 'rows') await checkRows(job);
  else if (method === 'sample') await checkSample(job);
  else {
    const solver = string(evidence.solver, 'evidence.solver');
    add('solver', evidence.status === 'optimal' || evidence.status === 'limit', `stated by ${solver}`);
    leave('upper bound', `${kUpper} is a solver bound: floating-point branch and bound, with no proof to check`);
  }
}

interface Space {
  readonly kind: string;
  readonly bitCount: number;
  readonly inputCount: number;
}

interface Job {
  readonly evidence: Fields;
  readonly kLower: number;
  readonly kUpper: number;
  readonly units: readonly WholeUnit[];
  readonly space: Space;
  readonly options: CheckOptions;
  readonly add: (what: string, passed: boolean, detail: string) => boolean;
  readonly leave: (what: string, detail: string) => void;
  readonly turn: Turn;
}

function checkWitness(
  file: Fields,
  space: Space,
  units: readonly WholeUnit[],
  kLower: number,
  options: CheckOptions,
  add: Job['add'],
  leave: Job['leave'],
): void {
  if (file.witness === null) {
    add('witness', space.kind === 'rows' && kLower === 0, 'no point, so no active units');
    return;
  }
  const witness = fields(file.witness, 'witness');
  const bits = string(witness.bits, 'witness.bits');
  if (!/^[01]*$/.test(bits) || bits.length !== space.bitCount || keysOf(witness) !== 'bits row') {
    add('witness', false, `the witness has ${bits.length} bits; expected ${space.bitCount}, each 0 or 1`);
    return;
  }
  const active = activeAt(
    units,
    signsOf(space, (bit) => bits[bit] === '1'),
  );
  add('witness', active === kLower, `${active} units are active at the point, ${kLower} are claimed`);
  if (space.kind !== 'rows') {
    if (witness.row !== null) add('witness row', false, 'a point of the cube or a lift is no row');
    return;
  }
  const row = whole(witness.row, 'witness.row');
  const { points } = options;
  if (points === undefined) {
    leave('witness row', 'no points were given');
    return;
  }
  const equal = row < points.rowCount && Array.from(bits).every((bit, i) => bit === String(pointBit(points, row, i)));
  add('witness row', equal, `row ${row} is the point`);
}

async function checkSweep(job: Job): Promise<void> {
  const { evidence, kLower, kUpper, units, space, add, leave, options } = job;
  const histogram = wholes(evidence.histogram, 'evidence.histogram');
  const unitCounts = wholes(evidence.unitCounts, 'evidence.unitCounts');
  const bits = bitsThatMatter(units, space);
  add('swept bits', evidence.sweptBits === bits.length, `${bits.length} bits matter`);
  if (bits.length > MAX_SWEPT_BITS) {
    add('counts', false, `nobody sweeps ${bits.length} bits`);
    return;
  }
  checkHistogram(job, histogram, unitCounts, 2 ** bits.length);
  add('upper bound is the count', kLower === kUpper, 'a sweep leaves no interval');
  if (options.rerunSweep !== true) {
    leave('sweep', `not run again; ask for it to count ${2 ** bits.length} points`);
    return;
  }
  const again = await sweepAgain(job, bits);
  add(
    'sweep',
    sameNumbers(again.histogram, histogram) && sameNumbers(again.unitCounts, unitCounts),
    `run again over ${2 ** bits.length} points: at most ${again.histogram.length - 1} units are active`,
  );
}

function checkHistogram(
  { kUpper, units, add }: Job,
  histogram: readonly number[],
  unitCounts: readonly number[],
  pointCount: number,
): void {
  const points = histogram.reduce((sum, value) => sum + BigInt(value), 0n);
  const activations = histogram.reduce((sum, value, a) => sum + BigInt(a) * BigInt(value), 0n);
  const firings = unitCounts.reduce((sum, value) => sum + BigInt(value), 0n);
  const largest = histogram.length - 1;
  add(
    'counts',
    points === BigInt(pointCount) &&
      unitCounts.length === units.length &&
      activations === firings &&
      largest === kUpper &&
      (histogram[largest] > 0 || pointCount === 0),
    `the counts are of ${pointCount} points, agree with each other and end at ${kUpper}`,
  );
}

// One bit flips between neighbours of a Gray code; a level is start - the steps of coordinates at -1.
async function sweepAgain(
  { units, space, turn, options }: Job,
  bits: readonly number[],
): Promise<{ readonly histogram: number[]; readonly unitCounts: number[] }> {
  const unitCounts = new Array<number>(units.length).fill(0);
  const histogram = new Array<number>(units.length + 1).fill(0);
  const total = 2 ** bits.length;
  const negative = new Array<boolean>(space.inputCount).fill(false);
  const levels = units.map((unit) => unit.start);
  // Doubles hold these levels exactly; only larger ones need big integers.
  const isSmall = units.every((unit) => unit.norm + (unit.start < 0n ? -unit.start : unit.start) < 2n ** 53n);
  const numbers = Float64Array.from(isSmall ? levels : [], Number);
  const changes = bits.map((bit) => {
    const inputs = inputsOfBit(space, bit);
    return inputs.map((input) => ({
      input,
      entries: units.flatMap((unit, j) => {
        const at = unit.inputs.indexOf(input);
        return at < 0 ? [] : [{ j, step: unit.steps[at] }];
      }),
    }));
  });
  const flat = changes.map((inputs) =>
    inputs
      .filter(({ entries }) => entries.length > 0)
      .map(({ input, entries }) => ({
        input,
        units: Int32Array.from(entries, ({ j }) => j),
        steps: Float64Array.from(isSmall ? entries : [], ({ step }) => Number(step)),
        entries,
      })),
  );
  for (let index = 0; index < total; index++) {
    if ((index & 1023) === 0) {
      const wait = turn();
      if (wait !== undefined) {
        await wait;
        options.onProgress?.({ phase: 'sweeping again', done: index, total, unit: 'steps' });
      }
    }
    if (index > 0) {
      let bit = 0;
      for (let rest = index; rest % 2 === 0; rest /= 2) bit++;
      for (const { input, units: changed, steps, entries } of flat[bit]) {
        const sign = negative[input] ? 1 : -1;
        negative[input] = !negative[input];
        if (isSmall) for (let e = 0; e < changed.length; e++) numbers[changed[e]] += sign * steps[e];
        else for (const { j, step } of entries) levels[j] += BigInt(sign) * step;
      }
    }
    let active = 0;
    for (let j = 0; j < units.length; j++) {
      if (isSmall ? numbers[j] > 0 : levels[j] > 0n) {
        active++;
        unitCounts[j]++;
      }
    }
    histogram[active]++;
  }
  while (histogram.length > 1 && histogram[histogram.length - 1] === 0) histogram.pop();
  return { histogram, unitCounts };
}

async function checkConflicts(job: Job): Promise<void> {
  const { evidence, kUpper, units, add, turn } = job;
  const deadUnits = wholes(evidence.deadUnits, 'evidence.deadUnits');
  const classes = list(evidence.classes, 'evidence.classes').map((members, c) =>
    wholes(members, `evidence.classes.${c}`),
  );
  const all = [...deadUnits, ...classes.flat()].sort((a, b) => a - b);
  add(
    'partition',
    all.length === units.length && all.every((unit, j) => unit === j) && classes.every((members) => members.length > 0),
    `every unit is dead or in one of ${classes.length} classes`,
  );
  add(
    'dead units',
    deadUnits.every((j) => j < units.length && isDead(units[j])),
    `${deadUnits.length} units are active nowhere on the cube`,
  );
  let pairs = 0;
  let failed = '';
  for (const members of classes) {
    for (let a = 1; a < members.length && failed === ''; a++) {
      for (let b = 0; b < a && failed === ''; b++) {
        if ((++pairs & 255) === 0) {
          const wait = turn();
          if (wait !== undefined) await wait;
        }
        const [i, j] = [members[a], members[b]];
        if (i >= units.length || j >= units.length || i === j || !areInConflict(units[i], units[j])) {
          failed = `units ${j} and ${i} are in one class but may be active together`;
        }
      }
    }
  }
  add('conflicts', failed === '', failed === '' ? `${pairs} pairs of one class are in conflict` : failed);
  add('upper bound is the partition', classes.length === kUpper, `${classes.length} classes, ${kUpper} claimed`);
}

async function checkRows(job: Job): Promise<void> {
  const { evidence, kLower, kUpper, units, space, add, leave, options, turn } = job;
  const histogram = wholes(evidence.histogram, 'evidence.histogram');
  const unitCounts = wholes(evidence.unitCounts, 'evidence.unitCounts');
  const rowCount = whole(evidence.rowCount, 'evidence.rowCount');
  checkHistogram(job, histogram, unitCounts, rowCount);
  add('upper bound is the count', kLower === kUpper, 'counting leaves no interval');
  const { points } = options;
  if (points === undefined) {
    leave('rows', 'no points were given');
    return;
  }
  const bytes = new Uint8Array(16 + points.planes.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(points.rowCount), true);
  view.setBigUint64(8, BigInt(points.coordinateCount), true);
  bytes.set(points.planes, 16);
  const same = (await digest(bytes)) === evidence.pointsSha256;
  if (!add('points', same && points.coordinateCount === space.inputCount, 'the points are those of the certificate'))
    return;
  const ownHistogram = new Array<number>(units.length + 1).fill(0);
  const ownCounts = new Array<number>(units.length).fill(0);
  const isNegative = (row: number) => (input: number) => pointBit(points, row, input) === 1;
  for (let row = 0; row < points.rowCount; row++) {
    const wait = turn();
    if (wait !== undefined) await wait;
    let active = 0;
    units.forEach((unit, j) => {
      if (!isActive(unit, isNegative(row))) return;
      active++;
      ownCounts[j]++;
    });
    ownHistogram[active]++;
  }
  while (ownHistogram.length > 1 && ownHistogram[ownHistogram.length - 1] === 0) ownHistogram.pop();
  add(
    'rows',
    points.rowCount === rowCount && sameNumbers(ownHistogram, histogram) && sameNumbers(ownCounts, unitCounts),
    `${points.rowCount} rows counted again`,
  );
}

async function checkSample({ evidence, kLower, kUpper, units, add, leave, turn }: Job): Promise<void> {
  const deadUnits = wholes(evidence.deadUnits, 'evidence.deadUnits');
  const isValidList = new Set(deadUnits).size === deadUnits.length && deadUnits.every((j) => j < units.length);
  add(
    'dead units',
    isValidList && deadUnits.every((j) => isDead(units[j])),
    `${deadUnits.length} units are active nowhere`,
  );
  add(
    'upper bound is the live units',
    kUpper === units.length - deadUnits.length,
    `${units.length - deadUnits.length}`,
  );
  const histogram = wholes(evidence.histogram, 'evidence.histogram');
  const k = whole(evidence.k, 'evidence.k');
  const sampleCount = whole(evidence.sampleCount, 'evidence.sampleCount');
  const aboveCount = whole(evidence.aboveCount, 'evidence.aboveCount');
  const sum = (from: number): number => histogram.slice(from).reduce((total, value) => total + value, 0);
  add(
    'counts',
    sum(0) === sampleCount &&
      sampleCount > 0 &&
      sum(k + 1) === aboveCount &&
      histogram.length - 1 === kLower &&
      histogram[kLower] > 0,
    `${aboveCount} of ${sampleCount} samples have more than ${k} active units`,
  );
  const limit = number(evidence.shareUpperLimit, 'evidence.shareUpperLimit');
  const delta = number(evidence.confidenceDelta, 'evidence.confidenceDelta');
  const choice = evidence.choice;
  // With the limit as the true share, so few samples above k must have probability at most delta, and hardly less.
  const likely = (above: number): Promise<number> => binomialAtMost(above, sampleCount, limit, turn);
  const isCounted = sum(0) === sampleCount && aboveCount <= sampleCount && limit > 0;
  const chance = isCounted ? await likely(aboveCount) : Number.NaN;
  const isTight = limit === 1 ? aboveCount === sampleCount : Math.abs(chance / delta - 1) < 1e-6;
  const before = k === 0 ? 1 : isCounted && choice === 'threshold' ? await likely(sum(k)) : Number.NaN;
  const holds =
    delta > 0 &&
    delta < 1 &&
    limit > 0 &&
    limit <= 1 &&
    (choice === 'beforehand'
      ? isTight
      : choice === 'largest-seen'
        ? isTight && k === kLower
        : choice === 'threshold' && chance <= delta * (1 + 1e-9) && (k === 0 || before > delta));
  add('limit', holds, `Clopper-Pearson limit ${limit} at confidence ${1 - delta}`);
  number(evidence.seed, 'evidence.seed');
  leave('sample', 'the points were not drawn again');
}

// Pr[Bin(m, p) <= a] by its terms, kept as a multiple of the largest so far: a file may state any counts.
async function binomialAtMost(a: number, m: number, p: number, turn: Turn): Promise<number> {
  if (p >= 1) return a >= m ? 1 : 0;
  let logTerm = m * Math.log1p(-p);
  let top = logTerm;
  let total = 1;
  for (let i = 1; i <= a; i++) {
    logTerm += Math.log((m - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    if (logTerm > top) {
      total = total * Math.exp(top - logTerm) + 1;
      top = logTerm;
    } else total += Math.exp(logTerm - top);
    if ((i & 4095) === 0) {
      const wait = turn();
      if (wait !== undefined) await wait;
    }
  }
  return Math.exp(top) * total;
}

/** A unit over a common denominator: active where start - (sum of steps where x_i = -1) > 0, which are all whole. */
interface WholeUnit {
  readonly start: bigint;
  /** The inputs that matter, ascending, and their steps; the sum of |steps|. */
  readonly inputs: readonly number[];
  readonly steps: readonly bigint[];
  readonly norm: bigint;
  /** b+ in the same numbers: the unit is active where <steps, x> >= least. */
  readonly least: bigint;
  /** Doubles of steps and `least` where products of them stay exact, else undefined. */
  readonly small: { readonly steps: Float64Array; readonly least: number } | undefined;
}

// Every double is m 2^e. Over the least e all numbers are whole; dividing by g = gcd(w), <w,x>/g has the parity of
// sum w / g everywhere, so (sum w/g - <w,x>/g) / 2 is whole, and <w,x> > b is level = ... >= 1, a whole number again.
function wholeUnit(row: UnitRow): WholeUnit {
  const fractions = [...row.weights, row.bias].map(fractionOf);
  const least = fractions.reduce((low, { m, e }) => (m === 0n ? low : Math.min(low, e)), Number.POSITIVE_INFINITY);
  const integers = fractions.map(({ m, e }) => (m === 0n ? 0n : m << BigInt(e - least)));
  const bias = integers.pop() as bigint;
  const g = integers.reduce(commonDivisor, 0n);
  const steps = g === 0n ? integers : integers.map((value) => value / g);
  const norm = steps.reduce((sum, step) => sum + (step < 0n ? -step : step), 0n);
  const sum = steps.reduce((total, step) => total + step, 0n);
  let start: bigint;
  if (g === 0n) start = bias < 0n ? 1n : 0n;
  else {
    // g (sum - 2z) > bias for whole z is z < start.
    const room = g * sum - bias;
    start = ceilingOf(room, 2n * g);
  }
  const leastAbove = g === 0n ? (bias < 0n ? 0n : 1n) : sum - 2n * (start - 1n);
  const isSmall = norm < 2n ** 24n && leastAbove < 2n ** 24n && leastAbove > -(2n ** 24n);
  const small = isSmall ? { steps: Float64Array.from(steps, Number), least: Number(leastAbove) } : undefined;
  return { start, inputs: row.inputs, steps, norm, least: leastAbove, small };
}

function ceilingOf(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a > 0n && quotient * b !== a ? quotient + 1n : quotient;
}

function fractionOf(value: number): { readonly m: bigint; readonly e: number } {
  let e = 0;
  let m = value;
  // Halving and doubling are exact; subnormals reach whole numbers at 2^1074.
  while (!Number.isInteger(m)) {
    const step = Math.abs(m) < 2 ** -900 ? 512 : 1;
    m *= 2 ** step;
    e -= step;
  }
  let integer = BigInt(m);
  while (integer !== 0n && integer % 2n === 0n) {
    integer /= 2n;
    e++;
  }
  return { m: integer, e };
}

function commonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function isActive(unit: WholeUnit, isNegative: (input: number) => boolean): boolean {
  let level = unit.start;
  unit.inputs.forEach((input, at) => {
    if (isNegative(input)) level -= unit.steps[at];
  });
  return level > 0n;
}

function activeAt(units: readonly WholeUnit[], isNegative: (input: number) => boolean): number {
  return units.filter((unit) => isActive(unit, isNegative)).length;
}

function isDead(unit: WholeUnit): boolean {
  return unit.norm < unit.least;
}

// The definition with whole multipliers a, b of the two units: ||a w + b v||_1 < a b+ + b c+, at the multipliers where
// some coordinate of a w + b v vanishes.
function areInConflict(p: WholeUnit, q: WholeUnit): boolean {
  if (p.small !== undefined && q.small !== undefined) {
    const { steps: w, least: pLeast } = p.small;
    const { steps: v, least: qLeast } = q.small;
    for (let s = 0, t = 0; s < w.length && t < v.length; ) {
      const [i, l] = [p.inputs[s], q.inputs[t]];
      if (i === l && w[s] * v[t] < 0 && excludes(Math.abs(v[t]), Math.abs(w[s]))) return true;
      if (i <= l) s++;
      if (l <= i) t++;
    }
    return false;

    function excludes(a: number, b: number): boolean {
      let norm = 0;
      let s = 0;
      let t = 0;
      while (s < w.length || t < v.length) {
        const i = s < w.length ? p.inputs[s] : Number.POSITIVE_INFINITY;
        const l = t < v.length ? q.inputs[t] : Number.POSITIVE_INFINITY;
        norm += Math.abs((i <= l ? a * w[s] : 0) + (l <= i ? b * v[t] : 0));
        if (i <= l) s++;
        if (l <= i) t++;
      }
      return norm < a * pLeast + b * qLeast;
    }
  }
  const steps = new Map<number, [bigint, bigint]>();
  p.inputs.forEach((input, at) => {
    steps.set(input, [p.steps[at], 0n]);
  });
  q.inputs.forEach((input, at) => {
    steps.set(input, [steps.get(input)?.[0] ?? 0n, q.steps[at]]);
  });
  return [...steps.values()].some(([pStep, qStep]) => {
    if (pStep * qStep >= 0n) return false;
    const a = sizeOf(qStep);
    const b = sizeOf(pStep);
    let norm = 0n;
    for (const [own, other] of steps.values()) norm += sizeOf(a * own + b * other);
    return norm < a * p.least + b * q.least;
  });
}

function sizeOf(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Whether a coordinate of the network is -1, from the bits of the domain. */
function signsOf({ kind, bitCount }: Space, bit: (b: number) => boolean): (input: number) => boolean {
  if (kind !== 'lift') return bit;
  return (input) => {
    const [i, l] = bitsOf(bitCount, input);
    return l < 0 ? bit(i) : bit(i) !== bit(l);
  };
}

// Coordinates of a lift: the bits, then y_0 y_1, y_0 y_2, y_1 y_2, y_0 y_3, ...
function bitsOf(bitCount: number, input: number): readonly [number, number] {
  if (input < bitCount) return [input, -1];
  let at = bitCount;
  for (let l = 1; ; l++) {
    if (input < at + l) return [input - at, l];
    at += l;
  }
}

function inputsOfBit({ kind, bitCount, inputCount }: Space, bit: number): number[] {
  if (kind !== 'lift') return [bit];
  return Array.from({ length: inputCount }, (_, input) => input).filter((input) =>
    bitsOf(bitCount, input).includes(bit),
  );
}

function bitsThatMatter(units: readonly WholeUnit[], { kind, bitCount }: Space): number[] {
  const bits = new Set<number>();
  for (const unit of units) {
    // Dead, or active even where every weight counts against it.
    if (isDead(unit) || -unit.norm >= unit.least) continue;
    for (const input of unit.inputs) {
      const [i, l] = kind === 'lift' ? bitsOf(bitCount, input) : [input, -1];
      bits.add(i);
      if (l >= 0) bits.add(l);
    }
  }
  return [...bits].sort((a, b) => a - b);
}

function pointBit(points: CubePoints, row: number, coordinate: number): number {
  return (points.planes[Math.floor(coordinate / 8) * points.rowCount + row] >> (coordinate % 8)) & 1;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** A unit by its weights other than zero, of the inputs in ascending order. */
interface UnitRow {
  readonly inputs: readonly number[];
  readonly weights: readonly number[];
  readonly bias: number;
}

function* rowsOf(network: AnyNetwork): Generator<UnitRow, void> {
  if ('part' in network) {
    yield* leavesOf(network.part);
    return;
  }
  const { inputCount, unitCount } = network;
  for (let j = 0; j < unitCount; j++) {
    const inputs: number[] = [];
    const weights: number[] = [];
    network.weights.subarray(j * inputCount, (j + 1) * inputCount).forEach((weight, i) => {
      if (weight === 0) return;
      inputs.push(i);
      weights.push(weight);
    });
    yield { inputs, weights, bias: network.biases[j] };
  }
}

type Trees = Extract<AnyNetwork, { readonly part: unknown }>['part'];

// A leaf that some point reaches and whose value is not 0 is a unit: +1 for every no on its path, -1 for every yes. The
// intercept is added to the first tree.
function* leavesOf({ form, output, outputs, trees }: Trees): Generator<UnitRow, void> {
  const own = trees.filter((tree) => tree.output === output);
  const grown = own.length > 0 ? own : [{ questions: [-1], leaves: [0] }];
  for (const [t, { questions, leaves }] of grown.entries()) {
    const path: { readonly question: number; yes: boolean }[] = [];
    let leaf = 0;
    for (const question of questions) {
      if (question >= 0) {
        path.push({ question, yes: false });
        continue;
      }
      const value = leaves[leaf++] + (t === 0 ? outputs[output].intercept : 0);
      const signs = new Map(path.map((step) => [step.question, step.yes ? -1 : 1]));
      const isReached = path.every((step) => (signs.get(step.question) === -1) === step.yes);
      if (isReached && value !== 0) {
        const inputs = [...signs.keys()].sort((a, b) => a - b);
        const weights = inputs.map((input) => signs.get(input) as number);
        yield { inputs, weights, bias: inputs.length - (form === 'paper' ? 1 : 2) };
      }
      // Back to the last question that was answered no, and from there on its yes.
      while (path.at(-1)?.yes === true) path.pop();
      const last = path.at(-1);
      if (last !== undefined) last.yes = true;
    }
  }
}

// Trees are counted here, not believed.
async function shapeOf(
  network: AnyNetwork,
  turn: Turn,
): Promise<{ readonly inputCount: number; readonly unitCount: number; readonly weightCount: number }> {
  let unitCount = 0;
  let weightCount = 0;
  for (const { inputs } of rowsOf(network)) {
    const wait = turn();
    if (wait !== undefined) await wait;
    unitCount++;
    weightCount += inputs.length;
  }
  return { inputCount: 'part' in network ? network.part.questions.length : network.inputCount, unitCount, weightCount };
}

/** What a unit takes in whole numbers, and each of its weights. */
const UNIT_BYTES = 600;
const WEIGHT_BYTES = 100;

function checkMemory(unitCount: number, weightCount: number, { memoryLimitBytes }: CheckOptions): void {
  const needed = UNIT_BYTES * unitCount + WEIGHT_BYTES * weightCount;
  if (memoryLimitBytes === undefined || needed <= memoryLimitBytes) return;
  throw new FewfireError(
    'memory-budget',
    `checking ${unitCount} units in whole numbers needs ${Math.ceil(needed / 1e6)} MB, more than the ${Math.floor(memoryLimitBytes / 1e6)} MB allowed; allow more memory`,
  );
}

// What a network's checksum is over, in its file and in a certificate: its trees, or its units, rows of weights last and
// apart, because together they may be longer than a string can be.
function contentOf(network: AnyNetwork): string[] {
  if ('part' in network) return [sortedJson({ trees: network.part })];
  const { inputCount, unitCount, weights, biases, outputWeights, domain, provenance } = network;
  const head = { inputCount, domain, provenance, biases: Array.from(biases), outputWeights: Array.from(outputWeights) };
  const texts = [sortedJson(head).slice(0, -1), ',"weights":['];
  for (let j = 0; j < unitCount; j++) {
    const row = JSON.stringify(Array.from(weights.slice(j * inputCount, (j + 1) * inputCount)));
    texts.push(j === 0 ? row : `,${row}`);
  }
  texts.push(']}');
  return texts;
}

function sortedJson(value: unknown, depth = 0): string {
  if (depth > MAX_NESTING) throw new Damaged(`the content is nested more than ${MAX_NESTING} deep`);
  const inner = (entry: unknown): string => sortedJson(entry, depth + 1);
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${inner(entry)}`).join(',')}}`;
}

function sha256(texts: readonly string[]): Promise<string> {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of encoded) {
    bytes.set(part, at);
    at += part.length;
  }
  return digest(bytes);
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes));
  let text = '';
  for (const byte of hash) text += (byte + 256).toString(16).slice(1);
  return text;
}

function readFile(text: string): Fields {
  let data: unknown;
  try {
    data = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new FewfireError(
      'invalid-data',
      'the certificate is not whole JSON (truncated or damaged); expected a file written by fewfire network certify: copy it again or certify again',
      { cause },
    );
  }
  const file = typeof data === 'object' && data !== null ? (data as Fields) : {};
  if (file.format !== 'fewfire-certificate' || file.version !== 1) {
    throw new FewfireError(
      'invalid-data',
      `the file has format ${briefly(file.format)}, version ${briefly(file.version)}; expected fewfire-certificate, version 1: use a file written by fewfire network certify`,
    );
  }
  return file;
}

// Not what is in an object: it may be nested without end.
function briefly(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value ?? null).slice(0, 60);
}

function keysOf(value: Fields): string {
  return Object.keys(value).sort().join(' ');
}

function fields(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Damaged(`${name} is missing or not an object`);
}

function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Damaged(`${name} is missing or not a list`);
}

function string(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new Damaged(`${name} is missing or not text`);
}

function number(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Damaged(`${name} is missing or not a number`);
}

function whole(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Damaged(`${name} is missing or not a whole number`);
}

function wholes(value: unknown, name: string): number[] {
  return list(value, name).map((entry, at) => whole(entry, `${name}.${at}`));
}
