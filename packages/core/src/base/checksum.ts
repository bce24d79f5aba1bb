/** The checksum of fewfire's own files: SHA-256 over canonical JSON, so that neither key order nor white space matters. */

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
  const digest = await globalThis.crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
