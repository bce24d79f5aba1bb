/**
 * Prepared blocks as files, which are containers (formats/container.ts) of sections.
 *
 * The header has the block's name, sizes and activation, and per section name, type, offset and length in bytes. The int8 rows, the projection and their scales are stored because they are what preparing
 * chose. The bounds of the exact test are *not*: they are computed from the weights when a file is read, so no file, not one with a
 * matching hash either, can make results inexact. A reader ignores no section: unknown ones are refused, because a later
 * version of this program wrote them for a reason.
 */
import {
  MAX_RANK,
  type MlpProjection,
  packedIndex,
  paddedColumns,
  paddedUnits,
  projectionIndex,
  type QuantisedRows,
  type ReluLayer,
} from '@fewfire/kernels';
import * as z from 'zod/mini';
import { FewfireError } from '../base/index.ts';
import { type Container, type ContainerKind, containerBytes, openContainer, writeContainer } from '../formats/index.ts';
import { layerTensors } from '../network/index.ts';
import { checkBlock } from './check-block.ts';

export const MLP_FILE_VERSION = 2;

const size = z.int().check(z.positive(), z.lte(2 ** 20));
const headerSchema = z.strictObject({
  name: z.string(),
  inputWidth: size,
  unitCount: size,
  outputWidth: size,
  activation: z.enum(['relu', 'squared-relu']),
  projection: z.nullable(
    z.strictObject({
      rank: z.int().check(z.positive(), z.lte(MAX_RANK), z.multipleOf(16)),
      refineAbove: z.number().check(z.gte(0), z.lte(1)),
    }),
  ),
  sections: z.array(
    z.strictObject({
      name: z.string(),
      type: z.enum(['f32', 'i8', 'i16']),
      offset: z.int().check(z.nonnegative()),
      byteLength: z.int().check(z.nonnegative()),
    }),
  ),
});

type Header = z.infer<typeof headerSchema>;

const KIND: ContainerKind<Header> = {
  /** "ffmlp" */
  magic: Uint8Array.of(0x66, 0x66, 0x6d, 0x6c, 0x70, 0x0d, 0x0a, 0x1a),
  version: MLP_FILE_VERSION,
  schema: headerSchema,
  mostHeaderBytes: 2 ** 20,
  foreign: (label) => `${label} is not a prepared block: it does not begin as one; prepare it again`,
  otherVersion: (label, version) =>
    `${label} is a prepared block of version ${version}, expected ${MLP_FILE_VERSION}: prepare it again with this version of fewfire`,
  advice: 'prepare the block again',
};

/** What preparing chose: any numbers give the same results, good ones are fast. */
export interface PreparedScreens {
  readonly rows: QuantisedRows;
  readonly projection: MlpProjection | undefined;
}

export interface PreparedMlp {
  readonly block: ReluLayer;
  readonly screens: PreparedScreens;
}

type SectionType = Header['sections'][number]['type'];
type SectionValues = Float32Array | Int8Array | Int16Array;

/** Equal blocks give equal bytes. */
export async function serializeMlp(
  block: ReluLayer,
  { rows, projection }: PreparedScreens,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: (readonly [string, SectionType, SectionValues])[] = [
    ...layerTensors(block).map(([name, values]) => [name, 'f32', values] as const),
    ['screenRows', 'i8', rows.rows],
    ['screenScales', 'f32', rows.scales],
  ];
  if (projection !== undefined) {
    parts.push(
      ['projectionRows', 'i16', projection.rows],
      ['projectionScales', 'f32', projection.rowScales],
      ['factors', 'i8', projection.factors],
      ['factorScales', 'f32', projection.factorScales],
    );
  }
  const { name, inputWidth, unitCount, outputWidth, activation } = block;
  let end = 0;
  const sections = parts.map(([part, type, { byteLength }]) => {
    const offset = end;
    end = containerBytes(end + byteLength);
    return { name: part, type, offset, byteLength };
  });
  const header = {
    name,
    inputWidth,
    unitCount,
    outputWidth,
    activation,
    projection: projection === undefined ? null : { rank: projection.rank, refineAbove: projection.refineAbove },
    sections,
  };
  return await writeContainer(
    KIND,
    header,
    parts.map(([, , values]) => values),
  );
}

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file`: not such a file, another version, cut off, edited, or sections that do not fit;
 *   `invalid-data` for weights that are not finite
 */
export async function parseMlp(bytes: Uint8Array<ArrayBuffer>, label: string): Promise<PreparedMlp> {
  const data = contentOf(bytes, await openContainer(bytes, KIND, label), label);
  const { header, take } = data;
  const { inputWidth, unitCount, outputWidth, name, activation } = header;
  const isGated = header.sections.some((section) => section.name === 'linear');
  const [s, d] = [unitCount, inputWidth];
  const padded = paddedUnits(s);
  const columns = paddedColumns(d);
  const block: ReluLayer = {
    name,
    inputWidth,
    unitCount,
    outputWidth,
    activation,
    up: take('up', s * d),
    upBias: take('upBias', s),
    ...(isGated ? { linear: take('linear', s * d), linearBias: take('linearBias', s) } : {}),
    down: take('down', s * outputWidth),
    downBias: take('downBias', outputWidth),
  };
  const rows = { rows: data.takeCodes('screenRows', padded * columns), scales: take('screenScales', padded) };
  const projection: MlpProjection | undefined =
    header.projection === null
      ? undefined
      : {
          ...header.projection,
          rows: data.takeShorts('projectionRows', header.projection.rank * columns),
          rowScales: take('projectionScales', header.projection.rank),
          factors: data.takeCodes('factors', padded * header.projection.rank),
          factorScales: take('factorScales', padded),
        };
  data.expectNoMore();
  checkBlock(block);
  checkRows(rows, block, label);
  if (projection !== undefined) checkProjection(projection, block, label);
  return { block, screens: { rows, projection } };
}

interface Content {
  readonly header: Header;
  take(name: string, length: number): Float32Array;
  takeCodes(name: string, length: number): Int8Array;
  takeShorts(name: string, length: number): Int16Array;
  /** Every section must have been taken. */
  expectNoMore(): void;
}

function contentOf(
  bytes: Uint8Array<ArrayBuffer>,
  { header, start, end: dataEnd }: Container<Header>,
  label: string,
): Content {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataBytes = dataEnd - start;
  let end = 0;
  for (const section of header.sections) {
    if (section.offset !== end || section.offset + section.byteLength > dataBytes) {
      throw damaged(`${label}: section ${JSON.stringify(section.name)} does not stand where the one before it ends`);
    }
    end = containerBytes(section.offset + section.byteLength);
  }
  if (end !== dataBytes) throw damaged(`${label} has ${dataBytes} bytes of sections; expected ${end}`);
  const left = new Set(header.sections.map((section) => section.name));
  const find = (name: string, type: SectionType, byteLength: number): number => {
    const section = header.sections.find((other) => other.name === name);
    if (section === undefined || section.type !== type || section.byteLength !== byteLength) {
      throw damaged(`${label}: expected a section ${name} of ${byteLength} bytes of ${type}`);
    }
    left.delete(name);
    return start + section.offset;
  };
  return {
    header,
    take(name, length): Float32Array {
      const at = find(name, 'f32', 4 * length);
      return Float32Array.from({ length }, (_, i) => view.getFloat32(at + 4 * i, true));
    },
    takeCodes(name, length): Int8Array {
      const at = find(name, 'i8', length);
      return new Int8Array(bytes.slice(at, at + length).buffer);
    },
    takeShorts(name, length): Int16Array {
      const at = find(name, 'i16', 2 * length);
      return Int16Array.from({ length }, (_, i) => view.getInt16(at + 2 * i, true));
    },
    expectNoMore(): void {
      if (left.size === 0 && new Set(header.sections.map(({ name }) => name)).size === header.sections.length) return;
      throw damaged(`${label} has sections that this version does not know: ${[...left].join(', ') || 'a name twice'}`);
    },
  };
}

// Padding must be zero and scales finite: then any codes are correct, see boundRows.
function checkRows({ rows, scales }: QuantisedRows, block: ReluLayer, label: string): void {
  const columns = paddedColumns(block.inputWidth);
  const isPadded = (u: number, c: number): boolean => u >= block.unitCount || c >= block.inputWidth;
  checkScales(scales, label);
  for (let u = 0; u < scales.length; u++) {
    for (let c = u >= block.unitCount ? 0 : block.inputWidth; c < columns; c++) {
      if (isPadded(u, c) && rows[packedIndex(u, c, columns)] !== 0) {
        throw damaged(`${label}: unit ${u} has a code in its padding; expected 0`);
      }
    }
  }
}

function checkProjection(
  { rank, rows, rowScales, factors, factorScales }: MlpProjection,
  block: ReluLayer,
  label: string,
): void {
  checkScales(rowScales, label);
  checkScales(factorScales, label);
  const columns = paddedColumns(block.inputWidth);
  for (let k = 0; k < rank; k++) {
    for (let c = block.inputWidth; c < columns; c++) {
      if (rows[projectionIndex(k, c, columns)] !== 0) {
        throw damaged(`${label}: row ${k} of the projection has a code in its padding; expected 0`);
      }
    }
  }
  for (let u = block.unitCount; u < factorScales.length; u++) {
    for (let k = 0; k < rank; k++) {
      if (factors[packedIndex(u, k, rank)] !== 0) {
        throw damaged(`${label}: unit ${u} has a factor in its padding; expected 0`);
      }
    }
  }
}

function checkScales(scales: Float32Array, label: string): void {
  const at = scales.findIndex((scale) => !(scale >= 0 && scale < Infinity));
  if (at >= 0) throw damaged(`${label}: scale ${at} is ${scales[at]}; expected a finite number from 0`);
}

function damaged(message: string): FewfireError {
  return new FewfireError('model-file', message);
}
