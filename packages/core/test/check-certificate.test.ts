/** The checker accepts what is true and refuses every corruption of a certificate or its network. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CertificateReport,
  type CheckOptions,
  type CubePoints,
  certifySparsity,
  checkCertificate,
  createNetwork,
  createRandom,
  liftedParityNetwork,
  type MilpSolver,
  randomEnsembleNetwork,
  type SparseNetwork,
  serializeCertificate,
} from '../src/index.ts';
import { checksumOf, networkChecksum } from '../src/internal.ts';
import { randomPoints } from './helpers.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Case {
  readonly network: SparseNetwork;
  readonly text: string;
  readonly points?: CubePoints;
  /**
   * Paths whose forging cannot be seen: nobody claims anything by them, only the solver or the seed knows, or what is
   * forged is as true (another point with as many active units).
   */
  readonly free: readonly string[];
}

/** Proves nothing but its own word. */
const guess: MilpSolver = {
  name: 'guess',
  solve: (problem) => Promise.resolve({ status: 'optimal', provenUpperBound: problem.columnCount }),
};

let cases: Record<string, Case>;

beforeAll(async () => {
  const { network: forest } = randomEnsembleNetwork({ inputCount: 9, treeCount: 2, depth: 3, seed: 4 });
  const { network: lifted } = liftedParityNetwork({ bitCount: 5, subset: [0, 2, 3] });
  const random = createRandom(8);
  const floats = createNetwork({
    inputCount: 6,
    weights: Float64Array.from({ length: 30 }, () => random.normal()),
    biases: [0.5, 1, 50, 0, -0.25],
    outputWeights: [1, -1, 2, 1, 1],
  });
  const points = randomPoints(40, 9, random);
  const text = async (network: SparseNetwork, options: Parameters<typeof certifySparsity>[1]): Promise<string> =>
    serializeCertificate({ ...(await certifySparsity(network, options)), notes: ['a note'] });
  cases = {
    sweep: { network: forest, text: await text(forest, { method: 'sweep' }), free: ['notes.0', 'witness.bits'] },
    'sweep of doubles': { network: floats, text: await text(floats, { method: 'sweep' }), free: ['notes.0'] },
    'sweep of a lift': {
      network: lifted,
      text: await text(lifted, { method: 'sweep' }),
      free: ['notes.0', 'witness.bits'],
    },
    conflicts: {
      network: forest,
      text: await text(forest, { method: 'conflicts' }),
      free: ['notes.0', 'witness.bits'],
    },
    rows: {
      network: forest,
      text: await text(forest, { domain: { kind: 'rows', label: 'forty' }, points }),
      points,
      free: ['domain.label', 'notes.0'],
    },
    sample: {
      network: floats,
      text: await text(floats, { method: 'sample', sampleCount: 300, k: 1 }),
      free: ['evidence.seed', 'notes.0'],
    },
    milp: {
      network: floats,
      text: await text(floats, { method: 'milp', solver: guess }),
      // How far up a solver's bound is cannot be seen; that it is above kLower can.
      free: ['evidence.solver', 'kUpper', 'notes.0'],
    },
  };
});

const names = ['sweep', 'sweep of doubles', 'sweep of a lift', 'conflicts', 'rows', 'sample', 'milp'];

function check(entry: Case, text = entry.text, options: CheckOptions = {}): Promise<CertificateReport> {
  return checkCertificate(text, entry.network, { points: entry.points, rerunSweep: true, ...options });
}

/** The next double away from zero. */
function neighbour(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0);
}

/** Every way to damage one place of a JSON value, with the path of the place. */
function* corruptions(value: Json, path: string): Generator<readonly [string, Json]> {
  if (typeof value === 'number') {
    yield [path, value + 1];
    if (value !== 0) yield [path, value - 1];
  } else if (typeof value === 'string') {
    yield [path, `${value}1`];
    yield [path, value.startsWith('1') ? `0${value.slice(1)}` : `1${value.slice(1)}`];
  } else if (typeof value === 'boolean') yield [path, !value];
  else if (value === null) yield [path, 0];
  else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      for (const [at, changed] of corruptions(value[i], `${path}${i}`)) yield [at, value.with(i, changed)];
    }
    if (value.length > 0) {
      yield [`${path}length`, value.slice(1)];
      yield [`${path}length`, [...value, value[0]]];
    }
  } else {
    for (const key of Object.keys(value)) {
      const separator = typeof value[key] === 'object' && value[key] !== null ? '.' : '';
      for (const [at, changed] of corruptions(value[key], `${path}${key}${separator}`)) {
        yield [at, { ...value, [key]: changed }];
      }
      const { [key]: _, ...rest } = value;
      yield [`${path}${key} left out`, rest];
    }
    yield [`${path}stray`, { ...value, stray: 1 }];
  }
}

async function signed(body: { [key: string]: Json }): Promise<string> {
  const { format, version, checksum: _, ...content } = body;
  return JSON.stringify({ format, version, checksum: await checksumOf(content), ...content });
}

async function fails(entry: Case, text: string): Promise<boolean> {
  try {
    return !(await check(entry, text)).valid;
  } catch (error) {
    expect(error).toMatchObject({ name: 'FewfireError', code: 'invalid-data' });
    return true;
  }
}

describe('checkCertificate', () => {
  it.each(names)('%s: accepts it, and says what it did not check', async (name) => {
    const report = await check(cases[name]);
    expect(report.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(report.valid).toBe(true);
    expect(report.complete).toBe(name !== 'sample' && name !== 'milp');
    const left = report.checks.filter(({ status }) => status === 'not independently checked').map(({ what }) => what);
    expect(left).toEqual(name === 'milp' ? ['upper bound'] : name === 'sample' ? ['sample'] : []);
  });

  it('a sweep that is not run again and rows without points are not called checked', async () => {
    const sweep = await check(cases.sweep, cases.sweep.text, { rerunSweep: false });
    expect([sweep.valid, sweep.complete]).toEqual([true, false]);
    const rows = await check(cases.rows, cases.rows.text, { points: undefined });
    expect([rows.valid, rows.complete]).toEqual([true, false]);
  });

  it.each(names)('%s: every damaged field fails', async (name) => {
    const entry = cases[name];
    let count = 0;
    for (const [path, changed] of corruptions(JSON.parse(entry.text), '')) {
      count++;
      expect([path, JSON.stringify(changed).slice(0, 0), await fails(entry, JSON.stringify(changed))]).toEqual([
        path,
        '',
        true,
      ]);
    }
    expect(count).toBeGreaterThan(40);
  });

  it.each(names)('%s: every forged field fails, with the checksum made anew, unless nothing can know', async (name) => {
    const entry = cases[name];
    const passed = new Set<string>();
    for (const [path, changed] of corruptions(JSON.parse(entry.text), '')) {
      if (path.startsWith('checksum')) continue;
      if (!(await fails(entry, await signed(changed as { [key: string]: Json })))) passed.add(path);
    }
    expect([...passed].sort()).toEqual([...entry.free, 'notes.length'].sort());
  });

  it.each(names)('%s: every change of the network fails', async (name) => {
    const entry = cases[name];
    const { network, text } = entry;
    const parts = ['weights', 'biases', 'outputWeights'] as const;
    for (const part of parts) {
      for (let i = 0; i < network[part].length; i++) {
        for (const value of [network[part][i] + 1, neighbour(network[part][i])]) {
          const other = { ...network, [part]: network[part].with(i, value) };
          expect(await fails({ ...entry, network: other }, text)).toBe(true);
        }
      }
    }
    const provenance = { ...network.provenance, seed: 99 };
    expect(await fails({ ...entry, network: { ...network, provenance } }, text)).toBe(true);
    const domain = network.domain.kind === 'lift' ? { kind: 'cube' as const } : { kind: 'rows' as const, label: 'x' };
    expect(await fails({ ...entry, network: { ...network, domain } }, text)).toBe(true);
  });

  it('a certificate signed for a changed network is refused for what it claims', async () => {
    for (const name of ['sweep', 'conflicts', 'rows']) {
      const entry = cases[name];
      const { inputCount } = entry.network;
      // The second leaf without its literals but one: it overlaps the others of its tree.
      const weights = entry.network.weights.slice();
      const literals = Array.from(weights.keys()).filter((i) => Math.floor(i / inputCount) === 1 && weights[i] !== 0);
      for (const i of literals.slice(1)) weights[i] = 0;
      const network = { ...entry.network, weights, biases: entry.network.biases.with(1, -0.5) };
      const body = JSON.parse(entry.text);
      body.network.sha256 = await networkChecksum(network);
      const report = await check({ ...entry, network }, await signed(body));
      expect(report.checks.find(({ what }) => what === 'network')?.status).toBe('verified');
      expect(report.valid).toBe(false);
    }
  });

  it('other points than those counted are refused', async () => {
    const entry = cases.rows;
    const points = entry.points as CubePoints;
    for (let i = 0; i < points.planes.length; i++) {
      const other = { ...points, planes: points.planes.with(i, points.planes[i] ^ 1) };
      expect((await check({ ...entry, points: other })).valid).toBe(false);
    }
  });

  it('refuses text that is no certificate', async () => {
    const { network } = cases.sweep;
    for (const text of ['', 'null', '[]', '{}', '{"format":"fewfire-model"}', cases.sweep.text.slice(0, 99)]) {
      await expect(checkCertificate(text, network)).rejects.toMatchObject({ code: 'invalid-data' });
    }
    const newer = cases.sweep.text.replace('"version":1', '"version":2');
    await expect(checkCertificate(newer, network)).rejects.toThrow('version 2');
  });

  it('agrees with the producer on any network: integers, doubles, ties', async () => {
    const numbers = fc.constantFrom(0, 1, -1, 2, -3, 0.1, -0.2, 0.3, 1 / 3, 1e-20, 2 ** 40, -(2 ** 60), 5e-324);
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 0, max: 6 })
          .chain((s) =>
            fc.tuple(
              fc.array(numbers, { minLength: 4 * s, maxLength: 4 * s }),
              fc.array(numbers, { minLength: s, maxLength: s }),
            ),
          ),
        async ([weights, biases]) => {
          const network = createNetwork({ inputCount: 4, weights, biases, outputWeights: biases });
          for (const method of ['sweep', 'conflicts', 'sample'] as const) {
            const certificate = await certifySparsity(network, { method, sampleCount: 20 });
            const report = await checkCertificate(await serializeCertificate(certificate), network, {
              rerunSweep: true,
            });
            expect(report.checks.filter(({ status }) => status === 'failed')).toEqual([]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('checks the 8,386,560 pairs of a tree with 4,096 leaves', async () => {
    const { network } = randomEnsembleNetwork({ inputCount: 60, treeCount: 1, depth: 12, seed: 5 });
    const text = await serializeCertificate(await certifySparsity(network));
    const report = await checkCertificate(text, network);
    expect([report.valid, report.complete]).toEqual([true, true]);
    expect(report.checks.find(({ what }) => what === 'conflicts')?.detail).toContain('8386560 pairs');
  });

  it('aborts', async () => {
    const network = createNetwork({
      inputCount: 26,
      weights: Float64Array.from({ length: 260 }, (_, i) => (i % 7) - 3),
      biases: new Float64Array(10),
      outputWeights: new Float64Array(10),
    });
    const text = await serializeCertificate(await certifySparsity(network, { method: 'sweep', threads: 2 }));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 10);
    const run = checkCertificate(text, network, { rerunSweep: true, signal: controller.signal });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  });
});

it('shares no code with the producer', () => {
  const source = readFileSync(new URL('../src/network/check-certificate.ts', import.meta.url), 'utf8');
  const imports = [...source.matchAll(/^import (.*) from '(.*)';$/gm)].map(([, what, from]) => `${what} ${from}`);
  expect(imports).toEqual([
    '{ checkRunOptions, createTurn, FewfireError, type RunOptions, type Turn } ../base/index.ts',
    'type { CubePoints } ../cube/index.ts',
    'type { AnyNetwork } ./tree-network.ts',
  ]);
});

describe('a hostile certificate costs a report, not the process', () => {
  const network = createNetwork({ inputCount: 2, weights: [1, 1], biases: [0], outputWeights: [1] });
  const forged = async (change: (file: { [key: string]: Json }) => void): Promise<string> => {
    const certificate = await certifySparsity(network, { method: 'sample', sampleCount: 100, k: 0 });
    const file = JSON.parse(await serializeCertificate(certificate));
    change(file);
    return JSON.stringify(file);
  };

  it('with counts of billions stops when asked to', async () => {
    const text = await forged(({ evidence }) => {
      Object.assign(evidence as object, {
        sampleCount: 2 ** 40,
        aboveCount: 2 ** 40 - 1,
        histogram: [1, 2 ** 40 - 1],
        shareUpperLimit: 0.5,
      });
    });
    await expect(checkCertificate(text, network, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/time/);
  });

  it('nested a hundred thousand deep is damaged', async () => {
    const text = (await forged(() => {})).replace('"notes":[]', `"notes":${'['.repeat(1e5)}${']'.repeat(1e5)}`);
    expect((await checkCertificate(text, network)).valid).toBe(false);
  });

  it('of a sweep over more bits than there are doubles', async () => {
    const wide = createNetwork({
      inputCount: 1100,
      weights: new Float64Array(1100).fill(1),
      biases: [0],
      outputWeights: [1],
    });
    const file = JSON.parse(await serializeCertificate(await certifySparsity(wide, { method: 'conflicts' })));
    file.evidence = { method: 'sweep', sweptBits: 1100, histogram: [0, 1], unitCounts: [1] };
    expect((await checkCertificate(JSON.stringify(file), wide, { rerunSweep: true })).valid).toBe(false);
  });
});

it('hashes a network whose parameters have numbers for names as the producer does', async () => {
  const network = createNetwork({
    inputCount: 2,
    weights: [1, 1],
    biases: [0],
    outputWeights: [1],
    provenance: { family: 'custom', parameters: { 10: 1, 9: 2, '-1': 3 }, seed: null },
  });
  const text = await serializeCertificate(await certifySparsity(network));
  expect((await checkCertificate(text, network, { rerunSweep: true })).complete).toBe(true);
});
