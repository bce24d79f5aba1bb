/**
 * Model files as people have them: sets of categories, numbers that are not finite, UBJSON, and what is no model of trees,
 * named for what it is.
 */
import { createRandom, FewfireError, importTreeModel, predictTrees, type TreeModel } from '@fewfire/core';
import { encodeTreeRows, importXgboost, treeFileFormat } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { readTreeGolden } from './tree-golden.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const golden = readTreeGolden('sets-early');

// biome-ignore lint/suspicious/noExplicitAny: tests damage the model in ways its type would not allow.
type Loose = any;

/** One tree over a number and a category: the category asks at its root, left is 1 and right is 2. */
function oneSplit(categories: readonly number[], defaultLeft: 0 | 1, change: (tree: Loose) => void = () => {}): string {
  const tree = {
    left_children: [1, -1, -1],
    right_children: [2, -1, -1],
    split_indices: [1, 0, 0],
    split_conditions: ['bare', 1, 2],
    split_type: [1, 0, 0],
    default_left: [defaultLeft, 0, 0],
    categories,
    categories_nodes: [0],
    categories_segments: [0],
    categories_sizes: [categories.length],
  };
  change(tree);
  const learner = {
    attributes: {},
    feature_names: ['size', 'NaN Infinity "color"'],
    gradient_booster: { name: 'gbtree', model: { trees: [tree], tree_info: [0] } },
    learner_model_param: { base_score: '0', num_class: '0', num_feature: '2' },
    objective: { name: 'reg:squarederror' },
  };
  return JSON.stringify({ learner, version: [1, 7, 4] }).replace('"bare"', 'NaN');
}

async function answers(model: TreeModel, cells: readonly number[]): Promise<number[]> {
  const { margins } = await predictTrees(
    model,
    encodeTreeRows(
      model,
      cells.map((cell) => [0, cell]),
    ),
  );
  return Array.from(margins[0]);
}

function refusalOf(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    if (error instanceof FewfireError && !error.message.includes('\n')) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a split by categories', () => {
  // What Debian's XGBoost 1.7.4 answers for this tree (left 1, right 2), but for the missing value at the end.
  const cells = [0, 1, 2, 3, 3.7, 31, 32, 33, 39.9, 40, 64, 100, -0.5, -1, 2 ** 24 - 1, 2 ** 24, 1e9, Number.NaN];
  const right: readonly [readonly number[], readonly number[]][] = [
    [[3], [3, 3.7]],
    [
      [0, 1],
      [0, 1],
    ],
    [[40], [40]],
  ];

  it('sends what it lists right, every other number left, and a missing value by default', async () => {
    for (const [categories, yes] of right) {
      for (const defaultLeft of [0, 1] as const) {
        const model = importXgboost(oneSplit(categories, defaultLeft));
        expect(await answers(model, cells)).toEqual(
          cells.map((cell) => (yes.includes(cell) || (Number.isNaN(cell) && defaultLeft === 0) ? 2 : 1)),
        );
      }
    }
  });

  it('is a question about a set, which has one name however the file orders it', () => {
    const named = (categories: number[], defaultLeft: 0 | 1): unknown =>
      importXgboost(oneSplit(categories, defaultLeft)).coordinates;
    const feature = 'NaN Infinity "color"';
    expect(named([7, 2, 7], 1)).toEqual([
      { name: `${feature} in {2,7}`, feature: 1, comparison: 'in', categories: [2, 7], missing: 'no' },
    ]);
    expect(named([2, 7], 0)).toMatchObject([{ name: `${feature} in {2,7} or missing` }]);
  });

  it('that is not known goes where a missing one goes in 1.6.0 to 1.7.2, which is said', () => {
    const notes = (version: string, defaultLeft: 0 | 1): readonly string[] =>
      importXgboost(oneSplit([2], defaultLeft).replace('[1,7,4]', version)).notes;
    for (const version of ['[1,6,0]', '[1,6,2]', '[1,7,2]']) {
      expect(notes(version, 1)).toEqual([]);
      expect(notes(version, 0)).toEqual([
        expect.stringMatching(/^XGBoost 1\.[67]\.[02] sends a category that it does not know where it sends a missing/),
      ]);
    }
    for (const version of ['[1,5,2]', '[1,7,3]', '[1,7,4]', '[2,0,0]', '[]']) expect(notes(version, 0)).toEqual([]);
  });

  // As the sources of XGBoost 3.1 have it: categories of a data frame, in the order of their numbers.
  const framed = (enc: unknown): string =>
    oneSplit([0, 2], 1).replace('"tree_info":[0]', `"tree_info":[0],"cats":${JSON.stringify({ enc })}`);
  const none = { type: 8, values: [] };

  it('of a data frame of whole numbers asks for these, so that a table may hold them', async () => {
    const model = importXgboost(framed([none, { type: 8, values: [70, 20, 5] }]));
    expect(model.coordinates[0]).toMatchObject({ categories: [5, 70] });
    expect(await answers(model, [70, 20, 5, 0, 2])).toEqual([2, 1, 2, 1, 1]);
    const plain = importXgboost(framed([none, { type: 8, values: [0, 1, 2] }]));
    expect(plain).toEqual(importXgboost(oneSplit([0, 2], 1)));
    for (const values of [
      [-1, 2, 3],
      [0.5, 1, 2],
      [3, 3, 1],
    ]) {
      expect(refusalOf(() => importXgboost(framed([none, { type: 8, values }])))).toMatch(
        /^unsupported: .*number them/,
      );
    }
    expect(refusalOf(() => importXgboost(framed([none, { type: 8, values: [7] }])))).toMatch(
      /categories that are not kept/,
    );
  });

  it('of a data frame of texts says which number is which', async () => {
    const bytes = Array.from(new Int8Array(utf8('rotgrünblau')));
    const model = importXgboost(framed([none, { offsets: [0, 3, 8, 12], values: bytes }]));
    expect(model.notes).toEqual([expect.stringMatching(/given by their numbers, from 0: "rot", "grün", "blau"$/)]);
    expect(await answers(model, [0, 1, 2])).toEqual([2, 1, 2]);
  });

  it('that lists nothing, or something else than categories, is damage', () => {
    const refused = (change: (tree: Loose) => void): string =>
      refusalOf(() => importXgboost(oneSplit([1, 2], 1, change)));
    for (const odd of [-1, 0.5, 2 ** 24, 'NaN', null]) {
      expect(refused((tree) => (tree.categories[0] = odd))).toMatch(/^model-file: .*(category|categories)/);
    }
    expect(refused((tree) => (tree.categories_sizes = [0]))).toMatch(/node 0 has 0 categories from 0 on, of 2/);
    expect(refused((tree) => (tree.categories_sizes = [3]))).toMatch(/3 categories/);
    expect(refused((tree) => (tree.categories_segments = [1]))).toMatch(/from 1 on, of 2/);
    expect(refused((tree) => (tree.categories_segments = [-1]))).toMatch(/from -1 on/);
    expect(refused((tree) => (tree.categories_nodes = [1]))).toMatch(/node 0 splits by categories and lists none/);
    expect(refused((tree) => (tree.split_type = [2, 0, 0]))).toMatch(/lists none/);
    // Lists that overlap would take the square of the file.
    const overlap = (tree: Loose): void => {
      Object.assign(tree, { categories_nodes: [0, 1], categories_segments: [0, 0], categories_sizes: [2, 2] });
    };
    expect(refused(overlap)).toMatch(/node 1 has 2 categories/);
  });

  it('a bare NaN where a threshold or a leaf is used is damage, and infinite thresholds are read', async () => {
    const bare = (i: number, text: string): string =>
      oneSplit([1], 1, (tree) => {
        tree.split_type = [0, 0, 0];
        tree.split_conditions = [0.5, 1, 2];
        tree.split_conditions[i] = 'bare';
      }).replace('NaN', text);
    const at = (i: number, text: string): string => bare(i, 'NaN').replace(/(?<=[[,])NaN(?=[,\]])/, text);
    expect(refusalOf(() => importXgboost(at(0, 'NaN')))).toMatch(/node 0 has the threshold NaN/);
    expect(refusalOf(() => importXgboost(at(1, 'NaN')))).toMatch(/leaf 1 has the value NaN/);
    expect(await answers(importXgboost(at(0, 'Infinity')), [1e38])).toEqual([1]);
    expect(await answers(importXgboost(at(0, '-Infinity')), [-1e38])).toEqual([2]);
    for (const half of ['Na', 'Infinit', 'nan', '+Infinity', 'NaNNaN']) {
      expect(refusalOf(() => importXgboost(at(0, half)))).toMatch(/^model-file: .*not JSON/);
    }
  });
});

describe('UBJSON', () => {
  const bytes = golden.ubjson as Uint8Array;

  it('as XGBoost writes it is the model of its JSON, whatever the file is called', () => {
    const model = importXgboost(golden.xgboost);
    for (const label of ['model.ubj', 'model.json', 'model.onnx', 'model']) {
      expect(importTreeModel(bytes, { label })).toEqual(model);
      expect(importTreeModel(utf8(`\ufeff\n ${golden.xgboost}`), { label })).toEqual(model);
    }
    expect(model.notes[0]).toMatch(/first 2 of 5 boosting rounds/);
  });

  it('of every kind of value is read as it is defined', () => {
    const model = importXgboost(oneSplit([3, 200], 1));
    for (const style of ['counted', 'open', 'typed'] as const) {
      const written = writeUbjson(JSON.parse(oneSplit([3, 200], 1).replace('[NaN,', '[0.5,')), style);
      expect(treeFileFormat(written)).toBe('ubjson');
      expect(importTreeModel(written), style).toEqual(model);
    }
  });

  it('cut off anywhere, or with something behind it, is refused in one line', () => {
    for (let end = 2; end < bytes.length; end += end < 3000 ? 1 : 37) {
      expect(refusalOf(() => importTreeModel(bytes.subarray(0, end)))).toMatch(/^model-file: /);
    }
    expect(refusalOf(() => importTreeModel(Uint8Array.from([...bytes, 0x7d])))).toMatch(/1 bytes follow its end/);
  });

  it('changed anywhere is read or refused in one line', () => {
    const random = createRandom(4);
    for (let round = 0; round < 2000; round++) {
      const copy = bytes.slice();
      for (let c = 0; c <= random.integer(4); c++) copy[random.integer(copy.length)] = random.integer(256);
      try {
        importTreeModel(copy);
      } catch (error) {
        if (!(error instanceof FewfireError)) throw error;
      }
    }
  });

  it('that is deep, or claims more than it has, ends before anything is made', () => {
    const deep = Uint8Array.from(`{U\u0001a${'['.repeat(50_000)}`, (c) => c.charCodeAt(0));
    expect(refusalOf(() => importTreeModel(deep))).toMatch(/nested more than 100 deep/);
    const claim = (head: string): Uint8Array =>
      Uint8Array.from(`{U\u0001a${head}l\u007f\u00ff\u00ff\u00ff`, (c) => c.charCodeAt(0));
    for (const head of ['[#', '[$d#', '[$U#', '[$l#', '[$S#', '{#', 'S']) {
      expect(
        refusalOf(() => importTreeModel(claim(head))),
        head,
      ).toMatch(/it ends after \d+ bytes/);
    }
    // Nulls and booleans take no bytes in a typed list.
    for (const head of ['[$Z#', '[$T#', '[$N#', '{$F#']) {
      expect(
        refusalOf(() => importTreeModel(claim(head))),
        head,
      ).toMatch(/begins a list of the type/);
    }
    const beyond = Uint8Array.from('{U\u0001aL\u007f\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff}', (c) =>
      c.charCodeAt(0),
    );
    expect(refusalOf(() => importTreeModel(beyond))).toMatch(/whole number beyond 2\^53/);
    const negative = Uint8Array.from('{U\u0001aSi\u00ff}', (c) => c.charCodeAt(0));
    expect(refusalOf(() => importTreeModel(negative))).toMatch(/no length/);
    const polluted = Uint8Array.from('{U\u0009__proto__{U\u0007learnerZ}}', (c) => c.charCodeAt(0));
    expect(refusalOf(() => importTreeModel(polluted))).toMatch(/no "learner"/);
  });
});

describe('a file that is no model of trees', () => {
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    [
      'a saved configuration',
      JSON.stringify({
        learner: {
          generic_param: { seed: '1' },
          gradient_booster: { name: 'gbtree', gbtree_train_param: { tree_method: 'exact' }, specified_updater: false },
          learner_model_param: { base_score: '5E-1', num_class: '0', num_feature: '6' },
          objective: { name: 'binary:logistic' },
        },
        version: [1, 7, 4],
      }),
      /^model-file: .* is a configuration of XGBoost \(save_config\).*save_model\('model\.json'\)$/,
    ],
    [
      'a linear model',
      JSON.stringify({ learner: { gradient_booster: { name: 'gblinear', model: { weights: [1, 2] } } } }),
      /^unsupported: .* is a linear model \(gblinear\), which has no trees.*fewfire$/,
    ],
    ['a dump as JSON', '[{"nodeid": 0, "split": "f0"}]', /is a dump of XGBoost \(dump_model, get_dump\).*save_model/],
    ['a dump as text', 'booster[0]:\n0:[f0<0.5] yes=1,no=2,missing=1\n', /is a dump of XGBoost/],
    ['LightGBM', 'tree\nversion=v4\nnum_class=1\n', /is a LightGBM model; convert it to ONNX/],
    ['LightGBM as JSON', '{"name":"tree","tree_info":[],"feature_names":[]}', /is a LightGBM model/],
    ['CatBoost', 'CBM1\u0001\u0002', /is a CatBoost model; save it with save_model\(name, format='onnx'\)/],
    ['CatBoost as JSON', '{"oblivious_trees":[],"features_info":{}}', /is a CatBoost model/],
    ['PMML', '<?xml version="1.0"?>\n<PMML/>', /is XML, perhaps PMML/],
    ['a pickle', Uint8Array.from([0x80, 4, 0x95, 1, 2]), /is a Python pickle/],
    ['gzip', Uint8Array.from([0x1f, 0x8b, 8, 0]), /is compressed \(gzip\); unpack it first/],
    ['a zip archive', 'PK\u0003\u0004', /is a zip archive/],
    ['an old binary with its mark', 'binf\u0000\u0000', /an XGBoost model in its old binary form; load it in XGBoost/],
    [
      'an old binary without',
      `\u0000\u0000\u0000?\u0006\u0000${'\u0000'.repeat(128)}\u000f\u0000binary:logistic\u0006\u0000\u0000gbtree\u0000`,
      /old binary form/,
    ],
    ['a network', '{"format":"fewfire-network","version":2}', /is a network already; use it as it is/],
    ['a model of fit', '{"format":"fewfire-model"}', /is a model of fewfire fit/],
    ['other JSON', '{"a":1}', /has no "learner"/],
    ['nothing', '', /is empty; expected XGBoost \(JSON or UBJSON/],
    ['a text', 'hello', /is no model of trees that is known here/],
  ];

  it.each(cases)('%s is named for what it is', (_, content, pattern) => {
    const bytes = typeof content === 'string' ? utf8(content) : content;
    expect(refusalOf(() => importTreeModel(bytes, { label: 'a file' }))).toMatch(pattern);
  });

  it('ONNX has no rounds, and is found by its bytes', () => {
    const { onnx } = readTreeGolden('flags-poisson');
    const bytes = onnx as Uint8Array;
    expect(importTreeModel(bytes, { label: 'model.bin' }).outputs[0].trees.length).toBe(8);
    expect(refusalOf(() => importTreeModel(bytes, { roundCount: 3 }))).toMatch(/^invalid-argument: .*no.* rounds/);
  });
});

/** UBJSON by its definition, with lengths and types in the three ways it allows. */
function writeUbjson(value: unknown, style: 'counted' | 'open' | 'typed'): Uint8Array {
  const out: number[] = [];
  const put = (text: string): void => {
    for (const byte of utf8(text)) out.push(byte);
  };
  const whole = (number: number): void => {
    if (number >= 0 && number < 128) out.push(0x69, number);
    else if (number >= 0 && number < 256) out.push(0x55, number);
    else out.push(0x6c, ...new Uint8Array(new Int32Array([number]).buffer).reverse());
  };
  const text = (content: string): void => {
    whole(utf8(content).length);
    put(content);
  };
  const write = (item: unknown): void => {
    if (item === null) put('Z');
    else if (item === true) put('T');
    else if (item === false) put('F');
    else if (typeof item === 'string' && item.length === 1 && style === 'open') put(`C${item}`);
    else if (typeof item === 'string') {
      put('S');
      text(item);
    } else if (typeof item === 'number' && Number.isInteger(item)) whole(item);
    else if (typeof item === 'number') out.push(0x44, ...new Uint8Array(new Float64Array([item]).buffer).reverse());
    else if (Array.isArray(item) && style === 'typed' && item.every((each) => typeof each === 'number')) {
      put('[$d#');
      whole(item.length);
      for (const each of item) out.push(...new Uint8Array(new Float32Array([each]).buffer).reverse());
    } else {
      const isList = Array.isArray(item);
      put(isList ? '[' : '{');
      const entries = Object.entries(item as object);
      if (style !== 'open') {
        put('#');
        whole(entries.length);
      }
      for (const [key, each] of entries) {
        if (!isList) text(key);
        if (style === 'open') put('N');
        write(each);
      }
      if (style === 'open') put(isList ? ']' : '}');
    }
  };
  write(value);
  return Uint8Array.from(out);
}
