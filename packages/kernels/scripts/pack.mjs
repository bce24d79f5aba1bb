/**
 * Writes bytes as text for src/unpack.ts, which says why and how.
 */
export const ALPHABET = ' !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~';
const SINGLES = ALPHABET.length - 2;

export function pack(bytes) {
  let text = '';
  for (const byte of bytes) {
    const rest = byte - SINGLES;
    text +=
      rest < 0
        ? ALPHABET[byte]
        : ALPHABET[SINGLES + Math.floor(rest / ALPHABET.length)] + ALPHABET[rest % ALPHABET.length];
  }
  return text;
}
