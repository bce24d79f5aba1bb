/**
 * Universal Binary JSON (draft 12), which XGBoost writes unless a name ends in .json: the values that JSON has, each
 * behind a letter for its type, big-endian. A list may say its type and length once (`[$d#L` and n numbers), which is how
 * the long lists of a model stand there.
 *
 * Anyone may have written the bytes, so depth is bounded, and nothing is made of a length before as many bytes are seen
 * to follow: a list of a type without content (nulls, booleans) would be long for nothing and is refused.
 */
import { MAX_JSON_DEPTH } from '../base/index.ts';

/** What may follow the opening brace of an object: the type of a key's length, or a mark of the object's own. */
const AFTER_BRACE = new Set(Array.from('iUIlL#$', (letter) => letter.charCodeAt(0)));

/** Whether bytes are UBJSON of an object and not JSON, where white space, a quotation mark or a brace follows the first. */
export function isUbjson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b && AFTER_BRACE.has(bytes[1]);
}

/** Bytes of a number of each type. */
const NUMBER_BYTES: ReadonlyMap<string, number> = new Map([
  ['i', 1],
  ['U', 1],
  ['I', 2],
  ['l', 4],
  ['L', 8],
  ['d', 4],
  ['D', 8],
]);

/**
 * The value that the bytes hold; nothing may follow it. Numbers may be NaN and infinite.
 * @param refuse makes the error from what is wrong: `it ends after 12 bytes`
 */
export function readUbjson(bytes: Uint8Array, refuse: (why: string, cause?: unknown) => Error): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;

  const need = (count: number): void => {
    if (count > bytes.length - at) throw refuse(`it ends after ${bytes.length} bytes, in the middle of something`);
  };

  const letter = (): string => {
    need(1);
    return String.fromCharCode(bytes[at++]);
  };

  // A letter of its own that means nothing may stand between values.
  const marker = (): string => {
    let found = letter();
    while (found === 'N') found = letter();
    return found;
  };

  const number = (type: string): number => {
    const start = at;
    need(NUMBER_BYTES.get(type) as number);
    at += NUMBER_BYTES.get(type) as number;
    switch (type) {
      case 'i':
        return view.getInt8(start);
      case 'U':
        return view.getUint8(start);
      case 'I':
        return view.getInt16(start);
      case 'l':
        return view.getInt32(start);
      case 'd':
        return view.getFloat32(start);
      case 'D':
        return view.getFloat64(start);
    }
    const whole = view.getBigInt64(start);
    if (BigInt.asIntN(54, whole) !== whole) throw refuse(`byte ${start} has a whole number beyond 2^53, ${whole}`);
    return Number(whole);
  };

  const length = (type: string): number => {
    const isWhole = NUMBER_BYTES.has(type) && type !== 'd' && type !== 'D';
    const count = isWhole ? number(type) : -1;
    if (count < 0) throw refuse(`byte ${at} has no length where one is expected`);
    return count;
  };

  const text = (lengthType: string): string => {
    const count = length(lengthType);
    need(count);
    at += count;
    try {
      return decoder.decode(bytes.subarray(at - count, at));
    } catch (cause) {
      throw refuse(`the text that ends at byte ${at} is not UTF-8`, cause);
    }
  };

  // The type and length that a list or an object may begin with.
  const head = (): { readonly type: string | undefined; readonly count: number | undefined } => {
    need(1);
    let type: string | undefined;
    if (bytes[at] === 0x24) {
      at++;
      type = letter();
      need(1);
      if (bytes[at] !== 0x23) throw refuse(`byte ${at} has no length behind a type`);
    }
    if (bytes[at] !== 0x23) return { type, count: undefined };
    at++;
    return { type, count: length(letter()) };
  };

  const list = (depth: number): unknown[] => {
    const { type, count } = head();
    const size = type === undefined ? undefined : NUMBER_BYTES.get(type);
    if (count !== undefined && type !== undefined && size !== undefined) {
      need(count * size);
      const numbers = new Array<number>(count);
      for (let i = 0; i < count; i++) numbers[i] = number(type);
      return numbers;
    }
    checkType(type, count);
    const items: unknown[] = [];
    // Every item takes a byte or more.
    if (count !== undefined) need(count);
    for (let i = 0; count === undefined || i < count; i++) {
      const next = type ?? marker();
      if (count === undefined && next === ']') break;
      items.push(value(next, depth));
    }
    return items;
  };

  const fields = (depth: number): object => {
    const { type, count } = head();
    checkType(type, count);
    const entries: [string, unknown][] = [];
    if (count !== undefined) need(count);
    for (let i = 0; count === undefined || i < count; i++) {
      const next = marker();
      if (count === undefined && next === '}') break;
      const key = text(next);
      entries.push([key, value(type ?? marker(), depth)]);
    }
    return Object.fromEntries(entries);
  };

  const checkType = (type: string | undefined, count: number | undefined): void => {
    const hasContent = type === undefined || NUMBER_BYTES.has(type) || 'SC[{'.includes(type);
    if (!hasContent && count !== 0) throw refuse(`byte ${at} begins a list of the type ${JSON.stringify(type)}`);
  };

  const value = (type: string, depth: number): unknown => {
    if (depth > MAX_JSON_DEPTH) throw refuse(`it is nested more than ${MAX_JSON_DEPTH} deep`);
    if (NUMBER_BYTES.has(type)) return number(type);
    switch (type) {
      case '{':
        return fields(depth + 1);
      case '[':
        return list(depth + 1);
      case 'S':
        return text(letter());
      case 'C':
        return letter();
      case 'T':
        return true;
      case 'F':
        return false;
      case 'Z':
        return null;
    }
    throw refuse(`byte ${at - 1} is ${JSON.stringify(type)}, which begins no value`);
  };

  const found = value(marker(), 0);
  if (at < bytes.length) throw refuse(`${bytes.length - at} bytes follow its end`);
  return found;
}
