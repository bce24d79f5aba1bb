/**
 * The only places where a name or a text of the model becomes part of another language. Names may hold anything: quotes,
 * line ends, `</script>`, the end of a comment. What is not plain is escaped where the language can say it so.
 */
import { FewfireError } from '../../base/index.ts';

// Control characters, spaces that look like others, line and paragraph separators, marks that turn the direction of text, and halves of pairs.
const UNSEEN_IN_TEXT =
  /[\p{Cc}\u00a0\u202f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * A text that can stand in a line comment of any of the languages, in one line: no line end as any of them sees it, no
 * end of a script element, and no `//#` or `//@`, which tools read as orders.
 */
export function commentText(text: string): string {
  return text
    .replace(UNSEEN_IN_TEXT, escapeUnit)
    .replaceAll('<', '\\u003c')
    .replace(/\/(?=[#@])/g, '\\u002f');
}

/** A JavaScript string. Without `<`, so that a module may stand in a page. */
export function jsString(text: string): string {
  return JSON.stringify(text).replace(UNSEEN_IN_TEXT, escapeUnit).replaceAll('<', '\\u003c');
}

/** A Python string: as in JSON, but for half pairs of code points beyond 16 bits, which stand as they are. */
export function pythonString(text: string): string {
  return JSON.stringify(text).replace(UNSEEN_IN_TEXT, escapeUnit);
}

/** A text in SQL. */
export function sqlString(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? parts[0] : `(${parts.join(' || chr(0) || ')})`;
}

/** A name in SQL. @throws FewfireError `unsupported` for a name that holds NUL */
export function sqlName(name: string): string {
  if (name.includes('\0')) {
    throw new FewfireError(
      'unsupported',
      `the name ${JSON.stringify(name)} holds a NUL character, which no name in SQL can; expected another name: rename the column and fit again`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** A finite double, exactly, in SQL: with an exponent, because without one it would be a decimal. */
export function sqlDouble(value: number): string {
  return value.toExponential();
}

/** Numbers between commas, in lines of up to about 110 characters. */
export function numberLines(values: readonly number[], indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const value of values) {
    const text = `${Object.is(value, -0) ? 0 : value},`;
    if (line.length + text.length > 110) {
      lines.push(line);
      line = '';
    }
    line += text;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => `${indent}${each}\n`).join('');
}
