/**
 * Words that say yes and no, in the languages tables are written in. A column is one of yes and no when all its cells are
 * words of one row of this list; then the words of every row mean the same to it, so that `ja` in one file and `true` in
 * another agree.
 */

// Spreadsheets write their booleans in the language of their user. Letters stand alone only where they are common.
const WORDS: readonly { readonly yes: readonly string[]; readonly no: readonly string[] }[] = [
  { yes: ['yes', 'y', 'true', 't', '1', 'on'], no: ['no', 'n', 'false', 'f', '0', 'off'] },
  { yes: ['ja', 'j', 'wahr'], no: ['nein', 'n', 'falsch'] }, // de
  { yes: ['oui', 'o', 'vrai'], no: ['non', 'n', 'faux'] }, // fr
  { yes: ['sí', 'si', 's', 'verdadero'], no: ['no', 'n', 'falso'] }, // es
  { yes: ['sì', 'si', 's', 'vero'], no: ['no', 'n', 'falso'] }, // it
  { yes: ['sim', 's', 'verdadeiro'], no: ['não', 'nao', 'n', 'falso'] }, // pt
  { yes: ['ja', 'j', 'waar'], no: ['nee', 'n', 'onwaar'] }, // nl
  { yes: ['ja', 'j', 'sant'], no: ['nej', 'n', 'falskt'] }, // sv
  { yes: ['ja', 'j', 'sand'], no: ['nej', 'n', 'falsk'] }, // da
  { yes: ['ja', 'j', 'sann'], no: ['nei', 'n', 'usann'] }, // no
  { yes: ['kyllä', 'kylla', 'tosi'], no: ['ei', 'epätosi'] }, // fi
  { yes: ['tak', 'prawda'], no: ['nie', 'fałsz'] }, // pl
  { yes: ['ano', 'pravda'], no: ['ne', 'nepravda'] }, // cs
  { yes: ['да', 'истина'], no: ['нет', 'ложь'] }, // ru
  { yes: ['evet', 'doğru'], no: ['hayır', 'hayir', 'yanlış'] }, // tr
  { yes: ['はい', '有り', '真'], no: ['いいえ', '無し', '偽'] }, // ja
  { yes: ['是', '有', '对', '對'], no: ['否', '无', '無', '错', '錯', '不是'] }, // zh
];

/** All words that say yes, in lower case. */
export const YES_WORDS: readonly string[] = [...new Set(WORDS.flatMap(({ yes }) => yes))];

/** All words that say no, in lower case. */
export const NO_WORDS: readonly string[] = [...new Set(WORDS.flatMap(({ no }) => no))];

const MEANINGS: ReadonlyMap<string, boolean> = new Map([
  ...YES_WORDS.map((word) => [word, true] as const),
  ...NO_WORDS.map((word) => [word, false] as const),
]);

/** What a word means as an answer; undefined when it is none. */
export function answerOf(text: string): boolean | undefined {
  return MEANINGS.get(text.toLowerCase());
}

/** Whether texts are answers in one language: all words of it, with a yes and a no among them. */
export function areAnswers(texts: readonly string[]): boolean {
  const words = texts.map((text) => text.toLowerCase());
  return WORDS.some(
    ({ yes, no }) =>
      words.every((word) => yes.includes(word) || no.includes(word)) &&
      words.some((word) => yes.includes(word)) &&
      words.some((word) => no.includes(word)),
  );
}
