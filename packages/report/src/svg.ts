/** What the figures have in common: their width, their frame, shades, and texts that fit. */
import { escapeMarkup } from './markup.ts';

/** Units of the viewBox; on a screen 400 pixels wide a unit is about 0.8 pixels. */
export const WIDTH = 460;
export const FONT_SIZE = 14;
/** Of a letter at that size, on average, in the widest of the fonts that system-ui may be. */
export const LETTER_WIDTH = 8.2;
export const LEGEND_ROW = 19;
const INK = '#1a1a1a';
export const GREY = '#595959';

/** The whole SVG: what it is called and what is seen on it, for those who hear it, and a white ground. */
export function svgFrame(
  { title, seen }: { readonly title: string; readonly seen: string },
  height: number,
  inner: string,
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img"`,
    ` aria-label="${escapeMarkup(title)}" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}" fill="${INK}" color="${INK}">`,
    `<title>${escapeMarkup(title)}</title><desc>${escapeMarkup(seen)}</desc>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `${inner}</svg>`,
  ].join('');
}

const LIGHT = [238, 243, 248];
const DARK = [8, 48, 107];

/** From nearly white at 0 to dark blue at 1. */
export function shade(part: number): string {
  const at = Math.min(1, Math.max(0, part));
  const parts = LIGHT.map((light, i) => Math.round(light + at * (DARK[i] - light)));
  return `#${parts.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/** What is legible on `shade(part)`. */
export function inkOn(part: number): string {
  return part > 0.6 ? '#ffffff' : INK;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text), ({ segment }) => segment);
}

/** About as wide as it is drawn; no font is measured. */
export function textWidth(text: string, fontSize: number = FONT_SIZE): number {
  let letters = 0;
  for (const grapheme of graphemes(text))
    letters += WIDE.test(grapheme)
      ? 2.05
      : /[A-Z@mw%…]/.test(grapheme)
        ? 1.25
        : /[ijlt.,:;'|()]/.test(grapheme)
          ? 0.6
          : 1;
  return (letters * LETTER_WIDTH * fontSize) / FONT_SIZE;
}

/** Shortened to a width, with an ellipsis where something is gone: the end, which tells names apart, is kept too. */
export function clipText(text: string, width: number, fontSize: number = FONT_SIZE): string {
  if (textWidth(text, fontSize) <= width) return text;
  const letters = graphemes(text);
  let kept = letters.length;
  const shortened = (): string => {
    const end = Math.floor(kept / 3);
    return `${letters.slice(0, kept - end).join('')}…${end === 0 ? '' : letters.slice(-end).join('')}`;
  };
  while (kept > 1 && textWidth(shortened(), fontSize) > width) kept--;
  return shortened();
}

/** Lines of at most so many characters, broken at spaces. */
export function wrap(text: string, most: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > most) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
