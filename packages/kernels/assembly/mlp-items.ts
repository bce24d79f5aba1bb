// A trained feed-forward layer, output = down . a + downBias with a_u = activation(up_u . x + upBias_u), gated or not, run
// for a few inputs at a time either densely or at the cost of the units that fire. Both ways give the same bits: see
// mlp-sums.ts and mlp-output.ts for the order of summation, mlp-screen.ts for how silent units are found.
//
// A unit is active unless z_u <= 0, so NaN is active and reaches the output. Its activation is z, or fl(z z), times
// (rounded) linear_u . x + linearBias_u if gated; that of a silent unit is +0.
//
// mlp-plan.ts has the struct by which the host says all of this; it is 64-byte aligned.
import { mlpScreenCalibrated } from "./mlp-calibrated";
import { dotRow, dotRowsOfFour, dotSixRows } from "./mlp-sums";
import { projectRows, quantiseProducts } from "./mlp-projection";
import { CalibratedPlan, COUNTS, ItemCounts, LISTED, MlpPlan, MlpRecord, RECORD, SCREENED } from "./mlp-plan";
import { quantiseInput, screenListed, screenUnits } from "./mlp-screen";
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

function recordOf(plan: MlpPlan, input: usize): MlpRecord {
  return changetype<MlpRecord>(plan.records + input * RECORD);
}

function productRecordOf(plan: MlpPlan, input: usize): MlpRecord {
  return changetype<MlpRecord>(plan.productRecords + input * RECORD);
}

function countsOf(plan: MlpPlan, item: usize, input: usize): ItemCounts {
  return changetype<ItemCounts>(plan.counts + (item * plan.inputCount + input) * COUNTS);
}

/** One share of the current operation; items of one operation touch different memory, so threads may take them in any order. */
export function mlpItem(plan: MlpPlan, item: usize): void {
  const operation = plan.operation;
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
export function mlpForward(plan: MlpPlan, way: u32, upItems: usize, downItems: usize, screen: CalibratedPlan): void {
  if (way == SPARSE) {
    mlpQuantise(plan);
    const rank = plan.rank;
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
export function markListed(plan: MlpPlan, count: usize): void {
  const record = recordOf(plan, 0);
  record.mode = LISTED;
  record.listedCount = count;
}

/** Between the halves: for every input one list of active units out of those of the items, and its counts to its record. */
export function mlpGather(plan: MlpPlan, itemCount: usize): void {
  const inputCount = plan.inputCount;
  const paddedUnits = plan.paddedUnits;
  const step = plan.unitsPerItem;
  for (let i: usize = 0; i < inputCount; i++) {
    const units = plan.activeUnits + ((i * paddedUnits) << 2);
    const values = plan.activeValues + ((i * paddedUnits) << 2);
    let evaluated: u32 = 0;
    let first: u32 = 0;
    let active: usize = 0;
    for (let item: usize = 0; item < itemCount; item++) {
      const counts = countsOf(plan, item, i);
      const some = <usize>counts.activeCount;
      if (item > 0 && some > 0) {
        memory.copy(units + (active << 2), units + ((item * step) << 2), some << 2);
        memory.copy(values + (active << 2), values + ((item * step) << 2), some << 2);
      }
      evaluated += counts.evaluatedCount;
      first += counts.passedCount;
      active += some;
    }
    const record = recordOf(plan, i);
    record.activeCount = <u32>active;
    record.evaluatedCount = evaluated;
    record.passedCount = first;
  }
}

/** Codes and records of the inputs. */
export function mlpQuantise(plan: MlpPlan): void {
  const columns = plan.columns;
  for (let i: usize = 0; i < plan.inputCount; i++) {
    quantiseInput(
      plan.inputs + i * (columns << 2),
      columns << 2,
      plan.codes + i * (columns << 1),
      <f32>plan.codeLimit,
      plan.normLimit,
      recordOf(plan, i),
    );
  }
}

// Some rows of the projection (as many as units per item) for every input.
function project(plan: MlpPlan, item: usize): void {
  const row0 = item * plan.unitsPerItem;
  projectTo(plan, row0, min(plan.rank, row0 + plan.unitsPerItem));
}

function projectTo(plan: MlpPlan, row0: usize, row1: usize): void {
  const columns = plan.columns;
  const rank = plan.rank;
  for (let i: usize = 0; i < plan.inputCount; i++) {
    if (recordOf(plan, i).mode != SCREENED) continue;
    projectRows(plan.projectionRows, columns, plan.codes + i * (columns << 1), row0, row1, plan.products + i * (rank << 2));
  }
}

/** Codes and records of the projections of the inputs, once all their products are there. */
export function mlpFinishProjection(plan: MlpPlan): void {
  const columns = plan.columns;
  const rank = plan.rank;
  for (let i: usize = 0; i < plan.inputCount; i++) {
    const own = recordOf(plan, i);
    if (own.mode != SCREENED) continue;
    quantiseProducts(
      plan.products + i * (rank << 2),
      rank,
      plan.projectionScales,
      plan.codes + i * (columns << 1),
      columns,
      own,
      plan.inverse,
      plan.dotRounding,
      plan.productCodes + i * (rank << 1),
      <f32>plan.productCodeLimit,
      plan.normLimit,
      productRecordOf(plan, i),
    );
  }
}

// Screens some units for every input and evaluates what is left. Input after input over the same units, so that their
// weights come from memory once for the whole batch.
function sparseUp(plan: MlpPlan, item: usize): void {
  const inputCount = plan.inputCount;
  const columns = plan.columns;
  const paddedUnits = plan.paddedUnits;
  const unit0 = item * plan.unitsPerItem;
  const unit1 = min(paddedUnits, unit0 + plan.unitsPerItem);
  const survivors = plan.survivors + (unit0 << 2);
  const rank = plan.rank;
  for (let i: usize = 0; i < inputCount; i++) {
    const record = recordOf(plan, i);
    let count: usize;
    let first: usize = 0;
    const mode = record.mode;
    const codes = plan.codes + i * (columns << 1);
    if (mode == LISTED) {
      count = record.listedCount;
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
        count += <f32>some > plan.refineAbove * <f32>(end - part) ? screenListed(plan.rows, columns, plan.scales, plan.weightErrors, plan.codeNorms, plan.thresholds, codes, record, list, some) : some;
      }
    } else {
      count = screenUnits(plan.rows, columns, plan.scales, plan.weightErrors, plan.codeNorms, 0, plan.thresholds, codes, record, unit0, unit1, survivors);
      count = withoutPadding(plan, survivors, count);
    }
    const segment = (i * paddedUnits + unit0) << 2;
    const counts = countsOf(plan, item, i);
    counts.evaluatedCount = <u32>count;
    counts.passedCount = <u32>first;
    counts.activeCount = <u32>evaluate(plan, i, survivors, count, plan.activeUnits + segment, plan.activeValues + segment);
  }
}

// The first test; all units where the products of the input are too large for it.
function screenProjected(plan: MlpPlan, input: usize, unit0: usize, unit1: usize, to: usize): usize {
  const record = productRecordOf(plan, input);
  if (record.mode != SCREENED) return listUnits(plan, unit0, unit1, to);
  const rank = plan.rank;
  const codes = plan.productCodes + input * (rank << 1);
  const count = screenUnits(plan.factors, rank, plan.factorScales, plan.insideErrors, plan.factorNorms, plan.residuals, plan.thresholds, codes, record, unit0, unit1, to);
  return withoutPadding(plan, to, count);
}

// Where a bound is beyond f32, NaN lets padding through too; its preactivation is 0, but it is no unit to count.
function withoutPadding(plan: MlpPlan, list: usize, count: usize): usize {
  const unitCount = plan.unitCount;
  while (count > 0 && <usize>load<u32>(list + ((count - 1) << 2)) >= unitCount) count--;
  return count;
}

// Padding is no unit: a NaN input would make it one.
function listUnits(plan: MlpPlan, unit0: usize, unit1: usize, to: usize): usize {
  const end = min(unit1, plan.unitCount);
  for (let unit = unit0; unit < end; unit++) store<u32>(to + ((unit - unit0) << 2), <u32>unit);
  return end > unit0 ? end - unit0 : 0;
}

// The active ones of the listed units, and their activations; returns how many. `list` is overwritten.
function evaluate(plan: MlpPlan, input: usize, list: usize, count: usize, units: usize, values: usize): usize {
  const bytes = plan.columns << 2;
  const x = plan.inputs + input * bytes;
  const biases = plan.upBias;
  const squared = plan.squared != 0;
  const linear = plan.linear;
  let active: usize = 0;
  for (let k: usize = 0; k < count; k += 6) {
    // At most k activations are stored so far, so the dots do not overwrite them.
    const dots = values + (k << 2);
    const some = min(6, count - k);
    dotsOfList(plan.up, bytes, x, list + (k << 2), some, dots);
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
  const linearBiases = plan.linearBias;
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
function sparseDown(plan: MlpPlan, item: usize): void {
  const inputCount = plan.inputCount;
  const paddedUnits = plan.paddedUnits;
  const rowBytes = plan.outputColumns << 2;
  const from = item * (plan.columnsPerItem << 2);
  const to = min(rowBytes, from + (plan.columnsPerItem << 2));
  const unitsPerPass = plan.unitsPerPass;
  const cursors = plan.cursors + item * (inputCount << 2);
  clearOutputs(plan, from, to);
  memory.fill(cursors, 0, inputCount << 2);
  for (let end = unitsPerPass; ; end += unitsPerPass) {
    for (let i: usize = 0; i < inputCount; i++) {
      const segment = (i * paddedUnits) << 2;
      const units = plan.activeUnits + segment;
      const count = <usize>recordOf(plan, i).activeCount;
      const first = <usize>load<u32>(cursors + (i << 2));
      let next = first;
      if (end >= paddedUnits) next = count;
      else while (next < count && <usize>load<u32>(units + (next << 2)) < end) next++;
      store<u32>(cursors + (i << 2), <u32>next);
      addUnits(plan.down, rowBytes, units + (first << 2), plan.activeValues + segment + (first << 2), next - first, plan.outputs + i * rowBytes, from, to);
    }
    if (end >= paddedUnits) break;
  }
  addBiases(plan, from, to);
}

function clearOutputs(plan: MlpPlan, from: usize, to: usize): void {
  const rowBytes = plan.outputColumns << 2;
  for (let i: usize = 0; i < plan.inputCount; i++) memory.fill(plan.outputs + i * rowBytes + from, 0, to - from);
}

function addBiases(plan: MlpPlan, from: usize, to: usize): void {
  const rowBytes = plan.outputColumns << 2;
  for (let i: usize = 0; i < plan.inputCount; i++) addRow(plan.downBias, 1, plan.outputs + i * rowBytes, from, to);
}

// All units of an item for all inputs: four inputs at a time, then one by one. Every unit, active or not.
function denseUp(plan: MlpPlan, item: usize): void {
  const inputCount = plan.inputCount;
  const paddedUnits = plan.paddedUnits;
  const bytes = plan.columns << 2;
  const unit0 = item * plan.unitsPerItem;
  const unit1 = min(paddedUnits, unit0 + plan.unitsPerItem);
  const up = plan.up;
  const linear = plan.linear;
  const inputs = plan.inputs;
  const stride = paddedUnits << 2;
  // Until a gate is applied its dots stand where the activations of active units will (`values`), which are not needed.
  const dots = plan.activations + (unit0 << 2);
  const gates = plan.activeValues + (unit0 << 2);
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
    const counts = countsOf(plan, item, i);
    counts.evaluatedCount = <u32>(min(unit1, plan.unitCount) - unit0);
    counts.passedCount = 0;
    counts.activeCount = <u32>active;
  }
}

// Dots to activations, and the list of active units.
function activate(plan: MlpPlan, input: usize, unit0: usize, unit1: usize): usize {
  const row = input * plan.paddedUnits;
  const squared = plan.squared != 0;
  const gated = plan.linear != 0;
  const units = plan.activeUnits + ((row + unit0) << 2);
  let active: usize = 0;
  for (let u = unit0; u < unit1; u++) {
    const at = plan.activations + ((row + u) << 2);
    const z = load<f32>(at) + load<f32>(plan.upBias + (u << 2));
    if (z <= 0 || u >= plan.unitCount) {
      store<f32>(at, 0);
      continue;
    }
    let a = squared ? z * z : z;
    if (gated) a *= load<f32>(plan.activeValues + ((row + u) << 2)) + load<f32>(plan.linearBias + (u << 2));
    store<f32>(at, a);
    store<u32>(units + (active << 2), <u32>u);
    active++;
  }
  return active;
}

// Every unit's row, whatever its activation.
function denseDown(plan: MlpPlan, item: usize): void {
  const inputCount = plan.inputCount;
  const paddedUnits = plan.paddedUnits;
  const rowBytes = plan.outputColumns << 2;
  const from = item * (plan.columnsPerItem << 2);
  const to = min(rowBytes, from + (plan.columnsPerItem << 2));
  const unitsPerPass = plan.unitsPerPass;
  const down = plan.down;
  const outputs = plan.outputs;
  const stride = paddedUnits << 2;
  clearOutputs(plan, from, to);
  const four = inputCount & ~3;
  for (let u: usize = 0; u < paddedUnits; u += unitsPerPass) {
    const end = min(paddedUnits, u + unitsPerPass);
    for (let i: usize = 0; i < four; i += 4) {
      addUnitsOfFour(down, rowBytes, u, end, plan.activations + i * stride, stride, outputs + i * rowBytes, rowBytes, from, to);
    }
    for (let i = four; i < inputCount; i++) {
      for (let v = u; v < end; v++) {
        addRow(down + v * rowBytes, load<f32>(plan.activations + i * stride + (v << 2)), outputs + i * rowBytes, from, to);
      }
    }
  }
  addBiases(plan, from, to);
}
