/**
 * A model as one SELECT in DuckDB's dialect. Terms are added in the order of `evaluatePolynomial`, so that even ties
 * fall as they do there: a chain of subqueries, each adding some terms to the sums of the one inside. One expression
 * for all would be deeper than DuckDB takes.
 */
import { FewfireError, listNames } from '../../base/index.ts';
import {
  type DateOrder,
  datePattern,
  type NumberForm,
  numberPattern,
  numberReplacements,
  TRIMMED_CHARACTERS,
} from '../../cube/index.ts';
import {
  type ExportColumn,
  type ExportFinish,
  type ExportOutput,
  type ExportPlan,
  type ExportReading,
  predictionNames,
} from './plan.ts';
import { commentText, sqlDouble, sqlName, sqlString } from './spelling.ts';

/** Options of `exportModel` for SQL. */
export interface SqlOptions {
  /** Name of the table, its schema before it after a point; parts in double quotes may hold anything. Default `data`. */
  readonly table?: string;
  /** Columns of the table to copy before the prediction. */
  readonly keep?: readonly string[];
}

/** More terms than this are refused: what DuckDB needs to plan a statement grows faster than they do. */
export const SQL_TERM_LIMIT = 20_000;

// DuckDB's optimizer takes time that grows with the square of an expression's depth: 40 terms a step plan twice as fast
// as 100. Its parser refuses a depth of 1000, to which a step adds 2.
const TERMS_PER_STEP = 40;
const STEP_LIMIT = 300;

const NUMBER_TYPES: readonly string[] = [
  ...[
    'TINYINT',
    'SMALLINT',
    'INTEGER',
    'BIGINT',
    'HUGEINT',
    'UTINYINT',
    'USMALLINT',
    'UINTEGER',
    'UBIGINT',
    'UHUGEINT',
  ],
  ...['FLOAT', 'DOUBLE', 'BIGNUM'],
];

const DATE_TYPES: readonly string[] = [
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'TIMESTAMP WITH TIME ZONE',
];

// Lists, records and bytes.
const OTHER_TYPES = '.*\\[[0-9]*\\]|(?:STRUCT|MAP|UNION|BLOB|BIT|VARIANT|GEOMETRY)\\b.*';

/** A part of the chain: what it selects from what is inside it. */
type Step = readonly string[];

/** @throws FewfireError `unsupported` for more than `SQL_TERM_LIMIT` terms and for names that SQL cannot spell or tell apart, `invalid-argument` for a table name that is none */
export function exportSql(plan: ExportPlan, options: SqlOptions = {}): string {
  const table = tableName(options.table ?? 'data');
  const keep = options.keep ?? [];
  refuseNames(plan, keep);
  refuseTerms(plan);
  const steps: readonly Step[] = [
    [...keep.map((name, k) => `f.${sqlName(name)} AS k${k}`), ...plan.columns.flatMap(rawCells)],
    ...[trimmedTexts, presentCells, readCells].map((step) => ['f.*', ...plan.columns.flatMap(step)]),
    ...(plan.columns.some(({ type }) => type === 'date') ? [['f.*', ...plan.columns.flatMap(dateParts)]] : []),
    [...keptNames(keep), ...plan.columns.flatMap(signs), `${problem(plan.columns)} AS problem`, leftOut(plan.columns)],
    ...sumSteps(plan.outputs),
    ...finishSteps(plan, keep),
  ];
  const from = steps.slice(0, -1).reduce((inner, step) => `(SELECT\n${step.join(',\n')}\nFROM ${inner} AS f)`, table);
  return `${header(plan, table)}SELECT\n${steps[steps.length - 1].join(',\n')}\nFROM ${from} AS f;\n`;
}

function header(plan: ExportPlan, table: string): string {
  return `-- A model of fewfire as one SELECT over the table ${commentText(table)}, a row of predictions for each of its rows.
--
${plan.provenance.map((line) => `-- ${commentText(line)}\n`).join('')}--
-- The dialect is DuckDB's. Other engines lack some of: typeof, TRY_CAST, isfinite, error, suffix, regexp_full_match,
-- regexp_extract, epoch_us.
-- Read CSV files as texts, read_csv('data.csv', all_varchar = true): types guessed from the cells can change their
-- spelling, such as t and f, which become booleans.
`;
}

// ---- names

function tableName(text: string): string {
  const parts = /^(?:"(?:[^"]|"")+"|[^".\s]+)(?:\.(?:"(?:[^"]|"")+"|[^".\s]+))*$/.test(text)
    ? (text.match(/"(?:[^"]|"")+"|[^".]+/g) ?? [])
    : [];
  if (parts.length === 0) {
    throw new FewfireError(
      'invalid-argument',
      `the table is ${JSON.stringify(text)}; expected a name such as data, main.data or "any name" in double quotes`,
    );
  }
  return parts.map((part) => sqlName(part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part)).join('.');
}

function refuseNames({ columns, finish }: ExportPlan, keep: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined || name === '') {
      throw new FewfireError(
        'unsupported',
        twin === undefined
          ? 'a column of the model has no name, which SQL does not allow; expected a name: rename the column and fit again'
          : `columns ${listNames([twin, name])} differ only in capital letters, which SQL does not tell apart; expected different names: rename one and fit again`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
  const taken = predictionNames(finish);
  const clash = keep.find((name) => taken.includes(name));
  if (clash !== undefined) {
    throw new FewfireError(
      'invalid-argument',
      `\`keep\` names ${JSON.stringify(clash)}, which is what a column of predictions is called; leave it out or rename it in the data`,
    );
  }
}

function refuseTerms({ outputs }: ExportPlan): void {
  const count = outputs.flat().reduce((sum, block) => sum + block.coefficients.length, 0);
  if (count <= SQL_TERM_LIMIT) return;
  throw new FewfireError(
    'unsupported',
    `the model has ${count.toLocaleString('en-US')} terms; expected at most ${SQL_TERM_LIMIT.toLocaleString('en-US')} for SQL, of which more take an engine too long to plan: export it to js, python or onnx, or fit with a lower \`degree\``,
  );
}

// ---- from cells to signs

// Of column k (by its first bit): `t` the cell's text, `d` its number, `u` its time, `y` which type it has.
function rawCells({ name, type, readings: [{ firstBit: k }] }: ExportColumn): string[] {
  const cell = `f.${sqlName(name)}`;
  const text = `CAST(${cell} AS VARCHAR)`;
  const kind = `typeof(${cell})`;
  const oneOf = (types: readonly string[]): string => `${kind} IN (${types.map(sqlString).join(', ')})`;
  const cases = [
    `${kind} = 'BOOLEAN' THEN 'boolean'`,
    `${oneOf(NUMBER_TYPES)} OR ${kind} LIKE 'DECIMAL(%' THEN 'number'`,
    `${oneOf(DATE_TYPES)} THEN 'date'`,
    `regexp_full_match(${kind}, ${sqlString(OTHER_TYPES)}) THEN 'other'`,
  ];
  const raw = [
    `${text} AS t${k}`,
    // FLOAT numbers count as their shortest decimals.
    `CASE WHEN ${kind} = 'FLOAT' THEN TRY_CAST(${text} AS DOUBLE) ELSE TRY_CAST(${cell} AS DOUBLE) END AS d${k}`,
    `CASE ${cases.map((each) => `WHEN ${each}`).join(' ')} ELSE 'text' END AS y${k}`,
  ];
  if (type !== 'date') return raw;
  // A cast to the cell's own type. The other one, of a time with a zone, would depend on the session's zone.
  const times = ['TIMESTAMPTZ', 'TIMESTAMP'].map((as) => `TRY_CAST(${cell} AS ${as})`);
  const micros = times.map((time) => `CASE WHEN isfinite(${time}) THEN epoch_us(${time}) END`);
  return [
    ...raw,
    `CASE WHEN ${kind} = 'TIMESTAMP WITH TIME ZONE' THEN ${micros[0]} WHEN ${oneOf(DATE_TYPES)} THEN ${micros[1]} END / 1e6 AS u${k}`,
  ];
}

// `z` the trimmed text.
function trimmedTexts({ readings: [{ firstBit: k }] }: ExportColumn): string[] {
  const characters = [...TRIMMED_CHARACTERS].map((character) => `chr(${character.charCodeAt(0)})`);
  const ends = characters.map((character) => `suffix(t${k}, ${character})`).join(' OR ');
  return [`CASE WHEN t${k} < '!' OR ${ends} THEN trim(t${k}, ${characters.join(' || ')}) ELSE t${k} END AS z${k}`];
}

// `x` the text of the cell, NULL where it is missing.
function presentCells({
  type,
  number,
  dates,
  missingTexts,
  missingNumbers,
  readings: [{ firstBit: k }],
}: ExportColumn): string[] {
  const missing = ['', ...missingTexts].map(sqlString).join(', ');
  const absent = missingNumbers.map(sqlDouble).join(', ');
  const isDate = type === 'date';
  const value = isDate
    ? dates.map((order) => `WHEN ${textDate(`z${k}`, order)}`).join(' ')
    : textNumber(`z${k}`, number);
  const spelled = absent === '' ? '' : ` AND (CASE ${value} END IN (${absent})) IS NOT TRUE`;
  const others = (cell: string): string => (absent === '' ? '' : ` OR ${cell}${k} IN (${absent})`);
  const cases = [
    `'text' THEN CASE WHEN z${k} NOT IN (${missing})${spelled} THEN z${k} END`,
    `'number' THEN CASE WHEN d${k} IS NULL OR NOT (isnan(d${k})${isDate ? '' : others('d')}) THEN t${k} END`,
    ...(isDate ? [`'date' THEN CASE WHEN NOT (u${k} IS NULL${others('u')}) THEN t${k} END`] : []),
  ];
  return [`CASE y${k} ${cases.map((each) => `WHEN ${each}`).join(' ')} ELSE t${k} END AS x${k}`];
}

// Cases of a text that spells a number: as those of the fit were spelled, or plainly.
function textNumber(text: string, form: NumberForm | undefined): string {
  const formed = form === undefined ? '' : `WHEN ${formedNumber(text, form)} `;
  const plain = `regexp_full_match(${text}, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?')`;
  return `${formed}WHEN ${plain} THEN TRY_CAST(${text} AS DOUBLE)`;
}

// `n` (NULL where the cell is missing: NaN would be above all thresholds) the number that a column of numbers reads, or the time in seconds since 1970 UTC that one of dates does; `l` the
// text in lower case where that is what counts.
function readCells({ type, number, dates, readings: [{ firstBit: k, words }] }: ExportColumn): string[] {
  if (words !== undefined) return [`lower(x${k}) AS l${k}`];
  if (type === 'number') {
    return [
      `CASE WHEN x${k} IS NOT NULL AND y${k} IN ('number', 'boolean') THEN d${k} WHEN y${k} = 'text' THEN CASE ${textNumber(`x${k}`, number)} END END AS n${k}`,
    ];
  }
  if (type !== 'date') return [];
  const texts = dates.map((order) => `WHEN y${k} = 'text' AND ${textDate(`x${k}`, order)}`);
  return [`CASE WHEN x${k} IS NULL THEN NULL WHEN y${k} = 'date' THEN u${k} ${texts.join(' ')} END AS n${k}`];
}

function formedNumber(text: string, form: NumberForm): string {
  const plain = numberReplacements(form).reduce(
    (inner, [from, to]) => `replace(${inner}, ${sqlString(from)}, ${sqlString(to)})`,
    text,
  );
  return `regexp_full_match(${text}, ${sqlString(numberPattern(form))}) THEN TRY_CAST(${plain} AS DOUBLE)`;
}

// As `readDate` has it. Parts that are not there are zeros.
function textDate(text: string, order: DateOrder): string {
  const part = (pattern: string, group = 1): string =>
    `coalesce(TRY_CAST(regexp_extract(${text}, ${sqlString(pattern)}, ${group}) AS DOUBLE), 0e0)`;
  const iso = { ymd: '\\1-\\2-\\3', dmy: '\\3-\\2-\\1', mdy: '\\3-\\1-\\2' }[order];
  const day = `TRY_CAST(regexp_replace(${text}, '^([0-9]+).([0-9]+).([0-9]+).*$', ${sqlString(iso)}) AS DATE)`;
  const time = `3600e0 * ${part('[T ]([0-9]+):')} + 60e0 * ${part(':([0-9]+)')} + ${part(':[0-9]+:([0-9]+)')}`;
  const zone = ':[0-9.]+ ?([+-])([0-9]{2}):?([0-9]{2})$';
  const sign = `CASE WHEN regexp_extract(${text}, ${sqlString(zone)}, 1) = '-' THEN -1e0 ELSE 1e0 END`;
  const offset = `${sign} * (3600e0 * ${part(zone, 2)} + 60e0 * ${part(zone, 3)})`;
  const micros = `CAST(left(regexp_extract(${text}, ':[0-9]+[.]([0-9]+)', 1) || '000000', 6) AS DOUBLE)`;
  return `regexp_full_match(${text}, ${sqlString(datePattern(order))}) THEN ((epoch(${day}) + ${time} - ${offset}) * 1e6 + ${micros}) / 1e6`;
}

// Of a column of dates: `w` the weekday (Monday is 0), `m` the month.
function dateParts({ type, readings }: ExportColumn): string[] {
  if (type !== 'date') return [];
  const [{ firstBit: k }] = readings;
  return [
    `((CAST(floor(n${k} / 86400e0) AS BIGINT) + 3) % 7 + 7) % 7 AS w${k}`,
    `month(make_timestamp(CAST(floor(n${k}) AS BIGINT) * 1000000)) AS m${k}`,
  ];
}

function signs(column: ExportColumn): string[] {
  const [{ firstBit: k }] = column.readings;
  const list = column.readings.flatMap((reading) =>
    Array.from({ length: reading.codeCount }, (_, code) =>
      signOf(isYes(column, k, reading, code), reading.firstBit + code),
    ),
  );
  return [...list, ...column.missingBits.map((bit) => signOf(`x${k} IS NULL`, bit))];
}

function signOf(condition: string, bit: number): string {
  return `CASE WHEN ${condition} THEN -1e0 ELSE 1e0 END AS s${bit}`;
}

function isYes(
  { type }: ExportColumn,
  k: number,
  { part, above, words, yesTexts, yesNumbers, yesBooleans }: ExportReading,
  code: number,
): string {
  const cellsAt = <T>(cells: readonly (readonly [T, readonly number[]])[]): T[] =>
    cells.filter(([, codes]) => codes.includes(code)).map(([cell]) => cell);
  const oneOf = (expression: string, literals: readonly string[]): string =>
    literals.length === 0 ? 'false' : `${expression} IN (${literals.join(', ')})`;
  const numbers = cellsAt(yesNumbers).map(sqlDouble);
  if (type === 'number' || type === 'date') {
    if (above !== undefined) return `n${k} > ${sqlDouble(above[code])}`;
    return oneOf(`${part === undefined ? 'n' : part === 'weekday' ? 'w' : 'm'}${k}`, numbers);
  }
  const texts =
    words === undefined ? oneOf(`x${k}`, cellsAt(yesTexts).map(sqlString)) : oneOf(`l${k}`, words.map(sqlString));
  const booleans = oneOf(
    `x${k}`,
    cellsAt(yesBooleans).map((cell) => sqlString(String(cell))),
  );
  return `CASE y${k} WHEN 'text' THEN ${texts} WHEN 'number' THEN ${oneOf(`d${k}`, numbers)} WHEN 'boolean' THEN ${booleans} ELSE false END`;
}

// What is wrong with the first bad cell of a row, else NULL. `fewfire predict` warns of values it has not seen; here
// nothing can, and the most likely cause, texts that were guessed to be booleans, is refused.
function problem(columns: readonly ExportColumn[]): string {
  const cases: string[] = [];
  for (const { name, missing, readings } of columns) {
    if (missing !== 'refuse') continue;
    const text = `column ${JSON.stringify(name)} has no value, and had one in every row of the fit`;
    cases.push(`WHEN x${readings[0].firstBit} IS NULL THEN ${sqlString(text)}`);
  }
  for (const { name, type, knowsNoBoolean, readings } of columns) {
    const [{ firstBit: k }] = readings;
    if (knowsNoBoolean) {
      const text = `column ${JSON.stringify(name)} holds booleans, and other values in the fit: read it as text`;
      cases.push(`WHEN y${k} = 'boolean' THEN ${sqlString(text)}`);
    }
    const [before, after] = [
      `column ${JSON.stringify(name)} holds `,
      `, expected a ${type === 'date' ? 'date' : 'finite number'}`,
    ];
    if (type === 'number' || type === 'date') {
      const bad = `n${k} IS NULL OR NOT isfinite(n${k})`;
      cases.push(`WHEN x${k} IS NOT NULL AND (${bad}) THEN ${sqlString(before)} || x${k} || ${sqlString(after)}`);
    } else {
      const text = `${before}dates, lists, records or bytes, and other values in the fit: read it as text`;
      cases.push(`WHEN x${k} IS NOT NULL AND y${k} IN ('date', 'other') THEN ${sqlString(text)}`);
    }
  }
  return cases.length === 0 ? 'CAST(NULL AS VARCHAR)' : `CASE ${cases.join(' ')} END`;
}

function leftOut(columns: readonly ExportColumn[]): string {
  const conditions = columns
    .filter(({ missing }) => missing === 'drop')
    .map(({ readings }) => `x${readings[0].firstBit} IS NULL`);
  return `${conditions.length === 0 ? 'false' : conditions.join(' OR ')} AS left_out`;
}

function keptNames(keep: readonly string[]): string[] {
  return keep.map((_, k) => `k${k}`);
}

// ---- from signs to predictions

// Each step adds the next terms of every output to `a<output>_<step - 1>`.
function sumSteps(outputs: readonly ExportOutput[]): Step[] {
  const terms = outputs.map((output) => output.flatMap(blockTerms));
  const most = Math.max(1, ...terms.map((list) => list.length));
  const perStep = Math.max(TERMS_PER_STEP, Math.ceil(most / STEP_LIMIT));
  const stepCount = Math.ceil(most / perStep);
  return Array.from({ length: stepCount }, (_, step) => [
    'f.*',
    ...terms.map((list, o) => {
      const some = list.slice(step * perStep, (step + 1) * perStep);
      return `${[step === 0 ? '0e0' : `a${o}_${step - 1}`, ...some].join(' + ')} AS ${step === stepCount - 1 ? `a${o}` : `a${o}_${step}`}`;
    }),
  ]);
}

function blockTerms({ size, coefficients, members }: ExportOutput[number]): string[] {
  return coefficients.map((coefficient, t) =>
    [sqlDouble(coefficient), ...members.slice(t * size, (t + 1) * size).map((bit) => `s${bit}`)].join('*'),
  );
}

function finishSteps({ outputs, finish }: ExportPlan, keep: readonly string[]): Step[] {
  const kept = keptNames(keep);
  // Every column of the result depends on the check, whichever are asked for.
  const checked = outputs.map(
    (_, o) =>
      `CASE WHEN problem IS NOT NULL THEN CAST(error(problem) AS DOUBLE) WHEN NOT left_out THEN a${o} END AS v${o}`,
  );
  const named = keep.map((name, k) => `k${k} AS ${sqlName(name)}`);
  const names = predictionNames(finish).map(sqlName);
  if (finish.kind === 'number') {
    // Of NULL and a number, the number is the least.
    const value = finish.exponential
      ? `CASE WHEN v0 IS NOT NULL THEN least(${sqlDouble(finish.factor)} * exp(v0), ${sqlDouble(Number.MAX_VALUE)}) END`
      : 'v0';
    return [
      [...kept, ...checked],
      [...named, `${value} AS ${names[0]}`],
    ];
  }
  const chances = finish.curves.map(
    ({ slope, intercept }, o) =>
      `1e0 / (1e0 + exp(-(${sqlDouble(slope)} * (-v${o}) + ${sqlDouble(intercept)}))) AS p${o}`,
  );
  const before: Step[] = [
    [...kept, ...checked],
    [...kept, ...chances],
  ];
  if (finish.kind === 'two-classes') {
    const [positive, negative] = finish.classes.map(sqlString);
    const prediction = `CASE WHEN p0 > 0.5e0 THEN ${positive} WHEN p0 IS NOT NULL THEN ${negative} END`;
    return [...before, [...named, `${prediction} AS ${names[0]}`, `p0 AS ${names[1]}`, `1e0 - p0 AS ${names[2]}`]];
  }
  return [...before, ...manyClassesSteps(finish, kept, named, names)];
}

function manyClassesSteps(
  { classes }: Extract<ExportFinish, { kind: 'many-classes' }>,
  kept: Step,
  named: Step,
  names: readonly string[],
): Step[] {
  const sum = classes.map((_, k) => `p${k}`).join(' + ');
  const share = (k: number): string =>
    `CASE WHEN total > 0e0 THEN p${k} / total WHEN total IS NOT NULL THEN 1e0 / ${sqlDouble(classes.length)} END AS q${k}`;
  const all = classes.map((_, k) => `q${k}`);
  const largest = `greatest(${all.join(', ')})`;
  const cases = classes.map((name, k) => `WHEN q${k} = ${largest} THEN ${sqlString(name)}`);
  return [
    ['f.*', `${sum} AS total`],
    [...kept, ...classes.map((_, k) => share(k))],
    [...named, `CASE ${cases.join(' ')} END AS ${names[0]}`, ...all.map((q, k) => `${q} AS ${names[k + 1]}`)],
  ];
}
