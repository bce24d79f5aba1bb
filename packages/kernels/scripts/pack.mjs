/** Writes bytes as text for src/unpack.ts, which says why and how, and has the same alphabet: a test holds the two together. */
const ALPHABET = ' !#%&()*+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~';
const SINGLES = ALPHABET.length - 2;

/** @param {ArrayLike<number>} bytes */
export function pack(bytes) {
  let text = '';
  for (const byte of Array.from(bytes)) {
    const rest = byte - SINGLES;
    text +=
      rest < 0
        ? ALPHABET[byte]
        : ALPHABET[SINGLES + Math.floor(rest / ALPHABET.length)] + ALPHABET[rest % ALPHABET.length];
  }
  return text;
}
