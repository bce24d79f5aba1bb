/**
 * What all export targets share: a model taken apart into plain data, in the order in which a prediction is made. Raw
 * cells -> bits (`ExportColumn`), bits -> terms -> values (`ExportOutput`), values -> calibration -> prediction
 * (`ExportFinish`). Which cells count as a yes is asked of `columnReading`, for every type that a cell may have, so
 * that an exported model reads cells as the tables of this package do.
 *
 * A table finds out how the texts of a column spell their numbers and dates by looking at all of them. What takes a row at
 * a time cannot: it reads each text as those of the fit were spelled and, where that fails, as all programs write it.
 * Nor can it refuse a column of which no row has a value that the fit saw.
 */
import {
  answerOf,
  type Cell,
  type ColumnType,
  columnCoordinateNames,
  columnReading,
  type DateOrder,
  type EncodedColumn,
  MONTHS,
  missingNumbers,
  missingTextsOf,
  NO_WORDS,
  type NumberForm,
  thresholdsOf,
  WEEKDAYS,
  YES_WORDS,
} from '../../cube/index.ts';
import type { Polynomial } from '../../spectrum/index.ts';
import type { Calibration, Model } from '../model.ts';

/** Cells of one type and the codes of the column (counted from its first bit) at which each is a yes. */
export type YesCells<T extends Cell> = readonly (readonly [cell: T, codes: readonly number[]])[];

/** What is compared of a column's cells, and the bits that come of it. A date has up to three. */
export interface ExportReading {
  /** Of a date: what is compared if not its time, as a number (`partNumber`). */
  readonly part: EncodedColumn['part'];
  /** Position of the first bit among all bits. */
  readonly firstBit: number;
  /** Bits for cells that are not missing. */
  readonly codeCount: number;
  /** Of a number or a time read by thresholds: code j is a yes above `above[j]`. */
  readonly above: readonly number[] | undefined;
  /** Texts in lower case are a yes at code 0 when they are one of these; then there are no `yesTexts`. */
  readonly words: readonly string[] | undefined;
  readonly yesTexts: YesCells<string>;
  /** Of a date: its seconds since 1970 UTC, or the numbers of its part. */
  readonly yesNumbers: YesCells<number>;
  readonly yesBooleans: YesCells<boolean>;
}

/** A column of raw cells. Cells that are listed nowhere are a no at every code. */
export interface ExportColumn {
  readonly name: string;
  /** A `number` column reads texts as numbers, booleans as 0 and 1, and must hold finite numbers; a `date` column must hold dates. */
  readonly type: ColumnType;
  readonly missing: EncodedColumn['missing'];
  /** Texts that count as missing, beside the empty one. Of other types NULL and NaN are missing. */
  readonly missingTexts: readonly string[];
  /** Of a column of numbers or dates: those that count as missing, dates in seconds since 1970 UTC. */
  readonly missingNumbers: readonly number[];
  /** Positions of the bits `column missing` among all bits. */
  readonly missingBits: readonly number[];
  /** How texts spell numbers where that is not plain: tried first. */
  readonly number: NumberForm | undefined;
  /** Of a date: the orders in which texts may spell it, to be tried one after another. */
  readonly dates: readonly DateOrder[];
  readonly readings: readonly ExportReading[];
  /** Whether no boolean is a value that the column had: a table with booleans here has been read wrongly. */
  readonly knowsNoBoolean: boolean;
}

/** Terms of the same number of bits. */
interface TermBlock {
  readonly size: number;
  readonly coefficients: readonly number[];
  /** `size` positions of bits per term, one term after another. */
  readonly members: readonly number[];
}

/** One polynomial: the sum over all terms, in the order of the blocks, of coefficient * (-1)^(number of its bits that are set). */
export type ExportOutput = readonly TermBlock[];

/** chance = 1 / (1 + exp(-(slope * -value + intercept))) */
interface ChanceCurve {
  readonly slope: number;
  readonly intercept: number;
}

export type ExportFinish =
  /** The value, or factor * exp(value), at most the largest double. */
  | { readonly kind: 'number'; readonly exponential: boolean; readonly factor: number }
  /** The chance p of the first class and 1 - p of the second; the first is predicted when p > 1/2. */
  | { readonly kind: 'two-classes'; readonly classes: readonly string[]; readonly curves: readonly ChanceCurve[] }
  /** Chances divided by their sum (all equal when it is 0); the first of the largest is predicted. */
  | { readonly kind: 'many-classes'; readonly classes: readonly string[]; readonly curves: readonly ChanceCurve[] };

export interface ExportPlan {
  /** What the model is called in the file. */
  readonly name: string;
  /** Where it came from, as lines of text that may hold anything. */
  readonly provenance: readonly string[];
  readonly version: string;
  readonly columns: readonly ExportColumn[];
  readonly bitCount: number;
  /** One, or one per class. */
  readonly outputs: readonly ExportOutput[];
  readonly finish: ExportFinish;
}

export function planExport(model: Model, name: string): ExportPlan {
  // A date is encoded several times, and named and read once.
  const places = new Map<string, PlacedColumn[]>();
  let bitCount = 0;
  for (const encoded of model.encoder.columns) {
    const placed = { encoded, firstBit: bitCount, bitCount: columnCoordinateNames(encoded).length };
    places.set(encoded.column, [...(places.get(encoded.column) ?? []), placed]);
    bitCount += placed.bitCount;
  }
  return {
    name,
    provenance: provenanceLines(model, name),
    version: model.provenance.versions.fewfire ?? '',
    columns: Array.from(places.values(), (placed) => planColumn(model, placed)),
    bitCount,
    outputs: model.outputs.map(({ polynomial }) => termBlocks(polynomial)),
    finish: planFinish(model),
  };
}

/** An encoded column and where its bits are. */
interface PlacedColumn {
  readonly encoded: EncodedColumn;
  readonly firstBit: number;
  readonly bitCount: number;
}

function planColumn({ encoder, provenance }: Model, placed: readonly PlacedColumn[]): ExportColumn {
  const [{ encoded }] = placed;
  const { column: name, type } = encoded;
  const spelling = Object.hasOwn(provenance.spellings ?? {}, name) ? provenance.spellings?.[name] : undefined;
  const policies = placed.map(({ encoded: { missing } }) => missing);
  const readings = placed.map(planReading);
  const knowsBooleans = ({ encoded: each }: PlacedColumn): boolean => {
    const { reference, codes } = columnReading(each, 'boolean');
    return reference.length > 0 || codes.some((cells) => cells.length > 0);
  };
  return {
    name,
    type,
    missing: (['refuse', 'drop'] as const).find((policy) => policies.includes(policy)) ?? 'no',
    missingTexts: [...new Set(missingTextsOf(encoded, false, encoder))].filter((text) => text !== ''),
    missingNumbers: missingNumbers(encoder.missingValues, type),
    missingBits: placed
      .filter(({ encoded: { missingCoordinate } }) => missingCoordinate)
      .map(({ firstBit, bitCount }) => firstBit + bitCount - 1),
    number: type === 'number' ? spelling?.number : undefined,
    dates: type === 'date' ? [...new Set([spelling?.date ?? 'ymd', 'ymd'] as const)] : [],
    readings,
    knowsNoBoolean: type !== 'number' && type !== 'date' && !placed.some(knowsBooleans),
  };
}

function planReading({ encoded, firstBit, bitCount }: PlacedColumn): ExportReading {
  const { type, part, coding } = encoded;
  const yes = <T extends Cell>(source: ColumnType, convert = (cell: Cell): Cell | undefined => cell): YesCells<T> => {
    const codes = new Map<T, number[]>();
    columnReading(encoded, source).codes.forEach((cells, code) => {
      for (const cell of cells) {
        const found = convert(cell) as T | undefined;
        // A number that is not finite has never been seen, whatever a category is called.
        if (found === undefined || (typeof found === 'number' && !Number.isFinite(found))) continue;
        codes.set(found, [...(codes.get(found) ?? []), code]);
      }
    });
    return [...codes];
  };
  const place = { part, firstBit, codeCount: encoded.missingCoordinate ? bitCount - 1 : bitCount };
  const nothing = { above: undefined, words: undefined, yesTexts: [], yesNumbers: [], yesBooleans: [] };
  if (type === 'date') {
    if (part === undefined && coding.kind === 'thresholds') return { ...nothing, ...place, above: coding.above };
    const number = (value: Cell): number | undefined =>
      part === undefined ? (value as number) : partNumber(String(value), part);
    return { ...nothing, ...place, yesNumbers: yes('text', number) };
  }
  if (type === 'number') {
    const above = thresholdsOf(encoded);
    return { ...nothing, ...place, above, yesNumbers: above === undefined ? yes('number') : [] };
  }
  const typed = { yesNumbers: yes<number>('number'), yesBooleans: yes<boolean>('boolean') };
  if (columnReading(encoded, 'text').lowerCase && coding.kind === 'two-valued') {
    const answer = answerOf(coding.yes);
    return { ...nothing, ...place, ...typed, words: answer === undefined ? [] : answer ? YES_WORDS : NO_WORDS };
  }
  return { ...nothing, ...place, ...typed, yesTexts: yes('text') };
}

/** A weekday (Monday is 0) or a month (January is 1) as exports count them. */
function partNumber(name: string, part: 'weekday' | 'month'): number | undefined {
  const at = (part === 'weekday' ? WEEKDAYS : MONTHS).indexOf(name);
  return at < 0 ? undefined : at + (part === 'month' ? 1 : 0);
}

/** The lists of words that columns of answers compare with, each once. */
export function wordLists(columns: readonly ExportColumn[]): readonly (readonly string[])[] {
  const lists = columns.flatMap(({ readings }) => readings.map(({ words }) => words ?? []));
  return [...new Set(lists)].filter((words) => words.length > 0);
}

/** Lists of missing texts, each once, and which of them is each column's. */
export function missingLists(columns: readonly ExportColumn[]): {
  readonly lists: readonly (readonly string[])[];
  readonly at: ReadonlyMap<ExportColumn, number>;
} {
  const keys = [...new Set(columns.map(({ missingTexts }) => JSON.stringify(missingTexts)))];
  return {
    lists: keys.map((key) => JSON.parse(key) as string[]),
    at: new Map(columns.map((column) => [column, keys.indexOf(JSON.stringify(column.missingTexts))])),
  };
}

function termBlocks({ termCount, offsets, members, coefficients }: Polynomial): TermBlock[] {
  const blocks: { size: number; coefficients: number[]; members: number[] }[] = [];
  for (let t = 0; t < termCount; t++) {
    const size = offsets[t + 1] - offsets[t];
    let block = blocks.at(-1);
    if (block?.size !== size) {
      block = { size, coefficients: [], members: [] };
      blocks.push(block);
    }
    block.coefficients.push(coefficients[t]);
    for (let j = offsets[t]; j < offsets[t + 1]; j++) block.members.push(members[j]);
  }
  return blocks;
}

function planFinish({ target, outputs }: Model): ExportFinish {
  const calibrations = outputs.map(({ calibration }) => calibration);
  if (target.kind === 'regression') {
    const [calibration] = calibrations;
    const exponential = target.transform === 'log';
    return { kind: 'number', exponential, factor: calibration.kind === 'smearing' ? calibration.factor : 1 };
  }
  const curves = calibrations.map(chanceCurve);
  return target.kind === 'binary'
    ? { kind: 'two-classes', classes: [target.positive, target.negative], curves }
    : { kind: 'many-classes', classes: target.classes, curves };
}

// As `predictionFromValues` has it.
function chanceCurve(calibration: Calibration): ChanceCurve {
  return calibration.kind === 'platt'
    ? { slope: calibration.slope, intercept: calibration.intercept }
    : { slope: 2, intercept: 0 };
}

function provenanceLines({ target, training, provenance }: Model, name: string): string[] {
  const { source, seed, command, versions } = provenance;
  return [
    `Model     ${name}`,
    `Predicts  ${target.column}${target.kind === 'regression' ? '' : ' (classes)'}`,
    `Fitted    on ${training.fittedOn} of ${source.label}, ${training.sampleCount} rows, seed ${seed}`,
    ...(source.sha256 === undefined ? [] : [`Source    sha256 ${source.sha256}`]),
    ...(command === null ? [] : [`Command   ${command}`]),
    `Versions  ${Object.entries(versions)
      .map(([part, version]) => `${part} ${version}`)
      .join(', ')}`,
  ];
}

/** The columns of a prediction as `fewfire predict` calls them. */
export function predictionNames(finish: ExportFinish): string[] {
  return finish.kind === 'number'
    ? ['prediction']
    : ['prediction', ...finish.classes.map((name) => `probability_${name}`)];
}
