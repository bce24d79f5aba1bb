/** The pages of measurements hold every row that was measured once, are short where they are read, and are what the results say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePages, readRecords } from '../../../bench/pages.mjs';
import { root } from './run.ts';

interface Row {
  readonly what: string;
  readonly fewfire: string;
  readonly peer: string;
  readonly ratio: string;
}

const names = ['README.md', 'DETAILS.md'];
const read = (name: string): string => readFileSync(join(root, 'bench', name), 'utf8');

/** The rows of the tables of a page, by their cells; each table apart. */
function tablesOf(markdown: string): string[][][] {
  const blocks = Array.from(markdown.matchAll(/(?:^\|.*\n)+/gm), ([block]) => block.trimEnd().split('\n'));
  return blocks.map((lines) =>
    lines.slice(2).map((line) =>
      line
        .replace(/^\| | \|$/g, '')
        .split(' | ')
        .map((cell) => cell.trim()),
    ),
  );
}

// Read here, apart from what makes the pages.
const results = join(root, 'bench', 'results');
const measured: Row[] = readdirSync(results).flatMap(
  (name) => JSON.parse(readFileSync(join(results, name), 'utf8')).rows,
);

describe('the pages of measurements', () => {
  it.each(names)('%s is what `node bench/pages.mjs` makes of the results', (name) => {
    const pages: Record<string, string> = makePages(readRecords());
    expect(read(name)).toBe(pages[name]);
  });

  it('hold every row of every result file exactly once, and none beside', () => {
    const rows = names.flatMap((name) => tablesOf(read(name)).flat());
    expect(measured.length).toBeGreaterThan(0);
    // A peer's cell may say who that is and its version on top of what was measured.
    const withoutVersions = (text: string): string => text.replace(/(?<=\S) \d+\.\d+\.\d+(?=\W)/g, '');
    for (const { what, fewfire, peer, ratio } of measured) {
      const found = rows.filter((cells) => cells[0] === what && cells[1] === fewfire && cells[3] === ratio);
      expect(found.length, what).toBe(1);
      const beside = withoutVersions(found[0][2]);
      expect(beside.endsWith(peer), `${what}: ${beside}`).toBe(true);
      const named = beside.slice(0, beside.length - peer.length);
      expect(named === '' || /^[A-Za-z].*[:,] $/.test(named), `${what}: ${beside}`).toBe(true);
    }
    expect(rows).toHaveLength(measured.length);
  });

  it('have at most 80 rows on the one that is read, 12 a table, a sentence with figures above each', () => {
    const tables = tablesOf(read('README.md'));
    for (const table of tables) expect(table.length, table[0][0]).toBeLessThanOrEqual(12);
    expect(tables.flat().length).toBeLessThanOrEqual(80);
    const above = Array.from(read('README.md').matchAll(/^(.*)\n\n\| what \|/gm), (match) => match[1]);
    expect(above).toHaveLength(tables.length);
    for (const line of above) expect(line).toMatch(/^\*\*.*\.\*\* .*\d.*\.$/);
  });

  it('say trained blocks before synthetic ones, and exact ones before calibrated ones', () => {
    const [, text] = read('README.md').split('\n## Sparse blocks\n');
    const section = tablesOf(text.split('\n## ')[0]).map((table) => table.map(([what]) => what));
    const isTrained = section.map((table) => table.every((what) => what.includes('trained block')));
    expect(isTrained).toEqual([true, true, false, false]);
    const isExact = section.map((table) => table.every((what) => what.startsWith('sparse block, exact')));
    expect(isExact).toEqual([true, false, true, false]);
    expect(section[2].concat(section[3]).filter((what) => what.includes('trained block'))).toEqual([]);
  });

  it('change with the results: rows, sentences, versions', () => {
    const records = structuredClone(readRecords());
    const trees = records.find((record: { case: string }) => record.case === 'trees');
    for (const row of trees.rows) row.ratio = '0.25x as fast';
    trees.peers = { 'leaf by leaf': '9.8.7' };
    const page = makePages(records)['README.md'];
    expect(page).toContain('is found 0.25x as fast as');
    expect(page).toContain('| leaf by leaf 9.8.7 into a Map:');
    expect(read('README.md')).not.toContain('9.8.7');
  });

  it('refuse a case that no section has, and a row without the ratio that its sentence needs', () => {
    const record = { ...readRecords()[0], case: 'planted' };
    expect(() => makePages([record])).toThrow('no section of bench/page-tables.mjs has the case planted');
    const records = structuredClone(readRecords());
    records.find((each: { case: string }) => each.case === 'threads').rows[0].ratio = 'slower';
    expect(() => makePages(records)).toThrow('no ratio 1 in "slower"');
  });
});
