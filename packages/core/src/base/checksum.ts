/** The checksum of fewfire's own files: SHA-256 over canonical JSON, so that neither key order nor white space matters. */

/** JSON with the keys of every object sorted. */
export function canonicalJson(value: unknown): string {
  // Not by an object with sorted keys: JavaScript puts keys that look like whole numbers first, by value.
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(',')}}`;
}

/** SHA-256 of the content's canonical JSON, 64 hexadecimal digits. */
export async function checksumOf(content: unknown): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonicalJson(content)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
