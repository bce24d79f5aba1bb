// What a file of predictions says, with everything that must not be in it: another number of rows, a cell that is no
// finite number, chances that are none, a class that is not the likeliest. fewfire's file and the peers' have one form.

const TOLERANCE = 1e-6;

/** Cells that common tools read as missing: the only rows whose prediction may be empty. */
const MISSING = new Set(['', '?', 'na', 'n/a', '#n/a', 'nan', 'null', 'none', '.', '-']);

export const isMissing = (cell) => MISSING.has(cell.trim().toLowerCase());

/**
 * @param {{ names: string[], rows: string[][] }} table
 * @param {'regression' | 'binary' | 'multiclass'} kind
 * @param {readonly boolean[]} mayBeEmpty of each row of the data, in their order
 */
export function readPredictions(table, kind, mayBeEmpty) {
  const problems = [];
  const at = table.names.indexOf('prediction');
  if (at < 0) return { problems: [`no column "prediction" but ${table.names.join(', ')}`] };
  if (table.rows.length !== mayBeEmpty.length) {
    return { problems: [`${table.rows.length} predictions for ${mayBeEmpty.length} rows`] };
  }
  const columns = table.names.flatMap((name, j) => (name.startsWith('probability_') ? [j] : []));
  const classes = columns.map((j) => table.names[j].slice('probability_'.length));
  const isClasses = kind !== 'regression';
  if (isClasses && classes.length < 2) return { problems: ['fewer than two columns of probabilities'] };
  const values = [];
  const probabilities = [];
  const empty = [];
  table.rows.forEach((cells, i) => {
    const wanted = isClasses ? columns : [at];
    const numbers = wanted.map((j) => (cells[j].trim() === '' ? Number.NaN : Number(cells[j])));
    if (mayBeEmpty[i] && [at, ...wanted].every((j) => cells[j] === '')) {
      empty.push(i);
      values.push(Number.NaN);
      probabilities.push([]);
      return;
    }
    const bad = numbers.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) problems.push(`row ${i + 1}: not a finite number but ${JSON.stringify(cells[wanted[bad]])}`);
    else if (isClasses) problems.push(...classProblems(cells[at], numbers, classes).map((it) => `row ${i + 1}: ${it}`));
    values.push(isClasses ? classes.indexOf(cells[at]) : numbers[0]);
    probabilities.push(isClasses ? numbers : []);
  });
  return { problems, classes, values, probabilities, empty };
}

function classProblems(predicted, probabilities, classes) {
  const k = classes.indexOf(predicted);
  if (k < 0) return [`predicts ${JSON.stringify(predicted)}, which is none of the classes ${classes.join(', ')}`];
  if (probabilities.some((p) => p < -TOLERANCE || p > 1 + TOLERANCE)) {
    return [`a probability outside of [0, 1]: ${probabilities}`];
  }
  const total = probabilities.reduce((sum, p) => sum + p, 0);
  if (Math.abs(total - 1) > TOLERANCE) return [`probabilities that add up to ${total}`];
  const most = Math.max(...probabilities);
  return probabilities[k] < most - TOLERANCE
    ? [`predicts ${predicted} at ${probabilities[k]}, another has ${most}`]
    : [];
}

/** Position of each label among the classes, -1 where it is none: the same text, or else the same number. */
export function classPositions(labels, classes) {
  const numeric = (text) => text.trim() !== '' && Number.isFinite(Number(text));
  const byText = new Map(classes.map((name, k) => [name, k]));
  const byNumber = new Map(classes.flatMap((name, k) => (numeric(name) ? [[Number(name), k]] : [])));
  return labels.map((label) => byText.get(label) ?? (numeric(label) ? byNumber.get(Number(label)) : undefined) ?? -1);
}

/** Whether two rows of predictions say the same: texts alike, numbers up to rounding. */
export function sameCells(a, b) {
  return a.every((cell, j) => {
    if (cell === b[j]) return true;
    const [x, y] = [Number(cell), Number(b[j])];
    return cell !== '' && b[j] !== '' && Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y));
  });
}
