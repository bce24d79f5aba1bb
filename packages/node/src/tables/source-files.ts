/**
 * Which files a source text stands for, found before any of them is opened: whoever is about to write asks, so that
 * nothing that will be read is written over.
 */
import { Engine } from './engine.ts';
import { expandSource, splitTable } from './source.ts';
import { quoteLiteral } from './sql.ts';

/**
 * The files that `openTable` would read for a source, whether they exist or not; none for `-`. With a database goes
 * the log beside it, which holds the changes that are not yet in it.
 * @example
 * ```ts
 * import { sourceFiles } from '@fewfire/node';
 *
 * console.log(await sourceFiles('examples/house-votes-84.csv')); // [ 'examples/house-votes-84.csv' ]
 * ```
 */
export async function sourceFiles(source: string): Promise<string[]> {
  if (source === '-') return [];
  const { path } = splitTable(source);
  const paths = await expandSource(path, async (pattern) => {
    const engine = await Engine.open({});
    try {
      return await matchingFiles(engine, pattern);
    } finally {
      await engine.close();
    }
  });
  return paths.flatMap((each) => (/\.(?:duckdb|ddb|db)$/i.test(each) ? [each, `${each}.wal`] : [each]));
}

/** The files that match a pattern, in the order of their names. */
export async function matchingFiles(engine: Engine, pattern: string): Promise<string[]> {
  const rows = await engine.rows(`SELECT file FROM glob(${quoteLiteral(pattern)})`);
  return rows.map(([file]) => String(file)).sort();
}
