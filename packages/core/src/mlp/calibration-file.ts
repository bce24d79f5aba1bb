/**
 * Calibrated blocks as files: the prepared block (mlp-file.ts) and what was measured of it. All numbers little-endian:
 *
 *   8 bytes magic | u32 version | u32 header bytes | header, JSON | prepared file | arrays of the screen | SHA-256, 32 bytes
 *
 * Parts stand one after the other, each at a multiple of 64 bytes. The last hash is over everything before it; the header
 * also has the hash of the prepared file, so a calibration cannot be put beside another block. A screen holds nothing that
 * could make an evaluated unit wrong; whether it misses more than it says is for the drift watch to find out.
 */
import {
  type CalibratedScreen,
  calibratedUnits,
  lookupCodeBytes,
  lowRankFactors,
  paddedColumns,
} from '@fewfire/kernels';
import * as z from 'zod/mini';
import { describeIssue, FewfireError, parseJson } from '../base/index.ts';
import type { MlpBlock } from './block.ts';
import type { CalibrationOutcome } from './calibration.ts';
import { type PreparedMlp, type PreparedScreens, parseMlp, serializeMlp } from './mlp-file.ts';

/** "ffcal", then bytes that a text-mode transfer would change. */
const MAGIC = Uint8Array.of(0x66, 0x66, 0x63, 0x61, 0x6c, 0x0d, 0x0a, 0x1a);
export const CALIBRATION_FILE_VERSION = 2;
const PREFIX_BYTES = 16;
const HASH_BYTES = 32;

const share = z.number().check(z.gte(0), z.lte(1));
const count = z.int().check(z.nonnegative());
const time = z.number().check(z.nonnegative());
const interval = z.readonly(z.tuple([share, share]));
const headerSchema = z.strictObject({
  preparedSha256: z.string(),
  preparedBytes: count,
  rank: count,
  leadColumns: count,
  reason: z.nullable(z.string()),
  calibration: z.nullable(
    z.strictObject({
      method: z.enum(['lookup', 'low-rank']),
      missedMass: z.strictObject({
        target: share,
        mean: share,
        interval,
        confidence: share,
        intervalMethod: z.enum(['betting', 'bootstrap']),
        inputCount: count,
      }),
      outputError: z.number().check(z.nonnegative()),
      survivorRate: z.strictObject({ mean: share, interval }),
      times: z.strictObject({ denseUs: time, exactUs: time, calibratedUs: time }),
      inputCounts: z.strictObject({ fit: count, choose: count, check: count }),
      attemptCount: count,
      seed: z.number(),
    }),
  ),
});

export async function serializeCalibrated(
  block: MlpBlock,
  screens: PreparedScreens,
  { calibration, screen, reason }: CalibrationOutcome,
): Promise<Uint8Array<ArrayBuffer>> {
  const prepared = await serializeMlp(block, screens);
  const lowRank = screen?.method === 'low-rank' ? screen : undefined;
  const header = new TextEncoder().encode(
    JSON.stringify({
      preparedSha256: hex(await hashOf(prepared)),
      preparedBytes: prepared.length,
      rank: lowRank?.rank ?? 0,
      leadColumns: lowRank?.lead?.columns ?? 0,
      reason,
      calibration,
    }),
  );
  const parts = [prepared, ...(screen === null ? [] : screenParts(screen).map(toBytes))];
  const start = aligned(PREFIX_BYTES + header.length);
  const end = parts.reduce((at, part) => at + aligned(part.length), start);
  const bytes = new Uint8Array(end + HASH_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, CALIBRATION_FILE_VERSION, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, PREFIX_BYTES);
  let at = start;
  for (const part of parts) {
    bytes.set(part, at);
    at += aligned(part.length);
  }
  bytes.set(await hashOf(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file`: not such a file, another version, cut off, edited, or made for another block
 */
export async function parseCalibrated(
  bytes: Uint8Array<ArrayBuffer>,
  label: string,
): Promise<PreparedMlp & { readonly outcome: CalibrationOutcome }> {
  if (MAGIC.some((byte, i) => bytes[i] !== byte) || bytes.length < PREFIX_BYTES + HASH_BYTES) {
    throw damaged(`${label} is not a calibrated block of fewfire`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  if (version !== CALIBRATION_FILE_VERSION) {
    throw damaged(`${label} has version ${version}; this is for version ${CALIBRATION_FILE_VERSION}: calibrate again`);
  }
  const hash = await hashOf(bytes.subarray(0, bytes.length - HASH_BYTES));
  if (hash.some((byte, i) => byte !== bytes[bytes.length - HASH_BYTES + i])) {
    throw damaged(`${label} does not have the hash it states: it is cut off or edited; calibrate again`);
  }
  const headerBytes = view.getUint32(12, true);
  const header = readHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes), label);
  let at = aligned(PREFIX_BYTES + headerBytes);
  const take = (byteLength: number): Uint8Array<ArrayBuffer> => {
    const from = at;
    at += aligned(byteLength);
    if (at > bytes.length - HASH_BYTES) throw damaged(`${label} is cut off; calibrate again`);
    return bytes.slice(from, from + byteLength);
  };
  const prepared = take(header.preparedBytes);
  if (hex(await hashOf(prepared)) !== header.preparedSha256) {
    throw damaged(`${label} has a calibration that was made for another block; calibrate this one`);
  }
  const { block, screens } = await parseMlp(prepared, label);
  const outcome = takeOutcome(header, block, take, label);
  if (at !== bytes.length - HASH_BYTES) throw damaged(`${label} has bytes that belong to nothing; calibrate again`);
  return { block, screens, outcome };
}

function takeOutcome(
  { calibration, reason, rank, leadColumns }: z.infer<typeof headerSchema>,
  block: MlpBlock,
  take: (byteLength: number) => Uint8Array<ArrayBuffer>,
  label: string,
): CalibrationOutcome {
  if (calibration === null) return { calibration, screen: null, reason: reason ?? 'not calibrated' };
  for (const { interval } of [calibration.missedMass, calibration.survivorRate]) {
    if (interval[0] > interval[1])
      throw damaged(`${label} has an interval that ends before it begins; calibrate again`);
  }
  // NaN is above no threshold and below none: units would be left out that nobody measured.
  const numbers = (count: number, least: number): Float32Array => {
    const values = floats(take(4 * count));
    const odd = values.findIndex((value) => !(value >= least));
    if (odd < 0) return values;
    throw damaged(
      `${label}: number ${odd} of its screen is ${values[odd]}, expected one from ${least}; calibrate again`,
    );
  };
  const units = calibratedUnits(block.unitCount);
  const scales = numbers(units, 0);
  const thresholds = numbers(units, -Infinity);
  if (calibration.method === 'lookup') {
    const screen = { method: 'lookup' as const, codes: take(lookupCodeBytes(block)), scales, thresholds };
    return { calibration, screen, reason: null };
  }
  const areSteps = rank % 16 === 0 && leadColumns % 16 === 0;
  if (!areSteps || rank < 16 || rank > block.inputWidth || leadColumns >= rank) {
    throw damaged(`${label} states a rank of ${rank} after ${leadColumns} columns; calibrate again`);
  }
  const rows = new Int8Array(take(units * rank).buffer);
  const projection = new Int8Array(take(rank * paddedColumns(block.inputWidth)).buffer);
  const projectionScales = numbers(rank, 0);
  const lead = leadColumns === 0 ? undefined : { columns: leadColumns, thresholds: numbers(units, -Infinity) };
  const factors = lowRankFactors({ rank, projection, projectionScales, rows, scales }, block.inputWidth);
  return { calibration, screen: { method: 'low-rank', ...factors, lead, thresholds }, reason: null };
}

function screenParts(screen: CalibratedScreen): readonly (Float32Array | Uint8Array | Int8Array)[] {
  const { scales, thresholds } = screen;
  if (screen.method === 'lookup') return [scales, thresholds, screen.codes];
  const { rows, projection, projectionScales, lead } = screen;
  return [scales, thresholds, rows, projection, projectionScales, ...(lead === undefined ? [] : [lead.thresholds])];
}

function toBytes(values: Float32Array | Uint8Array | Int8Array): Uint8Array {
  const bytes = new Uint8Array(values.byteLength);
  if (!(values instanceof Float32Array)) {
    bytes.set(values);
    return bytes;
  }
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true);
  return bytes;
}

function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function readHeader(bytes: Uint8Array, label: string): z.infer<typeof headerSchema> {
  const json = parseJson(bytes, (why, cause) =>
    damaged(`${label} has a header that is not JSON (${why}); calibrate again`, cause),
  );
  const parsed = headerSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw damaged(`${label} has a damaged header: ${describeIssue(parsed.error.issues[0], json)}; calibrate again`);
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function damaged(message: string, cause?: unknown): FewfireError {
  return new FewfireError('model-file', message, { cause });
}
