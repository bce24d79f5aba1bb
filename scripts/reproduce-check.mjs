// npm run reproduce:check: makes the claim table of docs/reproduction.md again, by the command recorded in it, and fails
// where the two differ: another claim, another verdict, or a number that differs in its first three digits. A claim whose
// text has times in it (2 ms, 3x faster) is held to its statement and verdict only.
// `-- --write` puts the new table and figures into docs/ instead; further arguments replace the recorded command
// (`-- --write all --quick --seed 1`).
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './tools.mjs';

const END = '<!-- /claims -->';
const BLOCK = /<!-- claims: fewfire reproduce ([^\n]*?) -->\n([\s\S]*?)<!-- \/claims -->/;
const page = join(root, 'docs/reproduction.md');

/** Rows of a Markdown table, cells without the backslashes of bars. */
export function tableRows(markdown) {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| E'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
}

const NUMBER = /-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?/gi;
const TIMED = /\d\s*(?:ns|µs|ms|s|min|seconds?|minutes?)\b|\d\s*(?:×|x\b|times (?:as fast|faster|slower))/i;

/** What differs between two claim tables, in sentences; none where they agree. */
export function differences(recorded, fresh) {
  const keyed = (rows) => new Map(rows.map((cells) => [`${cells[0]} ${cells[1]}`, cells]));
  const [old, now] = [keyed(recorded), keyed(fresh)];
  const found = [];
  for (const key of now.keys()) if (!old.has(key)) found.push(`${key}: not in the page`);
  for (const [key, [, , measured, verdict, ratio]] of old) {
    const again = now.get(key);
    if (again === undefined) {
      found.push(`${key}: no longer claimed`);
      continue;
    }
    if (again[3] !== verdict) found.push(`${key}: the page says "${verdict}", now "${again[3]}"`);
    if (TIMED.test(measured) || TIMED.test(again[2])) continue;
    if (!sameNumbers(measured, again[2])) found.push(`${key}: the page says "${measured}", now "${again[2]}"`);
    if (!sameNumbers(ratio, again[4])) found.push(`${key}: largest ratio ${ratio}, now ${again[4]}`);
  }
  return found;
}

// The same words, and numbers that agree to three digits.
function sameNumbers(a, b) {
  if (a.replace(NUMBER, '#') !== b.replace(NUMBER, '#')) return false;
  const numbers = (text) => Array.from(text.matchAll(NUMBER), ([number]) => Number(number.replaceAll(',', '')));
  const [left, right] = [numbers(a), numbers(b)];
  return left.every((value, i) => Math.abs(value - right[i]) <= 5e-3 * Math.max(Math.abs(value), Math.abs(right[i])));
}

async function main(args) {
  const write = args.includes('--write');
  const given = args.filter((arg) => arg !== '--write');
  const text = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const block = BLOCK.exec(text);
  if (block === null)
    fail(`docs/reproduction.md has no claim table: it begins with <!-- claims: ... --> and ends with ${END}`);
  const command = given.length > 0 ? given : block[1].split(' ');
  const out = mkdtempSync(join(tmpdir(), 'fewfire-reproduce-'));
  try {
    const fewfire = join(root, 'packages/cli/bin/fewfire.js');
    console.log(`$ fewfire reproduce ${command.join(' ')}`);
    if (!(await run(process.execPath, [fewfire, 'reproduce', ...command, '--out', out, '--quiet']))) {
      fail('reproduce:check: the command failed, see above');
    }
    const claims = readFileSync(join(out, 'claims.md'), 'utf8').trimEnd();
    if (write) {
      writeFileSync(
        page,
        text.replace(BLOCK, () => claims),
      );
      const figures = join(root, 'docs/figures');
      mkdirSync(figures, { recursive: true });
      for (const name of readdirSync(figures)) if (/^E\d+-\d+\.svg$/.test(name)) rmSync(join(figures, name));
      for (const name of readdirSync(join(out, 'figures')))
        copyFileSync(join(out, 'figures', name), join(figures, name));
      console.log('docs/reproduction.md and docs/figures are as made now');
      return;
    }
    const rows = tableRows(block[2]);
    const found = differences(rows, tableRows(claims));
    for (const difference of found) console.error(difference);
    if (found.length > 0)
      fail(`reproduce:check: ${found.length} differences; npm run reproduce:check -- --write takes them over`);
    console.log(`${rows.length} claims as in docs/reproduction.md`);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
  throw new Stop();
}

class Stop extends Error {}

if (process.argv[1] === join(root, 'scripts/reproduce-check.mjs')) {
  await main(process.argv.slice(2)).catch((error) => {
    if (!(error instanceof Stop)) throw error;
  });
}
