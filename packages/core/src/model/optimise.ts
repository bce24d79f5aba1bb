/**
 * The best configuration of a model, in terms of its columns: a value, an interval of a number, or missing. The search
 * is that of `optimisePolynomial`, over the combinations of coordinates that a cell can make: one value per column, and
 * thresholds that follow from each other.
 */
import {
  checkRunOptions,
  closestName,
  createTurn,
  FewfireError,
  listNames,
  listNearest,
  type RunOptions,
  runOptionsOf,
  suggestName,
  unknownColumn,
} from '../base/index.ts';
import {
  coordinateNamesByColumn,
  cubePointsFromRows,
  dateText,
  type EncodedColumn,
  encodedColumnName,
  readDate,
  readNumber,
} from '../cube/index.ts';
import type { MilpSolver } from '../network/index.ts';
import { evaluatePolynomial } from '../spectrum/index.ts';
import {
  type Calibration,
  type Model,
  type ModelOutput,
  predictionFromValues,
  type TargetSpec,
  targetClasses,
} from './model.ts';
import {
  OPTIMISE_CHECKS,
  type OptimiseOptions,
  optimisePolynomial,
  type PolynomialOptimum,
} from './optimise-polynomial.ts';

/** Options of `optimiseModel`. */
export interface OptimiseModelOptions extends RunOptions, Pick<OptimiseOptions, 'timeLimitMs' | 'method'> {
  /** Of the number, or of the probability of `class`. */
  readonly direction: 'maximise' | 'minimise';
  /** Of two classes: whose probability, by default that of the positive class. Of several: whose against the rest. */
  readonly class?: string | undefined;
  /** `column=value` (a number column: any number), `column=` for missing, a coordinate's name for a yes there, or `coordinate=no`. */
  readonly fix?: readonly string[] | undefined;
  /** At most this many columns (of `among`, all without it) differ from their reference; columns that `fix` keeps from it do not count. */
  readonly atMost?: number | undefined;
  readonly among?: readonly string[] | undefined;
  /** Whether cells may be missing where the model knows missing as an answer of its own. Default no. */
  readonly allowMissing?: boolean | undefined;
}

/** What a cell may be: one value, an interval, or missing. */
export interface CellAnswer {
  readonly kind: 'value' | 'interval' | 'other' | 'missing';
  /** In words: `"India"`, `5 < years <= 11`, `missing`. */
  readonly text: string;
  readonly value?: string;
  /** Of an interval; null where it is open. */
  readonly above?: number | null;
  readonly upTo?: number | null;
}

export interface ColumnChoice extends CellAnswer {
  readonly column: string;
  /** Coordinates with a yes. */
  readonly yes: readonly string[];
  /** Whether this is the answer with a no at every coordinate. */
  readonly isReference: boolean;
  /** Whether `fix` left no other. */
  readonly isFixed: boolean;
  /** Whether the column is in no term that matters here: every answer gives the same value, the others as they are. */
  readonly makesNoDifference: boolean;
  /** The prediction with this column alone at its reference instead; null where it is there or may not be. */
  readonly predictionAtReference: number | null;
}

/** The best configuration of a model's columns, and what is proved of it. */
export interface ModelOptimum extends Omit<PolynomialOptimum, 'bits'> {
  readonly direction: 'maximise' | 'minimise';
  /** Two classes: whose probability is `prediction`; null for numbers. */
  readonly class: string | null;
  /** In the target's own words: the number, or the probability of `class`. */
  readonly prediction: number;
  /** The prediction at `bound`: no allowed configuration goes beyond it. */
  readonly predictionBound: number;
  readonly columns: readonly ColumnChoice[];
}

/**
 * The configuration of the columns with the largest or smallest prediction, and what is proved of it.
 * @param solver without one, only enumeration is tried
 * @throws FewfireError `unknown-column` and `invalid-argument` for what `fix`, `among` and `class` name; as `optimisePolynomial`
 * @example
 * ```ts
 * import { fitTable, memoryTable, optimiseModel } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y', method: 'low-degree' });
 * const { prediction, columns } = await optimiseModel(model, undefined, { direction: 'maximise', fix: ['a=1'] });
 * console.log(prediction.toFixed(2), columns.map(({ column, text }) => `${column}: ${text}`)); // 0.99 [ 'a: "1"', 'b: "0"' ]
 * ```
 */
export async function optimiseModel(
  model: Model,
  solver: MilpSolver | undefined,
  options: OptimiseModelOptions,
): Promise<ModelOptimum> {
  checkRunOptions('optimiseModel', options, {
    ...OPTIMISE_CHECKS,
    class: 'string',
    fix: 'names',
    atMost: 'number',
    among: 'names',
    allowMissing: 'boolean',
  });
  const named = classOf(model, options.class);
  const { polynomial, calibration } = outputOf(model, named);
  const toPrediction = (value: number): number => predictionOf(model, calibration, named, value);
  // Larger values may mean smaller predictions: -1 is the positive class.
  const rising = toPrediction(1) >= toPrediction(-1);
  const upwards = (options.direction === 'maximise') === rising;
  const columns = model.encoder.columns;
  const names = columns.map(encodedColumnName);
  const cells = restrictCells(columns, options.fix ?? [], options.allowMissing === true);
  const optimum = await optimisePolynomial(polynomial, solver, {
    ...runOptionsOf(options),
    timeLimitMs: options.timeLimitMs,
    method: options.method,
    direction: upwards ? 'maximise' : 'minimise',
    groups: cells.map(({ coordinates, states }) => ({ coordinates, states: states.map(({ yes }) => yes) })),
    atMost: options.atMost === undefined ? undefined : { count: options.atMost, groups: groupsNamed(names, options) },
  });
  const { bits, ...rest } = optimum;
  const valueAt = async (changed: Uint8Array): Promise<number> =>
    (await evaluatePolynomial(polynomial, cubePointsFromRows([changed])))[0];
  const choices: ColumnChoice[] = [];
  const turn = createTurn(options.signal);
  for (const [g, { coordinates, states, wasFixed }] of cells.entries()) {
    const yes = coordinates.filter((s) => bits[s] === 1);
    const state = states.find((each) => sameSet(each.yes, yes)) as CellState;
    const values: number[] = [];
    for (const each of states) {
      await turn();
      values.push(await valueAt(withAnswer(bits, coordinates, each.yes)));
    }
    const reference = states.findIndex((each) => each.yes.length === 0);
    choices.push({
      column: names[g],
      ...state.answer,
      yes: yes.map((s) => polynomial.coordinates[s]),
      isReference: yes.length === 0,
      isFixed: wasFixed && states.length === 1,
      makesNoDifference: states.length > 1 && values.every((value) => Math.abs(value - optimum.value) <= 1e-12),
      predictionAtReference: yes.length === 0 || reference < 0 ? null : toPrediction(values[reference]),
    });
  }
  return {
    ...rest,
    direction: options.direction,
    class: named ?? null,
    prediction: toPrediction(optimum.value),
    predictionBound: toPrediction(optimum.bound),
    columns: choices,
  };
}

// The polynomial that speaks of the class: of several classes its own.
function outputOf({ target, outputs }: Model, named: string | undefined): ModelOutput {
  return outputs[target.kind === 'multiclass' ? target.classes.indexOf(named as string) : 0];
}
function classOf({ target }: Model, name: string | undefined): string | undefined {
  if (target.kind === 'regression') {
    if (name === undefined) return undefined;
    throw new FewfireError(
      'invalid-argument',
      `the target ${JSON.stringify(target.column)} is a number, not a class; leave \`class\` out`,
    );
  }
  const classes = targetClasses(target);
  if (name === undefined && target.kind === 'multiclass') {
    throw new FewfireError(
      'invalid-argument',
      `the target ${JSON.stringify(target.column)} has ${classes.length} classes, each with a polynomial of its own; name one with \`class\`: ${listNames(classes)}`,
    );
  }
  if (name === undefined || classes.includes(name)) return name ?? classes[0];
  throw new FewfireError(
    'invalid-argument',
    `the target ${JSON.stringify(target.column)} never is ${JSON.stringify(name)}; ${suggestName(name, classes, 'its classes are')}`,
  );
}

// Of several classes the chance of the named one against the rest, which `predict` then divides by the sum of all.
function predictionOf({ target }: Model, calibration: Calibration, named: string | undefined, value: number): number {
  const spec: TargetSpec =
    target.kind === 'multiclass'
      ? { kind: 'binary', column: target.column, positive: named as string, negative: '' }
      : target;
  const { numbers, probabilities } = predictionFromValues(spec, [calibration], [Float64Array.of(value)]);
  if (numbers !== undefined) return numbers[0];
  const [positive, negative] = probabilities as readonly Float64Array[];
  return spec.kind === 'binary' && named === spec.negative ? negative[0] : positive[0];
}

function groupsNamed(names: readonly string[], { among }: OptimiseModelOptions): number[] | undefined {
  return among?.map((name) => {
    const at = names.indexOf(name);
    if (at < 0) throw unknownColumn(name, names, 'the model');
    return at;
  });
}

interface CellState {
  readonly answer: CellAnswer;
  /** Coordinates with a yes. */
  readonly yes: readonly number[];
}

interface ColumnCells {
  readonly coordinates: readonly number[];
  /** What is allowed; the reference first, where it is. */
  readonly states: readonly CellState[];
  readonly wasFixed: boolean;
}

function restrictCells(
  columns: readonly EncodedColumn[],
  fix: readonly string[],
  allowMissing: boolean,
): readonly ColumnCells[] {
  let next = 0;
  const allNames = coordinateNamesByColumn({ columns });
  const all = columns.map((column, at) => {
    const names = allNames[at];
    const coordinates = names.map(() => next++);
    return { column, names, coordinates, states: cellStates(column, coordinates) };
  });
  const kept = all.map(({ states }) => states);
  const fixed = new Set<number>();
  for (const item of fix) {
    const { at, keeps } = readFixed(item, all);
    kept[at] = kept[at].filter(keeps);
    fixed.add(at);
    if (kept[at].length === 0) {
      throw new FewfireError(
        'invalid-argument',
        `what is fixed of column ${JSON.stringify(columns[at].column)} contradicts itself at ${JSON.stringify(item)}; expected answers that one cell can give`,
      );
    }
  }
  return all.map(({ coordinates }, at) => {
    const present = kept[at].filter(({ answer }) => answer.kind !== 'missing');
    // Who fixes a cell to be missing allows it.
    const states = allowMissing || present.length === 0 ? kept[at] : present;
    return { coordinates, states, wasFixed: fixed.has(at) };
  });
}

// Everything a cell of the column can be.
function cellStates(column: EncodedColumn, coordinates: readonly number[]): CellState[] {
  const { coding } = column;
  const states: CellState[] = [];
  const missing: CellAnswer = { kind: 'missing', text: 'missing' };
  const valued = (value: string): CellAnswer => ({ kind: 'value', text: JSON.stringify(value), value });
  if (coding.kind === 'two-valued') {
    // Of a column with one value, the no is a missing cell.
    states.push({ answer: coding.no === '' ? missing : valued(coding.no), yes: [] });
    states.push({ answer: valued(coding.yes), yes: [coordinates[0]] });
  } else if (coding.kind === 'categories') {
    const other: CellAnswer = { kind: 'other', text: 'another value' };
    states.push({ answer: coding.reference === null ? other : valued(coding.reference), yes: [] });
    coding.values.forEach((value, j) => {
      states.push({ answer: valued(value), yes: [coordinates[j]] });
    });
  } else {
    const spelled = column.type === 'date' ? dateText : String;
    const order = Array.from(coding.above.keys()).sort((a, b) => coding.above[a] - coding.above[b]);
    for (let passed = 0; passed <= order.length; passed++) {
      const above = passed === 0 ? null : coding.above[order[passed - 1]];
      const upTo = passed === order.length ? null : coding.above[order[passed]];
      const low = above === null ? '' : `> ${spelled(above)}`;
      const high = upTo === null ? '' : `<= ${spelled(upTo)}`;
      const text = low === '' || high === '' ? low + high : `${low} and ${high}`;
      states.push({
        answer: { kind: 'interval', text, above, upTo },
        yes: order.slice(0, passed).map((j) => coordinates[j]),
      });
    }
  }
  if (column.missingCoordinate) states.push({ answer: missing, yes: [coordinates[coordinates.length - 1]] });
  return states;
}

interface NamedColumn {
  readonly column: EncodedColumn;
  readonly names: readonly string[];
  readonly coordinates: readonly number[];
  readonly states: readonly CellState[];
}

const YES_WORDS = ['1', 'yes', 'true'];
const NO_WORDS = ['0', 'no', 'false'];

// A coordinate's name, a column with a value, a coordinate with yes or no: in this order.
function readFixed(
  item: string,
  columns: readonly NamedColumn[],
): { readonly at: number; readonly keeps: (state: CellState) => boolean } {
  const coordinateNamed = (name: string, bit: boolean): ReturnType<typeof readFixed> | undefined => {
    for (const [at, { names, coordinates }] of columns.entries()) {
      const j = names.indexOf(name);
      if (j >= 0) return { at, keeps: ({ yes }) => yes.includes(coordinates[j]) === bit };
    }
    return undefined;
  };
  const plain = coordinateNamed(item, true);
  if (plain !== undefined) return plain;
  // Names may contain equals signs: `a=b=c` may be of column `a` or of column `a=b`.
  let best = -1;
  const found: { at: number; state: CellState }[] = [];
  for (const [at, { column, states }] of columns.entries()) {
    const name = encodedColumnName(column);
    if (!item.startsWith(`${name}=`)) continue;
    if (best < 0 || name.length > encodedColumnName(columns[best].column).length) best = at;
    const state = cellOfValue(column, states, item.slice(name.length + 1));
    if (state !== undefined) found.push({ at, state });
  }
  if (found.length > 1) {
    throw new FewfireError(
      'invalid-argument',
      `${JSON.stringify(item)} may be a value of the columns ${listNames(found.map(({ at }) => encodedColumnName(columns[at].column)))}; expected one of them: name a coordinate as fewfire show does, or rename a column and fit again`,
    );
  }
  if (found.length === 1) return { at: found[0].at, keeps: (state) => state === found[0].state };
  const cut = item.lastIndexOf('=');
  const word = item.slice(cut + 1).toLowerCase();
  if (cut > 0 && (YES_WORDS.includes(word) || NO_WORDS.includes(word))) {
    const answered = coordinateNamed(item.slice(0, cut), YES_WORDS.includes(word));
    // Whether 0 and 1 are values of a number column is for the column to say.
    const at = answered?.at ?? 0;
    const numeric = columns[at].column.type === 'number' && columns[at].column.column === item.slice(0, cut);
    if (answered !== undefined && !numeric) return answered;
  }
  throw best >= 0 ? unknownValue(columns[best], item) : unknownFixed(item, columns);
}

function cellOfValue(column: EncodedColumn, states: readonly CellState[], value: string): CellState | undefined {
  const { coding, type } = column;
  if (value === '') return states.find(({ answer }) => answer.kind === 'missing');
  const number = type === 'date' && column.part === undefined ? readDate(value, 'ymd') : readNumber(value);
  if (coding.kind === 'thresholds') {
    if (number === undefined || !Number.isFinite(number)) return undefined;
    return states.find(
      ({ answer: { kind, above, upTo } }) =>
        kind === 'interval' &&
        number > (above ?? Number.NEGATIVE_INFINITY) &&
        number <= (upTo ?? Number.POSITIVE_INFINITY),
    );
  }
  const same = (own: string): boolean => own === value || (type === 'number' && number === Number(own));
  const exact = states.find(({ answer }) => answer.value !== undefined && same(answer.value));
  if (exact !== undefined || coding.kind !== 'two-valued' || type === 'number') return exact;
  // `show` says yes and no of columns with two texts.
  const word = value.toLowerCase();
  if (YES_WORDS.includes(word)) return states[1];
  return NO_WORDS.includes(word) && coding.no !== '' ? states[0] : undefined;
}

function unknownValue({ column, states }: NamedColumn, item: string): FewfireError {
  const name = encodedColumnName(column);
  const shown = JSON.stringify(name);
  const value = item.slice(name.length + 1);
  if (value === '') {
    return new FewfireError(
      'invalid-argument',
      `column ${shown} cannot be fixed to missing: the model has no answer of its own for it; expected a value`,
    );
  }
  if (column.coding.kind === 'thresholds') {
    return new FewfireError(
      'invalid-argument',
      `column ${shown} cannot be fixed to ${JSON.stringify(value)}; expected a ${column.type}, as in ${column.column}=${column.type === 'date' ? dateText(column.coding.above[0]) : column.coding.above[0]}`,
    );
  }
  const values = states.flatMap(({ answer }) => (answer.value === undefined ? [] : [answer.value]));
  const close = closestName(value, values);
  const hint = close === undefined ? '' : `did you mean ${JSON.stringify(close)}? `;
  return new FewfireError(
    'invalid-argument',
    `column ${shown} has no value ${JSON.stringify(value)} in the model; ${hint}its values are ${listNearest([value], values, 40)}`,
  );
}

function unknownFixed(item: string, columns: readonly NamedColumn[]): FewfireError {
  const names = columns.map(({ column }) => encodedColumnName(column));
  const name = item.split('=', 1)[0];
  if (names.includes(name)) {
    return new FewfireError(
      'invalid-argument',
      `${JSON.stringify(item)} fixes no value; expected ${name}=<value>, or a coordinate as fewfire show names it`,
    );
  }
  return unknownColumn(name, names, 'the model');
}

function withAnswer(bits: Uint8Array, coordinates: readonly number[], yes: readonly number[]): Uint8Array {
  const changed = bits.slice();
  for (const s of coordinates) changed[s] = yes.includes(s) ? 1 : 0;
  return changed;
}

function sameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((s) => b.includes(s));
}
