/**
 * What all export targets share: a model taken apart into plain data, in the order in which a prediction is made. Raw
 * cells -> bits (`ExportColumn`), bits -> terms -> values (`ExportOutput`), values -> calibration -> prediction
 * (`ExportFinish`). Which cells count as a yes is asked of `columnReading`, for every type that a cell may have, so
 * that an exported model reads cells as the tables of this package do.
 */
import {
  type Cell,
  type ColumnType,
  columnCoordinateNames,
  columnReading,
  type EncodedColumn,
} from '../../cube/index.ts';
import type { Polynomial } from '../../spectrum/index.ts';
import type { Calibration, Model } from '../model.ts';

/** Cells of one type and the codes of the column (counted from its first bit) at which each is a yes. */
export type YesCells<T extends Cell> = readonly (readonly [cell: T, codes: readonly number[]])[];

/** A column of raw cells and its bits. Cells that are listed nowhere are a no at every code. */
export interface ExportColumn {
  readonly name: string;
  /** A `number` column reads texts as numbers, booleans as 0 and 1, and must hold finite numbers. */
  readonly type: ColumnType;
  readonly missing: EncodedColumn['missing'];
  /** Position of the column's first bit among all bits. */
  readonly firstBit: number;
  /** Bits for cells that are not missing. */
  readonly codeCount: number;
  /** Position of the bit `column missing` among all bits, or undefined. */
  readonly missingBit: number | undefined;
  /** Of a number read by thresholds: code j is a yes above `above[j]`. */
  readonly above: readonly number[] | undefined;
  readonly yesTexts: YesCells<string>;
  readonly yesNumbers: YesCells<number>;
  readonly yesBooleans: YesCells<boolean>;
  /** Whether no boolean is a value that the column had: a table with booleans here has been read wrongly. */
  readonly knowsNoBoolean: boolean;
}

/** Terms of the same number of bits. */
export interface TermBlock {
  readonly size: number;
  readonly coefficients: readonly number[];
  /** `size` positions of bits per term, one term after another. */
  readonly members: readonly number[];
}

/** One polynomial: the sum over all terms, in the order of the blocks, of coefficient * (-1)^(number of its bits that are set). */
export type ExportOutput = readonly TermBlock[];

/** chance = 1 / (1 + exp(-(slope * -value + intercept))) */
export interface ChanceCurve {
  readonly slope: number;
  readonly intercept: number;
}

export type ExportFinish =
  /** The value, or factor * exp(value). */
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
  const columns: ExportColumn[] = [];
  let bitCount = 0;
  for (const encoded of model.encoder.columns) {
    columns.push(planColumn(encoded, bitCount));
    bitCount += columnCoordinateNames(encoded).length;
  }
  return {
    name,
    provenance: provenanceLines(model, name),
    version: model.provenance.versions.fewfire ?? '',
    columns,
    bitCount,
    outputs: model.outputs.map(({ polynomial }) => termBlocks(polynomial)),
    finish: planFinish(model),
  };
}

function planColumn(encoded: EncodedColumn, firstBit: number): ExportColumn {
  const bitCount = columnCoordinateNames(encoded).length;
  const codeCount = encoded.missingCoordinate ? bitCount - 1 : bitCount;
  const yes = <T extends Cell>(source: ColumnType): YesCells<T> => {
    const codes = new Map<T, number[]>();
    columnReading(encoded, source).codes.forEach((cells, code) => {
      // A number that is not finite has never been seen, whatever a category is called.
      for (const cell of cells as readonly T[]) {
        if (typeof cell !== 'number' || Number.isFinite(cell)) codes.set(cell, [...(codes.get(cell) ?? []), code]);
      }
    });
    return [...codes];
  };
  const isNumber = encoded.type === 'number';
  const booleans = columnReading(encoded, 'boolean');
  return {
    name: encoded.column,
    type: encoded.type,
    missing: encoded.missing,
    firstBit,
    codeCount,
    missingBit: encoded.missingCoordinate ? firstBit + codeCount : undefined,
    above: encoded.coding.kind === 'thresholds' ? encoded.coding.above : undefined,
    yesTexts: isNumber ? [] : yes('text'),
    yesNumbers: yes('number'),
    yesBooleans: isNumber ? [] : yes('boolean'),
    knowsNoBoolean: !isNumber && booleans.reference.length === 0 && booleans.codes.every((cells) => cells.length === 0),
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
