/**
 * Calibrated blocks as files: containers (formats/container.ts) of the file of the prepared block (mlp-file.ts) and the arrays
 * of its screen; the header has what was measured.
 *
 * The header also has the hash of the prepared file, so a calibration cannot be put beside another block. A screen holds nothing that
 * could make an evaluated unit wrong; whether it misses more than it says is for the drift watch to find out.
 */
import {
  type CalibratedScreen,
  calibratedUnits,
  lookupCodeBytes,
  lowRankFactors,
  paddedColumns,
  type ReluLayer,
} from '@fewfire/kernels';
import * as z from 'zod/mini';
import { FewfireError, sha256 } from '../base/index.ts';
import {
  CONTAINER_BYTES,
  type ContainerKind,
  type ContainerPart,
  containerBytes,
  openContainer,
  writeContainer,
} from '../formats/index.ts';
import type { CalibrationOutcome } from './calibration.ts';
import { type PreparedMlp, type PreparedScreens, parseMlp, serializeMlp } from './mlp-file.ts';

export const CALIBRATION_FILE_VERSION = 2;

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

type Header = z.infer<typeof headerSchema>;

const KIND: ContainerKind<Header> = {
  /** "ffcal" */
  magic: Uint8Array.of(0x66, 0x66, 0x63, 0x61, 0x6c, 0x0d, 0x0a, 0x1a),
  version: CALIBRATION_FILE_VERSION,
  schema: headerSchema,
  foreign: (label) => `${label} is not a calibrated block of fewfire`,
  otherVersion: (label, version) =>
    `${label} has version ${version}; this is for version ${CALIBRATION_FILE_VERSION}: calibrate again`,
  advice: 'calibrate again',
};

export async function serializeCalibrated(
  block: ReluLayer,
  screens: PreparedScreens,
  { calibration, screen, reason }: CalibrationOutcome,
): Promise<Uint8Array<ArrayBuffer>> {
  const prepared = await serializeMlp(block, screens);
  const lowRank = screen?.method === 'low-rank' ? screen : undefined;
  const header = {
    preparedSha256: hex(await sha256(prepared)),
    preparedBytes: prepared.length,
    rank: lowRank?.rank ?? 0,
    leadColumns: lowRank?.lead?.columns ?? 0,
    reason,
    calibration,
  };
  return await writeContainer(KIND, header, [prepared, ...(screen === null ? [] : screenParts(screen))]);
}

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file`: not such a file, another version, cut off, edited, or made for another block
 */
export async function parseCalibrated(
  bytes: Uint8Array<ArrayBuffer>,
  label: string,
): Promise<PreparedMlp & { readonly outcome: CalibrationOutcome }> {
  if (bytes.length < CONTAINER_BYTES) throw damaged(KIND.foreign(label));
  const { header, start, end } = await openContainer(bytes, KIND, label);
  let at = start;
  const take = (byteLength: number): Uint8Array<ArrayBuffer> => {
    const from = at;
    at += containerBytes(byteLength);
    if (at > end) throw damaged(`${label} is cut off; calibrate again`);
    return bytes.slice(from, from + byteLength);
  };
  const prepared = take(header.preparedBytes);
  if (hex(await sha256(prepared)) !== header.preparedSha256) {
    throw damaged(`${label} has a calibration that was made for another block; calibrate this one`);
  }
  const { block, screens } = await parseMlp(prepared, label);
  const outcome = takeOutcome(header, block, take, label);
  if (at !== end) throw damaged(`${label} has bytes that belong to nothing; calibrate again`);
  return { block, screens, outcome };
}

function takeOutcome(
  { calibration, reason, rank, leadColumns }: Header,
  block: ReluLayer,
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

function screenParts(screen: CalibratedScreen): readonly ContainerPart[] {
  const { scales, thresholds } = screen;
  if (screen.method === 'lookup') return [scales, thresholds, screen.codes];
  const { rows, projection, projectionScales, lead } = screen;
  return [scales, thresholds, rows, projection, projectionScales, ...(lead === undefined ? [] : [lead.thresholds])];
}

function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function damaged(message: string): FewfireError {
  return new FewfireError('model-file', message);
}
