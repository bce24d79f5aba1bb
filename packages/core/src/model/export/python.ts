/** A model as one Python module over the standard library, for Python 3.9 and later. Sums run in the order of `evaluatePolynomial`. */
import { MISSING_TOKENS } from '../../cube/index.ts';
import { type ExportColumn, type ExportOutput, type ExportPlan, predictionNames, type YesCells } from './plan.ts';
import { commentText, numberLines, pythonString } from './spelling.ts';

export function exportPython(plan: ExportPlan): string {
  const { finish } = plan;
  const classes = finish.kind === 'number' ? [] : finish.classes;
  // Python takes a coding named in the first two lines for the file's, so what others wrote begins below them.
  return `# A model of fewfire as a Python module: predict(row) takes the raw columns and needs the standard library only.
# As a command: python3 this_file.py data.csv > predictions.csv
#
${plan.provenance.map((line) => `# ${commentText(line)}\n`).join('')}from __future__ import annotations

import csv
import math
import re
import sys
from functools import reduce
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

_READINGS: list[dict[str, Any]] = [
${plan.columns.map((column) => `    ${columnData(column)},\n`).join('')}]

_BIT_COUNT = ${plan.bitCount}

# Per output, terms of equal size: coefficients, then per place in the term which sign stands there.
_OUTPUTS: list[list[tuple[list[float], list[list[int]]]]] = [
${plan.outputs.map(outputData).join('')}]
${finishCode(plan)}${RUNTIME}`;
}

function columnData(column: ExportColumn): string {
  const { name, type, missing, firstBit, missingBit, above } = column;
  const parts = [
    `"name": ${pythonString(name)}`,
    `"type": "${type}"`,
    `"missing": "${missing}"`,
    `"first_bit": ${firstBit}`,
    `"missing_bit": ${missingBit ?? 'None'}`,
    `"above": ${above === undefined ? 'None' : `[${above.map(pythonNumber).join(', ')}]`}`,
  ];
  if (above === undefined) {
    if (type !== 'number') parts.push(`"texts": ${mapData(column.yesTexts, pythonString)}`);
    parts.push(`"numbers": ${mapData(column.yesNumbers, pythonNumber)}`);
    if (type !== 'number') parts.push(`"booleans": ${mapData(column.yesBooleans, (yes) => (yes ? 'True' : 'False'))}`);
  }
  return `{${parts.join(', ')}}`;
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
    const result = finish.exponential ? `${finish.factor} * _exp(values[0])` : 'values[0]';
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

const RUNTIME: string = `
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MISSING = (${MISSING_TOKENS.map(pythonString).join(', ')})

# One spare index, because a getter of one gives no tuple; what it fetches is cut off by map, which ends with the shortest.
_GETTERS = [
    [(coefficients, [itemgetter(*place, 0) for place in places]) for coefficients, places in output] for output in _OUTPUTS
]


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _problem(reading: Mapping[str, Any], what: str) -> ValueError:
    return ValueError(f"column {reading['name']!r} {what}")


def _as_float(reading: Mapping[str, Any], cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return math.inf
    except TypeError:
        raise _problem(reading, f"holds a value of type {type(cell).__name__}, expected str, int, float or bool") from None


def _codes(reading: Mapping[str, Any], cell: Any) -> Iterable[int]:
    if reading["type"] != "number":
        if isinstance(cell, str):
            return reading["texts"].get(cell, ())
        if isinstance(cell, bool):
            return reading["booleans"].get(cell, ())
        return reading["numbers"].get(_as_float(reading, cell), ())
    number = math.nan if isinstance(cell, str) and not _NUMBER.fullmatch(cell) else _as_float(reading, cell)
    if not math.isfinite(number):
        raise _problem(reading, f"holds {str(cell)!r}, expected a finite number")
    if reading["above"] is None:
        return reading["numbers"].get(number, ())
    return [code for code, threshold in enumerate(reading["above"]) if number > threshold]


def _signs(row: Mapping[str, Any]) -> list[float] | None:
    """-1 for a yes and +1 for a no at every bit, or None for a row that the model leaves out."""
    signs = [1.0] * _BIT_COUNT
    left_out = False
    for reading in _READINGS:
        if reading["name"] not in row:
            raise _problem(reading, "is not in the row")
        cell = row[reading["name"]]
        if hasattr(cell, "item"):  # numpy's scalars
            cell = cell.item()
        if isinstance(cell, str):
            cell = cell.strip(" \\t\\r\\n")
        if cell is None or (isinstance(cell, str) and cell in _MISSING):
            if reading["missing"] == "refuse":
                raise _problem(reading, "has no value, and had one in every row of the fit")
            if reading["missing"] == "drop":
                left_out = True
            if reading["missing_bit"] is not None:
                signs[reading["missing_bit"]] = -1.0
        else:
            for code in _codes(reading, cell):
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


def predict(row: Mapping[str, Any]) -> dict[str, Any]:
    """Predicts one row, as \`fewfire predict\` does.

    row: the raw cells by column: str, int, float or bool; None, "", "?" and "NA" are missing.
    Returns "prediction" (the number, or the class) and for classes "probabilities" by class; None where the model
    leaves out rows with missing values and the row has one.
    Raises ValueError naming the column when it is not in the row, or its cell is missing or not a number but must be.
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
