/**
 * The pages of measurements, made from bench/results and nothing else: README.md, which is read, with one section per
 * question (page-tables.mjs), and DETAILS.md with every other row and what the comparisons mean.
 *
 *     node bench/pages.mjs     writes both anew, without measuring
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { sections } from './page-tables.mjs';

const benchDir = dirname(fileURLToPath(import.meta.url));

/** Names of cases that have a section. */
export const placedCases = sections.flatMap(({ cases }) => cases);

/** The result files, in the order of the sections. */
export function readRecords(folder = join(benchDir, 'results')) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
    .sort((a, b) => placedCases.indexOf(a.case) - placedCases.indexOf(b.case));
}

/** Both pages, by name. */
export function makePages(records) {
  const lost = records.filter(({ case: name }) => !placedCases.includes(name));
  if (lost.length > 0) {
    const names = lost.map(({ case: name }) => name).join(', ');
    throw new Error(`no section of bench/page-tables.mjs has the case ${names}`);
  }
  const [page, details] = [[opening(records)], [detailsOpening]];
  for (const section of sections) {
    const own = records.filter(({ case: name }) => section.cases.includes(name));
    const rows = own.flatMap(rowsOf);
    const shown = section.tables.flatMap((table) => tableParts(table, rows));
    const wanting = section.wanting?.((name) => own.some((record) => record.case === name)) ?? '';
    if (shown.length > 0)
      page.push(...parts(`## ${section.title}`, section.lead, ...shown.map(({ text }) => text), wanting));
    const isShown = new Set(shown.flatMap((part) => part.rows));
    const rest = rows.filter((row) => !isShown.has(row));
    const notes = own.length > 0 ? (section.notes?.(own) ?? []) : [];
    const title = isShown.size > 0 ? 'The other rows' : 'The rows';
    const table = rest.length > 0 ? `${title}:\n\n${tableOf(rest)}` : '';
    if (rest.length > 0 || notes.length > 0) details.push(...parts(`## ${section.title}`, ...notes, table));
  }
  return { 'README.md': `${page.join('\n\n')}\n`, 'DETAILS.md': `${details.join('\n\n')}\n` };
}

export function writePages() {
  for (const [name, text] of Object.entries(makePages(readRecords()))) writeFileSync(join(benchDir, name), text);
}

const parts = (...texts) => texts.filter((text) => text !== undefined && text !== '');

/** A table of the page with its heading and its sentence; nothing where no row is picked. A row stands in one table. */
function tableParts({ name, picks, say }, rows) {
  const picked = picks.flatMap(([from, isPicked = () => true]) =>
    rows.filter((row) => row.case === from && isPicked(row)),
  );
  if (picked.length === 0) return [];
  return [{ rows: picked, text: [`**${name}.** ${say(picked)}`, tableOf(picked)].join('\n\n') }];
}

function tableOf(rows) {
  const lines = ['| what | fewfire | beside it | ratio |', '| --- | --- | --- | --- |'];
  for (const { what, fewfire, beside, ratio } of rows) {
    const cells = [what, fewfire, beside, ratio].map((cell) => cell.replaceAll('|', '\\|'));
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

function rowsOf(record) {
  const versions = versionsOf(record);
  return record.rows.map((row) => ({ ...row, case: record.case, beside: besideOf(record, row, versions) }));
}

const namesOf = (peer) => peer.split(' ').filter((word) => word.length > 3);

/** The peer's cell with who it is, where the row leaves that to the case, and its version, where the results have it. */
function besideOf({ peer }, row, versions) {
  const isNamed =
    row.peer === '' || peer === '' || row.peer.includes(': ') || namesOf(peer).some((name) => row.peer.includes(name));
  let cell = isNamed ? row.peer : `${peer}: ${row.peer}`;
  for (const [name, version] of Object.entries(versions)) {
    if (cell.includes(name)) cell = cell.replace(name, () => `${name} ${version}`);
    else if (peer.includes(name)) cell = `${name} ${version}, ${cell}`;
  }
  return cell;
}

/** Versions of peers by name: a case's own list, or what its peers said of themselves in its details. */
function versionsOf({ peer, peers, detail }) {
  const found = { ...peers };
  const visit = (value) => {
    if (value === null || typeof value !== 'object') return;
    Object.assign(found, value.versions);
    if (typeof value.numpy === 'string') found.numpy = value.numpy;
    // One that names no one is the first peer of its case.
    if (typeof value.version === 'string' && peers === undefined) found[peer.split(' ')[0]] = value.version;
    for (const part of Object.values(value)) visit(part);
  };
  visit(detail);
  return found;
}

function opening(records) {
  // Cases measured on one machine and day, by what that was.
  const places = new Map();
  for (const { case: name, machine, date } of records) {
    const where = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node} (${date})`;
    places.set(where, [...(places.get(where) ?? []), name]);
  }
  const measured = Array.from(places, ([where, names]) => `- ${where}: ${names.join(', ')}`);
  return `# Measurements

How fast is fewfire, and beside what people would use instead? Both sides of a row were measured in one run, by a command in
this folder:

\`\`\`sh
npm run bench                      # all cases (about an hour; needs gcc and Debian's python3-sklearn, and fetches
                                   # onnxruntime-node from the npm registry into .peers/, 290 MB)
npm run bench -- transform threads # some of them
node bench/pages.mjs               # this page anew, from the results that are there
\`\`\`

Machines are noisy: ratios hold better than times. The peers run under their best conditions: scikit-learn in f64 with one
OpenBLAS thread, without copies it could avoid, and its expansion of the monomials counted, because fewfire's counterpart
is inside its fit; reading the data from disk is counted on neither side, except where a row opens a file. Versions stand
where the results have them. The raw numbers are in \`results/\`, one file a case; rows that are not on this page, and what
exactly is compared, are in [DETAILS.md](DETAILS.md). Both pages are made from the results: change \`page-tables.mjs\`,
not them.

Measured on:

${measured.join('\n')}`;
}

const detailsOpening = `# Measurements: the rest

What the comparisons of [the page](README.md) mean, and the rows that are not on it. Made from \`results/\` like the page.`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writePages();
