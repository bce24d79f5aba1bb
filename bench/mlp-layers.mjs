/**
 * The feed-forward layers that the cases measure: made with the structure of trained ones (inputs and weights share a
 * decaying spectrum, plus noise), with any activity; and the trained block in examples/.
 */
import { join } from 'node:path';
import { createRandom } from '@fewfire/core';
import { expectTensor, readSafetensors } from '@fewfire/node';
import { rootDir } from './lib.mjs';

/** Inputs that are timed and compared, of every layer. */
const INPUTS = 64;

/** Rows of width d: a decaying combination of d / 8 common directions, and noise. */
function drawRows(rowCount, directions, noise, random) {
  const { rank, width, values } = directions;
  const rows = new Float32Array(rowCount * width);
  for (let r = 0; r < rowCount; r++) {
    const row = rows.subarray(r * width, (r + 1) * width);
    for (let k = 0; k < rank; k++) {
      const factor = (2 * random.normal()) / (1 + (8 * k) / rank);
      for (let c = 0; c < width; c++) row[c] += factor * values[k * width + c];
    }
    for (let c = 0; c < width; c++) row[c] += noise * random.normal();
  }
  return rows;
}

/** Biases at the quantile of each unit over inputs of their own. */
function biasesFor(activity, up, inputs, width) {
  const rowCount = inputs.length / width;
  return Float32Array.from({ length: up.length / width }, (_, u) => {
    const sums = new Float64Array(rowCount);
    for (let r = 0; r < rowCount; r++) {
      for (let c = 0; c < width; c++) sums[r] += up[u * width + c] * inputs[r * width + c];
    }
    sums.sort();
    return -sums[Math.min(rowCount - 1, Math.floor((1 - activity) * rowCount))];
  });
}

/** Layers of one width, whose activity is the bias's doing; with inputs to calibrate on, if wished. */
export function structuredLayers(width, seed = 1, calibrationCount = 0) {
  const random = createRandom(seed);
  const unitCount = 4 * width;
  const rank = width / 8;
  const values = Float32Array.from({ length: rank * width }, () => random.normal() / Math.sqrt(width));
  const directions = { rank, width, values };
  const up = drawRows(unitCount, directions, 0.02, random);
  const inputs = drawRows(INPUTS, directions, 0.05, random);
  const others = drawRows(100, directions, 0.05, random);
  const calibrationInputs = drawRows(calibrationCount, directions, 0.05, random);
  const down = Float32Array.from({ length: unitCount * width }, () => random.normal() / Math.sqrt(unitCount));
  const downBias = new Float32Array(width);
  return (activity) => ({
    inputs,
    calibrationInputs,
    weights: {
      name: 'layer',
      inputWidth: width,
      unitCount,
      outputWidth: width,
      activation: 'relu',
      up,
      upBias: biasesFor(activity, up, others, width),
      down,
      downBias,
    },
  });
}

/** The trained block; inputs beyond the first are for calibrating. */
export async function trainedLayer() {
  const path = join(rootDir, 'examples', 'relu-mlp.safetensors');
  const tensors = await readSafetensors(path);
  const up = expectTensor(tensors, 'up.weight', [null, null], path);
  const [unitCount, width] = up.shape;
  const down = expectTensor(tensors, 'down.weight', [width, unitCount], path).values;
  const inputs = expectTensor(tensors, 'inputs', [null, width], path).values;
  return {
    inputs: inputs.slice(0, INPUTS * width),
    calibrationInputs: inputs.slice(INPUTS * width),
    weights: {
      name: 'layer',
      inputWidth: width,
      unitCount,
      outputWidth: width,
      activation: 'relu',
      up: up.values,
      upBias: expectTensor(tensors, 'up.bias', [unitCount], path).values,
      down: Float32Array.from(
        { length: unitCount * width },
        (_, i) => down[(i % width) * unitCount + Math.floor(i / width)],
      ),
      downBias: new Float32Array(width),
    },
  };
}
