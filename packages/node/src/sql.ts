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
 * DuckDB 300 ns a cell, so only cells that begin or end with white space pay it.
 */
export function normalText(cell: string): string {
  const missing = MISSING_TOKENS.map(quoteLiteral).join(', ');
  const characters = [...TRIMMED_CHARACTERS].map((character) => `chr(${character.charCodeAt(0)})`);
  const ends = characters.map((character) => `suffix(${cell}, ${character})`).join(' OR ');
  const trimmed = MISSING_TOKENS.reduce(
    (text, token) => `nullif(${text}, ${quoteLiteral(token)})`,
    `trim(${cell}, ${characters.join(' || ')})`,
  );
  return `CASE WHEN ${cell} IN (${missing}) THEN NULL WHEN ${cell} < '!' OR ${ends} THEN ${trimmed} ELSE ${cell} END`;
}

/**
 * The number that a trimmed text spells, NULL when it does not (`readNumber` of core). The cast alone would also take
 * `1_000`, `+-1` and `nan(1)`.
 */
export function textNumber(cell: string): string {
  return `CASE WHEN contains(${cell}, '_') OR contains(${cell}, '(') OR starts_with(${cell}, '+-') THEN NULL ELSE TRY_CAST(${cell} AS DOUBLE) END`;
}
