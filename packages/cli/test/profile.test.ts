/** `fewfire profile` as people run it: on the models in examples/, and on everything that can be wrong. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { graphBytes, otherGraphs, reluGraphs } from '../../core/test/mlp-graphs.ts';
import { floatTensor, runnableModel } from '../../core/test/onnx-writer.ts';
import { commandHost, root, temporaryFolder } from './run.ts';

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
  readonly blocks: readonly {
    readonly name: string;
    readonly inputWidth: number;
    readonly unitCount: number;
    readonly activation: string;
    readonly activationRate: number;
    readonly deadUnitCount: number;
    readonly survivorRate: number | null;
    readonly firstTest: { readonly rank: number; readonly letThroughRate: number } | null;
    readonly timingsUs: Readonly<Record<'dense' | 'exact' | 'calibrated', number | null>>;
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
  ['a,b,c', ...Array.from({ length: rows }, (_, r) => `${r},${-r},${r % 2}`)].join('\n');

it('a table as inputs, and a block that is not sparse', async () => {
  const gelu = otherGraphs[0];
  const model = write('gelu.onnx', graphBytes(gelu));
  const { blocks, inputRowCount } = await json([model, '--inputs', write('x.csv', csv(7))]);
  expect(inputRowCount).toBe(7);
  expect(blocks[0]).toMatchObject({
    activation: 'gelu',
    verdict: 'GELU: not sparse, nothing to exploit',
    survivorRate: null,
    firstTest: null,
    timingsUs: { dense: null, exact: null, calibrated: null },
  });
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
  const external = graphBytes({
    ...reluGraphs[0],
    initializers: [{ ...reluGraphs[0].initializers[0], fields: [[14, 1]] }, ...reluGraphs[0].initializers.slice(1)],
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
    ['no block', 1, () => [write('n.onnx', noBlock), '--inputs', tokens], /has no block of linear layer/],
    ['external data', 1, () => [write('e.onnx', external), '--inputs', tokens], /weights \("up"\) in another file/],
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
    ['a wrong activation', 2, () => [trained, '--activation', 'gelu'], /choices are relu, squared-relu/],
    ['weights of no block', 1, () => [write('w.safetensors', emptyTensors())], /no feed-forward block/],
    ['too little memory', 1, () => [charlm, '--inputs', tokens, '--memory', '10MB'], /4 times as many/],
  ];

  it.each(cases)('%s', async (_, code, args, message) => {
    const finished = await fewfire(['profile', ...args()]);
    expect(finished.stderr.trimEnd()).toMatch(message);
    expect(finished.stderr.trimEnd()).not.toMatch(/\n|this is a fault/);
    expect({ code: finished.code, stdout: finished.stdout }).toEqual({ code, stdout: '' });
  });
});

function emptyTensors(): Uint8Array {
  const header = Buffer.from('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(4)]);
}
