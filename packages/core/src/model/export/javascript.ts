/** A model as one ES module without imports, for Node and browsers. Sums run in the order of `evaluatePolynomial`. */
import { MISSING_TOKENS } from '../../cube/index.ts';
import type { ExportColumn, ExportOutput, ExportPlan, YesCells } from './plan.ts';
import { commentText, jsString, numberLines } from './spelling.ts';

export function exportJavaScript(plan: ExportPlan): string {
  const { finish } = plan;
  const classes = finish.kind === 'number' ? [] : finish.classes;
  return `// A model of fewfire as a JavaScript module: predict(row) takes the raw columns and needs nothing else.
//
${plan.provenance.map((line) => `// ${commentText(line)}\n`).join('')}
/** What the model is called. */
export const name = ${jsString(plan.name)};

/** The columns that a row must have. */
export const columns = [${plan.columns.map((column) => jsString(column.name)).join(', ')}];

/** The classes that can be predicted; none when it is a number. */
export const classes = [${classes.map(jsString).join(', ')}];

const COLUMNS = [
${plan.columns.map((column) => `  ${columnData(column)},\n`).join('')}];

const BIT_COUNT = ${plan.bitCount};

// Per output, terms of equal size: coefficient * (-1)^(number of set bits among its members), all added up.
const OUTPUTS = [
${plan.outputs.map(outputData).join('')}];
${finishCode(plan)}${RUNTIME}`;
}

function columnData(column: ExportColumn): string {
  const { name, type, missing, firstBit, missingBit, above } = column;
  const parts = [`name: ${jsString(name)}`, `type: '${type}'`, `missing: '${missing}'`, `firstBit: ${firstBit}`];
  if (missingBit !== undefined) parts.push(`missingBit: ${missingBit}`);
  if (above !== undefined) parts.push(`above: [${above.join(', ')}]`);
  else {
    if (type !== 'number') parts.push(`texts: ${mapData(column.yesTexts, jsString)}`);
    parts.push(`numbers: ${mapData(column.yesNumbers, String)}`);
    if (type !== 'number') parts.push(`booleans: ${mapData(column.yesBooleans, String)}`);
  }
  return `{ ${parts.join(', ')} }`;
}

function mapData<T extends string | number | boolean>(cells: YesCells<T>, spell: (cell: T) => string): string {
  return `new Map([${cells.map(([cell, codes]) => `[${spell(cell)}, [${codes.join(', ')}]]`).join(', ')}])`;
}

function outputData(output: ExportOutput): string {
  const blocks = output.map(
    ({ size, coefficients, members }) => `    {
      size: ${size},
      coefficients: Float64Array.of(
${numberLines(coefficients, '        ')}      ),
      members: Uint16Array.of(
${numberLines(members, '        ')}      ),
    },
`,
  );
  return `  [\n${blocks.join('')}  ],\n`;
}

function finishCode({ finish }: ExportPlan): string {
  if (finish.kind === 'number') {
    const result = finish.exponential ? `${finish.factor} * Math.exp(value)` : 'value';
    return `
/** @returns {{ prediction: number | null }} */
function finish([value]) {
  return { prediction: ${result} };
}

const NOTHING = { prediction: null };
`;
  }
  const curves = finish.curves.map(({ slope, intercept }) => `  { slope: ${slope}, intercept: ${intercept} },\n`);
  const decide =
    finish.kind === 'two-classes'
      ? `  const probabilities = [chances[0], 1 - chances[0]];
  const best = chances[0] > 0.5 ? 0 : 1;`
      : `  let sum = 0;
  for (const chance of chances) sum += chance;
  const probabilities = chances.map((chance) => (sum > 0 ? chance / sum : 1 / chances.length));
  let best = 0;
  for (let k = 1; k < classes.length; k++) if (probabilities[k] > probabilities[best]) best = k;`;
  return `
const CURVES = [
${curves.join('')}];

/** @returns {{ prediction: string | null, probabilities: Record<string, number> | null }} */
function finish(values) {
  const chances = values.map((value, k) => 1 / (1 + Math.exp(-(CURVES[k].slope * -value + CURVES[k].intercept))));
${decide}
  return {
    prediction: classes[best],
    probabilities: Object.fromEntries(classes.map((name, k) => [name, probabilities[k]])),
  };
}

const NOTHING = { prediction: null, probabilities: null };
`;
}

const RUNTIME: string = `
const NUMBER = /^[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?$/i;
const MISSING = [${MISSING_TOKENS.map(jsString).join(', ')}];

// Without spaces, tabs and line ends at both ends.
function trimmed(text) {
  const isSpace = (at) => ' \\t\\r\\n'.includes(text[at]);
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

function codesOf(column, cell) {
  if (column.type !== 'number') {
    if (typeof cell === 'string') return column.texts.get(cell);
    if (typeof cell === 'boolean') return column.booleans.get(cell);
    return column.numbers.get(Number(cell));
  }
  const number = typeof cell === 'string' && !NUMBER.test(cell) ? Number.NaN : Number(cell);
  if (!Number.isFinite(number)) throw problem(column, \`holds \${JSON.stringify(String(cell))}, expected a finite number\`);
  if (column.above === undefined) return column.numbers.get(number);
  return column.above.flatMap((threshold, code) => (number > threshold ? [code] : []));
}

function problem(column, what) {
  return new Error(\`column \${JSON.stringify(column.name)} \${what}\`);
}

// The bits of a row, or undefined when it is one that the model leaves out.
function bitsOf(row) {
  const bits = new Uint8Array(BIT_COUNT);
  let leftOut = false;
  for (const column of COLUMNS) {
    if (!Object.hasOwn(row, column.name)) throw problem(column, 'is not in the row');
    let cell = row[column.name];
    if (typeof cell === 'string') cell = trimmed(cell);
    if (cell === null || cell === undefined || MISSING.includes(cell)) {
      if (column.missing === 'refuse') throw problem(column, 'has no value, and had one in every row of the fit');
      if (column.missing === 'drop') leftOut = true;
      if (column.missingBit !== undefined) bits[column.missingBit] = 1;
    } else if (!['string', 'number', 'boolean', 'bigint'].includes(typeof cell)) {
      throw problem(column, \`holds a value of type \${typeof cell}, expected a text, a number or a boolean\`);
    } else {
      for (const code of codesOf(column, cell) ?? []) bits[column.firstBit + code] = 1;
    }
  }
  return leftOut ? undefined : bits;
}

function valueOf(output, bits) {
  let value = 0;
  for (const { size, coefficients, members } of output) {
    for (let t = 0, m = 0; t < coefficients.length; t++) {
      let odd = 0;
      for (const end = m + size; m < end; m++) odd ^= bits[members[m]];
      value += odd === 1 ? -coefficients[t] : coefficients[t];
    }
  }
  return value;
}

/**
 * Predicts one row, as \`fewfire predict\` does: the number, or the class with the probability of each. Where the model
 * leaves out rows with missing values, the prediction of one is null.
 *
 * @param {Record<string, string | number | boolean | bigint | null | undefined>} row the raw cells by column; null,
 *   undefined, '', '?' and 'NA' are missing
 * @throws {Error} naming the column, when it is not in the row, or its cell is missing or not a number but must be
 */
export function predict(row) {
  const bits = bitsOf(row);
  return bits === undefined ? { ...NOTHING } : finish(OUTPUTS.map((output) => valueOf(output, bits)));
}
`;
