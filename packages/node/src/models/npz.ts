/**
 * Files of arrays as numpy keeps them: .npz, a zip of .npy. Sizes are compared with the bytes that are there before anything is
 * allocated, and packed entries may not grow beyond what the zip's directory says.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { FewfireError } from '@fewfire/core';
import { type ChooseArrays, type NumberArray, parseNpy } from '@fewfire/core/internal';

const MAX_ENTRIES = 4096;

/**
 * The arrays of an .npz file by name.
 * @param memoryLimitBytes what the entries that are read may take together, unpacked. Default 1 GiB
 * @throws FewfireError `file-unreadable`, `unsupported`, `memory-budget`
 * @example
 * ```ts
 * import { parseNpz } from '@fewfire/node';
 *
 * try {
 *   parseNpz(new TextEncoder().encode('no archive'), 'arrays.npz');
 * } catch (error) {
 *   console.log(error.code); // file-unreadable
 * }
 * ```
 */
export function parseNpz(
  bytes: Uint8Array,
  label: string,
  memoryLimitBytes: number = 2 ** 30,
  choose: ChooseArrays = (names) => names,
): ReadonlyMap<string, NumberArray> {
  const all = new Map<string, ZipEntry>();
  for (const entry of readDirectory(bytes, label)) {
    const name = entry.name.replace(/\.npy$/, '');
    if (all.has(name)) throw damaged(label, `holds ${JSON.stringify(name)} twice; expected every array once`);
    all.set(name, entry);
  }
  const wanted = new Set(choose([...all.keys()]));
  const entries = [...all].filter(([name]) => wanted.has(name));
  const total = entries.reduce((sum, [, entry]) => sum + entry.size, 0);
  // The bytes and the numbers made of them.
  if (2 * total > memoryLimitBytes) {
    throw new FewfireError(
      'memory-budget',
      `${label} takes ${total.toLocaleString('en-US')} bytes unpacked and as many again to read, ${memoryLimitBytes.toLocaleString('en-US')} are allowed; allow more memory`,
    );
  }
  const arrays = new Map<string, NumberArray>();
  let left = memoryLimitBytes;
  for (const [name, entry] of entries) {
    const content = unpack(bytes, entry, label);
    const array = parseNpy(content, `${label}, array ${JSON.stringify(name)},`, left - content.length);
    left -= array.values.byteLength;
    arrays.set(name, array);
  }
  return arrays;
}

interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const END_BYTES = 22;

// The directory at the end of the file is what counts; entries are then found by it.
function readDirectory(bytes: Uint8Array, label: string): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_BYTES;
  const least = Math.max(0, end - 65_535);
  while (end >= least && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < least || end < 0) throw damaged(label, 'is not a whole .npz file (a zip without its directory)');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) {
    throw new FewfireError('unsupported', `${label} is a zip of more than 4 GB or 65,534 arrays; save fewer arrays`);
  }
  if (count > MAX_ENTRIES) {
    throw new FewfireError('unsupported', `${label} holds ${count} arrays; expected at most ${MAX_ENTRIES}`);
  }
  const entries: ZipEntry[] = [];
  for (let e = 0; e < count; e++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw damaged(label, 'has a damaged zip directory');
    const nameBytes = view.getUint16(at + 28, true);
    const next = at + 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw damaged(label, 'has a damaged zip directory');
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes)),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at = next;
  }
  return entries;
}

function unpack(bytes: Uint8Array, entry: ZipEntry, label: string): Uint8Array {
  const { name, method, packedSize, size, offset } = entry;
  const what = `${label}, entry ${JSON.stringify(name)},`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== 0x04034b50) {
    throw damaged(what, 'is not where the zip directory says');
  }
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packedSize > bytes.length) throw damaged(what, 'reaches beyond the file; it is cut off or damaged');
  const packed = bytes.subarray(start, start + packedSize);
  let content: Uint8Array;
  if (method === 0) content = packed;
  else if (method === 8) {
    try {
      content = inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
    } catch (cause) {
      throw damaged(what, 'cannot be unpacked; it is damaged', cause);
    }
  } else {
    throw new FewfireError('unsupported', `${what} is packed by method ${method}; expected stored or deflated`);
  }
  if (content.length !== size || crc32(content) !== entry.checksum) {
    throw damaged(what, 'has another size or checksum than the zip directory says; it is damaged');
  }
  return content;
}

function damaged(label: string, what: string, cause?: unknown): FewfireError {
  return new FewfireError('file-unreadable', `${label} ${what}`, { cause });
}
