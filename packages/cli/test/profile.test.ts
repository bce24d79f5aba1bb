/** `fewfire profile` as people run it: on the models in examples/, and on everything that can be wrong. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberToHalf } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { graphBytes, otherGraphs, reluGraphs } from '../../core/test/mlp-graphs.ts';
import { floatTensor, message, runnableModel } from '../../core/test/onnx-writer.ts';
import { commandHost, peakMemory, root, temporaryFolder } from './run.ts';

const fewfire = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const example = (name: string): string => join(root, 'examples', name);
const charlm = example('charlm-relu.onnx');
const tokens = example('charlm-relu-tokens.npy');
const trained = example('relu-mlp.safetensors');

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(inFolder(name), content);
  return inFolder(name);
}

interface Printed {
  readonly model: string;
  readonly inputRowCount: number;
  readonly samplesPerRun: number | null;
  readonly rowsDepend: boolean | null;
  readonly blocks: readonly {
    readonly name: string;
    readonly inputWidth: number;
    readonly unitCount: number;
    readonly activation: string;
    readonly activationRate: number;
    readonly deadUnitCount: number;
    readonly survivorRate: number | null;
    readonly firstTest: { readonly rank: number; readonly letThroughRate: number } | null;
    readonly timingsUs: Readonly<Record<'dense' | 'exact', number | null>>;
    readonly leftOut: readonly string[];
    readonly inexact: null | {
      readonly timeUs: number;
      readonly missedMass: {
        readonly mean: number;
        readonly interval: readonly [number, number];
        readonly target: number;
      };
    };
    readonly verdict: string;
    readonly unitRates: readonly number[];
    readonly topRows?: readonly (readonly { readonly row: number; readonly activation: number }[])[];
  }[];
  readonly notes: readonly string[];
}

async function json(args: readonly string[]): Promise<Printed> {
  const { code, stdout, stderr } = await fewfire(['profile', ...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('on the examples', () => {
  it('the safetensors block: 6 % active, and which inputs its units answer', async () => {
    const { blocks, inputRowCount, notes } = await json([trained, '--top', '2']);
    expect(inputRowCount).toBe(1024);
    expect(notes.join()).toMatch(/activation is taken to be relu/);
    const [block] = blocks;
    expect(block).toMatchObject({ inputWidth: 256, unitCount: 1024, activation: 'relu' });
    expect(Math.round(100 * block.activationRate)).toBe(6);
    expect(block.unitRates.filter((rate) => rate === 0)).toHaveLength(block.deadUnitCount);
    expect(block.topRows?.filter((rows) => rows.length === 0)).toHaveLength(block.deadUnitCount);
    // Its inputs share directions with its weights: the exact way reads few of the int8 rows.
    // What is not exact stands apart, with what it misses; whether it pays is for the clock to say.
    expect(Object.keys(block.timingsUs)).toEqual(['dense', 'exact']);
    if (block.inexact !== null) {
      const { mean, interval, target } = block.inexact.missedMass;
      expect(mean).toBeLessThanOrEqual(interval[1]);
      expect(interval[1]).toBeLessThanOrEqual(target);
    } else expect(block.leftOut.join()).toMatch(/^the inexact way/);
    expect(block.firstTest?.letThroughRate).toBeLessThan(0.4);
    expect(block.firstTest?.letThroughRate).toBeGreaterThanOrEqual(block.survivorRate ?? 1);
  });

  it('the transformer: text within 80 columns, and a page with figures', async () => {
    const report = inFolder('profile.html');
    const args = ['profile', charlm, '--inputs', tokens, '--max-rows', '2', '--top', '1', '--report', report];
    const { code, stdout, stderr } = await fewfire(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    // Lines break where the length of the path before them wants it.
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain('2 rows, 256 rows at the blocks');
    expect(text).toContain('the first 2 of 64 samples are used');
    for (const name of ['b.0', 'b.1', 'b.2']) expect(stdout).toContain(`${name}: ReLU, 256 inputs, 1,024 units, 256`);
    expect(stdout.match(/^verdict {3}\S/gm)).toHaveLength(3);
    expect(stdout).toMatch(/unit \d+: [12]:\d+ \(/);
    const page = readFileSync(report, 'utf8');
    expect(page.match(/<svg/g)).toHaveLength(6);
    expect(page).not.toMatch(/<script|NaN|undefined/);
  });
});

const csv = (rows: number): string =>
  ['a,b,c', ...Array.from({ length: rows }, (_, r) => `${r / 10},${-r / 10},${r % 2}`)].join('\n');

it('a table as inputs, and a block that is not sparse', async () => {
  const gelu = otherGraphs[0];
  const model = write('gelu.onnx', graphBytes(gelu));
  const { blocks, inputRowCount } = await json([model, '--inputs', write('x.csv', csv(7))]);
  expect(inputRowCount).toBe(7);
  expect(blocks[0]).toMatchObject({
    activation: 'gelu',
    form: 'GELU',
    sparse: false,
    zeroShare: 0,
    verdict: 'GELU: not sparse (measured: 0 % zeros)',
    survivorRate: null,
    firstTest: null,
    timingsUs: { dense: null, exact: null },
    inexact: null,
  });
});

describe('nothing is called not sparse that was not counted', () => {
  const nodes = reluGraphs[0].nodes;
  const relu = nodes.findIndex(({ opType }) => opType === 'Relu');

  it('a ReLU that is weighed: the zeros, the operators, and that it is not supported', async () => {
    const weighed = [
      { opType: 'Relu', inputs: ['z'], outputs: ['r'] },
      { opType: 'Sigmoid', inputs: ['z'], outputs: ['s'] },
      { opType: 'Mul', inputs: ['r', 's'], outputs: ['a'] },
    ];
    const model = write('weighed.onnx', graphBytes({ ...reluGraphs[0], nodes: nodes.toSpliced(relu, 1, ...weighed) }));
    const { blocks } = await json([model, '--inputs', write('p.csv', csv(9))]);
    const known = await json([write('known.onnx', graphBytes(reluGraphs[0])), '--inputs', inFolder('p.csv')]);
    // The same block with a Relu.
    expect(blocks[0].activationRate).toBe(known.blocks[0].activationRate);
    const zeros = `${Math.round(100 - 100 * blocks[0].activationRate)} %`;
    expect(blocks[0]).toMatchObject({ sparse: true, supported: false });
    expect(blocks[0].verdict).toMatch(
      new RegExp(`^${zeros} of the values are zero.*; this form \\(Relu, Sigmoid, Mul\\) is not supported yet$`),
    );
  });

  it('a ReLU in no block that is known: the place, in text and on the page', async () => {
    const inner = [
      { opType: 'Relu', inputs: ['z'], outputs: ['r'] },
      { opType: 'Softmax', inputs: ['r'], outputs: ['a'] },
    ];
    const graph = { ...reluGraphs[0], nodes: nodes.toSpliced(relu, 1, ...inner) };
    const report = inFolder('places.html');
    const args = [
      'profile',
      write('soft.onnx', graphBytes(graph)),
      '--inputs',
      write('l.csv', csv(9)),
      '--report',
      report,
    ];
    const { code, stdout, stderr } = await fewfire(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain('no block recognised');
    const place = /\d+ % of the values are zero[^;]*; this form \(Relu before Softmax\) is not supported/;
    expect(text).toMatch(place);
    expect(readFileSync(report, 'utf8')).toMatch(place);
    expect(text).not.toMatch(/not sparse|nothing/);
  });
});

describe('a ReLU behind a normalisation', () => {
  const { nodes, initializers } = reluGraphs[0];
  const relu = nodes.findIndex(({ opType }) => opType === 'Relu');
  const normalised = (normal: (typeof nodes)[number], more: readonly ReturnType<typeof floatTensor>[]): Uint8Array =>
    graphBytes({
      ...reluGraphs[0],
      nodes: nodes.toSpliced(relu, 1, normal, { opType: 'Relu', inputs: ['normal'], outputs: ['a'] }),
      initializers: [...initializers, ...more],
    });
  const five = (name: string, value: number): ReturnType<typeof floatTensor> =>
    floatTensor(name, [5], new Array(5).fill(value));

  it('LayerNormalization: counted as what the second layer could leave out', async () => {
    const layer = { opType: 'LayerNormalization', inputs: ['z', 'gain'], outputs: ['normal'] };
    const args = [
      'profile',
      write('ln.onnx', normalised(layer, [five('gain', 1)])),
      '--inputs',
      write('l.csv', csv(9)),
    ];
    const { code, stdout, stderr } = await fewfire(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain('a: LayerNormalization, ReLU, 5 units, 2 outputs');
    expect(text).toMatch(/verdict LayerNormalization, ReLU, but \d+ % active: hardly sparse/);
  });

  it('BatchNormalization: run with weights made anew, which is said', async () => {
    const inputs = ['z', 'one', 'zero', 'zero', 'one'];
    const model = write(
      'bn.onnx',
      // Variance and epsilon make a factor of 1: the same activity as without.
      normalised({ opType: 'BatchNormalization', inputs, outputs: ['normal'], attributes: { epsilon: { float: 0 } } }, [
        five('one', 1),
        five('zero', 0),
      ]),
    );
    const plain = await json([write('plain.onnx', graphBytes(reluGraphs[0])), '--inputs', write('l.csv', csv(9))]);
    const { blocks, notes } = await json([model, '--inputs', inFolder('l.csv')]);
    expect(blocks[0]).toMatchObject({ form: 'ReLU', supported: true, unitRates: plain.blocks[0].unitRates });
    expect(blocks[0].timingsUs.dense).toBeGreaterThan(0);
    expect(notes.join()).toMatch(
      /^BatchNormalization is multiplied into the weights of "a", which rounds these once more/,
    );
    expect(plain.notes).toEqual([]);
  });
});

it('rows that attend to each other are run as one input, and that is said', async () => {
  const mixed = [
    { opType: 'Transpose', inputs: ['X'], outputs: ['t'], attributes: { perm: { ints: [1, 0] } } },
    { opType: 'MatMul', inputs: ['X', 't'], outputs: ['s'] },
    { opType: 'MatMul', inputs: ['s', 'X'], outputs: ['m0'] },
    { opType: 'MatMul', inputs: ['m0', 'up'], outputs: ['m'] },
  ];
  const model = write(
    'mixed.onnx',
    graphBytes({ ...reluGraphs[0], nodes: [...mixed, ...reluGraphs[0].nodes.slice(1)] }),
  );
  const args = [model, '--inputs', write('m.csv', csv(9))];
  const whole = await json(args);
  expect(whole).toMatchObject({ rowsDepend: true, samplesPerRun: 9 });
  expect(whole.notes[0]).toMatch(/^rows depend on each other: row \d .*All 9 were run as one input/);
  const single = await json([...args, '--batch', '1']);
  expect(single).toMatchObject({ rowsDepend: true, samplesPerRun: 1 });
  expect(single.notes[0]).toMatch(/^rows depend on each other: .*; run one row at a time$/);
});

describe('what is wrong is said in one line', () => {
  const relu = graphBytes(reluGraphs[0]);
  const good = (): string => write('relu.onnx', relu);
  const noBlock = runnableModel({
    nodes: [{ opType: 'MatMul', inputs: ['X', 'W'], outputs: ['Y'] }],
    initializers: [floatTensor('W', [3, 2], new Array(6).fill(1))],
    inputs: [{ name: 'X', type: 1, dims: ['N', 3] }],
    outputs: ['Y'],
  });
  const inside = runnableModel({
    nodes: [{ opType: 'If', inputs: ['X'], outputs: ['Y'] }],
    inputs: [{ name: 'X', type: 9, dims: [1] }],
    outputs: ['Y'],
  });
  const external = graphBytes({
    ...reluGraphs[0],
    initializers: [
      { ...reluGraphs[0].initializers[0], fields: [[13, message([1, 'location'], [2, 'gone.bin'])]] },
      ...reluGraphs[0].initializers.slice(1),
    ],
  });
  const cases: readonly (readonly [string, 1 | 2, () => readonly string[], RegExp])[] = [
    ['no inputs', 2, () => [good()], /--inputs is missing; for example --inputs/],
    ['no such model', 1, () => [inFolder('relv.onnx'), '--inputs', good()], /there is no file/],
    [
      'another kind of file',
      1,
      () => [write('m.pt', ''), '--inputs', good()],
      /does not end in \.onnx or \.safetensors/,
    ],
    [
      'a truncated model',
      1,
      () => [write('t.onnx', relu.subarray(0, 90)), '--inputs', tokens],
      /not a whole ONNX file/,
    ],
    ['no block', 1, () => [write('n.onnx', noBlock), '--inputs', tokens], /no block of linear layer, .* was found$/],
    [
      'the whole model inside If',
      1,
      () => [write('if.onnx', inside), '--inputs', tokens],
      /no block of .* was found; inside of If only blocks were looked for/,
    ],
    [
      'weights in a file that is not there',
      1,
      () => [write('e.onnx', external), '--inputs', tokens],
      /e\.onnx keeps its weights in "gone\.bin", and there is no file .*gone\.bin; put "gone\.bin" beside/,
    ],
    [
      'inputs of another shape',
      1,
      () => [good(), '--inputs', tokens],
      /shape \[N, 3\], and the given array \[64, 128\]/,
    ],
    [
      'truncated inputs',
      1,
      () => [good(), '--inputs', write('t.npy', readFileSync(tokens).subarray(0, 999))],
      /cut off/,
    ],
    ['inputs that are none', 1, () => [good(), '--inputs', write('j.npz', 'junk')], /not a whole \.npz file/],
    [
      'missing cells',
      1,
      () => [good(), '--inputs', write('g.csv', 'a,b,c\n1,2,\n')],
      /"c" of .* has no value in row 1/,
    ],
    ['text among numbers', 1, () => [good(), '--inputs', write('w.csv', 'a,b,c\n1,2,x\n')], /"c"/],
    ['a report over the model', 1, () => [good(), '--inputs', tokens, '--report', inFolder('no/p.html')], /create it/],
    ['another extension', 2, () => [good(), '--inputs', tokens, '--report', inFolder('p.pdf')], /ends in \.html/],
    ['a wrong activation', 2, () => [trained, '--activation', 'gelu'], /--activation.*Did you mean relu\?/],
    ['weights of no block', 1, () => [write('w.safetensors', emptyTensors())], /no feed-forward block/],
    [
      'too little memory for the model',
      1,
      () => [charlm, '--inputs', tokens, '--memory', '100MB'],
      /^error: running .*charlm-relu\.onnx needs 134 MB, more than the 100 MB allowed/,
    ],
    [
      'too little memory for what units answer most',
      1,
      () => [charlm, '--inputs', tokens, '--memory', '200MB', '--top', '1000'],
      /profiling \d+ blocks of .*charlm-relu\.onnx needs [\d.]+ MB, more than the 200 MB allowed/,
    ],
    [
      'too little memory for numbers of one byte, which are kept in eight',
      1,
      () => [good(), '--inputs', write('b.npy', booleans(3e6)), '--memory', '90MB'],
      /the numbers of .*b\.npy need 24 MB, more than the \d+ MB allowed/,
    ],
    [
      'too little memory for a block of a file of weights',
      1,
      () => [trained, '--memory', '10MB'],
      /profiling 1 block of .*relu-mlp\.safetensors needs [\d.]+ MB, more than the 10 MB allowed/,
    ],
  ];

  it.each(cases)('%s', async (_, code, args, message) => {
    const finished = await fewfire(['profile', ...args()]);
    expect(finished.stderr.trimEnd()).toMatch(message);
    expect(finished.stderr.trimEnd()).not.toMatch(/\n|this is a fault/);
    expect({ code: finished.code, stdout: finished.stdout }).toEqual({ code, stdout: '' });
  });
});

it('takes no more memory than allowed, by the operating system', async () => {
  const peak = await peakMemory(['profile', charlm, '--inputs', tokens, '--max-rows', '1', '--memory', '200MB', '-q']);
  expect(peak).toBeLessThan(200e6 + 150e6);
});

// What numpy.save writes of rows of three.
function booleans(count: number): Uint8Array {
  const header = `{'descr': '|b1', 'fortran_order': False, 'shape': (${count / 3}, 3), }`.padEnd(118);
  return Buffer.concat([Buffer.from(`\x93NUMPY\x01\x00v\x00${header}`, 'latin1'), Buffer.alloc(count)]);
}

function emptyTensors(): Uint8Array {
  const header = Buffer.from('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4)]);
}

describe('arrays of files, as far as they are wanted', () => {
  it('F16 and BF16 weights beside tensors nobody asked for: a block as from single precision', async () => {
    // Numbers that half precision has, so that all three files hold the same block.
    const up = [1, -2, 0.5, 0.25, -1, 3];
    const down = [1, 0.5, -1];
    const rows = [1, -1, 2, 0.5, -0.25, 1];
    const bits = (type: string, number: number): Uint8Array => {
      const single = Buffer.alloc(4);
      single.writeFloatLE(number);
      if (type === 'F32') return single;
      if (type === 'BF16') return single.subarray(2);
      return new Uint8Array(Uint16Array.of(numberToHalf(number)).buffer);
    };
    const file = (type: string): string => {
      const tensors: [string, string, number[], Uint8Array][] = [
        ['up.weight', type, [3, 2], Buffer.concat(up.map((w) => bits(type, w)))],
        ['down.weight', type, [1, 3], Buffer.concat(down.map((w) => bits(type, w)))],
        ['inputs', type, [3, 2], Buffer.concat(rows.map((x) => bits(type, x)))],
        ['steps', 'I64', [1], new Uint8Array(8)],
      ];
      let at = 0;
      const header: Record<string, unknown> = {};
      for (const [name, dtype, shape, bytes] of tensors) {
        header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
        at += bytes.length;
      }
      const text = Buffer.from(JSON.stringify(header));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(text.length));
      return write(`${type}.safetensors`, Buffer.concat([length, text, ...tensors.map(([, , , bytes]) => bytes)]));
    };
    // Units fire where up . x > 0: the rows give (3, 0.25, -4), (1, 1.125, -0.5), (-2.25, 0.125, 3.25).
    const rates = [2 / 3, 1, 1 / 3];
    for (const type of ['F32', 'F16', 'BF16']) expect((await json([file(type)])).blocks[0].unitRates).toEqual(rates);
  });
});
