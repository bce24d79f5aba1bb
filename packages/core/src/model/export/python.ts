/** A model as one Python module over the standard library, for Python 3.9 and later. Sums run in the order of `evaluatePolynomial`. */
import { type DateOrder, datePattern, type NumberForm, numberPattern, numberReplacements } from '../../cube/index.ts';
import {
  type ExportColumn,
  type ExportOutput,
  type ExportPlan,
  type ExportReading,
  missingLists,
  predictionNames,
  wordLists,
  type YesCells,
} from './plan.ts';
import { commentText, numberLines, pythonString } from './spelling.ts';

export function exportPython(plan: ExportPlan): string {
  const { finish, columns } = plan;
  const classes = finish.kind === 'number' ? [] : finish.classes;
  const missing = missingLists(columns);
  const words = wordLists(columns);
  const orders = [...new Set(columns.flatMap(({ dates }) => dates))];
  const hasDates = orders.length > 0;
  // Python takes a coding named in the first two lines for the file's, so what others wrote begins below them.
  return `# A model of fewfire as a Python module: predict(row) takes the raw columns and needs the standard library only.
# As a command: python3 this_file.py data.csv > predictions.csv
#
${plan.provenance.map((line) => `# ${commentText(line)}\n`).join('')}from __future__ import annotations

import csv
import math
import re
import sys
${hasDates ? 'from datetime import date, datetime, timezone\n' : ''}from functools import reduce
from operator import add, itemgetter, mul
from typing import Any, Iterable, Iterator, Mapping

# What the model is called.
NAME = ${pythonString(plan.name)}

# The columns that a row must have.
COLUMNS: list[str] = [${plan.columns.map((column) => pythonString(column.name)).join(', ')}]

# The classes that can be predicted; none when it is a number.
CLASSES: list[str] = [${classes.map(pythonString).join(', ')}]

# The columns of a table of predictions.
OUTPUT_COLUMNS: list[str] = [${predictionNames(finish).map(pythonString).join(', ')}]

# Texts that count as missing.
_MISSING: list[list[str]] = [
${missing.lists.map((list) => `    [${list.map(pythonString).join(', ')}],\n`).join('')}]
${words.map((list, k) => `\n# Words for one answer.\n_WORDS_${k}: dict[str, list[int]] = dict.fromkeys(\n    [${list.map(pythonString).join(', ')}], [0]\n)\n`).join('')}
_COLUMNS: list[dict[str, Any]] = [
${columns.map((column) => `    ${columnData(column, missing.at.get(column) as number, words)},\n`).join('')}]

_BIT_COUNT = ${plan.bitCount}

# Per output, terms of equal size: coefficients, then per place in the term which sign stands there.
_OUTPUTS: list[list[tuple[list[float], list[list[int]]]]] = [
${plan.outputs.map(outputData).join('')}]
${finishCode(plan)}${runtime(hasDates)}${hasDates ? dateCode(orders) : ''}${PREDICT}`;
}

function columnData(column: ExportColumn, missingAt: number, words: readonly (readonly string[])[]): string {
  const { name, type, missing, missingNumbers, missingBits, number, dates, readings } = column;
  const parts = [
    `"name": ${pythonString(name)}`,
    `"type": "${type}"`,
    `"missing": "${missing}"`,
    `"missing_texts": _MISSING[${missingAt}]`,
    `"missing_bits": [${missingBits.join(', ')}]`,
  ];
  if (missingNumbers.length > 0) parts.push(`"missing_numbers": [${missingNumbers.map(pythonNumber).join(', ')}]`);
  if (type === 'number') parts.push(`"form": ${number === undefined ? 'None' : formData(number)}`);
  if (dates.length > 0) parts.push(`"orders": [${dates.map(pythonString).join(', ')}]`);
  parts.push(`"readings": [${readings.map((reading) => readingData(type, reading, words)).join(', ')}]`);
  return `{${parts.join(', ')}}`;
}

function formData(form: NumberForm): string {
  const replacements = numberReplacements(form).map(([from, to]) => `(${pythonString(from)}, ${pythonString(to)})`);
  return `(re.compile(${pythonString(numberPattern(form))}), [${replacements.join(', ')}])`;
}

function readingData(
  type: ExportColumn['type'],
  { part, firstBit, above, words, yesTexts, yesNumbers, yesBooleans }: ExportReading,
  lists: readonly (readonly string[])[],
): string {
  const parts = [`"first_bit": ${firstBit}`];
  if (type === 'date') parts.push(`"part": ${part === undefined ? 'None' : pythonString(part)}`);
  parts.push(`"above": ${above === undefined ? 'None' : `[${above.map(pythonNumber).join(', ')}]`}`);
  if (above === undefined) {
    const at = words === undefined ? -1 : lists.indexOf(words);
    const typed = type === 'text' || type === 'boolean';
    if (typed) parts.push(`"texts": ${at < 0 ? mapData(yesTexts, pythonString) : `_WORDS_${at}`}`);
    parts.push(`"numbers": ${mapData(yesNumbers, pythonNumber)}`);
    if (typed) parts.push(`"booleans": ${mapData(yesBooleans, (yes) => (yes ? 'True' : 'False'))}`);
  }
  return `{${parts.join(', ')}}`;
}

function dateCode(orders: readonly DateOrder[]): string {
  const patterns = orders.map((order) => `    "${order}": re.compile(${pythonString(datePattern(order))}),\n`);
  return `
_DATES = {
${patterns.join('')}}
_EPOCH = datetime(1970, 1, 1)


def _seconds_of_text(text: str, orders: Iterable[str]) -> float:
    """The time that a text spells, in seconds since 1970 UTC; not a number when it is no date of the calendar."""
    for order in orders:
        found = _DATES[order].fullmatch(text)
        if found is None:
            continue
        a, b, c, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        year, month, day = (a, b, c) if order == "ymd" else (c, b, a) if order == "dmy" else (c, a, b)
        try:
            whole = (datetime(year, month, day, hour, minute, second) - _EPOCH).total_seconds()
        except ValueError:
            continue
        zone = found[8] or "Z"
        minutes = 0 if zone == "Z" else int(zone[1:3]) * 60 + int(zone[-2:])
        micros = int((found[7] or "").ljust(6, "0")[:6])
        return ((whole - (-60 if zone.startswith("-") else 60) * minutes) * 1e6 + micros) / 1e6
    return math.nan


def _read_seconds(column: Mapping[str, Any], cell: Any) -> float:
    if isinstance(cell, str):
        return _seconds_of_text(cell, column["orders"])
    if not isinstance(cell, date):
        return math.nan
    if not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    gap = cell - (_EPOCH if cell.utcoffset() is None else _EPOCH.replace(tzinfo=timezone.utc))
    return ((gap.days * 86400 + gap.seconds) * 1e6 + gap.microseconds) / 1e6


def _seconds(column: Mapping[str, Any], cell: Any) -> float:
    seconds = _read_seconds(column, cell)
    if math.isnan(seconds):
        raise _problem(column, f"holds {str(cell)!r}, expected a date")
    return seconds


def _part(seconds: float, part: str) -> int:
    """A weekday (Monday is 0) or a month (January is 1)."""
    day = math.floor(seconds / 86400)
    if part == "weekday":
        return (day + 3) % 7
    # The calendar repeats itself after 400 years, and Python's ends in 9999.
    return date.fromordinal((day + _EPOCH.toordinal() - 1) % 146097 + 1).month

`;
}

// A whole number of more digits than a double has would be read as itself, not as the double.
function pythonNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER ? value.toExponential() : String(value);
}

function mapData<T extends string | number | boolean>(cells: YesCells<T>, spell: (cell: T) => string): string {
  return `{${cells.map(([cell, codes]) => `${spell(cell)}: [${codes.join(', ')}]`).join(', ')}}`;
}

function outputData(output: ExportOutput): string {
  const blocks = output.map(({ size, coefficients, members }) => {
    const places = Array.from({ length: size }, (_, j) => members.filter((_member, m) => m % size === j));
    return `        ([
${numberLines(coefficients, '            ')}        ], [
${places.map((place) => `            [\n${numberLines(place, '                ')}            ],\n`).join('')}        ]),
`;
  });
  return `    [\n${blocks.join('')}    ],\n`;
}

function finishCode({ finish }: ExportPlan): string {
  if (finish.kind === 'number') {
    const result = finish.exponential ? `min(${finish.factor} * _exp(values[0]), sys.float_info.max)` : 'values[0]';
    return `

def _finish(values: list[float]) -> dict[str, Any]:
    return {"prediction": ${result}}


_NOTHING: dict[str, Any] = {"prediction": None}
`;
  }
  const curves = finish.curves.map(({ slope, intercept }) => `    (${slope}, ${intercept}),\n`);
  const decide =
    finish.kind === 'two-classes'
      ? `    probabilities = [chances[0], 1 - chances[0]]
    best = 0 if chances[0] > 0.5 else 1`
      : `    total = reduce(add, chances, 0.0)
    probabilities = [chance / total if total > 0 else 1 / len(chances) for chance in chances]
    best = probabilities.index(max(probabilities))`;
  return `
# Slope and intercept of each chance.
_CURVES: list[tuple[float, float]] = [
${curves.join('')}]


def _finish(values: list[float]) -> dict[str, Any]:
    chances = [1 / (1 + _exp(-(slope * -value + intercept))) for (slope, intercept), value in zip(_CURVES, values)]
${decide}
    return {"prediction": CLASSES[best], "probabilities": dict(zip(CLASSES, probabilities))}


_NOTHING: dict[str, Any] = {"prediction": None, "probabilities": None}
`;
}

const runtime = (hasDates: boolean): string => `
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

# One spare index, because a getter of one gives no tuple; what it fetches is cut off by map, which ends with the shortest.
_GETTERS = [
    [(coefficients, [itemgetter(*place, 0) for place in places]) for coefficients, places in output] for output in _OUTPUTS
]


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _problem(column: Mapping[str, Any], what: str) -> ValueError:
    return ValueError(f"column {column['name']!r} {what}")


def _plain(cell: Any) -> Any:
    """A cell as one of Python's own types: texts trimmed, 32-bit numbers of numpy as their shortest decimals."""
    kind = getattr(getattr(cell, "dtype", None), "kind", "")
    if kind == "f" and cell.dtype.itemsize < 8:
        return float(str(cell))
    if kind == "M":
        cell = cell.astype("datetime64[us]")
    if hasattr(cell, "item"):
        cell = cell.item()
    return cell.strip(" \\t\\r\\n") if isinstance(cell, str) else cell


def _is_missing(column: Mapping[str, Any], cell: Any) -> bool:
    # pandas' NA is not even unlike itself.
    if cell is None or type(cell).__name__ == "NAType" or bool(cell != cell):
        return True
    is_text = isinstance(cell, str)
    if is_text and (cell == "" or cell in column["missing_texts"]):
        return True
    if "missing_numbers" not in column or isinstance(cell, bool):
        return False
${
  hasDates
    ? `    if column["type"] == "date":
        return _read_seconds(column, cell) in column["missing_numbers"]
`
    : ''
}    return (_read_number(column, cell) if is_text else cell) in column["missing_numbers"]


def _as_float(column: Mapping[str, Any], cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return math.inf
    except TypeError:
        raise _problem(column, f"holds a value of type {type(cell).__name__}, expected str, int, float or bool") from None


def _read_number(column: Mapping[str, Any], cell: Any) -> float:
    if not isinstance(cell, str):
        return _as_float(column, cell)
    # Texts are first read as those of the fit were spelled: a single cell does not tell how its column is.
    if column["form"] is not None and column["form"][0].fullmatch(cell):
        return float(reduce(lambda text, pair: text.replace(*pair), column["form"][1], cell))
    return float(cell) if _NUMBER.fullmatch(cell) else math.nan


def _number(column: Mapping[str, Any], cell: Any) -> float:
    number = _read_number(column, cell)
    if not math.isfinite(number):
        raise _problem(column, f"holds {str(cell)!r}, expected a finite number")
    return number


def _value_of_cell(column: Mapping[str, Any], cell: Any) -> Any:
    """What the readings of a column compare${hasDates ? ': of dates their seconds since 1970 UTC' : ''}."""
    if column["type"] == "number":
        return _number(column, cell)
${
  hasDates
    ? `    if column["type"] == "date":
        return _seconds(column, cell)
`
    : ''
}    if isinstance(cell, str):
        return cell.lower() if column["type"] == "boolean" else cell
    return cell if isinstance(cell, bool) else _as_float(column, cell)


def _codes(reading: Mapping[str, Any], value: Any) -> Iterable[int]:
    if isinstance(value, str):
        return reading["texts"].get(value, ())
    if isinstance(value, bool):
        return reading["booleans"].get(value, ())
    if reading["above"] is not None:
        return [code for code, threshold in enumerate(reading["above"]) if value > threshold]
${
  hasDates
    ? `    if reading.get("part") is not None:
        value = _part(value, reading["part"])
`
    : ''
}    return reading["numbers"].get(value, ())


def _signs(row: Mapping[str, Any]) -> list[float] | None:
    """-1 for a yes and +1 for a no at every bit, or None for a row that the model leaves out."""
    signs = [1.0] * _BIT_COUNT
    left_out = False
    for column in _COLUMNS:
        if column["name"] not in row:
            raise _problem(column, "is not in the row")
        cell = _plain(row[column["name"]])
        if _is_missing(column, cell):
            if column["missing"] == "refuse":
                raise _problem(column, "has no value, and had one in every row of the fit")
            if column["missing"] == "drop":
                left_out = True
            for bit in column["missing_bits"]:
                signs[bit] = -1.0
            continue
        value = _value_of_cell(column, cell)
        for reading in column["readings"]:
            for code in _codes(reading, value):
                signs[reading["first_bit"] + code] = -1.0
    return None if left_out else signs


def _value(output: list[tuple[list[float], list[itemgetter]]], signs: list[float]) -> float:
    value = 0.0
    for coefficients, getters in output:
        terms: Iterable[float] = coefficients
        for getter in getters:
            terms = map(mul, terms, getter(signs))
        value = reduce(add, terms, value)  # one after another: sum() of newer Pythons rounds otherwise
    return value

`;

const PREDICT: string = `
def predict(row: Mapping[str, Any]) -> dict[str, Any]:
    """Predicts one row, as \`fewfire predict\` does.

    row: the raw cells by column: str, int, float, bool, date or datetime (UTC, where it has no time zone); None, NaN, ""
    and the usual spellings such as "NA" are missing.
    Returns "prediction" (the number, or the class) and for classes "probabilities" by class; None where the model
    leaves out rows with missing values and the row has one.
    Raises ValueError naming the column when it is not in the row, or its cell is missing or not a number or a date but
    must be.
    """
    signs = _signs(row)
    return dict(_NOTHING) if signs is None else _finish([_value(output, signs) for output in _GETTERS])


def predict_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Predicts rows one after another, as they are asked for."""
    return map(predict, rows)


def _csv_rows(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    reader = csv.reader(lines, strict=True)
    header = next(reader, [])
    for column in COLUMNS:
        if header.count(column) != 1:
            raise ValueError(f"the header has column {column!r} {header.count(column)} times, expected once")
    for cells in reader:
        if cells == [] and len(header) == 1:
            cells = [""]
        if cells != []:
            if len(cells) != len(header):
                raise ValueError(f"line {reader.line_num} has {len(cells)} cells, expected {len(header)} as in the header")
            yield dict(zip(header, cells))


def _main(arguments: list[str]) -> int:
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        print("usage: python3 this_file.py [data.csv] > predictions.csv", file=sys.stderr)
        return 0 if len(arguments) == 1 else 2
    row_number = 0
    try:
        path = sys.stdin.fileno() if arguments in ([], ["-"]) else arguments[0]
        with open(path, encoding="utf-8-sig", newline="") as lines, open(
            sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False
        ) as out:
            writer = csv.writer(out, lineterminator="\\n")
            writer.writerow(OUTPUT_COLUMNS)
            for row in _csv_rows(lines):
                row_number += 1
                result = predict(row)
                chances = result.get("probabilities") or {}
                writer.writerow([result["prediction"], *(chances.get(name) for name in CLASSES)])
    except (ValueError, OSError, csv.Error) as error:
        print(f"error: row {row_number}: {error}" if row_number else f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
`;
