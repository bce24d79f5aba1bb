/**
 * The frame of files of packed numbers that this program makes. All numbers little-endian:
 *
 *   8 bytes magic | u32 version | u32 header bytes | header, JSON | parts, each at a multiple of 64 bytes | SHA-256, 32 bytes
 *
 * The hash is over everything before it. What the header says and which parts there are is a matter of each kind of file.
 */
import * as z from 'zod/mini';
import { describeIssue, FewfireError, parseJson, sha256 } from '../base/index.ts';

const PREFIX_BYTES = 16;
const HASH_BYTES = 32;
/** Of a file without header and parts. */
export const CONTAINER_BYTES: number = PREFIX_BYTES + HASH_BYTES;

/** What a kind of file has of its own, with its part of the messages. */
export interface ContainerKind<Header> {
  /** A name, then bytes that a text-mode transfer would change. */
  readonly magic: Uint8Array;
  readonly version: number;
  readonly schema: z.core.$ZodType<Header>;
  /** A longer header, or one that is longer than the file, is refused before anything is hashed. Default: it is not looked at. */
  readonly mostHeaderBytes?: number;
  readonly foreign: (label: string) => string;
  readonly otherVersion: (label: string, version: number) => string;
  /** What is to be done about a damaged file: `calibrate again`. */
  readonly advice: string;
}

export interface Container<Header> {
  readonly header: Header;
  /** Where in the file the first part begins. */
  readonly start: number;
  /** Where the last one ends, with what it is filled up with. */
  readonly end: number;
}

export type ContainerPart = Float32Array | Int16Array | Int8Array | Uint8Array;

/** Bytes that a part takes, or all up to it: the next multiple of 64. */
export function containerBytes(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Equal headers and parts give equal bytes. */
export async function writeContainer<Header>(
  { magic, version }: ContainerKind<Header>,
  header: Header,
  parts: readonly ContainerPart[],
): Promise<Uint8Array<ArrayBuffer>> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = containerBytes(PREFIX_BYTES + text.length);
  const end = parts.reduce((at, part) => at + containerBytes(part.byteLength), start);
  const bytes = new Uint8Array(end + HASH_BYTES);
  bytes.set(magic);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, version, true);
  view.setUint32(12, text.length, true);
  bytes.set(text, PREFIX_BYTES);
  let at = start;
  for (const part of parts) {
    if (part instanceof Float32Array) {
      for (let i = 0; i < part.length; i++) view.setFloat32(at + 4 * i, part[i], true);
    } else if (part instanceof Int16Array) {
      for (let i = 0; i < part.length; i++) view.setInt16(at + 2 * i, part[i], true);
    } else {
      bytes.set(part, at);
    }
    at += containerBytes(part.byteLength);
  }
  bytes.set(await sha256(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file`: not such a file, another version, cut off, edited, or another header
 */
export async function openContainer<Header>(
  bytes: Uint8Array<ArrayBuffer>,
  kind: ContainerKind<Header>,
  label: string,
): Promise<Container<Header>> {
  const { magic, mostHeaderBytes, advice } = kind;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREFIX_BYTES || magic.some((byte, i) => bytes[i] !== byte)) throw damaged(kind.foreign(label));
  const version = view.getUint32(8, true);
  if (version !== kind.version) throw damaged(kind.otherVersion(label, version));
  const headerBytes = view.getUint32(12, true);
  const start = containerBytes(PREFIX_BYTES + headerBytes);
  const end = bytes.length - HASH_BYTES;
  if (mostHeaderBytes !== undefined && (headerBytes > mostHeaderBytes || start > end)) {
    throw damaged(`${label} is cut off: it has ${bytes.length} bytes and states a header of ${headerBytes}`);
  }
  const hash = await sha256(bytes.subarray(0, end));
  if (hash.some((byte, i) => byte !== bytes[end + i])) {
    throw damaged(`${label} does not have the hash it states: it is cut off or edited; ${advice}`);
  }
  const json = parseJson(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes), (why, cause) =>
    damaged(`${label} has a header that is not JSON (${why}); ${advice}`, cause),
  );
  const parsed = z.safeParse(kind.schema, json);
  if (!parsed.success) {
    throw damaged(`${label} has a damaged header: ${describeIssue(parsed.error.issues[0], json)}; ${advice}`);
  }
  return { header: parsed.data, start, end };
}

function damaged(message: string, cause?: unknown): FewfireError {
  return new FewfireError('model-file', message, { cause });
}
