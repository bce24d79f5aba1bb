/** The network commands end to end: make, show, certify, verify, sample, import, plan. One family of each as real processes. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNetwork, serializeNetwork } from '@fewfire/core';
import { checksumOf } from '@fewfire/core/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import {
  commandHost,
  type Finished,
  fewfire,
  interruptAtWork,
  parseCsv,
  peakMemory,
  type Run,
  root,
  temporaryFolder,
} from './run.ts';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

const hosted = commandHost();

async function succeed(args: readonly string[], run: Run = hosted): Promise<Finished> {
  const done = await run(args);
  expect({ code: done.code, stderr: done.code === 0 ? '' : done.stderr }).toEqual({ code: 0, stderr: '' });
  return done;
}

async function json(args: readonly string[], run: Run = hosted): Promise<Record<string, never>> {
  return JSON.parse((await succeed([...args, '--json'], run)).stdout);
}

// Commands to be copied stay on one line, however long the names of files are.
function expectWithin(text: string, width: number): void {
  const lines = text.split('\n').filter((line) => !line.startsWith('  fewfire '));
  for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
}

interface Family {
  readonly family: string;
  readonly flags: string;
  readonly n: number;
  readonly s: number;
  /** As certified. */
  readonly k: number;
  /** As claimed; the same unless it has to be measured. */
  readonly claimed?: number | null;
}

const families: readonly Family[] = [
  { family: 'junta', flags: '--inputs 10 --coordinates 2,5 --table 1,0,0,-3', n: 10, s: 2, k: 1 },
  { family: 'parity', flags: '--inputs 12 --size 4 --seed 2', n: 12, s: 16, k: 1 },
  { family: 'decision-tree', flags: '--inputs 12 --depth 4', n: 12, s: 16, k: 1 },
  { family: 'ensemble', flags: '--inputs 12 --trees 3 --depth 3 --intercept 0.5', n: 12, s: 24, k: 3 },
  { family: 'indexing', flags: '--address-bits 3 --values sign', n: 11, s: 16, k: 1 },
  { family: 'gated-indexing', flags: '--address-bits 2 --data-bits 8', n: 10, s: 4, k: 1 },
  { family: 'halfspaces', flags: '--inputs 12 --units 20 --firing-rate 0.05', n: 12, s: 20, k: 6, claimed: null },
  { family: 'dense-control', flags: '--inputs 12 --units 20', n: 12, s: 20, k: 17, claimed: 20 },
  { family: 'dense-parity', flags: '--inputs 8', n: 8, s: 9, k: 9 },
  { family: 'extremal', flags: '--inputs 10 --size 3 --copies 2 --form tight', n: 10, s: 16, k: 2 },
  { family: 'lifted-parity', flags: '--bits 8 --subset-size 6 --seed 3', n: 36, s: 7, k: 1 },
  { family: 'rounding', flags: '--dimension 2 --modulus 4 --rounded-modulus 2', n: 10, s: 8, k: 1 },
];

describe.each(families)('$family', ({ family, flags, n, s, k, claimed = k }) => {
  const net = inFolder(`${family}.json`);
  const certificate = inFolder(`${family}.certificate.json`);
  // As users do, a process for each command, and the rest in one.
  const run: Run = family === 'junta' ? fewfire : hosted;

  it('is made, shown, certified and verified', async () => {
    const make = ['network', 'make', family, ...flags.split(' '), '--out', net];
    const made = await succeed(make, run);
    expectWithin(made.stdout, 80);
    expect(made.stdout).toContain(`n = ${n} inputs, s = `);
    expect(made.stdout).toContain(claimed === null ? 'certify measures it' : `k = ${claimed} (claimed by the family`);
    const facts = await json(make, run);
    expect(facts).toMatchObject({ inputCount: n, unitCount: s, claimedSparsity: claimed });

    const shown = await succeed(['network', 'show', net], run);
    expectWithin(shown.stdout, 80);
    expect(shown.stdout).toContain(`k = ${k} (exact`);
    expect(shown.stdout).toContain('average sensitivity');
    const show = await json(['network', 'show', net], run);
    expect(show).toMatchObject({
      inputCount: n,
      unitCount: s,
      scale: facts.scale,
      domain: facts.domain,
      firingRates: { kind: 'exact' },
      sparsity: { kind: 'exact', kLower: k, kUpper: k },
    });
    expectLaws(show);

    const said = await succeed(['network', 'certify', net, '--out', certificate], run);
    expectWithin(said.stdout, 80);
    expect(said.stdout).toContain(`k = ${k} (exact`);
    const verified = await succeed(['network', 'verify', certificate, net, '--sweep'], run);
    expectWithin(verified.stdout, 80);
    expect(verified.stdout.replace(/\s+/g, ' ')).toMatch(/holds: \d+ checks, all verified/);
    const proved = await json(['network', 'certify', net, '--method', 'sweep'], run);
    expect(proved).toMatchObject({ kLower: k, kUpper: k, exact: true });
  });

  it('fails verification when the network is another one or the certificate is edited', async () => {
    const network = await parseNetwork(readFileSync(net, 'utf8'), net);
    const biases = network.biases.slice();
    biases[0] += 1;
    const other = write(`${family}.other.json`, await serializeNetwork({ ...network, biases }));
    const swapped = await run(['network', 'verify', certificate, other]);
    expect(swapped.code).toBe(1);
    expect(swapped.stdout).toContain('FAILED');
    expect(swapped.stderr).toMatch(/^error: .* does not hold for .*"network" failed.*\n$/);

    const file = JSON.parse(readFileSync(certificate, 'utf8'));
    for (const edit of edits(file)) {
      const edited = write(`${family}.edited.json`, await signed(edit));
      const { code, stderr } = await run(['network', 'verify', edited, net, '--sweep', '--quiet']);
      expect(code, JSON.stringify(edit).slice(0, 300)).toBe(1);
      expect(stderr).toMatch(/^error: .*does not hold for .*\n$/);
    }
    const unsigned = write(`${family}.unsigned.json`, JSON.stringify({ ...file, notes: ['trust me'] }));
    const { code, stderr } = await run(['network', 'verify', unsigned, net]);
    expect(code).toBe(1);
    expect(stderr).toContain('"checksum" failed');
  });
});

function write(name: string, text: string): string {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
}

// A certificate whose checksum is right, whatever it says.
async function signed({ format, version, checksum: _, ...body }: Record<string, unknown>): Promise<string> {
  return JSON.stringify({ format, version, checksum: await checksumOf(body), ...body });
}

interface CertificateFile {
  readonly [key: string]: unknown;
  readonly kLower: number;
  readonly kUpper: number;
  readonly evidence: { readonly method: string; readonly histogram: number[]; readonly unitCounts: number[] };
}

// Claims that are wrong, some of them consistently so.
function edits(file: CertificateFile): CertificateFile[] {
  const { kLower, kUpper, evidence } = file;
  const list = [
    { ...file, kLower: kLower - 1, kUpper: kUpper - 1 },
    { ...file, kLower: kLower - 1, exact: false },
    { ...file, upperBound: 'solver bound' },
    { ...file, domain: { kind: 'rows', label: 'mine' } },
    { ...file, witness: null },
  ];
  if (evidence.method !== 'sweep') return list;
  // One point with a unit less, counted so everywhere.
  const histogram = evidence.histogram.slice();
  const unitCounts = evidence.unitCounts.slice();
  const last = histogram.length - 1;
  histogram[last]--;
  histogram[last - 1]++;
  unitCounts[unitCounts.findIndex((count) => count > 0)]--;
  return [...list, { ...file, evidence: { ...evidence, histogram, unitCounts } }];
}

interface Shown {
  readonly [key: string]: unknown;
}

// The exact function against the bounds: they must hold, and Parseval must.
function expectLaws(show: Shown): void {
  const measured = show.function as { levelWeights: number[]; averageSensitivity: number; secondMoment: number };
  expect(measured).not.toBeNull();
  const { levelWeights, averageSensitivity, secondMoment } = measured;
  expect(levelWeights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(secondMoment, 9);
  expect(levelWeights.reduce((sum, weight, d) => sum + d * weight, 0)).toBeCloseTo(averageSensitivity, 9);
  const certificate = show.degreeCertificate as null | {
    kind: string;
    whole: { averageSensitivity: number };
    tails: { tailWeight: number; certificate: number; theoremA: number | null }[];
  };
  if ((show.domain as { kind: string }).kind === 'lift') {
    expect(certificate).toBeNull();
    return;
  }
  expect(certificate?.kind).toBe('bound');
  expect(averageSensitivity).toBeLessThanOrEqual((certificate?.whole.averageSensitivity ?? 0) * (1 + 1e-12));
  for (const { tailWeight, certificate: bound, theoremA } of certificate?.tails ?? []) {
    expect(tailWeight).toBeLessThanOrEqual(Math.min(bound, theoremA ?? Infinity) + 1e-12 * secondMoment);
  }
}

describe('certify and verify', () => {
  const net = inFolder('h.json');
  const certificate = inFolder('h.certificate.json');
  const make = 'network make halfspaces --inputs 12 --units 20 --firing-rate 0.05 --out';

  beforeAll(async () => {
    await succeed([...make.split(' '), net]);
  });

  it('conflicts are checked pair by pair', async () => {
    const args = ['network', 'certify', net, '--method', 'conflicts', '--out', certificate];
    expect((await succeed(args)).stdout.replace(/\s+/g, ' ')).toMatch(/k from 6 to \d+ .* at most \d+: bound/);
    expect((await succeed(['network', 'verify', certificate, net])).stdout).toContain('all verified');
    const file = JSON.parse(readFileSync(certificate, 'utf8'));
    const [first, second, ...rest] = file.evidence.classes;
    const merged = {
      ...file,
      kUpper: file.kUpper - 1,
      evidence: { ...file.evidence, classes: [[...first, ...second], ...rest] },
    };
    const edited = write('merged.json', await signed(merged));
    const { code, stderr } = await hosted(['network', 'verify', edited, net]);
    expect(code).toBe(1);
    expect(stderr).toContain('does not hold');
  });

  it('a solver bound is never called verified', async () => {
    const { stdout } = await succeed(['network', 'certify', net, '--method', 'milp', '--out', certificate]);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/solver bound, not independently checked: HiGHS/);
    const report = (await succeed(['network', 'verify', certificate, net])).stdout;
    expect(report).toContain('not independently checked');
    expect(report).toMatch(/not checked +upper bound/);
    const checks = await json(['network', 'verify', certificate, net]);
    expect(checks).toMatchObject({ valid: true, complete: false });
  });

  it('a sweep that is not run again is not called verified', async () => {
    await succeed(['network', 'certify', net, '--method', 'sweep', '--out', certificate]);
    const report = await json(['network', 'verify', certificate, net]);
    expect(report).toMatchObject({ valid: true, complete: false });
    const again = await json(['network', 'verify', certificate, net, '--sweep']);
    expect(again).toMatchObject({ valid: true, complete: true });
  });

  it('bounds the share of points with more from samples', async () => {
    const args = ['network', 'certify', net, '--method', 'sample', '--samples', '5000', '--out', certificate];
    const { stdout } = await succeed(args);
    expect(stdout).toContain('with probability 0.99');
    expect((await succeed(['network', 'verify', certificate, net])).code).toBe(0);
  });

  it('counts rows of a file', async () => {
    const data = inFolder('rows.parquet');
    await succeed(['network', 'sample', net, '--rows', '3000', '--out', data]);
    const args = ['network', 'certify', net, '--domain', `rows:${data}`, '--out', certificate];
    expect((await succeed(args)).stdout).toContain('all 3,000 rows were counted');
    expect(await json(['network', 'verify', certificate, net, '--rows', data])).toMatchObject({ complete: true });
    const others = inFolder('other-rows.parquet');
    await succeed(['network', 'sample', net, '--rows', '3000', '--seed', '2', '--out', others]);
    expect((await hosted(['network', 'verify', certificate, net, '--rows', others])).code).toBe(1);
  });

  it('gives the same certificate for any number of threads', async () => {
    const one = await json(['network', 'certify', net, '--threads', '1']);
    expect(await json(['network', 'certify', net, '--threads', '2'])).toEqual(one);
  });

  it('stops at Ctrl-C and writes nothing', async () => {
    const large = inFolder('large.json');
    const out = inFolder('large.certificate.json');
    await succeed(`network make dense-control --inputs 36 --units 64 --quiet --out ${large}`.split(' '));
    const args = ['network', 'certify', large, '--method', 'sweep', '--out', out];
    expect(await interruptAtWork(args, 'sweeping')).toEqual({
      code: 130,
      stdout: '',
      stderr: 'stopped; nothing was written\n',
    });
    expect(existsSync(out)).toBe(false);
  });
});

describe('sample', () => {
  it('writes what it says, the same points with and without noise', async () => {
    const net = inFolder('sampled.json');
    await succeed(`network make ensemble --inputs 9 --trees 2 --depth 2 --quiet --out ${net}`.split(' '));
    const plain = parseCsv((await succeed(['network', 'sample', net, '--rows', '500'])).stdout);
    const noisy = parseCsv((await succeed(['network', 'sample', net, '--rows', '500', '--noise-sd', '0.5'])).stdout);
    expect(plain[0]).toEqual(['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'y']);
    expect(plain).toHaveLength(501);
    expect(noisy.map((row) => row.slice(0, 9))).toEqual(plain.map((row) => row.slice(0, 9)));
    const differences = plain.slice(1).map((row, i) => Number(noisy[i + 1][9]) - Number(row[9]));
    const square = differences.reduce((sum, d) => sum + d * d, 0) / 500;
    expect(Math.abs(square - 0.25)).toBeLessThan(5 * 0.25 * Math.sqrt(2 / 500));
  });

  it('gives a network of signs a y like its inputs, so that fit learns the network and not its negative', async () => {
    const net = inFolder('sign.json');
    const data = inFolder('sign.parquet');
    await succeed(`network make parity --inputs 6 --coordinates 1,4 --quiet --out ${net}`.split(' '));
    const sampled = await succeed(['network', 'sample', net, '--rows', '2000', '--flip', '0.1', '--out', data]);
    expect(sampled.stderr).toMatch(/y is true where the network is -1 and false where it is \+1; \d+ labels flipped/);
    const { terms } = (await json(['fit', data, '--target', 'y', '--degree', '2'])) as unknown as {
      terms: { coordinates: string[]; coefficient: number }[];
    };
    expect(terms[0].coordinates).toEqual(['x1', 'x4']);
    expect(terms[0].coefficient).toBeGreaterThan(0.7);
  });
});

describe('import', () => {
  const golden = JSON.parse(readFileSync(join(root, 'packages/core/test/trees/goldens/chess-binary.json'), 'utf8'));
  const model = inFolder('xgboost.json');
  const net = inFolder('imported.safetensors');

  it('turns XGBoost and ONNX trees into networks that certify', async () => {
    writeFileSync(model, JSON.stringify(golden.model));
    const { stdout } = await succeed(['network', 'import', model, '--out', net], fewfire);
    expectWithin(stdout, 80);
    expect(stdout).toContain('12 trees, the raw margin');
    const shown = await json(['network', 'show', net], fewfire);
    expect(shown).toMatchObject({ sparsity: { kind: 'exact', kLower: 12, kUpper: 12 }, function: { kind: 'exact' } });
    expectLaws(shown);
    const certificate = inFolder('imported.certificate.json');
    await succeed(['network', 'certify', net, '--out', certificate], fewfire);
    expect((await succeed(['network', 'verify', certificate, net], fewfire)).stdout).toContain('all verified');
    if (golden.onnx === null) return;
    const onnx = inFolder('model.onnx');
    writeFileSync(onnx, Buffer.from(golden.onnx, 'base64'));
    expect(await json(['network', 'import', onnx], fewfire)).toMatchObject({ treeCount: 12, file: null });
  });
});

describe('import to .json', () => {
  const golden = JSON.parse(
    readFileSync(join(root, 'packages/core/test/trees/goldens/numbers-regression.json'), 'utf8'),
  );
  const model = inFolder('regression.json');
  const net = inFolder('trees.json');

  beforeAll(() => writeFileSync(model, JSON.stringify(golden.model)));

  it('keeps the trees, and every command says of them what it says of their units', async () => {
    const units = inFolder('units.safetensors');
    await succeed(['network', 'import', model, '--out', units, '-q']);
    const made = await json(['network', 'import', model, '--out', net]);
    expect(statSync(net).size).toBeLessThan(statSync(model).size);
    expect(JSON.parse(readFileSync(net, 'utf8'))).toMatchObject({ version: 2 });
    expect(await json(['network', 'import', model])).toEqual({ ...(made as object), file: null, byteCount: null });

    const said = await json(['network', 'show', net]);
    const { function: own, degreeCertificate, ...exact } = said;
    const expected = await json(['network', 'show', units]);
    const { file, checksum, notes } = exact;
    // Of trees there is a note on what averages are over.
    expect({ ...expected, file, checksum, notes, ...{ function: 0, degreeCertificate: 0 } }).toEqual({
      ...(exact as object),
      ...{ function: 0, degreeCertificate: 0 },
    });
    expectNear(own, expected.function);
    expectNear(degreeCertificate, expected.degreeCertificate);
    expectLaws(said);
    expect(checksum).not.toBe(expected.checksum);

    const certificate = inFolder('trees.certificate.json');
    for (const method of ['auto', 'conflicts', 'sample']) {
      await succeed(['network', 'certify', net, '--method', method, '--samples', '500', '--out', certificate, '-q']);
      expect((await succeed(['network', 'verify', certificate, net])).stdout).toContain('holds');
      const swapped = await hosted(['network', 'verify', certificate, units]);
      expect({ code: swapped.code, stderr: swapped.stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^error: .* does not hold for .*"network" failed.*\n$/),
      });
    }

    const rows = async (path: string): Promise<number[][]> =>
      parseCsv((await succeed(['network', 'sample', path, '--rows', '200', '--seed', '5'])).stdout)
        .slice(1)
        .map((row) => row.map((cell) => (cell === 'true' ? 1 : cell === 'false' ? 0 : Number(cell))));
    expectNear(await rows(net), await rows(units));
    const planned = async (path: string): Promise<unknown> =>
      JSON.parse(JSON.stringify(await json(['plan', '--network', path])).replaceAll(path, ''));
    expectNear(await planned(net), await planned(units));
  });

  it('a model of several outputs keeps all of them, and is the one that was chosen', async () => {
    const classes = readFileSync(join(root, 'packages/core/test/trees/goldens/three-classes.json'), 'utf8');
    const several = write('classes.json', JSON.stringify(JSON.parse(classes).model));
    await succeed(['network', 'import', several, '--output', '2', '--out', net, '-q']);
    const { trees } = JSON.parse(readFileSync(net, 'utf8'));
    expect(trees).toMatchObject({ output: 2, outputs: [{ name: '0' }, { name: '1' }, { name: '2' }] });
    const units = inFolder('class-2.safetensors');
    await succeed(['network', 'import', several, '--output', '2', '--out', units, '-q']);
    const { sparsity } = await json(['network', 'show', net]);
    expect(sparsity).toEqual((await json(['network', 'show', units])).sparsity);
  });
});

// Numbers that may be rounded otherwise; everything else equal.
function expectNear(found: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    expect(Math.abs((found as number) - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(found as object)).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected)) expectNear((found as Record<string, unknown>)[key], value);
  } else expect(found).toEqual(expected);
}

describe('memory', () => {
  // 7,750 questions by 8,000 leaves: 0.5 GB of weights.
  const model = inFolder('large.model.json');
  const net = inFolder('large.json');
  const certificate = inFolder('large.certificate.json');
  const limit = ['--memory', '60MB', '-q'];

  it('of trees is that of the model, not of their weights', async () => {
    writeFileSync(model, completeTrees(250, 5));
    const commands = [
      ['network', 'import', model, '--out', net],
      ['network', 'certify', net, '--out', certificate],
      ['network', 'verify', certificate, net],
      ['network', 'show', net],
      ['network', 'sample', net, '--rows', '2000', '--out', inFolder('large.csv')],
    ];
    for (const command of commands) {
      const peak = await peakMemory([...command, ...limit]);
      expect(peak, command.join(' ')).toBeLessThan(60e6 + 150e6);
    }
    expect(statSync(net).size).toBeLessThan(statSync(model).size);
  });

  it('beyond --memory is refused before it is had, and says what would do', async () => {
    const dense = inFolder('dense.json');
    await succeed(`network make dense-control --inputs 300 --units 300 --quiet --out ${dense}`.split(' '));
    const refused: [string[], RegExp][] = [
      [
        ['import', model, '--out', inFolder('large.safetensors')],
        /large\.safetensors would hold 8000 units.*write \.json/,
      ],
      [['import', model, '--memory', '1MB'], /large\.model\.json has .* bytes and takes 16 times as many/],
      [['show', net, '--memory', '3MB'], /large\.json needs \d+ MB to be read, more than the 3 MB allowed/],
      [['show', dense, '--memory', '10MB'], /300 units as whole numbers need \d+ MB, more than the \d+ MB allowed/],
      [['certify', dense, '--memory', '10MB'], /300 units as whole numbers need/],
      [['certify', dense, '--memory', '2MB'], /dense\.json has .* bytes and takes 4 times as many/],
      [['verify', certificate, dense, '--memory', '2MB'], /dense\.json has/],
      [['sample', net, '--rows', '30000'], /30,000 rows of 7,750 inputs need .*lower --rows or raise --memory/],
      [['sample', dense, '--rows', '9', '--memory', '1MB'], /dense\.json has/],
    ];
    for (const [args, message] of refused) {
      const own = args.includes('--memory') ? [] : limit;
      const { code, stdout, stderr } = await hosted(['network', ...args, ...own]);
      expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(message) });
      expect(stderr).toMatch(/^error: [^\n]*\n$/);
    }
    expect(existsSync(inFolder('large.safetensors'))).toBe(false);
  });
});

// An XGBoost model of complete trees whose questions all differ.
function completeTrees(treeCount: number, depth: number): string {
  const inner = 2 ** depth - 1;
  const nodes = Array.from({ length: 2 * inner + 1 }, (_, i) => i);
  const child = (side: number): number[] => nodes.map((i) => (i < inner ? 2 * i + side : -1));
  const tree = (t: number): object => ({
    left_children: child(1),
    right_children: child(2),
    split_indices: nodes.map(() => 0),
    split_conditions: nodes.map((i) => (i < inner ? t * inner + i : Math.sin(1 + t * inner + i))),
    default_left: nodes.map(() => 1),
    ...Object.fromEntries(['sum_hessian', 'base_weights', 'loss_changes'].map((name) => [name, nodes.map(Math.sin)])),
  });
  return JSON.stringify({
    version: [1, 7, 4],
    learner: {
      learner_model_param: { base_score: '5E-1', num_class: '0', num_feature: '1', num_target: '1' },
      objective: { name: 'reg:squarederror' },
      gradient_booster: {
        name: 'gbtree',
        model: { trees: Array.from({ length: treeCount }, (_, t) => tree(t)), tree_info: new Array(treeCount).fill(0) },
      },
    },
  });
}

describe('plan', () => {
  it('sets the statements side by side', async () => {
    const args = 'plan --n 100 --s 64 --k 1 --W 0.9 --B 0.5 --epsilon 0.1'.split(' ');
    const { stdout } = await succeed(args);
    expectWithin(stdout, 80);
    expect(stdout).toContain('no bound, for');
    const plan = await json(args);
    const rows = plan.rows as unknown as { statement: string; statedDegree: number; kind: string }[];
    expect(rows.map(({ statement }) => statement)).toEqual(['published', 'explicit', 'new']);
    expect(rows.map(({ kind }) => kind)).toEqual(['order of magnitude', 'bound', 'bound']);
    expect(rows[2].statedDegree).toBeLessThanOrEqual(Math.ceil((8 * 0.81) / 0.1) - 1);
    expect(rows[2].statedDegree).toBeLessThan(rows[1].statedDegree);
  });

  it('measures a network that is small enough, and warns about a lift', async () => {
    const net = inFolder('planned.json');
    await succeed(`network make parity --inputs 12 --size 4 --quiet --out ${net}`.split(' '));
    const plan = await json(['plan', '--network', net, '--epsilon', '0.5']);
    const rows = plan.rows as unknown as { statement: string; degree: number; statedDegree: number; kind: string }[];
    const find = (statement: string) => rows.find((row) => row.statement === statement);
    expect(find('measured')).toMatchObject({ kind: 'exact', degree: 4 });
    // AS = 4 exactly, so the certificate asks for 2 AS / epsilon - 1.
    expect(find('this network')).toMatchObject({ kind: 'bound', statedDegree: 15, degree: 12 });
    const lift = inFolder('planned-lift.json');
    await succeed(`network make lifted-parity --bits 5 --subset-size 4 --quiet --out ${lift}`.split(' '));
    const { stdout } = await succeed(['plan', '--network', lift]);
    expectWithin(stdout, 80);
    expect(stdout).toContain('says nothing about learning on that');
  });
});
