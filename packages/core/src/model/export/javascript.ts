/** A model as one ES module without imports, for Node and browsers. Sums run in the order of `evaluatePolynomial`. */
import { type DateOrder, datePattern, type NumberForm, numberPattern, numberReplacements } from '../../cube/index.ts';
import {
  type ExportColumn,
  type ExportOutput,
  type ExportPlan,
  type ExportReading,
  missingLists,
  wordLists,
  type YesCells,
} from './plan.ts';
import { commentText, jsString, numberLines } from './spelling.ts';

export function exportJavaScript(plan: ExportPlan): string {
  const { finish, columns } = plan;
  const classes = finish.kind === 'number' ? [] : finish.classes;
  const missing = missingLists(columns);
  const lists = wordLists(columns);
  const orders = [...new Set(columns.flatMap(({ dates }) => dates))];
  const data = (column: ExportColumn): string => columnData(column, missing.at.get(column) as number, lists);
  return `// A model of fewfire as a JavaScript module: predict(row) takes the raw columns and needs nothing else.
//
${plan.provenance.map((line) => `// ${commentText(line)}\n`).join('')}
/** What the model is called. */
export const name = ${jsString(plan.name)};

/** The columns that a row must have. */
export const columns = [${plan.columns.map((column) => jsString(column.name)).join(', ')}];

/** The classes that can be predicted; none when it is a number. */
export const classes = [${classes.map(jsString).join(', ')}];

// Texts that count as missing.
const MISSING = [
${missing.lists.map((list) => `  [${list.map(jsString).join(', ')}],\n`).join('')}];
${lists.map((list, k) => `\n// Words for one answer.\nconst WORDS_${k} = new Map(\n  [${list.map(jsString).join(', ')}].map((word) => [word, [0]]),\n);\n`).join('')}
const COLUMNS = [
${columns.map((column) => `  ${data(column)},\n`).join('')}];

const BIT_COUNT = ${plan.bitCount};

// Per output, terms of equal size: coefficient * (-1)^(number of set bits among its members), all added up.
const OUTPUTS = [
${plan.outputs.map(outputData).join('')}];
${finishCode(plan)}${runtime(orders.length > 0)}${orders.length === 0 ? '' : dateCode(orders)}${PREDICT}`;
}

function columnData(column: ExportColumn, missingAt: number, words: readonly (readonly string[])[]): string {
  const { name, type, missing, missingNumbers, missingBits, number, dates, readings } = column;
  const parts = [
    `name: ${jsString(name)}`,
    `type: '${type}'`,
    `missing: '${missing}'`,
    `missingTexts: MISSING[${missingAt}]`,
    `missingBits: [${missingBits.join(', ')}]`,
  ];
  if (missingNumbers.length > 0) parts.push(`missingNumbers: [${missingNumbers.join(', ')}]`);
  if (number !== undefined) parts.push(`form: ${formData(number)}`);
  if (dates.length > 0) parts.push(`orders: [${dates.map(jsString).join(', ')}]`);
  parts.push(`readings: [${readings.map((reading) => readingData(type, reading, words)).join(', ')}]`);
  return `{ ${parts.join(', ')} }`;
}

function formData(form: NumberForm): string {
  const replacements = numberReplacements(form).map(([from, to]) => `[${jsString(from)}, ${jsString(to)}]`);
  const pattern = jsString(`^(?:${numberPattern(form)})$`);
  return `{ pattern: new RegExp(${pattern}, 'u'), replacements: [${replacements.join(', ')}] }`;
}

function readingData(
  type: ExportColumn['type'],
  { part, firstBit, above, words, yesTexts, yesNumbers, yesBooleans }: ExportReading,
  lists: readonly (readonly string[])[],
): string {
  const parts = [`firstBit: ${firstBit}`];
  if (part !== undefined) parts.unshift(`part: '${part}'`);
  if (above !== undefined) parts.push(`above: [${above.join(', ')}]`);
  else {
    const at = words === undefined ? -1 : lists.indexOf(words);
    const typed = type === 'text' || type === 'boolean';
    if (typed) parts.push(`texts: ${at < 0 ? mapData(yesTexts, jsString) : `WORDS_${at}`}`);
    parts.push(`numbers: ${mapData(yesNumbers, String)}`);
    if (typed) parts.push(`booleans: ${mapData(yesBooleans, String)}`);
  }
  return `{ ${parts.join(', ')} }`;
}

function dateCode(orders: readonly DateOrder[]): string {
  const patterns = orders.map((order) => `  ${order}: new RegExp(${jsString(`^(?:${datePattern(order)})$`)}, 'u'),\n`);
  return `
const DATES = {
${patterns.join('')}};

// The time that a text spells, in seconds since 1970 UTC; not a number when it is no date of the calendar.
function secondsOf(text, orders) {
  for (const order of orders) {
    const found = DATES[order].exec(text);
    if (found === null) continue;
    const [a, b, c, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
    const [year, month, day] = order === 'ymd' ? [a, b, c] : order === 'dmy' ? [c, b, a] : [c, a, b];
    if (day < 1 || month < 1 || month > 12 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) continue;
    const zone = found[8] ?? 'Z';
    const minutes = zone === 'Z' ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
    const offset = (zone.startsWith('-') ? -60 : 60) * minutes;
    const micros = Number((found[7] ?? '').padEnd(6, '0').slice(0, 6));
    return ((Date.UTC(year, month - 1, day, hour, minute, second) / 1e3 - offset) * 1e6 + micros) / 1e6;
  }
  return Number.NaN;
}

function secondsOfCell(column, cell) {
  if (isDate(cell)) return cell.getTime() / 1e3;
  return typeof cell === 'string' ? secondsOf(cell, column.orders) : Number.NaN;
}

// A weekday (Monday is 0) or a month (January is 1) of a time.
function partOf(seconds, part) {
  if (part === 'month') return new Date(Math.floor(seconds) * 1e3).getUTCMonth() + 1;
  return (((Math.floor(seconds / 86400) + 3) % 7) + 7) % 7;
}
`;
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
    const result = finish.exponential ? `Math.min(${finish.factor} * Math.exp(value), Number.MAX_VALUE)` : 'value';
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

const DATE_VALUE = `  if (column.type === 'date') {
    const seconds = secondsOfCell(column, cell);
    if (Number.isNaN(seconds)) throw problem(column, \`holds \${JSON.stringify(String(cell))}, expected a date\`);
    return seconds;
  }
`;

const runtime = (hasDates: boolean): string => `
const NUMBER = /^[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?$/i;

// Without spaces, tabs and line ends at both ends.
function trimmed(text) {
  const isSpace = (at) => ' \\t\\r\\n'.includes(text[at]);
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

function isDate(cell) {
  return Object.prototype.toString.call(cell) === '[object Date]';
}

function isMissing(column, cell) {
  if (cell === null || cell === undefined || Number.isNaN(isDate(cell) ? cell.getTime() : cell)) return true;
  if (cell === '' || column.missingTexts.includes(cell)) return true;
  if (column.missingNumbers === undefined) return false;
${
  hasDates
    ? `  if (column.type === 'date') return column.missingNumbers.includes(secondsOfCell(column, cell));
`
    : ''
}  return column.missingNumbers.includes(typeof cell === 'string' ? numberOf(column, cell) : cell);
}

// Texts are first read as those of the fit were spelled: a single cell does not tell how its column is.
function numberOf(column, text) {
  if (column.form?.pattern.test(text)) {
    return Number(column.form.replacements.reduce((rest, [from, to]) => rest.replaceAll(from, to), text));
  }
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

// What the readings of a column compare${hasDates ? ': of dates their seconds since 1970 UTC' : ''}.
function valueOfCell(column, cell) {
  const isText = typeof cell === 'string';
${hasDates ? DATE_VALUE : ''}  if (!['string', 'number', 'boolean', 'bigint'].includes(typeof cell)) {
    const type = isDate(cell) ? 'Date' : typeof cell;
    throw problem(column, \`holds a value of type \${type}, expected a text, a number or a boolean\`);
  }
  if (column.type === 'number') {
    const number = isText ? numberOf(column, cell) : Number(cell);
    if (!Number.isFinite(number)) throw problem(column, \`holds \${JSON.stringify(String(cell))}, expected a finite number\`);
    return number;
  }
  if (isText) return column.type === 'boolean' ? cell.toLowerCase() : cell;
  return typeof cell === 'boolean' ? cell : Number(cell);
}

function codesOf({ ${hasDates ? 'part, ' : ''}above, texts, numbers, booleans }, value) {
  if (typeof value === 'string') return texts.get(value) ?? [];
  if (typeof value === 'boolean') return booleans.get(value) ?? [];
  if (above !== undefined) return above.flatMap((threshold, code) => (value > threshold ? [code] : []));
  return numbers.get(${hasDates ? 'part === undefined ? value : partOf(value, part)' : 'value'}) ?? [];
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
    if (isMissing(column, cell)) {
      if (column.missing === 'refuse') throw problem(column, 'has no value, and had one in every row of the fit');
      if (column.missing === 'drop') leftOut = true;
      for (const bit of column.missingBits) bits[bit] = 1;
      continue;
    }
    const value = valueOfCell(column, cell);
    for (const reading of column.readings) {
      for (const code of codesOf(reading, value)) bits[reading.firstBit + code] = 1;
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
`;

const PREDICT: string = `
/**
 * Predicts one row, as \`fewfire predict\` does: the number, or the class with the probability of each. Where the model
 * leaves out rows with missing values, the prediction of one is null.
 *
 * @param {Record<string, string | number | boolean | bigint | Date | null | undefined>} row the raw cells by column;
 *   null, undefined, NaN, '' and the usual spellings such as 'NA' are missing
 * @throws {Error} naming the column, when it is not in the row, or its cell is missing or not a number or a date but
 *   must be
 */
export function predict(row) {
  const bits = bitsOf(row);
  return bits === undefined ? { ...NOTHING } : finish(OUTPUTS.map((output) => valueOf(output, bits)));
}
`;
