/**
 * JSON of files that anyone may have written. `JSON.parse` takes lists a hundred thousand deep, and whatever walks over
 * them afterwards (a schema, a checksum, `JSON.stringify` for a message) is recursive and ends with "Maximum call stack
 * size exceeded", so depth is bounded first. What a schema finds wrong becomes part of a sentence here, and so do values
 * of the file, which may be megabytes long or of any type: `String(value)` throws for `{"toString": 0}`.
 */
import { listNames } from './errors.ts';

/** No file that is read here has a reason to be nested deeper; what walks over values may recurse. */
export const MAX_JSON_DEPTH = 100;

/**
 * The value of a JSON text, or of its UTF-8 bytes; a byte order mark before it is no part of it.
 * @param refuse makes the error from why it is none: `its JSON ends or breaks early`
 * @param options `nonFinite`: NaN and Infinity without quotes, which are no JSON but what several programs write, are
 *   taken for the text "NaN" (no literal gives the number) and for infinite numbers
 */
export function parseJson(
  source: string | Uint8Array,
  refuse: (why: string, cause?: unknown) => Error,
  options: { readonly nonFinite?: boolean } = {},
): unknown {
  let deep = false;
  try {
    // The decoder drops the mark by itself.
    const text =
      typeof source === 'string'
        ? source.replace(/^\ufeff/, '')
        : new TextDecoder('utf-8', { fatal: true }).decode(source);
    deep = isNestedDeeper(text, MAX_JSON_DEPTH);
    if (!deep) return JSON.parse(options.nonFinite === true ? spellNonFinite(text) : text);
  } catch (cause) {
    throw refuse('its JSON ends or breaks early', cause);
  }
  throw refuse(`its JSON is nested more than ${MAX_JSON_DEPTH} deep`);
}

// By brackets outside of strings, without recursion and without the parser.
function isNestedDeeper(text: string, most: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) quoted = !quoted;
    else if (quoted) i += Number(code === 0x5c);
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > most) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

// NaN and Infinity outside of strings as JSON that is read; texts without them are given back as they are.
function spellNonFinite(text: string): string {
  if (!/NaN|Infinity/.test(text)) return text;
  const parts: string[] = [];
  let kept = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) quoted = !quoted;
    else if (quoted) i += Number(code === 0x5c);
    else if (code === 0x4e || code === 0x49) {
      const token = code === 0x4e ? 'NaN' : 'Infinity';
      if (!text.startsWith(token, i)) continue;
      // A number too large for a double is infinite; a minus before it stays.
      parts.push(text.slice(kept, i), code === 0x4e ? '"NaN"' : '1e999');
      i += token.length - 1;
      kept = i + 1;
    }
  }
  parts.push(text.slice(kept));
  return parts.join('');
}

/** What zod says of one fault, as far as it is read here. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected?: string;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly minimum?: unknown;
  readonly maximum?: unknown;
}

/** For a message: `outputs.0.fit.degree is "2" instead of a whole number`. */
export function describeIssue(issue: SchemaIssue, data: unknown): string {
  const where = issue.path.map(String).join('.') || 'the file';
  if (issue.keys !== undefined) return `${where} has ${listNames(issue.keys)}, which is unknown`;
  const found = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], data);
  const { expected, minimum, maximum } = issue;
  const words: Record<string, string> = { int: 'a whole number', number: 'a finite number', array: 'a list' };
  const choices = issue.values ?? issue.options;
  const wanted = choices
    ? choices.map(shownJson).join(' or ')
    : expected
      ? (words[expected] ?? `a ${expected}`)
      : minimum !== undefined
        ? `at least ${minimum}`
        : maximum !== undefined
          ? `at most ${maximum}`
          : issue.message;
  return `${where} is ${found === undefined ? 'missing' : shownJson(found)} instead of ${wanted}`;
}

/** A value of a file in a message: its JSON, cut off where it is long. */
export function shownJson(value: unknown): string {
  const text = Number.isFinite(value) || typeof value !== 'number' ? JSON.stringify(value ?? null) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
