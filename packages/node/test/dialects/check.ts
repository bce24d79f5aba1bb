/**
 * One random file through the code under test and through the oracle: the same cells, or an error of one line where the
 * oracle finds a fault too. What a damaged file is recognised as may be debated, but not that it is read by the rules.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Grid, isCell, type OracleEncoding, oracleGrid, oracleText, Refused } from './csv-oracle.ts';
import { type RandomFile, randomFile } from './random-file.ts';

interface OpenedTable {
  readonly rowCount: number;
  readonly columns: readonly { readonly name: string }[];
  texts(name: string, options: { readonly spelling: 'source' }): Promise<readonly (string | null)[]>;
  close(): Promise<void>;
}

export type OpenTable = (source: string, options: RandomFile['options']) => Promise<OpenedTable>;

export interface Checked {
  /** What is wrong; undefined if nothing. */
  readonly difference: string | undefined;
  readonly refused: boolean;
}

export async function checkFile(seed: number, open: OpenTable, folder: string): Promise<Checked> {
  return await checkRandomFile(randomFile(seed), open, folder);
}

export async function checkRandomFile(file: RandomFile, open: OpenTable, folder: string): Promise<Checked> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, file.name);
  writeFileSync(path, file.bytes);
  try {
    const found = await outcome(path, open, file.options);
    const refused = typeof found === 'string';
    return { difference: refused ? faultOfError(found, file) : faultOfGrid(found, file), refused };
  } finally {
    rmSync(path);
  }
}

type Found = { readonly names: readonly string[]; readonly cells: readonly (readonly (string | null)[])[] };

async function outcome(path: string, open: OpenTable, options: RandomFile['options']): Promise<Found | string> {
  let table: OpenedTable | undefined;
  try {
    table = await open(path, options);
    const columns: (readonly (string | null)[])[] = [];
    for (const { name } of table.columns) columns.push(await table.texts(name, { spelling: 'source' }));
    const cells = Array.from({ length: table.rowCount }, (_, row) => columns.map((column) => column[row]));
    return { names: table.columns.map(({ name }) => name), cells };
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'FewfireError') return `not a FewfireError: ${(error as Error).stack}`;
    return message;
  } finally {
    await table?.close();
  }
}

function same(found: Found, grid: Grid): boolean {
  return (
    JSON.stringify(found.names) === JSON.stringify(grid.names.map((name) => name.trim())) &&
    found.cells.length === grid.cells.length &&
    found.cells.every((row, i) => row.every((cell, k) => isCell(cell, grid.cells[i][k])))
  );
}

function faultOfError(message: string, file: RandomFile): string | undefined {
  if (message.startsWith('not a FewfireError')) return message;
  if (/\n/.test(message)) return `more than one line: ${message}`;
  if (
    /strict_mode|null_padding|ignore_errors|LINE 1|read_csv|read_json|INTERNAL|cannot read/.test(message) &&
    file.kind === 'csv'
  ) {
    return `the engine's words: ${message}`;
  }
  if (file.isDamaged || file.kind === 'json') return file.isDamaged ? undefined : `refused: ${message}`;
  try {
    oracleGrid(oracleText(file.unpacked, file.encoding), file.delimiter);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
  // One column whose name holds a delimiter, above one or two lines without it or lines with it, or whose few cells all hold
  // as many: ragged lines for all one can tell.
  const { names, cells } = file.meant;
  const held = [...',;|\t'].filter((delimiter) => names[0].includes(delimiter));
  const isMixed = held.some((delimiter) => cells.some(([cell]) => cell.includes(delimiter)));
  const isShort = cells.length < (held.length > 0 ? 3 : 5);
  const saysRagged = /fields?, expected [12] as in the header/.test(message);
  if (names.length === 1 && saysRagged && (isMixed || isShort)) return undefined;
  return `refused: ${message}`;
}

const DELIMITERS = [',', ';', '\t', '|', '\x1f'];
const ENCODINGS: readonly OracleEncoding[] = ['utf-8', 'windows-1252', 'utf-16le', 'utf-16be'];

function faultOfGrid(found: Found, file: RandomFile): string | undefined {
  if (file.kind === 'json') return faultOfRecords(found, file);
  const { meant, options } = file;
  if (!file.isDamaged && same(found, meant)) return undefined;
  // By the rules in another dialect: of a damaged file, or where both are as good.
  for (const encoding of options.encoding === undefined ? ENCODINGS : [options.encoding]) {
    for (const delimiter of options.delimiter === undefined ? [undefined, ...DELIMITERS] : [options.delimiter]) {
      const grid = read(file.unpacked, encoding, delimiter);
      if (grid === undefined || !same(found, grid)) continue;
      if (file.isDamaged || (encoding === file.encoding && isAmbiguous(file))) return undefined;
    }
  }
  return `read as ${JSON.stringify(found).slice(0, 600)}, meant ${JSON.stringify(meant).slice(0, 600)}`;
}

function isAmbiguous(file: RandomFile): boolean {
  const grids = DELIMITERS.map((delimiter) => read(file.unpacked, file.encoding, delimiter));
  const several = grids.filter((grid) => grid !== undefined && grid.names.length > 1);
  return several.length > 1 || (file.meant.names.length === 1 && several.length > 0);
}

function read(bytes: Uint8Array, encoding: OracleEncoding, delimiter: string | undefined): Grid | undefined {
  try {
    return oracleGrid(oracleText(bytes, encoding), delimiter);
  } catch {
    return undefined;
  }
}

function faultOfRecords(found: Found, file: RandomFile): string | undefined {
  const grid = file.isDamaged ? damagedGrid(file) : file.meant;
  // Fields of other types than text, and records with other keys, are another rule's.
  if (grid === 'other') return undefined;
  const exact = grid !== undefined && JSON.stringify(found.names) === JSON.stringify(grid.names);
  if (exact && found.cells.length === grid.cells.length && same({ ...found, names: [] }, { ...grid, names: [] })) {
    return undefined;
  }
  return `read as ${JSON.stringify(found).slice(0, 600)}, meant ${JSON.stringify(grid ?? 'an error').slice(0, 600)}`;
}

// What a damaged text says by the runtime's own parser, if it is still records of texts; undefined if it is no JSON.
function damagedGrid({ unpacked, options, meant }: RandomFile): Grid | 'other' | undefined {
  let isJson = false;
  for (const encoding of options.encoding === undefined ? ENCODINGS : [options.encoding]) {
    try {
      const text = oracleText(unpacked, encoding);
      const records = recordsOf(text);
      if (records === undefined) continue;
      isJson = true;
      const isPlain = records.every((record) => {
        const keys = record !== null && typeof record === 'object' ? Object.keys(record) : [];
        return (
          keys.join('\n') === meant.names.join('\n') &&
          Object.values(record as object).every((v) => typeof v === 'string')
        );
      });
      if (isPlain) return { names: meant.names, cells: records.map((record) => Object.values(record as object)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  return isJson ? 'other' : undefined;
}

function recordsOf(text: string): unknown[] | undefined {
  // One after another they are a list once there are commas between them; a comma before a brace that closes is passed over.
  const closed = text.replaceAll(/,(\s*\})/g, '$1');
  const candidates = [text, closed, `[${closed}]`, `[${closed.replaceAll(/\}\s*\{/g, '},{')}]`];
  for (const candidate of candidates) {
    try {
      const parsed: unknown = JSON.parse(candidate);
      if (Array.isArray(parsed)) return parsed;
    } catch {
      // The next.
    }
  }
  return undefined;
}
