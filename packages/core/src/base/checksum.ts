/** The checksum of fewfire's own files: SHA-256 over canonical JSON, so that neither key order nor white space matters. */
import { FewfireError } from './errors.ts';

/** JSON with the keys of every object sorted. */
export function canonicalJson(value: unknown): string {
  // Not by an object with sorted keys: JavaScript puts keys that look like whole numbers first, by value.
  if (Array.isArray(value)) {
    // The same text, at once: long lists are lists of numbers.
    if (value.every((entry) => typeof entry === 'number')) return JSON.stringify(value);
    return `[${value.map(canonicalJson).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(',')}}`;
}

/** SHA-256 of the content's canonical JSON, 64 hexadecimal digits. */
export function checksumOf(content: unknown): Promise<string> {
  return checksumOfText([canonicalJson(content)]);
}

/** SHA-256 of text that comes in parts, for what is too long for one string. */
export async function checksumOfText(parts: Iterable<string>): Promise<string> {
  const encoder = new TextEncoder();
  const chunks = Array.from(parts, (part) => encoder.encode(part));
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  chunks.length = 0;
  return Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws FewfireError `unsupported` on a page that is not from https or localhost: browsers hash nothing there */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle;
  if (!subtle) throw new FewfireError('unsupported', 'checksums need a page from https or localhost: serve it so');
  return new Uint8Array(await subtle.digest('SHA-256', bytes));
}
