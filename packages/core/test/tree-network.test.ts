/** Networks kept as trees: their files, what is said of them against their expanded units, and their certificates. */
import {
  type AnyNetwork,
  certifySparsity,
  checkCertificate,
  createRandom,
  type DecisionTree,
  evaluateNetwork,
  measureFiringRates,
  parseAnyNetwork,
  parseNetwork,
  predictTrees,
  type SparsityCertificate,
  sampleNetwork,
  serializeCertificate,
  serializeNetwork,
  squaredScales,
  type TreeCoordinate,
  type TreeModel,
  type TreeNetwork,
} from '@fewfire/core';
import {
  checksumOf,
  createTreeNetwork,
  encodeTreeRows,
  evaluateTreeNetwork,
  expandTreeNetwork,
  isTreeNetwork,
  networkChecksum,
  networkScale,
  randomTree,
  treeEnsembleNetwork,
  treeNetworkScale,
  treeSquaredScales,
} from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { wholeCube } from './helpers.ts';
import { importGolden, importOnnxGolden, ONNX_GOLDENS, readTreeGolden, TREE_GOLDENS } from './tree-golden.ts';

const question = (c: number): TreeCoordinate => ({
  name: `f${c}>=0.5`,
  feature: c,
  comparison: '>=',
  threshold: 0.5,
  missing: 'no',
});

/** A model of given trees over `inputCount` questions, one about each feature; the first output is 'a'. */
function modelOf(trees: readonly DecisionTree[], inputCount: number, change: Partial<TreeModel> = {}): TreeModel {
  const coordinates = Array.from({ length: inputCount }, (_, c) => question(c));
  return {
    source: 'a test',
    objective: 'sum',
    features: coordinates.map((_, f) => ({ name: `f${f}`, boolean: false })),
    precision: 'f64',
    coordinates,
    outputs: [{ name: 'a', coordinates, trees, intercept: 0.25 }],
    summation: 'f64',
    link: 'identity',
    classes: null,
    notes: [],
    ...change,
  };
}

async function reread(network: TreeNetwork): Promise<TreeNetwork> {
  const again = await parseAnyNetwork(await serializeNetwork(network), 'again.json');
  if (!isTreeNetwork(again)) throw new Error('no trees came back');
  return again;
}

const SMALL: readonly DecisionTree[] = [
  { coordinate: 0, no: { value: 1 }, yes: { coordinate: 1, no: { value: -2 }, yes: { value: 0.5 } } },
  { coordinate: 1, no: { value: 3 }, yes: { value: -0.25 } },
];

describe.each([
  ...TREE_GOLDENS.map((name) => [`XGBoost ${name}`, name, () => importGolden(name)] as const),
  ...ONNX_GOLDENS.map((name) => [`ONNX ${name}`, name, () => importOnnxGolden(name)] as const),
])('%s in a file', (_, name, importModel) => {
  it('comes back bit for bit, and predicts what its program does', async () => {
    const model = importModel();
    for (const output of model.outputs) {
      const network = createTreeNetwork(model, { output: output.name });
      const text = await serializeNetwork(network);
      const again = await reread(network);
      expect(again.model).toEqual(model);
      expect(again).toEqual(network);
      expect(await serializeNetwork(again)).toBe(text);
      expect(JSON.parse(text)).toMatchObject({ version: 2, checksum: await networkChecksum(again) });
    }
    const { model: read } = await reread(createTreeNetwork(model, { output: model.outputs[0].name }));
    const golden = readTreeGolden(name);
    const points = encodeTreeRows(read, golden.rows);
    const predicted = await predictTrees(read, points);
    expect(predicted).toEqual(await predictTrees(model, encodeTreeRows(model, golden.rows)));
    golden.margins.forEach((margin, i) => {
      for (const [o, value] of [margin].flat().entries()) expect(predicted.margins[o][i]).toBeCloseTo(value, 5);
    });
    if (golden.classes !== null) expect(Array.from(predicted.classes as Int32Array)).toEqual(golden.classes);
  });

  it('is the network of its units', async () => {
    const model = importModel();
    for (const form of ['tight', 'paper'] as const) {
      const { name: output } = model.outputs[0];
      const network = await reread(createTreeNetwork(model, { output, form }));
      const { network: units } = treeEnsembleNetwork(model.outputs[0], { form });
      expect(expandTreeNetwork(network)).toEqual(units);
      expect(await parseNetwork(await serializeNetwork(network), 'x')).toEqual(units);
      const { inputCount, unitCount, domain, provenance } = units;
      expect(network).toMatchObject({ inputCount, unitCount, domain, provenance });
      expect(treeNetworkScale(network)).toEqual(networkScale(units));
      expect(treeSquaredScales(network)).toEqual(squaredScales(units));
      expect(await measureFiringRates(network)).toEqual(await measureFiringRates(units));
      const { points } = await sampleNetwork(network, { rowCount: 300, seed: 3 });
      const values = await evaluateTreeNetwork(network, points);
      expect((await sampleNetwork(network, { rowCount: 300, seed: 3 })).values).toEqual(values);
      const own = await evaluateNetwork(units, points);
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(own[i], 9);
      });
    }
  });
});

describe('a file of trees', () => {
  it('keeps sets of categories, infinite thresholds, names and everything else of a model', async () => {
    const features = ['color', 'age', 'member'].map((name) => ({ name, boolean: name === 'member' }));
    const coordinates: TreeCoordinate[] = [
      { name: 'color in {0,2}', feature: 0, comparison: 'in', categories: [0, 2], missing: 'no' },
      { name: 'color in {1} or missing', feature: 0, comparison: 'in', categories: [1], missing: 'yes' },
      { name: 'age>=-Infinity', feature: 1, comparison: '>=', threshold: Number.NEGATIVE_INFINITY, missing: 'refuse' },
      { name: 'beyond', feature: 1, comparison: '>', threshold: Number.POSITIVE_INFINITY, missing: 'refuse' },
      { name: 'member or missing', feature: 2, comparison: '>=', threshold: 1, missing: 'yes' },
    ];
    const chain = (values: readonly number[]): DecisionTree =>
      values.reduceRight<DecisionTree>((no, value, coordinate) => ({ coordinate, no, yes: { value } }), {
        value: 0.1 + 0.2,
      });
    const model: TreeModel = {
      source: 'a program "of" 2027',
      objective: 'naïve\u0000',
      features,
      precision: 'f64',
      coordinates,
      outputs: [
        { name: 'left', coordinates, trees: [chain([1e-310, -5e-324, 1e308, 3, 4])], intercept: 0 },
        { name: 'right', coordinates, trees: [chain([1, 2, 3, 4, 5]), { value: 7 }], intercept: -1 / 3 },
        { name: 'none', coordinates, trees: [], intercept: 2 },
      ],
      summation: 'f64',
      link: 'softmax',
      classes: { labels: ['l', 'r', 'n'], rule: { kind: 'largest' } },
      notes: ['one', 'two'],
    };
    for (const output of ['left', 'right', 'none']) {
      const network = await reread(createTreeNetwork(model, { output, form: 'paper' }));
      expect(network.model).toEqual(model);
      expect(network).toEqual(createTreeNetwork(model, { output, form: 'paper' }));
      expect(expandTreeNetwork(network).unitCount).toBe(network.unitCount);
    }
    const { model: read } = await reread(createTreeNetwork(model, { output: 'right' }));
    // Yes to: color in {0,2}; color in {1} or missing; age >= -Infinity; age > Infinity; member or missing.
    const rows = [
      [0, 5, 0],
      [1, -1e300, 1],
      [3, 0, Number.NaN],
      [Number.NaN, 1, 0],
    ];
    const { margins } = await predictTrees(read, encodeTreeRows(read, rows));
    expect(Array.from(margins[1], (value) => value + 1 / 3)).toEqual(
      [1, 2, 3, 2].map((leaf) => leaf + 7 - 1 / 3 + 1 / 3),
    );
  });

  it('every truncation and every edit of a digit, letter or sign is refused', async () => {
    const text = await serializeNetwork(createTreeNetwork(modelOf(SMALL, 2)));
    for (let end = 0; end < text.length - 1; end++) {
      await expect(parseAnyNetwork(text.slice(0, end), 'x')).rejects.toMatchObject({
        code: 'network-file',
        message: expect.stringMatching(/^x /),
      });
    }
    for (const { 0: old, index } of text.matchAll(/[\da-z,:[\]{}.-]/g)) {
      for (const put of ['7', 'q', '-', ',']) {
        if (put === old) continue;
        const edited = text.slice(0, index) + put + text.slice(index + 1);
        await expect(parseAnyNetwork(edited, 'x'), edited).rejects.toMatchObject({ code: /network-file|unsupported/ });
      }
    }
  });

  interface File {
    version: number;
    trees: { [key: string]: unknown; trees: { output: unknown; questions: unknown[]; leaves: unknown[] }[] };
  }

  // What is refused though its checksum is right.
  async function refuse(change: (file: File) => void, message: RegExp, code = 'network-file'): Promise<void> {
    const file = JSON.parse(await serializeNetwork(createTreeNetwork(modelOf(SMALL, 2))));
    change(file);
    file.checksum = await checksumOf({ trees: file.trees });
    await expect(parseAnyNetwork(JSON.stringify(file), 'x')).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  }

  it('refuses trees that are none', async () => {
    const first = (change: (tree: File['trees']['trees'][number]) => void) => (file: File) =>
      change(file.trees.trees[0]);
    await refuse(
      first((tree) => tree.questions.push(-1)),
      /tree 0 goes on after its end/,
    );
    await refuse(
      first((tree) => tree.questions.pop()),
      /tree 0 ends before its last question has both answers/,
    );
    await refuse(
      first((tree) => tree.leaves.push(1)),
      /4 values for 3 leaves/,
    );
    await refuse(
      first((tree) => tree.leaves.pop()),
      /2 values for 3 leaves/,
    );
    await refuse(
      first((tree) => Object.assign(tree, { questions: [], leaves: [] })),
      /ends before/,
    );
    for (const odd of [2, 0.5, -2, '0', null, 1e300, [0]]) {
      await refuse(
        first((tree) => Object.assign(tree.questions, { 2: odd })),
        /node 2 of tree 0 asks question/,
      );
    }
    for (const odd of ['1', null, [1]])
      await refuse(
        first((tree) => Object.assign(tree.leaves, [odd])),
        /leaf 0 of tree 0/,
      );
    for (const odd of [1, -1, 0.5, '0', null])
      await refuse(
        first((tree) => Object.assign(tree, { output: odd })),
        /output/,
      );
    await refuse(
      first((tree) => Object.assign(tree, { no: [1] })),
      /tree 0 is not an output, questions and leaves/,
    );
    await refuse((file) => Object.assign(file.trees.trees, [null]), /tree 0 is not/);
    const deep = { output: 0, questions: [...new Array(2000).fill(0), ...new Array(2001).fill(-1)] };
    const chain = { ...deep, leaves: new Array(2001).fill(1) };
    await refuse((file) => Object.assign(file.trees.trees, [chain]), /deeper than 1024/, 'unsupported');
  });

  it('refuses lists nested without end in one line', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const text = await serializeNetwork(createTreeNetwork(modelOf(SMALL, 2)));
    for (const [from, to] of [
      ['"leaves":[1', `"leaves":[${deep}`],
      ['"questions":[0', `"questions":[${deep}`],
      ['"output":0,"questions"', `"output":${deep},"questions"`],
      ['"comparison":">="', `"comparison":${deep}`],
      ['"notes":[]', `"notes":[${deep}]`],
      ['"classes":null', `"classes":${deep}`],
    ]) {
      expect(text).toContain(from);
      await expect(parseAnyNetwork(text.replace(from, to), 'x')).rejects.toMatchObject({
        code: 'network-file',
        message: expect.stringMatching(/^.{20,400}$/),
      });
    }
  });

  it('refuses fields that do not go together', async () => {
    const edit = (change: object) => (file: File) => Object.assign(file.trees, change);
    const ask = (change: object) => (file: File) => Object.assign((file.trees.questions as object[])[1], change);
    await refuse(ask({ feature: 2 }), /question 1 is about feature 2, and there are 2/);
    await refuse(ask({ threshold: 'NaN' }), /trees\.questions\.1\.threshold/);
    await refuse(ask({ threshold: null }), /trees\.questions\.1\.threshold/);
    await refuse(ask({ comparison: 'in' }), /trees\.questions\.1/);
    await refuse(ask({ comparison: 'in', threshold: undefined, categories: [2, 1] }), /ascending/);
    await refuse(ask({ comparison: 'in', threshold: undefined, categories: [] }), /ascending/);
    await refuse(edit({ questions: [] }), /ask nothing/);
    await refuse(edit({ output: 1 }), /it has no output 1/);
    await refuse(edit({ features: ['a', 'a'] }), /features share a name/);
    await refuse(edit({ features: 1e7 }), /10,000,000 features/, 'unsupported');
    await refuse(edit({ booleanFeatures: [1, 0] }), /booleanFeatures/);
    await refuse(edit({ booleanFeatures: [2] }), /booleanFeatures/);
    await refuse(edit({ classes: { labels: ['a', 'b'], rule: { kind: 'largest' } } }), /2 classes for 1 outputs/);
    await refuse(edit({ extra: 1 }), /damaged or edited/);
    await refuse(edit({ form: 'loose' }), /trees\.form/);
    await refuse((file) => Object.assign(file, { extra: 1 }), /damaged or edited/);
    await refuse((file) => Object.assign(file, { trees: 'none' }), /trees/);
  });

  it('says which version it needs', async () => {
    const near = (file: File) => Object.assign((file.trees.questions as object[])[1], { comparison: 'near' });
    await refuse(near, /question 1 of x is of the kind "near".*needs a fewfire that reads trees of version 2 or later/);
    await refuse(
      (file) => Object.assign(file.trees, { version: 2, more: 1 }),
      /version 2; this fewfire reads version 1/,
    );
    await refuse((file) => Object.assign(file, { version: 3 }), /version 3; this fewfire reads version 1 and 2/);
  });

  it('refuses a model that is constant, an output that is not there, and what needs more memory than allowed', async () => {
    expect(() => createTreeNetwork(modelOf([{ value: 1 }], 0))).toThrow(/asks nothing/);
    expect(() => createTreeNetwork(modelOf(SMALL, 2), { output: 'b' })).toThrow(/output is "b"; expected one of "a"/);
    const text = await serializeNetwork(createTreeNetwork(modelOf(SMALL, 2)));
    await expect(parseAnyNetwork(text, 'x', { memoryLimitBytes: 5000 })).rejects.toMatchObject({
      code: 'memory-budget',
      message: expect.stringMatching(/x needs \d+ MB to be read/),
    });
    // 256 leaves over 20,000 questions: 82 MB of weights and their copy, from a file of 1.6 MB.
    const tree = randomTree({ inputCount: 20_000, depth: 8, random: createRandom(1) });
    const wide = await serializeNetwork(createTreeNetwork(modelOf([tree], 20_000)));
    const memoryLimitBytes = 6e7;
    expect((await parseAnyNetwork(wide, 'x', { memoryLimitBytes })).unitCount).toBe(256);
    await expect(parseNetwork(wide, 'x', { memoryLimitBytes })).rejects.toMatchObject({ code: 'memory-budget' });
  });
});

/** Trees that ask again on a path, with leaves that are 0 and the intercept making others 0. */
function oddTree(random: ReturnType<typeof createRandom>, inputCount: number, depth: number): DecisionTree {
  if (depth === 0 || random.uniform() < 0.15) return { value: [0, -0.25, 1, random.normal()][random.integer(4)] };
  const grow = (): DecisionTree => oddTree(random, inputCount, depth - 1);
  return { coordinate: random.integer(inputCount), no: grow(), yes: grow() };
}

describe('certificates of trees', () => {
  const verified = async (certificate: SparsityCertificate, network: AnyNetwork, points = undefined as never) => {
    const text = await serializeCertificate(certificate);
    const report = await checkCertificate(text, network, { rerunSweep: true, points });
    expect(report.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    return report;
  };

  it('by every method hold the k that is counted on the expanded units, and the checker reads the same units', async () => {
    const random = createRandom(11);
    for (let round = 0; round < 25; round++) {
      const inputCount = 2 + random.integer(7);
      const trees = Array.from({ length: 1 + random.integer(4) }, () => oddTree(random, inputCount, 5));
      const form = round % 2 === 0 ? 'tight' : 'paper';
      const network = await reread(createTreeNetwork(modelOf(trees, inputCount), { form }));
      const units = expandTreeNetwork(network);
      const truth = await certifySparsity(units, { method: 'sweep' });
      const swept = await certifySparsity(network, { method: 'sweep' });
      expect({ ...swept, network: null }).toEqual({ ...truth, network: null });
      expect(swept.network.sha256).toBe(await networkChecksum(network));
      expect((await verified(swept, network)).complete).toBe(true);
      const points = wholeCube(inputCount);
      const rows = { kind: 'rows', label: 'all' } as const;
      const counted = await certifySparsity(network, { domain: rows, points });
      expect(counted.evidence).toEqual((await certifySparsity(units, { domain: rows, points })).evidence);
      expect((await verified(counted, network, points as never)).complete).toBe(true);
      for (const method of ['conflicts', 'sample', 'auto'] as const) {
        const certificate = await certifySparsity(network, { method, sampleCount: 200 });
        expect(certificate.kLower).toBeLessThanOrEqual(truth.kUpper);
        expect(certificate.kUpper).toBeGreaterThanOrEqual(truth.kUpper);
        await verified(certificate, network);
      }
    }
  });

  it('are not those of the expanded units, of other trees or of another form', async () => {
    const network = createTreeNetwork(modelOf(SMALL, 2));
    const text = await serializeCertificate(await certifySparsity(network, { method: 'conflicts' }));
    const failed = async (other: AnyNetwork) =>
      (await checkCertificate(text, other)).checks.filter(({ status }) => status === 'failed').map(({ what }) => what);
    expect(await failed(network)).toEqual([]);
    expect(await failed(expandTreeNetwork(network))).toEqual(['network']);
    expect(await failed(createTreeNetwork(modelOf(SMALL, 2), { form: 'paper' }))).toContain('network');
    expect(await failed(createTreeNetwork(modelOf(SMALL.slice(1), 2)))).toContain('network');
  });

  it('a class that holds leaves of two trees is refused', async () => {
    const network = createTreeNetwork(modelOf(SMALL, 2));
    const certificate = await certifySparsity(network, { method: 'conflicts' });
    const forged = {
      ...certificate,
      evidence: {
        ...certificate.evidence,
        classes: [
          [0, 1, 3],
          [2, 4],
        ],
      },
    } as never;
    const report = await checkCertificate(await serializeCertificate(forged), network);
    expect(report.checks.find(({ what }) => what === 'conflicts')?.status).toBe('failed');
  });

  it('need no dense units: 400 trees over 20,000 questions in a hundredth of the memory of the weights', async () => {
    const random = createRandom(5);
    const trees = Array.from({ length: 400 }, () => randomTree({ inputCount: 20_000, depth: 5, random }));
    const model = modelOf(trees, 20_000);
    const network = await reread(createTreeNetwork(model));
    const memoryLimitBytes = (8 * network.unitCount * network.inputCount) / 100;
    expect(() => expandTreeNetwork(network, { memoryLimitBytes })).toThrow(/would need/);
    const certificate = await certifySparsity(network, { memoryLimitBytes });
    expect(certificate).toMatchObject({ kLower: 400, kUpper: 400, exact: true, evidence: { method: 'conflicts' } });
    const text = await serializeCertificate(certificate);
    const report = await checkCertificate(text, network, { memoryLimitBytes });
    expect(report).toMatchObject({ valid: true, complete: true });
    await expect(checkCertificate(text, network, { memoryLimitBytes: 1e6 })).rejects.toMatchObject({
      code: 'memory-budget',
      message: expect.stringMatching(/needs \d+ MB, more than the 1 MB allowed/),
    });
    await expect(certifySparsity(network, { memoryLimitBytes: 1e6 })).rejects.toMatchObject({ code: 'memory-budget' });
  });
});
