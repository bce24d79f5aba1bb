/**
 * Our own look at the records of a JSON file as its bytes pass by: in a list or one after another, how many, on a line
 * each or spread over several. Whether the text is JSON is the engine's to say; an engine that loses records, or the cells
 * under a key that is empty, must not go unnoticed.
 */
import { checkUtf8 } from './encoding.ts';

export interface JsonShape {
  readonly layout: 'array' | 'newline_delimited' | 'unstructured';
  readonly recordCount: number;
  /** Where in its record the first empty key stands, from 1; undefined if there is none. */
  readonly emptyKeyAt: number | undefined;
  /** Whether every text, record and list that is opened is closed. */
  readonly isWhole: boolean;
  readonly isUtf8: boolean;
}

export interface JsonScan {
  /** @param onEmptyKey called with where in `bytes` the quote is that closes an empty key of a record */
  push(bytes: Uint8Array, onEmptyKey?: (at: number) => void): void;
  finish(): JsonShape;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const LF = 0x0a;
const [OPEN_LIST, CLOSE_LIST, OPEN_RECORD, CLOSE_RECORD] = [0x5b, 0x5d, 0x7b, 0x7d];

export function scanJson(): JsonScan {
  const utf8 = checkUtf8();
  let isUtf8 = true;
  let isList: boolean | undefined;
  let recordDepth = 1; // inside a record
  let depth = 0;
  let inText = false;
  let escaped = false;
  let textStart = false; // just behind the quote that opens a text
  let expectsKey = false;
  let keyCount = 0;
  let emptyKeyAt: number | undefined;
  let recordCount = 0;
  let inValue = false; // of what stands where a record should
  let spread = false;

  return {
    push(bytes, onEmptyKey) {
      if (isUtf8) isUtf8 = utf8.push(bytes);
      for (let i = 0; i < bytes.length; i++) {
        const b = bytes[i];
        if (inText) {
          if (escaped) escaped = false;
          else if (b === BACKSLASH) escaped = true;
          else if (b === QUOTE) {
            inText = false;
            if (textStart && expectsKey) {
              emptyKeyAt ??= keyCount;
              onEmptyKey?.(i);
            }
          }
          textStart = false;
          continue;
        }
        if (b <= 0x20) {
          if (b === LF && depth >= recordDepth) spread = true;
          if (depth === recordDepth - 1) inValue = false;
          continue;
        }
        if (isList === undefined) {
          isList = b === OPEN_LIST;
          if (isList) {
            recordDepth = 2;
            depth = 1;
            continue;
          }
        }
        if (depth === recordDepth - 1 && b !== COMMA && b !== CLOSE_LIST && !inValue) {
          recordCount++;
          inValue = true;
        }
        if (b === QUOTE) {
          inText = true;
          textStart = true;
          if (depth === recordDepth && expectsKey) keyCount++;
        } else if (b === OPEN_RECORD || b === OPEN_LIST) {
          depth++;
          if (depth === recordDepth) {
            expectsKey = b === OPEN_RECORD;
            keyCount = 0;
          } else expectsKey = false;
        } else if (b === CLOSE_RECORD || b === CLOSE_LIST) {
          depth--;
          if (depth === recordDepth - 1) inValue = false;
          expectsKey = false;
        } else if (b === COMMA) {
          if (depth === recordDepth - 1) inValue = false;
          expectsKey = depth === recordDepth;
        } else if (b === COLON) expectsKey = false;
      }
    },
    finish: () => ({
      layout: isList === true ? 'array' : spread ? 'unstructured' : 'newline_delimited',
      recordCount,
      emptyKeyAt,
      isWhole: depth === 0 && !inText,
      isUtf8: isUtf8 && utf8.finish(),
    }),
  };
}

/** The same bytes with a name for every key of a record that is empty. */
export async function* nameEmptyKeys(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const scan = scanJson();
  const inserted = Buffer.from(name);
  for await (const chunk of bytes) {
    const parts: Uint8Array[] = [];
    let start = 0;
    scan.push(chunk, (at) => {
      parts.push(chunk.subarray(start, at), inserted);
      start = at;
    });
    yield parts.length === 0 ? chunk : Buffer.concat([...parts, chunk.subarray(start)]);
  }
}
