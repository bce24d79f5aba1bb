/**
 * A few operators of ONNX, evaluated plainly in double precision from their definitions: what a runtime computes inside a
 * graph, found again without a runtime. Shares nothing with the sources but the writer that makes the file.
 */
import { floatTensor, integerTensor, type NodeParts, type Tensor } from '../../core/test/onnx-writer.ts';

export interface NdArray {
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
}

export const size = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** Constants of a graph, for the file: whole ones where the name starts with "i:". */
export function tensorsOf(constants: Readonly<Record<string, NdArray>>): Tensor[] {
  return Object.entries(constants).map(([name, { dims, values }]) =>
    name.startsWith('i:')
      ? { ...integerTensor(name, [...Array.from(values)]), dims }
      : floatTensor(name, dims, Array.from(values)),
  );
}

/** All values of the graph by name. */
export function evaluate(
  nodes: readonly NodeParts[],
  constants: Readonly<Record<string, NdArray>>,
  inputs: Readonly<Record<string, NdArray>>,
): Map<string, NdArray> {
  const known = new Map<string, NdArray>([...Object.entries(constants), ...Object.entries(inputs)]);
  for (const node of nodes) {
    const given = node.inputs.map((name) => known.get(name) as NdArray);
    const operator = OPERATORS[node.opType];
    if (operator === undefined) throw new Error(`no ${node.opType} here`);
    for (const [o, value] of operator(given, node.attributes ?? {}).entries()) known.set(node.outputs[o], value);
  }
  return known;
}

type Attributes = NonNullable<NodeParts['attributes']>;
type Operator = (inputs: readonly NdArray[], attributes: Attributes) => readonly NdArray[];

function indexOf(dims: readonly number[], flat: number): number[] {
  const index = new Array<number>(dims.length);
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    index[axis] = flat % dims[axis];
    flat = Math.floor(flat / dims[axis]);
  }
  return index;
}

const flatOf = (dims: readonly number[], index: readonly number[]): number =>
  dims.reduce((flat, length, axis) => flat * length + index[axis], 0);

function made(dims: readonly number[], value: (index: readonly number[], flat: number) => number): NdArray {
  return { dims, values: Float64Array.from({ length: size(dims) }, (_, flat) => value(indexOf(dims, flat), flat)) };
}

// The number of an array that meets an index of a larger shape.
function at({ dims, values }: NdArray, index: readonly number[]): number {
  const own = dims.map((length, axis) => (length === 1 ? 0 : index[index.length - dims.length + axis]));
  return values[flatOf(dims, own)];
}

function broadcast(...arrays: readonly NdArray[]): number[] {
  const rank = Math.max(...arrays.map(({ dims }) => dims.length));
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(...arrays.map(({ dims }) => dims[axis - rank + dims.length] ?? 1)),
  );
}

const elementwise =
  (compute: (...numbers: readonly number[]) => number): Operator =>
  (inputs) => [made(broadcast(...inputs), (index) => compute(...inputs.map((array) => at(array, index))))];

function product(a: NdArray, b: NdArray): NdArray {
  const [rows, inner, columns] = [a.dims.at(-2) as number, a.dims.at(-1) as number, b.dims.at(-1) as number];
  const outer = broadcast({ ...a, dims: a.dims.slice(0, -2) }, { ...b, dims: b.dims.slice(0, -2) });
  return made([...outer, rows, columns], (index) => {
    const [before, i, j] = [index.slice(0, -2), index.at(-2) as number, index.at(-1) as number];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += at(a, [...before, i, k]) * at(b, [...before, k, j]);
    return sum;
  });
}

// Over one axis.
function mean(array: NdArray, axis: number, of: (value: number, index: readonly number[]) => number): NdArray {
  const dims = array.dims.map((length, a) => (a === axis ? 1 : length));
  return made(dims, (index) => {
    let sum = 0;
    for (let k = 0; k < array.dims[axis]; k++) sum += of(at(array, index.with(axis, k)), index);
    return sum / array.dims[axis];
  });
}

const integers = (attribute: Attributes[string] | undefined): readonly number[] =>
  (attribute as { ints: readonly number[] }).ints;

const OPERATORS: Readonly<Record<string, Operator>> = {
  Identity: (inputs) => inputs,
  Cast: (inputs) => inputs,
  MatMul: ([a, b]) => [product(a, b)],
  Gemm: ([a, b, c]) => [made([a.dims[0], b.dims[1]], (index) => at(product(a, b), index) + at(c, index))],
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Max: elementwise((a, b) => Math.max(a, b)),
  Greater: elementwise((a, b) => (a > b ? 1 : 0)),
  Where: elementwise((c, a, b) => (c !== 0 ? a : b)),
  GreaterOrEqual: elementwise((a, b) => (a >= b ? 1 : 0)),
  Less: elementwise((a, b) => (a < b ? 1 : 0)),
  LessOrEqual: elementwise((a, b) => (a <= b ? 1 : 0)),
  Not: elementwise((a) => (a === 0 ? 1 : 0)),
  Div: elementwise((a, b) => a / b),
  Neg: elementwise((a) => -a),
  Abs: elementwise((a) => Math.abs(a)),
  Min: elementwise((a, b) => Math.min(a, b)),
  Pow: elementwise((a, b) => a ** b),
  Relu: elementwise((a) => Math.max(a, 0)),
  HardSigmoid: elementwise((a) => Math.min(1, Math.max(0, 0.2 * a + 0.5))),
  Shrink: ([a], { bias, lambd }) => {
    const [shift, limit] = [bias, lambd].map((value) => (value as { float: number }).float);
    return elementwise((x) => (x < -limit ? x + shift : x > limit ? x - shift : 0))([a], {});
  },
  ThresholdedRelu: ([a], { alpha }) => elementwise((x) => (x > (alpha as { float: number }).float ? x : 0))([a], {}),
  FusedGemm: ([a, b, c], attributes) => {
    const rows = made([a.dims[0], b.dims[1]], (index) => at(product(a, b), index) + at(c, index));
    return attributes.activation === 'Relu' ? elementwise((x) => Math.max(x, 0))([rows], {}) : [rows];
  },
  ConstantOfShape: ([shape]) => [made(Array.from(shape.values), () => 0)],
  Concat: ([a, b]) => {
    const last = a.dims.length - 1;
    const dims = a.dims.with(last, a.dims[last] + b.dims[last]);
    return [
      made(dims, (index) => {
        const i = index[last];
        return i < a.dims[last] ? at(a, index) : at(b, index.with(last, i - a.dims[last]));
      }),
    ];
  },
  // In halves.
  Split: ([a], { axis }) => {
    const on = (axis as number) < 0 ? a.dims.length + (axis as number) : (axis as number);
    const half = a.dims[on] / 2;
    return [0, half].map((from) => made(a.dims.with(on, half), (index) => at(a, index.with(on, index[on] + from))));
  },
  PRelu: elementwise((a, slope) => (a < 0 ? slope * a : a)),
  Sigmoid: elementwise((a) => 1 / (1 + Math.exp(-a))),
  LeakyRelu: ([a], { alpha }) => elementwise((x) => (x < 0 ? (alpha as { float: number }).float * x : x))([a], {}),
  Clip: elementwise((a, low, high) => Math.min(Math.max(a, low), high)),
  Transpose: ([a], { perm }) => {
    const order = integers(perm);
    return [
      made(
        order.map((axis) => a.dims[axis]),
        (index) =>
          at(
            a,
            a.dims.map((_, axis) => index[order.indexOf(axis)]),
          ),
      ),
    ];
  },
  Reshape: ([a, shape]) => {
    const wanted = Array.from(shape.values, (length, axis) => (length === 0 ? a.dims[axis] : length));
    const rest = size(a.dims) / -size(wanted);
    return [{ dims: wanted.map((length) => (length === -1 ? rest : length)), values: a.values }];
  },
  Slice: ([a, from, to, axis]) => [
    made(a.dims.with(axis.values[0], to.values[0] - from.values[0]), (index) =>
      at(a, index.with(axis.values[0], index[axis.values[0]] + from.values[0])),
    ),
  ],
  Softmax: ([a]) => {
    const exponentials = made(a.dims, (_, flat) => Math.exp(a.values[flat]));
    const means = mean(exponentials, a.dims.length - 1, (x) => x);
    const last = a.dims.at(-1) as number;
    return elementwise((x, m) => x / (m * last))([exponentials, means], {});
  },
  ReduceMean: ([a], { axes }) => [mean(a, integers(axes)[0], (x) => x)],
  CumSum: ([a]) => [
    made(a.dims, (index) => {
      let sum = 0;
      for (let k = 0; k <= index[0]; k++) sum += at(a, index.with(0, k));
      return sum;
    }),
  ],
  Shape: ([a]) => [{ dims: [a.dims.length], values: a.dims }],
  Gather: ([a, i]) => [{ dims: i.dims, values: [a.values[i.values[0]]] }],
  LayerNormalization: ([a, scale, bias]) => {
    const axis = a.dims.length - 1;
    const means = mean(a, axis, (x) => x);
    const variances = mean(a, axis, (x, index) => (x - at(means, index.with(axis, 0))) ** 2);
    return elementwise((x, m, v, s, b) => ((x - m) / Math.sqrt(v + 1e-5)) * s + b)(
      [a, means, variances, scale, bias],
      {},
    );
  },
  // Over axis 1.
  BatchNormalization: ([a, ...parameters], { epsilon }) => {
    const small = (epsilon as { float: number } | undefined)?.float ?? 1e-5;
    return [
      made(a.dims, (index) => {
        const [s, b, m, v] = parameters.map(({ values }) => values[index[1]]);
        return ((at(a, index) - m) / Math.sqrt(v + small)) * s + b;
      }),
    ];
  },
  // By the definition: the sum over all letters that the output does not have.
  Einsum: ([a, b], { equation }) => {
    const [left, output] = (equation as string).replaceAll(' ', '').split('->');
    const [p, q] = left.split(',');
    const lengths = new Map([
      ...[...p].map((c, k) => [c, a.dims[k]] as const),
      ...[...q].map((c, k) => [c, b.dims[k]] as const),
    ]);
    const summed = [...lengths.keys()].filter((letter) => !output.includes(letter));
    return [
      made(
        [...output].map((letter) => lengths.get(letter) as number),
        (index) => {
          const own = new Map([...output].map((letter, k) => [letter, index[k]]));
          const inner = summed.map((letter) => lengths.get(letter) as number);
          let sum = 0;
          for (let k = 0; k < size(inner); k++) {
            const others = indexOf(inner, k);
            const place = (letter: string): number => own.get(letter) ?? others[summed.indexOf(letter)];
            sum += at(a, [...p].map(place)) * at(b, [...q].map(place));
          }
          return sum;
        },
      ),
    ];
  },
  // Of any number of pixels, without padding.
  Conv: ([a, w, bias]) => [
    made([a.dims[0], w.dims[0], ...a.dims.slice(2).map((length, k) => length - w.dims[k + 2] + 1)], (index) => {
      let sum = bias?.values[index[1]] ?? 0;
      for (let k = 0; k < size(w.dims.slice(1)); k++) {
        const [c, ...offset] = indexOf(w.dims.slice(1), k);
        const pixel = index.slice(2).map((i, axis) => i + offset[axis]);
        sum += w.values[index[1] * size(w.dims.slice(1)) + k] * at(a, [index[0], c, ...pixel]);
      }
      return sum;
    }),
  ],
};
