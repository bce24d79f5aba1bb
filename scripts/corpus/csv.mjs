// CSV read by hand, so that the check shares no reader with what it checks: records as the bytes they came in, which a
// split writes again unchanged, and their cells as text.

/**
 * The header and the records of a CSV file, each with its line break, as text of one character a byte (latin1), which
 * holds any bytes. Lines without anything are no records.
 * @param {Buffer} bytes
 */
export function readRecords(bytes) {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = bytes.toString('latin1', hasMark ? 3 : 0);
  const records = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    // A doubled quote inside quotes closes and opens again: the same in the end.
    if (text[i] === '"') isQuoted = !isQuoted;
    if (text[i] !== '\n' || isQuoted) continue;
    records.push(text.slice(start, i + 1));
    start = i + 1;
  }
  if (start < text.length) records.push(`${text.slice(start)}\n`);
  const [header, ...rows] = records.filter((record) => record.trim() !== '');
  if (header === undefined) throw new Error('the file is empty');
  return { header, rows };
}

/** Cells of a record, without their quotes. */
export function cellsOf(record) {
  const cells = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y;
  const text = record.replace(/\r?\n$/, '');
  for (;;) {
    const match = cell.exec(text);
    if (match === null) throw new Error(`cannot read the record ${JSON.stringify(decode(text).slice(0, 80))}`);
    cells.push(decode(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"')));
    if (match[3] === '') return cells;
  }
}

/** A table of texts: `{ names, rows }`, every row as wide as the header. */
export function readTable(bytes) {
  const { header, rows } = readRecords(bytes);
  const names = cellsOf(header);
  const cells = rows.map(cellsOf);
  const odd = cells.findIndex((row) => row.length !== names.length);
  if (odd >= 0) throw new Error(`row ${odd + 1} has ${cells[odd].length} cells, the header ${names.length}`);
  return { names, rows: cells };
}

/** Records back to bytes. */
export function toBytes(records) {
  return Buffer.from(records.join(''), 'latin1');
}

function decode(latin1) {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
