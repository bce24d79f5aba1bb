/** SQL spelling: the only two places where a name or a text becomes part of a statement, and the rules of cells in SQL. */
import { MISSING_TOKENS, TRIMMED_CHARACTERS } from '@fewfire/core';

/** A name as an identifier: any characters, in double quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal. The parser ends at a NUL, so one is spelled `chr(0)`. */
export function quoteLiteral(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? parts[0] : `(${parts.join(' || chr(0) || ')})`;
}

/** A finite double, exactly: a bare `0.1` would be a decimal. */
export function doubleLiteral(value: number): string {
  return `'${value}'::DOUBLE`;
}

/**
 * A text expression trimmed, NULL when it counts as missing (`readText` of core). Trimming a set of characters costs
 * DuckDB 300 ns a cell, so only cells that begin or end with white space pay it. Every function named here is bound
 * anew for every column, which takes longer than reading a small table: literals instead of `chr`, and one `IN`
 * instead of nested `nullif` (each of which doubles what it holds), bind four times as fast.
 */
export function normalText(cell: string): string {
  const missing = MISSING_TOKENS.map(quoteLiteral).join(', ');
  const ends = [...TRIMMED_CHARACTERS].map((character) => `suffix(${cell}, ${quoteLiteral(character)})`).join(' OR ');
  const trimmed = `trim(${cell}, ${quoteLiteral(TRIMMED_CHARACTERS)})`;
  return `CASE WHEN ${cell} IN (${missing}) THEN NULL WHEN NOT (${cell} < '!' OR ${ends}) THEN ${cell} WHEN ${trimmed} NOT IN (${missing}) THEN ${trimmed} END`;
}

/** The number that a trimmed text spells, NULL when it does not (`readNumber` of core): whole numbers beyond 2^53 do not. */
export function textNumber(cell: string): string {
  const whole = `length(${cell}) > 15 AND abs(TRY_CAST(${cell} AS DOUBLE)) > ${Number.MAX_SAFE_INTEGER} AND regexp_full_match(${cell}, '[+-]?[0-9]+')`;
  return numberUnless(`${NO_NUMBER(cell)} OR (${whole})`, cell);
}

/** The number nearest to what a trimmed text spells (`readQuantity` of core). */
export function textQuantity(cell: string): string {
  return numberUnless(NO_NUMBER(cell), cell);
}

// The cast alone would also take `1_000`, `+-1` and `nan(1)`.
const NO_NUMBER = (cell: string): string =>
  `contains(${cell}, '_') OR contains(${cell}, '(') OR starts_with(${cell}, '+-')`;

function numberUnless(condition: string, cell: string): string {
  return `CASE WHEN ${condition} THEN NULL ELSE TRY_CAST(${cell} AS DOUBLE) END`;
}
