/**
 * The ways in which graphs write a ReLU, told by their exact shape: max(z, 0) as an operator, a maximum, a choice, a mask,
 * with a slope of 0 or from |z|; its square, its product with a second layer, and what constants make of it up to the
 * next layer. All that is recognised here switches units off exactly, whatever z is.
 */

import type { MlpActivation } from '@fewfire/kernels';
import { type GraphValues, isStandard, isZero, type OnnxNode, scalarOf, sourceOf } from '../formats/index.ts';
import {
  type Columns,
  changedInput,
  fusedActivation,
  isFused,
  type LayerStep,
  type Linear,
  linearOf,
  productOf,
  stepsOf,
} from './onnx-layers.ts';

export interface ReluForm {
  /** `relu`, `squared-relu`, `relu6`, `clipped-relu`; with `gated-` before it where a second layer multiplies it. */
  readonly name: string;
  /** Of forms that can be run. */
  readonly form: MlpActivation | undefined;
  /** What it is the ReLU of. */
  readonly input: string;
  /** The layer that made that; undefined where it is something else. */
  readonly up: Linear | undefined;
  /** Whether a layer made that, but one with other columns along the same axis. */
  readonly misfits: boolean;
  /** Gated: the layer that multiplies it. */
  readonly linear: Linear | undefined;
  /** What constants make of it behind the ReLU. */
  readonly steps: readonly LayerStep[];
  /** The value that is zero where a unit is off. */
  readonly value: string;
  /** The operator that stands for it. */
  readonly node: OnnxNode;
}

/** Longer chains of operators behind a ReLU are not followed. */
const MAX_STEPS = 8;

/**
 * The ReLU that a value is, up to what constants do to it.
 * @param columns the units, as the next layer reads them
 */
export function reluFormOf(values: GraphValues, name: string, columns: Columns, depth = 0): ReluForm | undefined {
  const value = sourceOf(values, name, columns.pixelAxes > 0);
  const node = values.producers.get(value);
  if (node === undefined || depth > MAX_STEPS) return undefined;
  const inner = (input: string): ReluForm | undefined => reluFormOf(values, input, columns, depth + 1);
  const plain = relu(values, node, value, columns);
  if (plain !== undefined) return plain;
  if (!isStandard(node)) return undefined;
  const squared = squaredInput(values, node);
  if (squared !== undefined) return square(inner(squared));
  const input = changedInput(values, node);
  if (input !== undefined) {
    const form = inner(input);
    const steps = form && stepsOf(values, node, input, columns);
    return form && steps && { ...form, steps: [...form.steps, ...steps] };
  }
  return node.opType === 'Mul' && node.inputs.length === 2 ? gated(values, node, columns, inner) : undefined;
}

function squaredInput(values: GraphValues, { opType, inputs: [a = '', b = ''] }: OnnxNode): string | undefined {
  return (opType === 'Mul' && a === b) || (opType === 'Pow' && scalarOf(values, b) === 2) ? a : undefined;
}

function square(form: ReluForm | undefined): ReluForm | undefined {
  if (form?.form !== 'relu' || form.linear !== undefined || !isScaled(form)) return undefined;
  // What multiplies it does so twice.
  return { ...form, name: 'squared-relu', form: 'squared-relu', steps: [...form.steps, ...form.steps] };
}

// Nothing is added: what is off stays zero.
function isScaled({ steps }: ReluForm): boolean {
  return steps.every(({ kind }) => kind === 'multiply' || kind === 'divide' || kind === 'factor');
}

function gated(
  values: GraphValues,
  node: OnnxNode,
  columns: Columns,
  inner: (input: string) => ReluForm | undefined,
): ReluForm | undefined {
  for (const [gate, other] of [node.inputs, node.inputs.toReversed()]) {
    const linear = linearOf(values, other);
    if (linear === undefined || !isSameColumns(linear, columns)) continue;
    const form = inner(gate);
    if (form === undefined || form.linear !== undefined || !isScaled(form)) continue;
    const { up } = form;
    if (
      up !== undefined &&
      (sourceOf(values, linear.input) !== sourceOf(values, up.input) || linear.inputWidth !== up.inputWidth)
    )
      continue;
    return { ...form, name: `gated-${form.name}`, linear };
  }
  return undefined;
}

function isSameColumns(layer: Columns, columns: Columns): boolean {
  return layer.to - layer.from === columns.to - columns.from && layer.pixelAxes === columns.pixelAxes;
}

interface Kind {
  readonly name: 'relu' | 'relu6' | 'clipped-relu';
  readonly input: string;
  /** It is so many times the ReLU. */
  readonly factor?: number;
  /** Where the node is the layer, too. */
  readonly layer?: Linear;
}

function relu(values: GraphValues, node: OnnxNode, value: string, columns: Columns): ReluForm | undefined {
  const kind = isFused(node) ? fusedKind(values, node) : kindOf(values, node);
  if (kind === undefined) return undefined;
  const { name, input, factor = 1 } = kind;
  const layer = kind.layer ?? linearOf(values, input);
  const up = layer && isSameColumns(layer, columns) ? layer : undefined;
  const steps: readonly LayerStep[] = factor === 1 ? [] : [{ kind: 'factor', factor, from: columns.from }];
  const form = name === 'relu' ? 'relu' : undefined;
  const misfits = layer !== undefined && up === undefined && layer.pixelAxes === columns.pixelAxes;
  return { name, form, input, up, misfits, linear: undefined, steps, value, node };
}

/** Whether a node gives the ReLU of something, whatever that is. */
export function isReluOperator(values: GraphValues, node: OnnxNode): boolean {
  return kindOf(values, node) !== undefined;
}

// A product of onnxruntime that ends in an activation.
function fusedKind(values: GraphValues, node: OnnxNode): Kind | undefined {
  const activation = fusedActivation(node);
  const slope = node.attributes.get('activation_alpha')?.float ?? node.attributes.get('activation_params')?.floats[0];
  const isRelu = activation === 'Relu' || (activation === 'LeakyRelu' && slope === 0);
  const layer = isRelu ? productOf(values, node) : undefined;
  if (!isRelu) return undefined;
  const input = node.outputs[0] ?? '';
  return layer === undefined ? { name: 'relu', input } : { name: 'relu', input, layer };
}

// max(z, 0), and min(max(z, 0), c).
function kindOf(values: GraphValues, node: OnnxNode): Kind | undefined {
  const { opType, inputs, attributes } = node;
  const [a = '', b = '', c = ''] = inputs;
  if (!isStandard(node)) return undefined;
  const relu = (input: string): Kind => ({ name: 'relu', input });
  switch (opType) {
    case 'Relu':
      return relu(a);
    case 'LeakyRelu':
      return attributes.get('alpha')?.float === 0 ? relu(a) : undefined;
    case 'ThresholdedRelu':
      return attributes.get('alpha')?.float === 0 ? relu(a) : undefined;
    case 'PRelu':
      return isZero(values, b) ? relu(a) : undefined;
    case 'Max':
      if (inputs.length !== 2) return undefined;
      return isZero(values, b) ? relu(a) : isZero(values, a) ? relu(b) : undefined;
    case 'Where': {
      const on = positiveOf(values, a);
      if (on === undefined) return undefined;
      const [kept, other] = on.positive ? [b, c] : [c, b];
      return isSame(values, kept, on.input) && isZero(values, other) ? relu(kept) : undefined;
    }
    case 'Mul': {
      for (const [z, mask] of [
        [a, b],
        [b, a],
      ]) {
        const on = positiveOf(values, maskSource(values, mask));
        if (on?.positive === true && isSame(values, z, on.input)) return relu(z);
      }
      return undefined;
    }
    case 'Add': {
      // z + |z| is twice max(z, 0), exactly zero below.
      for (const [z, size] of [
        [a, b],
        [b, a],
      ]) {
        const maker = values.producers.get(sourceOf(values, size));
        if (maker?.opType === 'Abs' && isSame(values, z, maker.inputs[0] ?? '')) return { ...relu(z), factor: 2 };
      }
      return undefined;
    }
    case 'Min': {
      if (inputs.length !== 2) return undefined;
      for (const [inner, limit] of [
        [a, b],
        [b, a],
      ]) {
        const high = scalarOf(values, limit);
        const maker = values.producers.get(sourceOf(values, inner));
        const isRelu = maker !== undefined && (maker.opType === 'Relu' || maker.opType === 'Max');
        const kind = isRelu && high !== undefined && high > 0 ? kindOf(values, maker) : undefined;
        if (kind?.name === 'relu') return { ...kind, name: high === 6 ? 'relu6' : 'clipped-relu' };
      }
      return undefined;
    }
    case 'Clip':
      return clipKind(values, node);
    default:
      return undefined;
  }
}

function clipKind(values: GraphValues, { inputs, attributes }: OnnxNode): Kind | undefined {
  const [a = '', b = '', c = ''] = inputs;
  const low = attributes.get('min')?.float ?? (b === '' ? undefined : scalarOf(values, b));
  const high = attributes.get('max')?.float ?? (c === '' ? undefined : scalarOf(values, c));
  if (low !== 0 || (c !== '' && high === undefined)) return undefined;
  // Exporters write "no upper limit" as the largest float.
  if (high === undefined || high > 1e38) return { name: 'relu', input: a };
  if (!(high > 0)) return undefined;
  return { name: high === 6 ? 'relu6' : 'clipped-relu', input: a };
}

function isSame(values: GraphValues, a: string, b: string): boolean {
  return sourceOf(values, a, true) === sourceOf(values, b, true);
}

// Through the cast of a condition to a number.
function maskSource(values: GraphValues, name: string): string {
  const source = sourceOf(values, name, true);
  const node = values.producers.get(source);
  return node?.opType === 'Cast' && isStandard(node) ? (node.inputs[0] ?? '') : source;
}

// The value whose sign a condition is: z > 0 and its like, with "not" before it or not.
function positiveOf(
  values: GraphValues,
  condition: string,
  depth = 0,
): { readonly input: string; readonly positive: boolean } | undefined {
  const node = values.producers.get(sourceOf(values, condition, true));
  if (node === undefined || !isStandard(node) || depth > 2) return undefined;
  const [a = '', b = ''] = node.inputs;
  if (node.opType === 'Not') {
    const inner = positiveOf(values, a, depth + 1);
    return inner && { ...inner, positive: !inner.positive };
  }
  const greater = node.opType === 'Greater' || node.opType === 'GreaterOrEqual';
  if (!greater && node.opType !== 'Less' && node.opType !== 'LessOrEqual') return undefined;
  if (isZero(values, b)) return { input: a, positive: greater };
  return isZero(values, a) ? { input: b, positive: !greater } : undefined;
}
