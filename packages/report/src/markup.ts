/** Text as it may stand in markup. */

/** Without control characters, which XML forbids or which would turn the direction of the text around. */
export function cleanText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff\u202a-\u202e\u2066-\u2069]/gu, (c) =>
    c === '\n' || c === '\t' ? ' ' : '\ufffd',
  );
}

/**
 * A name that stands in a sentence: one that is written from right to left is closed by a mark (U+200E), or the numbers
 * and brackets after it would run that way too.
 */
export function nameInText(name: string): string {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u.test(name)
    ? `${name}\u200e`
    : name;
}

/**
 * Safe inside elements and inside quoted attributes of HTML and SVG.
 * @example
 * ```ts
 * import { escapeMarkup } from '@fewfire/report';
 *
 * console.log(escapeMarkup('a < b & "c"')); // a &lt; b &amp; &quot;c&quot;
 * ```
 */
export function escapeMarkup(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return cleanText(text).replace(/[&<>"']/g, (c) => named[c]);
}
