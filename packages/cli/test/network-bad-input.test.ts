/** Bad input to the network commands: one line on standard error that says what to do, and the exit code of its kind. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { commandHost, fewfire, type Run, root, temporaryFolder } from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const net = inFolder('net.json');
const tensors = inFolder('net.safetensors');
const certificate = inFolder('certificate.json');
const out = inFolder('out.json');
const whole = inFolder('whole-trees.json');

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(inFolder(name), content);
  return inFolder(name);
}

const half = (path: string): Buffer => {
  const bytes = readFileSync(path);
  return bytes.subarray(0, bytes.length >> 1);
};

beforeAll(async () => {
  mkdirSync(inFolder('folder'));
  for (const path of [net, tensors]) {
    const made = await hosted(`network make ensemble --inputs 8 --trees 2 --depth 2 --out ${path}`.split(' '));
    expect(made.code).toBe(0);
  }
  expect((await hosted(['network', 'certify', net, '--out', certificate])).code).toBe(0);
  const model = xgboost(() => undefined);
  expect((await hosted(['network', 'import', model, '--out', whole])).code).toBe(0);
});

type Case = readonly [name: string, code: 1 | 2, args: () => string | readonly string[], message: RegExp];

const xgboost = (edit: (model: Record<string, never>) => void): string => {
  const golden = readFileSync(join(root, 'packages/core/test/trees/goldens/chess-binary.json'), 'utf8');
  const { model } = JSON.parse(golden);
  edit(model);
  return write('hostile.json', JSON.stringify(model));
};

// A network file of trees, edited.
const trees = (edit: (text: string) => string): string => write('trees.json', edit(readFileSync(whole, 'utf8')));

interface BoosterTree {
  left_children: number[];
  right_children: number[];
  split_indices: number[];
  base_weights: number[];
  split_conditions: (number | null)[];
}

const firstTree = (model: Record<string, never>): BoosterTree =>
  (model as never as { learner: { gradient_booster: { model: { trees: BoosterTree[] } } } }).learner.gradient_booster
    .model.trees[0];

const cases: readonly Case[] = [
  // Families and their flags.
  ['unknown family', 2, () => `network make pairty --inputs 8 --out ${out}`, /unknown family 'pairty' .*mean parity/],
  ['unknown command', 2, () => `network mak`, /unknown command 'mak' .*mean make/],
  ['unknown flag', 2, () => `network make parity --input 8 --out ${out}`, /unknown option '--input' .*--inputs/],
  ['no --out', 2, () => 'network make parity --inputs 8 --size 2', /--out is missing; for example/],
  ['no --inputs', 2, () => `network make parity --size 2 --out ${out}`, /--inputs is missing/],
  ['neither inputs nor size', 2, () => `network make parity --inputs 8 --out ${out}`, /either --coordinates.*--size/],
  [
    '|S| > q',
    2,
    () => `network make lifted-parity --bits 8 --subset-size 9 --out ${out}`,
    /--subset-size is 9.*1 to 8/,
  ],
  ['no subset', 2, () => `network make lifted-parity --bits 8 --out ${out}`, /either --subset-size.*--subset/],
  ['n too large', 2, () => `network make parity --inputs 70000 --size 2 --out ${out}`, /--inputs is 70000.*65536/],
  ['q too large', 2, () => `network make lifted-parity --bits 400 --subset-size 4 --out ${out}`, /--bits is 400.*360/],
  ['negative', 2, () => `network make parity --inputs -3 --size 2 --out ${out}`, /--inputs <n>.*whole number/],
  [
    'size > n',
    2,
    () => `network make parity --inputs 3 --size 4 --out ${out}`,
    /--size is 4, expected at most --inputs, 3/,
  ],
  ['input out of range', 2, () => `network make junta --inputs 3 --coordinates 0,3 --out ${out}`, /from 0 to 2/],
  ['short table', 2, () => `network make junta --inputs 3 --coordinates 0,1 --table 1,2 --out ${out}`, /2 values.*4/],
  [
    'rate of 2',
    2,
    () => `network make halfspaces --inputs 8 --units 4 --firing-rate 2 --out ${out}`,
    /--firing-rate is 2/,
  ],
  [
    'modulus 6',
    2,
    () => `network make rounding --dimension 2 --modulus 6 --rounded-modulus 2 --out ${out}`,
    /--modulus is 6.*power of two/,
  ],
  [
    'wrong form',
    2,
    () => `network make parity --inputs 4 --size 2 --form loose --out ${out}`,
    /--form.*Expected one of tight, paper/,
  ],
  ['too much memory', 1, () => `network make parity --inputs 60000 --size 20 --out ${out}`, /2\.01 TB.*--memory/],
  [
    'other extension',
    2,
    () => `network make parity --inputs 4 --size 2 --out ${inFolder('net.txt')}`,
    /\.json, or \.safetensors/,
  ],
  [
    'no such folder',
    1,
    () => `network make parity --inputs 4 --size 2 --out ${inFolder('none/net.json')}`,
    /cannot write.*create it first/,
  ],
  ['a folder as --out', 1, () => `network certify ${net} --out ${folder}/folder/../folder.json/x.json`, /cannot write/],
  // Network files.
  ['no such network', 1, () => `network show ${inFolder('nte.json')}`, /there is no file .*did you mean .*net\.json/],
  ['truncated network', 1, () => `network show ${write('half.json', half(net))}`, /not a whole network file/],
  ['truncated tensors', 1, () => `network show ${write('half.safetensors', half(tensors))}`, /safetensors|cut off/],
  [
    'edited network',
    1,
    () => `network certify ${write('edited.json', readFileSync(net, 'utf8').replace('"seed":1', '"seed":2'))}`,
    /checksum/,
  ],
  [
    'a model as a network',
    1,
    () => `network show ${write('model.json', '{"format":"fewfire-model"}')}`,
    /not a fewfire network/,
  ],
  ['JSON as tensors', 1, () => `network show ${write('json.safetensors', readFileSync(net))}`, /safetensors/],
  ['edited trees', 1, () => `network certify ${trees((text) => text.replace('"leaves":[', '"leaves":[1,'))}`, /leaves/],
  [
    'an edited leaf',
    1,
    () => `network show ${trees((text) => text.replace(/"leaves":\[-?\d/, '"leaves":[7'))}`,
    /trees\.json was edited or damaged/,
  ],
  [
    'a kind of question of later versions',
    1,
    () => `network sample ${trees((text) => text.replace('"comparison":">="', '"comparison":"near"'))} --rows 5`,
    /question 0 of .*trees\.json is of the kind "near".*reads trees of version 2 or later/,
  ],
  [
    'a later version',
    1,
    () => `network verify ${certificate} ${trees((text) => text.replace('"version":2', '"version":7'))}`,
    /version 7; this fewfire reads version 1 and 2/,
  ],
  ['an empty file', 1, () => `network show ${write('empty.json', '')}`, /not a whole network file/],
  ['a folder', 1, () => `network show ${inFolder('folder')}`, /is a directory/],
  // Certificates.
  [
    'truncated certificate',
    1,
    () => `network verify ${write('half-certificate.json', half(certificate))} ${net}`,
    /half-certificate\.json/,
  ],
  ['a network as a certificate', 1, () => `network verify ${net} ${net}`, /certificate/],
  ['a certificate as a network', 1, () => `network verify ${certificate} ${certificate}`, /not a fewfire network/],
  ['no certificate', 1, () => `network verify ${inFolder('none.json')} ${net}`, /there is no file/],
  ['unknown domain', 2, () => `network certify ${net} --domain moon`, /cube, lift or rows:<file>/],
  ['no lift', 2, () => `network certify ${net} --domain lift`, /8 inputs.*q\(q\+1\)\/2/],
  ['rows of no file', 1, () => `network certify ${net} --domain rows:${inFolder('none.csv')}`, /none\.csv/],
  [
    'rows without inputs',
    1,
    () => `network certify ${net} --domain rows:${write('few.csv', 'x0,x1\n1,0\n0,1\n')}`,
    /lacks 6 of the columns x0 \.\. x7/,
  ],
  [
    'rows of other values',
    1,
    () =>
      `network certify ${net} --domain rows:${write('odd.csv', 'x0,x1,x2,x3,x4,x5,x6,x7\n1,0,1,0,1,0,1,7\n0,1,0,1,0,1,0,1\n')}`,
    /"x7".*"7".*expected true or false/,
  ],
  ['unknown method', 2, () => `network certify ${net} --method swep`, /--method.*Did you mean sweep\?/],
  ['out over the network', 1, () => `network certify ${net} --out ${net}`, /what is read/],
  // Samples.
  ['no rows', 2, () => `network sample ${net}`, /--rows is missing/],
  ['zero rows', 2, () => `network sample ${net} --rows 0`, /from 1 to/],
  ['negative noise', 2, () => `network sample ${net} --rows 5 --noise-sd -1`, /at least 0/],
  ['flips of numbers', 2, () => `network sample ${net} --rows 50 --flip 0.1`, /two values/],
  ['flip of 2', 2, () => `network sample ${net} --rows 50 --flip 2`, /from 0 to 1/],
  ['other format', 2, () => `network sample ${net} --rows 5 --out ${inFolder('data.xlsx')}`, /\.csv or \.parquet/],
  ['too many rows', 1, () => `network sample ${net} --rows 100000000 --memory 1GB`, /lower --rows or raise --memory/],
  // Trees.
  ['no model', 1, () => `network import ${inFolder('none.json')}`, /there is no file/],
  ['not JSON', 1, () => `network import ${write('text.json', 'hello')}`, /text\.json/],
  [
    'truncated model',
    1,
    () => `network import ${write('half-model.json', '{"learner":{"gradient_boos')}`,
    /half-model\.json/,
  ],
  ['null', 1, () => `network import ${write('null.json', 'null')}`, /null\.json/],
  ['deep JSON', 1, () => `network import ${write('deep.json', '['.repeat(500_000))}`, /deep\.json/],
  [
    'a child that is itself',
    1,
    () =>
      `network import ${xgboost((model) => {
        firstTree(model).left_children[0] = 0;
      })}`,
    /hostile\.json/,
  ],
  [
    'a child beyond the end',
    1,
    () =>
      `network import ${xgboost((model) => {
        firstTree(model).right_children[0] = 1e9;
      })}`,
    /hostile\.json/,
  ],
  [
    'a feature beyond the end',
    1,
    () =>
      `network import ${xgboost((model) => {
        firstTree(model).split_indices[0] = 9999;
      })}`,
    /hostile\.json/,
  ],
  [
    'a leaf that is text',
    1,
    () =>
      `network import ${xgboost((model) => {
        firstTree(model).split_conditions[0] = null;
      })}`,
    /hostile\.json/,
  ],
  ['not ONNX', 1, () => `network import ${write('bad.onnx', 'hello')}`, /bad\.onnx/],
  // Plans.
  ['half a class', 2, () => 'plan --n 10 --s 4', /--k is missing/],
  ['network and class', 2, () => `plan --network ${net} --k 1`, /--k is given beside --network/],
  ['k > s', 2, () => 'plan --n 10 --s 4 --k 5 --W 1 --B 1', /k/],
  ['epsilon 0', 2, () => 'plan --n 10 --s 4 --k 2 --W 1 --B 1 --epsilon 0', /above 0/],
  ['delta 1', 2, () => 'plan --n 10 --s 4 --k 2 --W 1 --B 1 --confidence-delta 1', /below 1/],
];

async function expectRefusal([, code, args, message]: Case, run: Run): Promise<void> {
  const command = args();
  const done = await run(typeof command === 'string' ? command.split(' ') : command);
  expect(done.stderr).toMatch(message);
  expect(done.stderr).toMatch(/^error: [^\n]*\n$/);
  expect(done.stderr).not.toContain('fault of fewfire');
  expect({ code: done.code, stdout: done.stdout }).toEqual({ code, stdout: '' });
  expect(existsSync(out)).toBe(false);
}

it.each(cases)('%s', async (...row) => expectRefusal(row, hosted));

it('a process of its own ends with the same', async () => {
  for (const one of [cases.find(([, code]) => code === 1), cases[0]]) await expectRefusal(one as Case, fewfire);
});
