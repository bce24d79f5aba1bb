// A trained feed-forward layer, output = down . a + downBias with a_u = activation(up_u . x + upBias_u), gated or not, run
// for a few inputs at a time either densely or at the cost of the units that fire. Both ways give the same bits: see
// mlp-sums.ts and mlp-output.ts for the order of summation, mlp-screen.ts for how silent units are found.
//
// A unit is active unless z_u <= 0, so NaN is active and reaches the output. Its activation is z, or fl(z z), times
// (rounded) linear_u . x + linearBias_u if gated; that of a silent unit is +0.
//
// The host lays out one struct of u32 words, `plan` (64-byte aligned):
//   0 operation   1 inputs in the batch   2 columns of the input, 3 units, 4 columns of the output (all padded)
//   5 bit 0: squared   6 units per item   7 output columns per item   8 units per pass of a batch over `down`
//   9 inputs, f32 [input][columns]   10 codes, i16 [input][columns]   11 records, [input], see mlp-screen.ts
//  12 up   13 upBias   14 linear or 0   15 linearBias   16 down   17 downBias
//  18 int8 rows   19 scales   20 weight errors   21 code norms   22 thresholds (see mlp-screen.ts)
//  23 survivors, u32 [unit]   24 active units, u32 [input][unit]   25 their activations, f32 [input][unit]
//  26 counts, u32 [item][input][evaluated, active, let through by the first test, 0]   27 activations, f32 [input][unit] (dense)
//  28 outputs, f32 [input][output column]   29 cursors, u32 [item of columns][input]   30 largest code   31 units without padding
//  32 norm limit, f64
// and for a first test on a projection of the input (mlp-projection.ts):
//  34 rank, padded, or 0   35 rows, i16   36 their scales, f32   37 products, [input][rank]   38 codes, i16 [input][rank]
//  39 records, [input]   40 factors, int8   41 their scales   42 e1   43 e2   44 e3   45 largest code of a product
//  46 more than this share of the units goes through the int8 test too, f32   48 gamma, f64   50 inverse, f64
//  The int8 rows then stand one after the other instead of four by four.
import { mlpScreenCalibrated } from "./mlp-calibrated";
import { dotRow, dotRowsOfFour, dotSixRows } from "./mlp-sums";
import { projectRows, quantiseProducts } from "./mlp-projection";
import { quantiseInput, RECORD, screenListed, screenUnits } from "./mlp-screen";
import { addRow, addUnits, addUnitsOfFour } from "./mlp-output";

const SPARSE_UP: u32 = 0;
const SPARSE_DOWN: u32 = 1;
const DENSE_UP: u32 = 2;
const DENSE_DOWN: u32 = 3;
const PROJECT: u32 = 4;

// Ways of `mlpForward`. There is one more, 2: one input, and `markListed` has been called.
const SPARSE: u32 = 0;
const DENSE: u32 = 1;
const CALIBRATED: u32 = 3;

// With a projection, items are multiples of this (src/layers/mlp.ts).
const PART_UNITS: usize = 128;

const SCREENED: u32 = 1;
// The units to evaluate stand where survivors do: one input and one item only.
const LISTED: u32 = 2;

function word(plan: usize, index: usize): usize {
  return <usize>load<u32>(plan + (index << 2));
}

/** One share of the current operation; items of one operation touch different memory, so threads may take them in any order. */
export function mlpItem(plan: usize, item: usize): void {
  const operation = load<u32>(plan);
  if (operation == SPARSE_UP) sparseUp(plan, item);
  else if (operation == SPARSE_DOWN) sparseDown(plan, item);
  else if (operation == DENSE_UP) denseUp(plan, item);
  else if (operation == PROJECT) project(plan, item);
  else denseDown(plan, item);
}

/**
 * All of a forward on one thread, in one call: from memory, every call costs cache misses of its own.
 * `screen`: plan of a calibrated screen, see mlp-calibrated.ts, for CALIBRATED.
 */
export function mlpForward(plan: usize, way: u32, upItems: usize, downItems: usize, screen: usize): void {
  if (way == SPARSE) {
    mlpQuantise(plan);
    const rank = word(plan, 34);
    if (rank != 0) {
      projectTo(plan, 0, rank);
      mlpFinishProjection(plan);
    }
  } else if (way == CALIBRATED) {
    markListed(plan, mlpScreenCalibrated(screen));
  }
  for (let item: usize = 0; item < upItems; item++) {
    if (way == DENSE) denseUp(plan, item);
    else sparseUp(plan, item);
  }
  mlpGather(plan, upItems);
  for (let item: usize = 0; item < downItems; item++) {
    if (way == DENSE) denseDown(plan, item);
    else sparseDown(plan, item);
  }
}

/** So many units to evaluate stand where survivors do, for the one input. */
export function markListed(plan: usize, count: usize): void {
  const record = word(plan, 11);
  store<u32>(record, LISTED, 12);
  store<u32>(record, <u32>count, 16);
}

/** Between the halves: for every input one list of active units out of those of the items, and its counts to its record. */
export function mlpGather(plan: usize, itemCount: usize): void {
  const inputCount = word(plan, 1);
  const unitCount = word(plan, 3);
  const step = word(plan, 6);
  for (let i: usize = 0; i < inputCount; i++) {
    const units = word(plan, 24) + ((i * unitCount) << 2);
    const values = word(plan, 25) + ((i * unitCount) << 2);
    let evaluated: u32 = 0;
    let first: u32 = 0;
    let active: usize = 0;
    for (let item: usize = 0; item < itemCount; item++) {
      const counts = word(plan, 26) + ((item * inputCount + i) << 4);
      const some = <usize>load<u32>(counts, 4);
      if (item > 0 && some > 0) {
        memory.copy(units + (active << 2), units + ((item * step) << 2), some << 2);
        memory.copy(values + (active << 2), values + ((item * step) << 2), some << 2);
      }
      evaluated += load<u32>(counts);
      first += load<u32>(counts, 8);
      active += some;
    }
    const record = word(plan, 11) + i * RECORD;
    store<u32>(record, <u32>active, 20);
    store<u32>(record, evaluated, 24);
    store<u32>(record, first, 28);
  }
}

/** Codes and records of the inputs. */
export function mlpQuantise(plan: usize): void {
  const columns = word(plan, 2);
  for (let i: usize = 0; i < word(plan, 1); i++) {
    quantiseInput(
      word(plan, 9) + i * (columns << 2),
      columns << 2,
      word(plan, 10) + i * (columns << 1),
      <f32>load<u32>(plan, 120),
      load<f64>(plan, 128),
      word(plan, 11) + i * RECORD,
    );
  }
}

// Some rows of the projection (as many as units per item) for every input.
function project(plan: usize, item: usize): void {
  const row0 = item * word(plan, 6);
  projectTo(plan, row0, min(word(plan, 34), row0 + word(plan, 6)));
}

function projectTo(plan: usize, row0: usize, row1: usize): void {
  const columns = word(plan, 2);
  const rank = word(plan, 34);
  for (let i: usize = 0; i < word(plan, 1); i++) {
    if (load<u32>(word(plan, 11) + i * RECORD, 12) != SCREENED) continue;
    projectRows(word(plan, 35), columns, word(plan, 10) + i * (columns << 1), row0, row1, word(plan, 37) + i * (rank << 2));
  }
}

/** Codes and records of the projections of the inputs, once all their products are there. */
export function mlpFinishProjection(plan: usize): void {
  const columns = word(plan, 2);
  const rank = word(plan, 34);
  for (let i: usize = 0; i < word(plan, 1); i++) {
    const own = word(plan, 11) + i * RECORD;
    if (load<u32>(own, 12) != SCREENED) continue;
    quantiseProducts(
      word(plan, 37) + i * (rank << 2),
      rank,
      word(plan, 36),
      word(plan, 10) + i * (columns << 1),
      columns,
      own,
      load<f64>(plan, 200),
      load<f64>(plan, 192),
      word(plan, 38) + i * (rank << 1),
      <f32>load<u32>(plan, 180),
      load<f64>(plan, 128),
      word(plan, 39) + i * RECORD,
    );
  }
}

// Screens some units for every input and evaluates what is left. Input after input over the same units, so that their
// weights come from memory once for the whole batch.
function sparseUp(plan: usize, item: usize): void {
  const inputCount = word(plan, 1);
  const columns = word(plan, 2);
  const unitCount = word(plan, 3);
  const unit0 = item * word(plan, 6);
  const unit1 = min(unitCount, unit0 + word(plan, 6));
  const survivors = word(plan, 23) + (unit0 << 2);
  const rank = word(plan, 34);
  for (let i: usize = 0; i < inputCount; i++) {
    const record = word(plan, 11) + i * RECORD;
    let count: usize;
    let first: usize = 0;
    const mode = load<u32>(record, 12);
    const codes = word(plan, 10) + i * (columns << 1);
    if (mode == LISTED) {
      count = <usize>load<u32>(record, 16);
    } else if (mode != SCREENED) {
      count = listUnits(plan, unit0, unit1, survivors);
      if (rank != 0) first = count;
    } else if (rank != 0) {
      count = 0;
      // By parts of one size, so that it does not depend on how items are cut where the int8 test is taken.
      for (let part = unit0; part < unit1; part += PART_UNITS) {
        const end = min(unit1, part + PART_UNITS);
        const list = survivors + (count << 2);
        const some = screenProjected(plan, i, part, end, list);
        first += some;
        count += <f32>some > load<f32>(plan, 184) * <f32>(end - part) ? screenListed(word(plan, 18), columns, word(plan, 19), word(plan, 20), word(plan, 21), word(plan, 22), codes, record, list, some) : some;
      }
    } else {
      count = screenUnits(word(plan, 18), columns, word(plan, 19), word(plan, 20), word(plan, 21), 0, word(plan, 22), codes, record, unit0, unit1, survivors);
      count = withoutPadding(plan, survivors, count);
    }
    const segment = (i * unitCount + unit0) << 2;
    const counts = word(plan, 26) + ((item * inputCount + i) << 4);
    store<u32>(counts, <u32>count);
    store<u32>(counts, <u32>first, 8);
    store<u32>(counts, <u32>evaluate(plan, i, survivors, count, word(plan, 24) + segment, word(plan, 25) + segment), 4);
  }
}

// The first test; all units where the products of the input are too large for it.
function screenProjected(plan: usize, input: usize, unit0: usize, unit1: usize, to: usize): usize {
  const record = word(plan, 39) + input * RECORD;
  if (load<u32>(record, 12) != SCREENED) return listUnits(plan, unit0, unit1, to);
  const rank = word(plan, 34);
  const codes = word(plan, 38) + input * (rank << 1);
  const count = screenUnits(word(plan, 40), rank, word(plan, 41), word(plan, 42), word(plan, 43), word(plan, 44), word(plan, 22), codes, record, unit0, unit1, to);
  return withoutPadding(plan, to, count);
}

// Where a bound is beyond f32, NaN lets padding through too; its preactivation is 0, but it is no unit to count.
function withoutPadding(plan: usize, list: usize, count: usize): usize {
  const unitCount = load<u32>(plan, 124);
  while (count > 0 && load<u32>(list + ((count - 1) << 2)) >= unitCount) count--;
  return count;
}

// Padding is no unit: a NaN input would make it one.
function listUnits(plan: usize, unit0: usize, unit1: usize, to: usize): usize {
  const end = min(unit1, word(plan, 31));
  for (let unit = unit0; unit < end; unit++) store<u32>(to + ((unit - unit0) << 2), <u32>unit);
  return end > unit0 ? end - unit0 : 0;
}

// The active ones of the listed units, and their activations; returns how many. `list` is overwritten.
function evaluate(plan: usize, input: usize, list: usize, count: usize, units: usize, values: usize): usize {
  const bytes = word(plan, 2) << 2;
  const x = word(plan, 9) + input * bytes;
  const biases = word(plan, 13);
  const squared = (load<u32>(plan, 20) & 1) != 0;
  const linear = word(plan, 14);
  let active: usize = 0;
  for (let k: usize = 0; k < count; k += 6) {
    // At most k activations are stored so far, so the dots do not overwrite them.
    const dots = values + (k << 2);
    const some = min(6, count - k);
    dotsOfList(word(plan, 12), bytes, x, list + (k << 2), some, dots);
    for (let m: usize = 0; m < some; m++) {
      const unit = load<u32>(list + ((k + m) << 2));
      const z = load<f32>(dots + (m << 2)) + load<f32>(biases + (<usize>unit << 2));
      if (z <= 0) continue;
      store<u32>(units + (active << 2), unit);
      store<f32>(values + (active << 2), squared ? z * z : z);
      active++;
    }
  }
  if (linear == 0) return active;
  const linearBiases = word(plan, 15);
  for (let k: usize = 0; k < active; k += 6) {
    const some = min(6, active - k);
    dotsOfList(linear, bytes, x, units + (k << 2), some, list);
    for (let m: usize = 0; m < some; m++) {
      const at = values + ((k + m) << 2);
      const gate = load<f32>(list + (m << 2)) + load<f32>(linearBiases + (<usize>load<u32>(units + ((k + m) << 2)) << 2));
      store<f32>(at, load<f32>(at) * gate);
    }
  }
  return active;
}

// Dots of up to six listed rows.
function dotsOfList(rows: usize, bytes: usize, x: usize, list: usize, count: usize, to: usize): void {
  if (count == 6) {
    dotSixRows(
      rows + <usize>load<u32>(list) * bytes,
      rows + <usize>load<u32>(list, 4) * bytes,
      rows + <usize>load<u32>(list, 8) * bytes,
      rows + <usize>load<u32>(list, 12) * bytes,
      rows + <usize>load<u32>(list, 16) * bytes,
      rows + <usize>load<u32>(list, 20) * bytes,
      x,
      bytes,
      to,
    );
    return;
  }
  for (let k: usize = 0; k < count; k++) {
    store<f32>(to + (k << 2), dotRow(rows + <usize>load<u32>(list + (k << 2)) * bytes, x, bytes));
  }
}

// Adds the active units (`mlpGather` has put them together) to some output columns. A batch goes over the units in
// passes, so that a row of `down` comes from memory once for all inputs.
function sparseDown(plan: usize, item: usize): void {
  const inputCount = word(plan, 1);
  const unitCount = word(plan, 3);
  const rowBytes = word(plan, 4) << 2;
  const from = item * (word(plan, 7) << 2);
  const to = min(rowBytes, from + (word(plan, 7) << 2));
  const unitsPerPass = word(plan, 8);
  const cursors = word(plan, 29) + item * (inputCount << 2);
  clearOutputs(plan, from, to);
  memory.fill(cursors, 0, inputCount << 2);
  for (let end = unitsPerPass; ; end += unitsPerPass) {
    for (let i: usize = 0; i < inputCount; i++) {
      const segment = (i * unitCount) << 2;
      const units = word(plan, 24) + segment;
      const count = <usize>load<u32>(word(plan, 11) + i * RECORD, 20);
      const first = <usize>load<u32>(cursors + (i << 2));
      let next = first;
      if (end >= unitCount) next = count;
      else while (next < count && <usize>load<u32>(units + (next << 2)) < end) next++;
      store<u32>(cursors + (i << 2), <u32>next);
      addUnits(word(plan, 16), rowBytes, units + (first << 2), word(plan, 25) + segment + (first << 2), next - first, word(plan, 28) + i * rowBytes, from, to);
    }
    if (end >= unitCount) break;
  }
  addBiases(plan, from, to);
}

function clearOutputs(plan: usize, from: usize, to: usize): void {
  const rowBytes = word(plan, 4) << 2;
  for (let i: usize = 0; i < word(plan, 1); i++) memory.fill(word(plan, 28) + i * rowBytes + from, 0, to - from);
}

function addBiases(plan: usize, from: usize, to: usize): void {
  const rowBytes = word(plan, 4) << 2;
  for (let i: usize = 0; i < word(plan, 1); i++) addRow(word(plan, 17), 1, word(plan, 28) + i * rowBytes, from, to);
}

// All units of an item for all inputs: four inputs at a time, then one by one. Every unit, active or not.
function denseUp(plan: usize, item: usize): void {
  const inputCount = word(plan, 1);
  const unitCount = word(plan, 3);
  const bytes = word(plan, 2) << 2;
  const unit0 = item * word(plan, 6);
  const unit1 = min(unitCount, unit0 + word(plan, 6));
  const up = word(plan, 12);
  const linear = word(plan, 14);
  const inputs = word(plan, 9);
  const stride = unitCount << 2;
  // Until a gate is applied its dots stand where the activations of active units will (`values`), which are not needed.
  const dots = word(plan, 27) + (unit0 << 2);
  const gates = word(plan, 25) + (unit0 << 2);
  const four = inputCount & ~3;
  // Two rows stay in the first-level cache for all groups of four.
  for (let u = unit0; u < unit1; u += 2) {
    const at = (u - unit0) << 2;
    for (let i: usize = 0; i < four; i += 4) {
      dotRowsOfFour(up + u * bytes, up + (u + 1) * bytes, inputs + i * bytes, bytes, bytes, dots + i * stride + at, stride);
      if (linear != 0) dotRowsOfFour(linear + u * bytes, linear + (u + 1) * bytes, inputs + i * bytes, bytes, bytes, gates + i * stride + at, stride);
    }
  }
  for (let i = four; i < inputCount; i++) {
    const x = inputs + i * bytes;
    for (let u = unit0; u < unit1; u++) {
      const at = i * stride + ((u - unit0) << 2);
      store<f32>(dots + at, dotRow(up + u * bytes, x, bytes));
      if (linear != 0) store<f32>(gates + at, dotRow(linear + u * bytes, x, bytes));
    }
  }
  for (let i: usize = 0; i < inputCount; i++) {
    const active = activate(plan, i, unit0, unit1);
    const counts = word(plan, 26) + ((item * inputCount + i) << 4);
    store<u32>(counts, <u32>(min(unit1, word(plan, 31)) - unit0));
    store<u32>(counts, 0, 8);
    store<u32>(counts, <u32>active, 4);
  }
}

// Dots to activations, and the list of active units.
function activate(plan: usize, input: usize, unit0: usize, unit1: usize): usize {
  const row = input * word(plan, 3);
  const squared = (load<u32>(plan, 20) & 1) != 0;
  const gated = word(plan, 14) != 0;
  const units = word(plan, 24) + ((row + unit0) << 2);
  let active: usize = 0;
  for (let u = unit0; u < unit1; u++) {
    const at = word(plan, 27) + ((row + u) << 2);
    const z = load<f32>(at) + load<f32>(word(plan, 13) + (u << 2));
    if (z <= 0 || u >= word(plan, 31)) {
      store<f32>(at, 0);
      continue;
    }
    let a = squared ? z * z : z;
    if (gated) a *= load<f32>(word(plan, 25) + ((row + u) << 2)) + load<f32>(word(plan, 15) + (u << 2));
    store<f32>(at, a);
    store<u32>(units + (active << 2), <u32>u);
    active++;
  }
  return active;
}

// Every unit's row, whatever its activation.
function denseDown(plan: usize, item: usize): void {
  const inputCount = word(plan, 1);
  const unitCount = word(plan, 3);
  const rowBytes = word(plan, 4) << 2;
  const from = item * (word(plan, 7) << 2);
  const to = min(rowBytes, from + (word(plan, 7) << 2));
  const unitsPerPass = word(plan, 8);
  const down = word(plan, 16);
  const outputs = word(plan, 28);
  const stride = unitCount << 2;
  clearOutputs(plan, from, to);
  const four = inputCount & ~3;
  for (let u: usize = 0; u < unitCount; u += unitsPerPass) {
    const end = min(unitCount, u + unitsPerPass);
    for (let i: usize = 0; i < four; i += 4) {
      addUnitsOfFour(down, rowBytes, u, end, word(plan, 27) + i * stride, stride, outputs + i * rowBytes, rowBytes, from, to);
    }
    for (let i = four; i < inputCount; i++) {
      for (let v = u; v < end; v++) {
        addRow(down + v * rowBytes, load<f32>(word(plan, 27) + i * stride + (v << 2)), outputs + i * rowBytes, from, to);
      }
    }
  }
  addBiases(plan, from, to);
}
