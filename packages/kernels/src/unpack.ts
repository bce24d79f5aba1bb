/**
 * Binaries as text that still compresses. Base64 spreads three bytes over four characters, so that what repeats in a binary
 * often does not in its text: gzipped it is half as long again. Here every byte has characters of its own: the lowest bytes,
 * most of a WebAssembly binary, one of the alphabet; the others one of its last two, and one more. The alphabet is printable
 * ASCII without quotes, backslash, dollar and less-than, which would have to be escaped in some string, template or page.
 */
const ALPHABET = ' !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~';
const SINGLES = ALPHABET.length - 2;

/** The bytes of a text made by scripts/pack.mjs. */
export function unpack(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    let value = ALPHABET.indexOf(text[at]);
    if (value >= SINGLES) value = SINGLES + (value - SINGLES) * ALPHABET.length + ALPHABET.indexOf(text[++at]);
    bytes[count++] = value;
  }
  return bytes.slice(0, count);
}
