/**
 * Trained feed-forward blocks: the exact sparse path beside our own dense kernel (SIMD, one pass over the weights), which
 * gives the same bits, and beside onnxruntime, whose outputs agree up to rounding. Weights come from memory, as in a model
 * of many layers, but where a row says otherwise. mlp-layers.mjs says what is run, mlp-race.mjs how it is timed. The oracle
 * is told which units fire: the ceiling of any method of this kind.
 *
 * `node bench/cases/mlp.mjs [inputWidth ...]` prints without writing; 0 is the trained block.
 */
import { pathToFileURL } from 'node:url';
import { structuredLayers, trainedLayer } from '../mlp-layers.mjs';
import {
  copyCountOf,
  describeFaster,
  describePeers,
  exactOutputs,
  exactWays,
  makeKernels,
  openOnnxPeer,
  overCopies,
  peerVersions,
  race,
  SAMPLE_INPUTS,
} from '../mlp-race.mjs';

const WIDTHS = [512, 1024, 2048, 0];
/** Beyond this the weights of one layer are not sure to fit the caches. */
const LARGEST_IN_CACHE = 512;
const BATCHES = [2, 4, 8, 16, 32];
const ACTIVITIES = [0.01, 0.05, 0.1, 0.2];

/** Microseconds an input by contestant, and the units that every exact way evaluates. */
async function measure(layer, { seen, active }, peer, { place, threads, batch }) {
  const { weights, inputs } = layer;
  const { inputWidth, outputWidth } = weights;
  const copyCount = copyCountOf(weights, place);
  const over = (run) => overCopies(weights, { place, copyCount, inputCount: seen.length, batch }, run);
  const out = new Float32Array(batch * outputWidth);
  const contestants = {};
  const evaluated = {};
  const toDispose = [];
  for (const way of Object.keys(exactWays)) {
    const kernels = await makeKernels(layer, way, copyCount, { threads, inputCapacity: batch });
    toDispose.push(...kernels);
    evaluated[way] = evaluatedShare(kernels[0], weights, inputs, seen.length);
    const run = (method) => over((copy, i) => kernels[copy].run(method, inputs, i * inputWidth, batch, out, 0));
    contestants.dense ??= run('dense');
    contestants[way] = run('sparse');
    if (batch > 1) continue;
    const copied = seen.map((_, i) => inputs.slice(i * inputWidth, (i + 1) * inputWidth));
    contestants.oracle ??= over((copy, i) => kernels[copy].runListed(copied[i], seen[i].units, out));
  }
  const { contestants: theirs, note } = await peer.best(batch);
  const beside = ['dense', ...Object.keys(theirs)];
  const times = await race({ ...contestants, ...theirs }, { place, threads, beside });
  for (const kernel of toDispose) kernel.dispose();
  return { ...times, evaluated, active, onnxruntime: note };
}

// Checks on the way that every output has the bits of the dense one.
function evaluatedShare(kernel, { inputWidth, outputWidth, unitCount }, inputs, inputCount) {
  const [dense, sparse] = [new Float32Array(outputWidth), new Float32Array(outputWidth)];
  let count = 0;
  for (let i = 0; i < inputCount; i++) {
    kernel.run('dense', inputs, i * inputWidth, 1, dense, 0);
    kernel.run('sparse', inputs, i * inputWidth, 1, sparse, 0);
    if (dense.some((y, o) => !Object.is(y, sparse[o]))) throw new Error('sparse and dense differ');
    count += kernel.evaluatedCount(0);
  }
  return count / inputCount / unitCount;
}

/** Rows for one layer at one place: a peer serves all batches. */
async function* measureLayer(layer, what, { place, threads = 1, batches = [1] }) {
  const known = await exactOutputs(layer);
  const peer = await openOnnxPeer(layer, known.outputs, { place, threads });
  for (const batch of batches) {
    const where = place === 'cache' ? 'in cache' : 'from memory';
    const more = `${threads > 1 ? ', two threads' : ''}${batch > 1 ? `, batch ${batch}` : ''}`;
    const result = await measure(layer, known, peer, { place, threads, batch });
    yield { what: `${what}, ${where}${more}`, place, threads, batch, ...result };
  }
  await peer.dispose();
}

async function* measureAll(widths) {
  for (const width of widths) {
    const make = width === 0 ? undefined : structuredLayers(width, 1, SAMPLE_INPUTS);
    const layer = make === undefined ? await trainedLayer() : make(0.03);
    const { inputWidth, unitCount } = layer.weights;
    const what = `${make === undefined ? 'trained block, ' : ''}d = ${inputWidth}, s = ${unitCount}`;
    yield* measureLayer(layer, what, { place: 'memory', batches: [1, ...BATCHES] });
    if (inputWidth <= LARGEST_IN_CACHE) yield* measureLayer(layer, what, { place: 'cache' });
    yield* measureLayer(layer, what, { place: 'memory', threads: 2 });
    if (make === undefined || inputWidth > LARGEST_IN_CACHE) continue;
    for (const activity of ACTIVITIES) {
      yield* measureLayer(make(activity), `${what}, about ${100 * activity} % active`, { place: 'memory' });
    }
  }
}

/** One row for every exact way. */
function describe({ what, us, faster, evaluated, active, onnxruntime }) {
  const percent = (part) => `${(100 * part).toFixed(1)} %`;
  const oracle = us.oracle === undefined ? '' : `; knowing the units: ${describeFaster(faster, 'oracle')}`;
  return Object.keys(exactWays).map((way) => ({
    what: `sparse block, ${way}, ${what}, ${percent(active)} active, ${percent(evaluated[way])} evaluated`,
    fewfire: `${us[way].toFixed(0)} us`,
    peer: describePeers(us, onnxruntime),
    ratio: `${describeFaster(faster, way)}${oracle}`,
  }));
}

async function run() {
  const results = [];
  for await (const result of measureAll(WIDTHS)) results.push(result);
  const peers = peerVersions(results.map(({ onnxruntime }) => onnxruntime));
  return { rows: results.flatMap(describe), peers, results };
}

export const cases = [{ name: 'mlp', peer: 'our dense kernel, onnxruntime-node', run }];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const widths = process.argv.slice(2).map(Number);
  for await (const result of measureAll(widths.length > 0 ? widths : WIDTHS)) {
    for (const { what, fewfire, peer, ratio: times } of describe(result)) {
      console.log(`${what}\n  ${fewfire}   ${peer}   ${times}`);
    }
  }
}
