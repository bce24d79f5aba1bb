/**
 * onnxruntime-node as a peer for feed-forward blocks. It is fetched when a benchmark runs, into a folder that git ignores:
 * its install script wants CUDA files, which nobody needs here, so no package of the workspace depends on it. Where it
 * cannot be had, the rows say so.
 *
 * One session holds all copies of a block that one turn goes over, so that what a call costs (some 10 us) is shared out,
 * and each copy has initializers of its own, no two of which are equal, so that all are read from memory. Where the block
 * is to stay in cache, all calls of a turn share one set. There are several ways to write a block down; which is the
 * fastest depends on the width, the batch and the machine, so all are tried and the best one races.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { benchDir, importSource, lastLevelCacheBytes, relativeError } from '../lib.mjs';

const WANTED = '~1.30';
const folder = join(benchDir, '.peers');
/** Protobuf, which ONNX files are made of, ends at 2 GB. */
const MOST_BYTES = 1.9e9;
/** In cache: calls of a turn that have packed weights each, as onnxruntime packs them for every node. */
const PACKED_CALLS = 8;
const CALLS_IN_CACHE = 32;
/** Rounding in another order; what is compared are sums of a few hundred numbers. */
const TOLERANCE = 1e-5;

let writer;
let loaded;
/** `{ ort, version }`, or `{ reason }` why it is not here. */
export function loadOnnxruntime() {
  loaded ??= load();
  return loaded;
}

function load() {
  const require = createRequire(join(folder, 'package.json'));
  const manifest = join(folder, 'node_modules', 'onnxruntime-node', 'package.json');
  if (!existsSync(manifest) || !isWanted(require(manifest).version)) {
    process.stderr.write('installing onnxruntime-node to compare with ...\n');
    const npm = process.env.npm_execpath;
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder];
    const [command, first] = npm?.endsWith('npm-cli.js') ? [process.execPath, [npm]] : ['npm', []];
    const { status, error } = spawnSync(command, [...first, ...args, `onnxruntime-node@${WANTED}`], {
      stdio: 'ignore',
    });
    if (status !== 0) return { reason: `npm could not install it (${error?.message ?? `exit ${status}`})` };
  }
  try {
    return { ort: require('onnxruntime-node'), version: require(manifest).version };
  } catch (error) {
    return { reason: `it does not load: ${error.message.split('\n')[0]}` };
  }
}

function isWanted(version) {
  return version.startsWith(`${WANTED.slice(1)}.`);
}

/**
 * How a block is written: its nodes from `x` to `y`, and its matrices as [rows, columns], row-major; `unitAxis` is the one
 * along which the units go. `gemm` is as PyTorch exports a block. Packing makes the layouts alike.
 */
const forms = {
  gemm: {
    up: ({ up, unitCount, inputWidth }) => ({ values: up, dims: [unitCount, inputWidth], unitAxis: 0 }),
    down: ({ down, unitCount, outputWidth }) => ({
      ...{ values: transposed(down, unitCount, outputWidth), dims: [outputWidth, unitCount], unitAxis: 1 },
    }),
    nodes: (x, y, [up, upBias, down, downBias]) => [
      { opType: 'Gemm', inputs: [x, up, upBias], outputs: [`${y}/sum`], attributes: { transB: 1 } },
      { opType: 'Relu', inputs: [`${y}/sum`], outputs: [`${y}/relu`] },
      { opType: 'Gemm', inputs: [`${y}/relu`, down, downBias], outputs: [y], attributes: { transB: 1 } },
    ],
  },
  matmul: {
    up: ({ up, unitCount, inputWidth }) => ({
      ...{ values: transposed(up, unitCount, inputWidth), dims: [inputWidth, unitCount], unitAxis: 1 },
    }),
    down: ({ down, unitCount, outputWidth }) => ({ values: down, dims: [unitCount, outputWidth], unitAxis: 0 }),
    nodes: (x, y, [up, upBias, down, downBias]) => [
      { opType: 'MatMul', inputs: [x, up], outputs: [`${y}/product`] },
      { opType: 'Add', inputs: [`${y}/product`, upBias], outputs: [`${y}/sum`] },
      { opType: 'Relu', inputs: [`${y}/sum`], outputs: [`${y}/relu`] },
      { opType: 'MatMul', inputs: [`${y}/relu`, down], outputs: [`${y}/down`] },
      { opType: 'Add', inputs: [`${y}/down`, downBias], outputs: [y] },
    ],
  },
};

/** What is tried. Packing is what onnxruntime does unless told not to. */
const variants = [
  { name: 'Gemm, packed', form: forms.gemm, isPacked: true },
  { name: 'Gemm, not packed', form: forms.gemm, isPacked: false },
  { name: 'MatMul, packed', form: forms.matmul, isPacked: true },
];

/** Rows by columns to columns by rows. */
function transposed(values, rowCount, columnCount) {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rowCount; r++) {
    for (let c = 0; c < columnCount; c++) result[c * rowCount + r] = values[r * columnCount + c];
  }
  return result;
}

/** The same matrix with its units in another order: the first `count` go to the end. */
function rotateUnits({ values, dims: [rowCount, columnCount], unitAxis }, count) {
  const result = new Float32Array(values.length);
  const [length, by] = unitAxis === 0 ? [rowCount * columnCount, count * columnCount] : [columnCount, count];
  for (let at = 0; at < values.length; at += length) {
    result.set(values.subarray(at + by, at + length), at);
    result.set(values.subarray(at, at + by), at + length - by);
  }
  return result;
}

/** Input `X`, the rows of all calls behind each other; call k goes to copy k modulo their number; output `Y` likewise. */
async function modelBytes(weights, form, copyCount, callCount) {
  writer ??= await importSource('packages/core/test/onnx-writer.ts');
  const { inputWidth, unitCount, outputWidth, downBias } = weights;
  const parts = {
    up: form.up(weights),
    upBias: { values: weights.upBias, dims: [1, unitCount], unitAxis: 1 },
    down: form.down(weights),
  };
  const tensor = (name, dims, { buffer, byteOffset, byteLength }) => ({
    ...{ name, dims, dataType: 1, fields: [[9, new Uint8Array(buffer, byteOffset, byteLength)]] },
  });
  const names = (k) => ['up', 'upBias', 'down', 'downBias'].map((name) => `${name}${k}`);
  const initializers = [];
  for (let k = 0; k < copyCount; k++) {
    for (const [name, part] of Object.entries(parts)) {
      initializers.push(tensor(`${name}${k}`, part.dims, rotateUnits(part, k % unitCount)));
    }
    initializers.push(tensor(`downBias${k}`, [outputWidth], downBias));
  }
  const [xs, ys] = ['x', 'y'].map((name) => Array.from({ length: callCount }, (_, k) => `${name}${k}`));
  const nodes = [
    { opType: 'Split', inputs: ['X'], outputs: xs, attributes: { axis: 0 } },
    ...xs.flatMap((x, k) => form.nodes(x, ys[k], names(k % copyCount))),
    { opType: 'Concat', inputs: ys, outputs: ['Y'], attributes: { axis: 0 } },
  ];
  const inputs = [{ name: 'X', type: 1, dims: ['N', inputWidth] }];
  return writer.runnableModel({ nodes, initializers, inputs, outputs: ['Y'] });
}

/**
 * Sessions for a block and their contestants for a batch, to be raced against each other; or why there are none.
 * @param wanted the exact outputs for the inputs of the layer
 * @param place `memory`: as many copies as `copyCount`, or as the file format allows; `cache`: one
 * @returns `{ version, contestants(batch), keepOnly(name), dispose() }` or `{ reason }`
 */
export async function createOnnxPeer({ weights, inputs }, wanted, { place, copyCount, threads }) {
  const { ort, version, reason } = loadOnnxruntime();
  if (ort === undefined) return { reason };
  const copyBytes = 4 * weights.unitCount * (weights.inputWidth + weights.outputWidth);
  const counts = (isPacked) => {
    if (place === 'memory') {
      const copies = Math.min(copyCount, Math.floor(MOST_BYTES / copyBytes));
      return { copies, callCount: copies };
    }
    // Packed weights belong to a node, so that calls cannot share them: fewer calls, which stay within half of the cache.
    const packed = Math.max(1, Math.min(PACKED_CALLS, Math.floor(lastLevelCacheBytes() / 2 / copyBytes)));
    return isPacked ? { copies: packed, callCount: packed } : { copies: 1, callCount: CALLS_IN_CACHE };
  };
  let sessions = [];
  let last;
  for (const { name, form, isPacked } of variants) {
    const { copies, callCount } = counts(isPacked);
    if (last?.form !== form || last.copies !== copies || last.callCount !== callCount) {
      last = { form, copies, callCount, bytes: await modelBytes(weights, form, copies, callCount) };
    }
    const session = await ort.InferenceSession.create(last.bytes, {
      ...{ executionProviders: ['cpu'], graphOptimizationLevel: 'all', executionMode: 'sequential' },
      ...{ intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 },
      // Between its turns its threads are to leave the processor to others.
      extra: { session: { disable_prepacking: isPacked ? '0' : '1', force_spinning_stop: '1' } },
    });
    sessions.push({ name, session, copies, callCount });
  }

  const { inputWidth: d, outputWidth: o } = weights;
  const inputCount = inputs.length / d;
  // A turn's calls have inputs of their own, the same in every turn: what they are does not matter to a dense product.
  const contestant = async ({ session, copies, callCount }, batch) => {
    const rows = new Float32Array(callCount * batch * d);
    const expected = new Float32Array(callCount * batch * o);
    for (let call = 0; call < callCount; call++) {
      const first = (call % Math.floor(inputCount / batch)) * batch;
      rows.set(inputs.subarray(first * d, (first + batch) * d), call * batch * d);
      for (let i = 0; i < batch; i++) expected.set(wanted[first + i], (call * batch + i) * o);
    }
    const feeds = { X: new ort.Tensor('float32', rows, [callCount * batch, d]) };
    const { Y } = await session.run(feeds);
    const error = relativeError(Y.data, expected);
    if (!(error <= TOLERANCE)) throw new Error(`outputs of onnxruntime are off by ${error}`);
    return { copies, inputsPerTurn: callCount * batch, turn: () => session.run(feeds) };
  };
  return {
    version,
    async contestants(batch) {
      const found = {};
      for (const one of sessions) found[one.name] = await contestant(one, batch);
      return found;
    },
    async keepOnly(wantedName) {
      for (const { name, session } of sessions) if (name !== wantedName) await session.release();
      sessions = sessions.filter(({ name }) => name === wantedName);
    },
    async dispose() {
      for (const { session } of sessions) await session.release();
    },
  };
}
