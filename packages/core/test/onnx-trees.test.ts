/** ONNX files made field by field: what converters write that the goldens do not have, and what must be refused. */
import { FewfireError, predictTrees } from '@fewfire/core';
import { encodeTreeRows, importOnnxTrees, readOnnxModel, tensorNumbers } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import {
  type AttributeValue,
  concat,
  doubles,
  type Field,
  floats,
  message,
  model,
  type NodeParts,
  type Tensor,
  tensorMessage,
  varint,
} from './onnx-writer.ts';

/** One tree: feature 0 <= 0.1 ? 1 : (feature 1 > 2 ? 2 : 4). */
const STUMP: { readonly [name: string]: AttributeValue } = {
  nodes_treeids: { ints: [5, 5, 5, 5, 5] },
  nodes_nodeids: { ints: [0, 1, 2, 3, 4] },
  nodes_featureids: { ints: [0, 0, 1, 0, 0] },
  nodes_modes: ['BRANCH_LEQ', 'LEAF', 'BRANCH_GT', 'LEAF', 'LEAF'],
  nodes_values: { floats: [0.1, 0, 2, 0, 0] },
  nodes_truenodeids: { ints: [1, 0, 3, 0, 0] },
  nodes_falsenodeids: { ints: [2, 0, 4, 0, 0] },
};
const TARGETS: { readonly [name: string]: AttributeValue } = {
  target_treeids: { ints: [5, 5, 5] },
  target_nodeids: { ints: [1, 3, 4] },
  target_ids: { ints: [0, 0, 0] },
  target_weights: { floats: [1, 2, 4] },
};

function regressor(attributes: { readonly [name: string]: AttributeValue } = {}): NodeParts {
  return {
    opType: 'TreeEnsembleRegressor',
    domain: 'ai.onnx.ml',
    inputs: ['X'],
    outputs: ['Y'],
    attributes: { ...STUMP, ...TARGETS, ...attributes },
  };
}

function classifier(
  votes: readonly (readonly [node: number, id: number, weight: number])[],
  attributes: { readonly [name: string]: AttributeValue },
): NodeParts {
  return {
    ...regressor(),
    opType: 'TreeEnsembleClassifier',
    outputs: ['L', 'Y'],
    attributes: {
      ...STUMP,
      class_treeids: { ints: votes.map(() => 5) },
      class_nodeids: { ints: votes.map(([leaf]) => leaf) },
      class_ids: { ints: votes.map(([, id]) => id) },
      class_weights: { floats: votes.map(([, , weight]) => weight) },
      ...attributes,
    },
  };
}

const ROWS = [
  [0, 0],
  [0.1, 9],
  [0.100001, 3],
  [1, 2],
  [Number.NaN, Number.NaN],
];

async function margins(bytes: Uint8Array, rows = ROWS): Promise<number[][]> {
  const imported = importOnnxTrees(bytes);
  const predicted = await predictTrees(imported, encodeTreeRows(imported, rows));
  return predicted.margins.map((margin) => Array.from(margin));
}

function tensor(dataType: number, count: number, ...fields: Field[]): Tensor {
  return { dataType, dims: [count], fields };
}

describe('importOnnxTrees', () => {
  it('follows comparisons and missing values: a comparison with NaN is false unless it tracks true', async () => {
    // 0.1 as a float is above 0.1 as a double, so the single-precision row 0.1 is not above it.
    expect(await margins(model([regressor()], 1, 2))).toEqual([[1, 1, 2, 4, 4]]);
    const tracks = regressor({ nodes_missing_value_tracks_true: { ints: [0, 0, 1, 0, 0] } });
    expect(await margins(model([tracks]))).toEqual([[1, 1, 2, 4, 2]]);
    const imported = importOnnxTrees(model([tracks]), { featureNames: ['a', 'b', 'c'] });
    expect(imported.coordinates.map((c) => c.name)).toEqual(['a>0.1 or missing', 'b>2 or missing']);
    expect(imported.features.length).toBe(3);
  });

  it('compares in double precision when the input is double, with thresholds from tensors', async () => {
    const values = { tensor: tensor(11, 5, [9, doubles([0.1, 0, 2, 0, 0])]) };
    const { nodes_values: _, ...others } = regressor().attributes as { [name: string]: AttributeValue };
    const parts = { ...regressor(), attributes: { ...others, nodes_values_as_tensor: values } };
    const rows = [
      [0.1, 0],
      [0.1 + 1e-12, 0],
    ];
    expect(await margins(model([parts], 11), rows)).toEqual([[1, 4]]);
    expect(await margins(model([parts], 1), rows)).toEqual([[1, 1]]);
    expect(importOnnxTrees(model([parts], 11)).coordinates[0].name).toBe('f0>0.1 or missing');
  });

  it('adds base values, several targets, and several weights of one leaf', async () => {
    const parts = regressor({
      n_targets: 2,
      base_values: { floats: [10, 20] },
      target_treeids: { ints: [5, 5, 5, 5] },
      target_nodeids: { ints: [1, 1, 3, 4] },
      target_ids: { ints: [0, 0, 1, 1] },
      target_weights: { floats: [1, 0.5, -3, 4] },
    });
    expect(await margins(model([parts]))).toEqual([
      [11.5, 11.5, 10, 10, 10],
      [20, 20, 17, 24, 24],
    ]);
  });

  it('says where the specification and onnxruntime make another value of a margin', () => {
    const logistic = importOnnxTrees(model([regressor({ post_transform: 'LOGISTIC' })]));
    expect(logistic.link).toBe('logistic');
    expect(logistic.notes).toEqual([expect.stringMatching(/onnxruntime gives the margin of a single target/)]);
    expect(importOnnxTrees(model([regressor({ post_transform: 'LOGISTIC', n_targets: 2 })])).notes).toEqual([]);
  });

  it('says where onnxruntime leaves out a class that has no score', () => {
    const notes = (votes: Parameters<typeof classifier>[0], base: readonly number[] = []): readonly string[] =>
      importOnnxTrees(
        model([classifier(votes, { classlabels_strings: ['a', 'b', 'c'], base_values: { floats: base } })]),
      ).notes;
    const every = [1, 3, 4].flatMap((leaf) => [0, 1, 2].map((id) => [leaf, id, -1] as const));
    const lacking = every.slice(1);
    const left = [expect.stringMatching(/^a class that no leaf of a row gives a score has the score 0 there/)];
    expect(notes(every)).toEqual([]);
    expect(notes(lacking)).toEqual(left);
    expect(notes(lacking, [0, 0, 0])).toEqual([]);
    expect(notes(lacking.map(([leaf, id]) => [leaf, id, 1] as const))).toEqual([]);
    expect(notes(every.filter(([, id]) => id > 0))).toEqual(left);
  });

  it('reads one score of two classes as onnxruntime: votes above 1/2, margins above 0', async () => {
    const classes = async (parts: NodeParts): Promise<(string | undefined)[]> => {
      const imported = importOnnxTrees(model([parts]));
      const predicted = await predictTrees(imported, encodeTreeRows(imported, ROWS));
      return Array.from(predicted.classes as Int32Array, (c) => imported.classes?.labels[c]);
    };
    const votes = classifier(
      [
        [1, 0, 0.5],
        [3, 0, 0.6],
        [4, 0, 0],
      ],
      { classlabels_strings: ['no', 'yes'] },
    );
    expect(await classes(votes)).toEqual(['no', 'no', 'yes', 'no', 'no']);
    const signed = classifier(
      [
        [1, 1, 0.5],
        [3, 1, -0.6],
        [4, 1, 0],
      ],
      { classlabels_int64s: { ints: [-7, 8] }, base_values: { floats: [0, 0.25] } },
    );
    expect(await classes(signed)).toEqual(['8', '8', '-7', '8', '8']);
    // To which class do these belong? The specification wants one for each, and onnxruntime takes what the other has.
    for (const [id, base] of [
      [1, [0.25]],
      [1, [0.5, 0.25]],
      [0, [0, 0.25]],
    ] as const) {
      const unclear = classifier([[1, id, 0.5]], {
        classlabels_int64s: { ints: [-7, 8] },
        base_values: { floats: base },
      });
      const pattern =
        /scores of the (first|second) class alone and the base values \[[0-9., ]+\].*expected .* one base value/;
      expectRefusal(model([unclear]), 'unsupported', pattern);
    }
    for (const base of [[-0.75], [-0.75, -0.75]]) {
      const first = classifier([[1, 0, 1]], { classlabels_strings: ['no', 'yes'], base_values: { floats: base } });
      expect(await margins(model([first]))).toEqual([[0.25, 0.25, -0.75, -0.75, -0.75]]);
    }
    const both = classifier(
      [
        [1, 0, 0.5],
        [1, 1, 0.5],
        [3, 1, 0.6],
        [4, 0, 1],
      ],
      { classlabels_strings: ['no', 'yes'] },
    );
    expect(await classes(both)).toEqual(['no', 'no', 'yes', 'no', 'no']);
    expect(importOnnxTrees(model([both])).notes[0]).toMatch(/onnxruntime compares the second score with 0/);
  });

  it('reads the input through a cast, names what follows, and refuses what changes the features', () => {
    const cast = { opType: 'Cast', inputs: ['X'], outputs: ['C'], attributes: { to: 1 } };
    const zip = { opType: 'ZipMap', domain: 'ai.onnx.ml', inputs: ['Y'], outputs: ['Z'] };
    const after = importOnnxTrees(model([cast, { ...regressor(), inputs: ['C'] }, zip], 11));
    expect(after.precision).toBe('f32');
    expect(after.notes[0]).toMatch(/\(ZipMap\) is not applied/);
    const scaler = { opType: 'Scaler', domain: 'ai.onnx.ml', inputs: ['X'], outputs: ['C'] };
    expectRefusal(model([scaler, { ...regressor(), inputs: ['C'] }]), 'unsupported', /by Scaler before the trees/);
    expectRefusal(model([{ ...regressor(), inputs: ['Q'] }]), 'model-file', /read "Q", which is no input/);
    const loop = { opType: 'Identity', inputs: ['C'], outputs: ['C'] };
    expectRefusal(model([loop, { ...regressor(), inputs: ['C'] }]), 'model-file', /no input/);
    expectRefusal(model([regressor(), regressor()]), 'unsupported', /2 tree ensembles/);
    const newer = { ...regressor(), opType: 'TreeEnsemble' };
    expectRefusal(model([newer]), 'unsupported', /operators "TreeEnsemble"; expected one/);
  });

  it('rounds where the input and its casts do: single precision against thresholds of double precision', async () => {
    // 0.1 as a float is above 0.1 as a double; 0.3 as a float is above 0.3, and 0.7 as a float is below 0.7.
    const cells = [0.1, 0.3, 0.7, 0.09999999999, 0, 2 ** -149, -(2 ** -149), -0.1, -0.7, 1e30, -1e30];
    const thresholds = [0.1, 0.3, 0.7, -0.1, -0.7, 1e-300, -1e-300, 0, 1e300, -1e300];
    const chains: readonly (readonly number[])[] = [[11], [1, 11], [11, 1, 11], [11, 11], [1, 11, 1], [11, 1]];
    for (const mode of ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GT', 'BRANCH_GTE']) {
      for (const threshold of thresholds) {
        for (const [type, ...casts] of chains) {
          const values = { tensor: tensor(11, 3, [9, doubles([threshold, 0, 0])]) };
          const { nodes_values: _, ...others } = STUMP;
          const parts = {
            ...regressor(),
            attributes: {
              ...others,
              nodes_treeids: { ints: [5, 5, 5] },
              nodes_nodeids: { ints: [0, 1, 2] },
              nodes_featureids: { ints: [0, 0, 0] },
              nodes_modes: [mode, 'LEAF', 'LEAF'],
              nodes_values_as_tensor: values,
              nodes_truenodeids: { ints: [1, 0, 0] },
              nodes_falsenodeids: { ints: [2, 0, 0] },
              target_treeids: { ints: [5, 5] },
              target_nodeids: { ints: [1, 2] },
              target_ids: { ints: [0, 0] },
              target_weights: { floats: [1, 2] },
            },
          };
          const path = casts.map((to, i) => ({
            opType: 'Cast',
            inputs: [i === 0 ? 'X' : `v${i}`],
            outputs: [`v${i + 1}`],
            attributes: { to },
          }));
          const bytes = model([...path, { ...parts, inputs: [casts.length === 0 ? 'X' : `v${casts.length}`] }], type);
          const isSingle = casts.at(-1) === 1;
          const t = isSingle ? Math.fround(threshold) : threshold;
          const expected = cells.map((cell) => {
            const x = [type, ...casts].includes(1) ? Math.fround(cell) : cell;
            const isTrue = { BRANCH_LEQ: x <= t, BRANCH_LT: x < t, BRANCH_GT: x > t, BRANCH_GTE: x >= t }[mode];
            return isTrue ? 1 : 2;
          });
          const rows = cells.map((cell) => [cell]);
          expect(await margins(bytes, rows), `${mode} ${threshold}, types ${[type, ...casts]}`).toEqual([expected]);
        }
      }
    }
  });

  it('refuses a cast that changes more than the last digits', () => {
    const casts = (type: number, ...to: number[]): Uint8Array =>
      model(
        [
          ...to.map((one, i) => ({
            opType: 'Cast',
            inputs: [i === 0 ? 'X' : `v${i}`],
            outputs: [`v${i + 1}`],
            attributes: { to: one },
          })),
          { ...regressor(), inputs: [to.length === 0 ? 'X' : `v${to.length}`] },
        ],
        type,
      );
    // 2.7 would be 2 or yes, and 0.1 something else in three digits.
    expectRefusal(casts(1, 7), 'unsupported', /casts its input to int64 before the trees/);
    expectRefusal(casts(11, 6, 1), 'unsupported', /to int32 before .*; convert it with an input of float or double/);
    expectRefusal(casts(1, 9, 1), 'unsupported', /to bool before/);
    expectRefusal(casts(1, 10, 1), 'unsupported', /to float16 before/);
    expectRefusal(casts(1, 16, 11), 'unsupported', /to bfloat16 before/);
    expectRefusal(casts(10, 1), 'unsupported', /has an input of float16/);
    expectRefusal(casts(8, 1), 'unsupported', /has an input of string/);
    expectRefusal(casts(1, 99), 'unsupported', /to element type 99 before/);
    expectRefusal(casts(7, 3, 1), 'unsupported', /to int8 before/);
    // Whole numbers stay what they are.
    for (const bytes of [casts(7), casts(7, 1), casts(6, 7, 1), casts(9, 1), casts(2, 6, 1)]) {
      expect(importOnnxTrees(bytes).precision).toBe('f32');
    }
    expect(importOnnxTrees(casts(7, 11)).precision).toBe('f64');
  });

  it('takes Exp and Sigmoid behind a regression for its link, and refuses what else changes its numbers', async () => {
    const after = (...nodes: readonly (readonly [opType: string, to?: number])[]): NodeParts[] => [
      regressor(),
      ...nodes.map(([opType, to], i) => ({
        opType,
        inputs: [i === 0 ? 'Y' : `y${i}`],
        outputs: [`y${i + 1}`],
        ...(to === undefined ? {} : { attributes: { to } }),
      })),
    ];
    for (const [nodes, link] of [
      [after(['Exp']), 'exponential'],
      [after(['Identity'], ['Cast', 11], ['Exp'], ['Reshape']), 'exponential'],
      [after(['Sigmoid']), 'logistic'],
      [after(['Cast', 1], ['Flatten']), 'identity'],
    ] as const) {
      const imported = importOnnxTrees(model([...nodes]));
      expect(imported.link).toBe(link);
      const { margins: own, values } = await predictTrees(imported, encodeTreeRows(imported, ROWS));
      const of = { exponential: Math.exp, logistic: (m: number) => 1 / (1 + Math.exp(-m)), identity: (m: number) => m };
      expect(Array.from(values[0])).toEqual(Array.from(own[0], of[link]));
    }
    expect(importOnnxTrees(model(after(['Exp']))).notes).toEqual([]);
    for (const nodes of [after(['Mul']), after(['Exp'], ['Exp']), after(['Identity'], ['Neg']), after(['Cast', 7])]) {
      expectRefusal(model(nodes), 'unsupported', /has (Mul|Exp|Neg|Cast) behind its trees, .*the trees alone/);
    }
    const shaped = [regressor(), { opType: 'Shape', inputs: ['Y'], outputs: ['s'] }, ...after(['Exp']).slice(1)];
    expect(importOnnxTrees(model(shaped)).link).toBe('exponential');
    const twice = after(['Exp']).map((parts, i) => (i === 0 ? regressor({ post_transform: 'LOGISTIC' }) : parts));
    expectRefusal(model(twice), 'unsupported', /has Exp behind its trees/);
  });

  it('follows a chain of nodes to the input, in whatever order they stand', () => {
    const count = 2_000;
    const chain = Array.from({ length: count }, (_, i) => ({
      opType: 'Identity',
      inputs: [i === 0 ? 'X' : `v${i - 1}`],
      outputs: [`v${i}`],
    }));
    const plain = importOnnxTrees(model([regressor()]));
    const end = { ...regressor(), inputs: [`v${count - 1}`] };
    expect(importOnnxTrees(model([...chain, end])).outputs).toEqual(plain.outputs);
    expect(importOnnxTrees(model([end, ...chain.reverse()])).outputs).toEqual(plain.outputs);
  });

  it('refuses what it cannot add up', () => {
    const refusal = (attributes: { [name: string]: AttributeValue }, code: string, pattern: RegExp): void =>
      expectRefusal(model([regressor(attributes)]), code, pattern);
    refusal({ aggregate_function: 'MAX' }, 'unsupported', /aggregate_function MAX/);
    refusal({ post_transform: 'PROBIT' }, 'unsupported', /post_transform PROBIT/);
    refusal({ nodes_modes: ['BRANCH_NEQ', 'LEAF', 'BRANCH_GT', 'LEAF', 'LEAF'] }, 'unsupported', /BRANCH_NEQ/);
    refusal({ nodes_modes: ['LEAF'] }, 'model-file', /5 entries for 1 nodes/);
    refusal({ nodes_nodeids: { ints: [0, 1, 2, 3, 3] } }, 'model-file', /node 3 of tree 5 stands in it twice/);
    refusal({ nodes_truenodeids: { ints: [1, 0, 0, 0, 0] } }, 'model-file', /hang on nothing/);
    refusal({ nodes_truenodeids: { ints: [1, 0, 4, 0, 0] } }, 'model-file', /one root/);
    refusal({ nodes_truenodeids: { ints: [1, 0, 1, 0, 0] } }, 'model-file', /one root|reached twice|hang on nothing/);
    refusal({ nodes_truenodeids: { ints: [1, 0, 77, 0, 0] } }, 'model-file', /one root|child -1/);
    refusal({ nodes_featureids: { ints: [-1, 0, 1, 0, 0] } }, 'model-file', /feature -1/);
    refusal({ nodes_featureids: { ints: [2 ** 40, 0, 1, 0, 0] } }, 'model-file', /1099511627777 features/);
    refusal({ nodes_values: { floats: [Number.NaN, 0, 0, 0, 0] } }, 'model-file', /threshold NaN/);
    refusal({ target_weights: { floats: [1, 2, Number.POSITIVE_INFINITY] } }, 'model-file', /value Infinity/);
    refusal({ target_nodeids: { ints: [1, 3, 2] } }, 'model-file', /node 2 of tree 5, which is no leaf/);
    refusal({ target_ids: { ints: [0, 0, 1] } }, 'model-file', /target_ids holds 1/);
    refusal({ target_ids: { ints: [0, 0] } }, 'model-file', /different lengths/);
    refusal({ n_targets: 2 ** 31 }, 'model-file', /n_targets/);
    refusal({ base_values: { floats: [1, 2] } }, 'model-file', /2 base values for 1/);
    refusal({ base_values: { floats: [Number.NaN] } }, 'model-file', /base values are \[NaN\]/);
    refusal({ nodes_values_as_tensor: { tensor: tensor(8, 5) } }, 'unsupported', /element type 8/);
    refusal({ nodes_values_as_tensor: { tensor: tensor(11, 5, [14, 1]) } }, 'unsupported', /another file/);
    refusal({ nodes_values_as_tensor: { tensor: tensor(11, 2 ** 40) } }, 'model-file', /ask for 1099511627776 numbers/);
    refusal({ post_transform: 'SOFTMAX' }, 'unsupported', /SOFTMAX of one score/);
    const one = classifier([[1, 0, -1]], { classlabels_strings: ['a', 'b'], post_transform: 'SOFTMAX' });
    expectRefusal(model([one]), 'unsupported', /SOFTMAX of one score/);
    expectRefusal(model([classifier([[1, 0, 1]], {})]), 'model-file', /0 class labels/);
  });
});

describe('readOnnxModel', () => {
  it('reads every element type, raw and listed, packed and one by one', () => {
    const read = (...parts: Parameters<typeof tensor>): number[] => {
      const graph = message([5, tensorMessage(tensor(...parts))]);
      return Array.from(tensorNumbers(readOnnxModel(message([7, graph])).graph.initializers[0]));
    };
    const ints = concat([-1, 2, 300].map(varint));
    expect(read(1, 2, [9, floats([1.5, -2])])).toEqual([1.5, -2]);
    expect(read(1, 2, [4, floats([1.5, -2])])).toEqual([1.5, -2]);
    expect(read(11, 2, [10, doubles([0.1, -2])])).toEqual([0.1, -2]);
    expect(read(6, 3, [5, ints])).toEqual([-1, 2, 300]);
    expect(read(6, 2, [9, new Uint8Array(Int32Array.of(-5, 6).buffer)])).toEqual([-5, 6]);
    expect(read(7, 3, [7, -1], [7, 2], [7, 300])).toEqual([-1, 2, 300]);
    expect(read(7, 1, [9, new Uint8Array(BigInt64Array.of(-(2n ** 40n)).buffer)])).toEqual([-(2 ** 40)]);
    expect(read(7, 2, [7, Number.MIN_SAFE_INTEGER], [7, Number.MAX_SAFE_INTEGER])).toEqual([
      Number.MIN_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    ]);
    expect(read(3, 2, [9, Uint8Array.of(255, 1)])).toEqual([-1, 1]);
    expect(read(2, 2, [9, Uint8Array.of(255, 1)])).toEqual([255, 1]);
    expect(() => read(1, 3, [9, floats([1, 2])])).toThrow(/ask for 3 numbers and it holds 2/);
    expect(() => read(1, -1, [9, floats([])])).toThrow(/ask for -1 numbers/);
  });

  it('skips unknown fields and refuses broken ones', () => {
    const graph: Field = [7, message()];
    const fixed = Uint8Array.of(100 * 8 + 1 - 768 + 128, 6, 1, 2, 3, 4, 5, 6, 7, 8);
    expect(readOnnxModel(concat([message([99, 5], [98, 'x'], graph), fixed])).graph.nodes).toEqual([]);
    const broken = (bytes: Uint8Array, pattern: RegExp): void => {
      expect(() => readOnnxModel(bytes)).toThrow(FewfireError);
      expect(() => readOnnxModel(bytes)).toThrow(pattern);
    };
    broken(Uint8Array.of(8), /breaks off inside a number/);
    broken(Uint8Array.of(8, ...new Array(10).fill(255), 1), /more than 10 bytes/);
    broken(Uint8Array.of(0, 0), /field numbered 0/);
    broken(Uint8Array.of(0x3b), /wire type 3/);
    broken(Uint8Array.of(0x3a, 5, 0), /breaks off inside field 7/);
    broken(concat([Uint8Array.of(0x3a), varint(-1)]), /wire type 2|breaks off/);
    broken(message([7, 3]), /field 7 is not a message/);
    broken(message([1, 'x'], graph), /field 1 is not an integer/);
  });

  it('has a limit on messages, which are cheap in a file and dear in memory', () => {
    const nodes = new Uint8Array(2 * (2 ** 18 + 1));
    for (let k = 0; k < nodes.length; k += 2) nodes[k] = 0x0a;
    expect(() => readOnnxModel(message([7, nodes]))).toThrow(/more than 262,144 nodes/);
  });
});

function expectRefusal(bytes: Uint8Array, code: string, pattern: RegExp): void {
  let thrown: unknown;
  try {
    importOnnxTrees(bytes);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FewfireError);
  expect((thrown as FewfireError).message).toMatch(pattern);
  expect((thrown as FewfireError).code).toBe(code);
}
