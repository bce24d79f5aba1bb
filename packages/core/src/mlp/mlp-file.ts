/**
 * Prepared blocks as files. All numbers little-endian:
 *
 *   8 bytes magic | u32 version | u32 header bytes | header, JSON | sections, each at a multiple of 64 bytes | SHA-256, 32 bytes
 *
 * The header has the block's name, sizes and activation, and per section name, type, offset and length in bytes; the hash
 * is over everything before it. The int8 rows, the projection and their scales are stored because they are what preparing
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
} from '@fewfire/kernels';
import * as z from 'zod/mini';
import { describeIssue, FewfireError, parseJson } from '../base/index.ts';
import type { MlpBlock } from './block.ts';
import { blockTensors, checkBlock } from './check-block.ts';

/** "ffmlp", then bytes that a text-mode transfer would change. */
const MAGIC = Uint8Array.of(0x66, 0x66, 0x6d, 0x6c, 0x70, 0x0d, 0x0a, 0x1a);
export const MLP_FILE_VERSION = 2;
const PREFIX_BYTES = 16;
const HASH_BYTES = 32;
const MAX_HEADER_BYTES = 2 ** 20;

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

/** What preparing chose: any numbers give the same results, good ones are fast. */
export interface PreparedScreens {
  readonly rows: QuantisedRows;
  readonly projection: MlpProjection | undefined;
}

export interface PreparedMlp {
  readonly block: MlpBlock;
  readonly screens: PreparedScreens;
}

type SectionType = z.infer<typeof headerSchema>['sections'][number]['type'];
type SectionValues = Float32Array | Int8Array | Int16Array;

/** Equal blocks give equal bytes. */
export async function serializeMlp(
  block: MlpBlock,
  { rows, projection }: PreparedScreens,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: (readonly [string, SectionType, SectionValues])[] = [
    ...blockTensors(block).map(([name, values]) => [name, 'f32', values] as const),
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
    end = aligned(end + byteLength);
    return { name: part, type, offset, byteLength };
  });
  const json = {
    name,
    inputWidth,
    unitCount,
    outputWidth,
    activation,
    projection: projection === undefined ? null : { rank: projection.rank, refineAbove: projection.refineAbove },
    sections,
  };
  const header = new TextEncoder().encode(JSON.stringify(json));
  const dataStart = aligned(PREFIX_BYTES + header.length);
  const bytes = new Uint8Array(dataStart + end + HASH_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, MLP_FILE_VERSION, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, PREFIX_BYTES);
  parts.forEach(([, , values], k) => {
    const at = dataStart + sections[k].offset;
    if (values instanceof Int8Array) {
      new Int8Array(bytes.buffer, at, values.length).set(values);
    } else if (values instanceof Int16Array) {
      for (let i = 0; i < values.length; i++) view.setInt16(at + 2 * i, values[i], true);
    } else {
      for (let i = 0; i < values.length; i++) view.setFloat32(at + 4 * i, values[i], true);
    }
  });
  bytes.set(await hashOf(bytes.subarray(0, bytes.length - HASH_BYTES)), bytes.length - HASH_BYTES);
  return bytes;
}

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file`: not such a file, another version, cut off, edited, or sections that do not fit;
 *   `invalid-data` for weights that are not finite
 */
export async function parseMlp(bytes: Uint8Array<ArrayBuffer>, label: string): Promise<PreparedMlp> {
  const data = await readContent(bytes, label);
  const { header, take } = data;
  const { inputWidth, unitCount, outputWidth, name, activation } = header;
  const isGated = header.sections.some((section) => section.name === 'linear');
  const [s, d] = [unitCount, inputWidth];
  const padded = paddedUnits(s);
  const columns = paddedColumns(d);
  const block: MlpBlock = {
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
  readonly header: z.infer<typeof headerSchema>;
  take(name: string, length: number): Float32Array;
  takeCodes(name: string, length: number): Int8Array;
  takeShorts(name: string, length: number): Int16Array;
  /** Every section must have been taken. */
  expectNoMore(): void;
}

async function readContent(bytes: Uint8Array<ArrayBuffer>, label: string): Promise<Content> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREFIX_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw damaged(`${label} is not a prepared block: it does not begin as one; prepare it again`);
  }
  const version = view.getUint32(8, true);
  if (version !== MLP_FILE_VERSION) {
    throw damaged(
      `${label} is a prepared block of version ${version}, expected ${MLP_FILE_VERSION}: prepare it again with this version of fewfire`,
    );
  }
  const headerBytes = view.getUint32(12, true);
  const dataStart = aligned(PREFIX_BYTES + headerBytes);
  if (headerBytes > MAX_HEADER_BYTES || dataStart + HASH_BYTES > bytes.length) {
    throw damaged(`${label} is cut off: it has ${bytes.length} bytes and states a header of ${headerBytes}`);
  }
  const hash = await hashOf(bytes.subarray(0, bytes.length - HASH_BYTES));
  if (hash.some((byte, i) => byte !== bytes[bytes.length - HASH_BYTES + i])) {
    throw damaged(`${label} does not have the hash it states: it is cut off or edited; prepare the block again`);
  }
  const header = readHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes), label);
  const dataBytes = bytes.length - HASH_BYTES - dataStart;
  let end = 0;
  for (const section of header.sections) {
    if (section.offset !== end || section.offset + section.byteLength > dataBytes) {
      throw damaged(`${label}: section ${JSON.stringify(section.name)} does not stand where the one before it ends`);
    }
    end = aligned(section.offset + section.byteLength);
  }
  if (end !== dataBytes) throw damaged(`${label} has ${dataBytes} bytes of sections; expected ${end}`);
  const left = new Set(header.sections.map((section) => section.name));
  const find = (name: string, type: SectionType, byteLength: number): number => {
    const section = header.sections.find((other) => other.name === name);
    if (section === undefined || section.type !== type || section.byteLength !== byteLength) {
      throw damaged(`${label}: expected a section ${name} of ${byteLength} bytes of ${type}`);
    }
    left.delete(name);
    return dataStart + section.offset;
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

function readHeader(bytes: Uint8Array, label: string): z.infer<typeof headerSchema> {
  const json = parseJson(bytes, (why, cause) =>
    damaged(`${label} has a header that is not JSON (${why}); prepare the block again`, cause),
  );
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) {
    throw damaged(
      `${label} has a damaged header: ${describeIssue(parsed.error.issues[0], json)}; prepare the block again`,
    );
  }
  return parsed.data;
}

// Padding must be zero and scales finite: then any codes are correct, see boundRows.
function checkRows({ rows, scales }: QuantisedRows, block: MlpBlock, label: string): void {
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
  block: MlpBlock,
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

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes));
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function damaged(message: string, cause?: unknown): FewfireError {
  return new FewfireError('model-file', message, { cause });
}
