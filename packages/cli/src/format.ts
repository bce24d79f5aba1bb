/**
 * Text for people: tables and paragraphs that fit the terminal. Widths are those a terminal shows (emoji and
 * East Asian characters take two columns), and characters that would steer a terminal are made visible, because column
 * names and values come from files.
 */

export interface Screen {
  readonly width: number;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
}

/** What is needed to know of an output stream. */
export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const MIN_WIDTH = 40;
const MAX_WIDTH = 100;

/** Width from COLUMNS or the terminal, else 80; colours on terminals unless NO_COLOR is set. */
export function screenOf(stream: ScreenStream, env: Readonly<Record<string, string | undefined>>): Screen {
  const asked = Number(env.COLUMNS);
  const width = Number.isInteger(asked) && asked > 0 ? asked : (stream.isTTY === true && stream.columns) || 80;
  const colours = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const style = (open: number, close: number) => (text: string) =>
    colours && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)),
    bold: style(1, 22),
    dim: style(2, 22),
    good: style(32, 39),
    warn: style(33, 39),
  };
}

// Controls (C1 too), line separators, halves of characters, and what a terminal shows as nothing: bidirectional overrides,
// zero-width characters, byte order marks. Variation selectors stay, and joiners where writing needs them: between the
// parts of an emoji, in Arabic, and after marks as Indic scripts have them.
const UNSEEN =
  /(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Script=Arabic}\p{M}])(?:\u200c|\u200d)|(?!\u200c|\u200d|[\ufe00-\ufe0f])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** With characters spelled out that would steer a terminal, or that nobody sees. */
export function printable(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const known: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    return known[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** A value as it is quoted in sentences. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}

/** An argument as a shell would have it typed. */
export function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

// Made anew where it is needed: that takes microseconds, after the first time, which `--help` need not pay.
function graphemes(text: string): Iterable<{ readonly segment: string }> {
  return new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text);
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** Columns of a terminal that a text takes. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2;
  return /^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(grapheme) ? 0 : 1;
}

/** Shortened to a width, with an ellipsis where something is gone. */
export function clip(text: string, width: number): string {
  return displayWidth(text) <= width ? text : `${splitAt(text, width - 1)[0]}…`;
}

/** Shortened in the middle, where names that begin alike still end otherwise: as `a_long_na…12`. */
export function clipMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const segments = Array.from(graphemes(text), ({ segment }) => segment);
  let tail = '';
  for (const segment of segments.reverse()) {
    if (displayWidth(segment + tail) > Math.floor((width - 1) / 3)) break;
    tail = segment + tail;
  }
  return clip(text, width - displayWidth(tail)) + tail;
}

// The longest beginning that fits a width (at least one character), and the rest.
function splitAt(text: string, width: number): [string, string] {
  let used = 0;
  let end = 0;
  for (const { segment } of graphemes(text)) {
    used += graphemeWidth(segment);
    if (used > width && end > 0) break;
    end += segment.length;
  }
  return [text.slice(0, end), text.slice(end)];
}

/** Lines of a paragraph, broken at spaces, and inside words only where a word is longer than a line. */
export function wrapText(text: string, width: number, indent = ''): string[] {
  const room = Math.max(8, width - indent.length);
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) <= room) {
      line += ` ${word}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (displayWidth(word) > room) {
      const [head, tail] = splitAt(word, room);
      lines.push(head);
      word = tail;
    }
    line = word;
  }
  lines.push(line);
  return lines.map((each) => `${indent}${each}`.trimEnd());
}

export interface TableColumnStyle {
  readonly align?: 'left' | 'right';
  /** The column that gives way when the table is too wide: its cells go over several lines. */
  readonly flexible?: boolean;
  readonly style?: (text: string) => string;
}

/** Lines of a table whose columns are two spaces apart, within `width`. */
export function layoutTable(
  rows: readonly (readonly string[])[],
  columns: readonly TableColumnStyle[],
  width: number,
  indent = '  ',
): string[] {
  const widths = columns.map((_, c) => Math.max(0, ...rows.map((row) => displayWidth(row[c] ?? ''))));
  const taken = (): number => indent.length + widths.reduce((sum, each) => sum + each, 0) + 2 * (widths.length - 1);
  const flexible = columns.findIndex((column) => column.flexible === true);
  if (flexible >= 0 && taken() > width) widths[flexible] = Math.max(12, widths[flexible] - (taken() - width));
  return rows.flatMap((row) => {
    const cells = columns.map((column, c) =>
      column.flexible === true && c === flexible ? wrapText(row[c] ?? '', widths[c]) : [row[c] ?? ''],
    );
    const height = Math.max(...cells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, line) => {
      const parts = columns.map(({ align, style }, c) => {
        const text = cells[c][line] ?? '';
        const space = ' '.repeat(Math.max(0, widths[c] - displayWidth(text)));
        const shown = style === undefined ? text : style(text);
        return align === 'right' ? space + shown : shown + space;
      });
      return `${indent}${parts.join('  ')}`.trimEnd();
    });
  });
}

/** A bar of `width` columns, filled from the left. */
export function bar(part: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  const rest = ' ▏▎▍▌▋▊▉'[eighths % 8];
  return '█'.repeat(eighths >> 3) + (eighths % 8 > 0 ? rest : '');
}

/** Items as `a, b and 3 more`. */
export function listSome(items: readonly string[], most: number): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
