/** The data of a report against brute force over the terms, and against the measures that stand beside it. */
import { describe, expect, it } from 'vitest';
import {
  areaUnderCurve,
  type ClassesPicture,
  type FitReport,
  fitReport,
  fitTable,
  levelWeights,
  type Model,
  memoryTable,
  type NumbersPicture,
  termList,
} from '../src/index.ts';
import { createRandom } from './helpers.ts';

const ROWS = 400;

function columns(seed: number) {
  const random = createRandom(seed);
  const bits = (): number[] => Array.from({ length: ROWS }, () => random.integer(2));
  const [a, b, c] = [bits(), bits(), bits()];
  const size = Array.from({ length: ROWS }, () => Math.round(100 * random.uniform()));
  const shape = Array.from({ length: ROWS }, () => ['round', 'square', 'oval'][random.integer(3)]);
  const noise = Array.from({ length: ROWS }, () => random.normal());
  return { a, b, c, size, shape, noise };
}

const { noise, ...inputs } = columns(5);
const numbers = inputs.a.map((a, i) => 3 * a - 2 * (a ^ inputs.b[i]) + inputs.size[i] / 50 + 0.3 * noise[i]);
const two = inputs.a.map((a, i) => (noise[i] > 1.2 ? 'maybe' : (a ^ inputs.b[i]) === 1 ? 'on' : 'maybe'));
const three = inputs.shape.map((shape, i) =>
  inputs.a[i] === 1 ? `is ${shape}` : noise[i] > 0 ? 'is round' : 'is oval',
);

async function reported(y: readonly (string | number)[], options: { targetTransform?: 'log'; seed?: number } = {}) {
  const fit = await fitTable(memoryTable({ ...inputs, y }), {
    ...{ target: 'y', degree: 2, method: 'low-degree', folds: 3 },
    ...options,
  });
  return { ...fit, report: fitReport(fit.model, fit.testRows) };
}

/** Names of the columns a term touches, from the names of its coordinates. */
function columnsOf(names: readonly string[], coordinates: readonly number[]): Set<string> {
  return new Set(coordinates.map((s) => names[s].split(/[=>]/)[0]));
}

function expectInteractions({ interactions }: FitReport, { outputs }: Model): void {
  const weight = (matches: (touched: Set<string>) => boolean): number =>
    outputs
      .flatMap(({ polynomial }) => termList(polynomial).map((term) => ({ term, names: polynomial.coordinates })))
      .filter(({ term, names }) => term.coordinates.length > 0 && matches(columnsOf(names, term.coordinates)))
      .reduce((sum, { term }) => sum + term.coefficient ** 2, 0);
  const total = weight(() => true);
  interactions.columns.forEach((one, i) => {
    interactions.columns.forEach((other, j) => {
      const matches = (touched: Set<string>): boolean =>
        i === j ? touched.size === 1 && touched.has(one) : touched.has(one) && touched.has(other);
      expect(interactions.shares[i][j]).toBeCloseTo(weight(matches) / total, 12);
    });
  });
}

describe('a report of numbers', () => {
  it('has interactions, levels and terms that are those of the polynomial', async () => {
    // Without the test rows of this seed thresholds are the same, so that the folds have all terms of the model.
    const { model, report } = await reported(numbers, { seed: 3 });
    expectInteractions(report, model);
    const [{ levels, terms, termCount, constant }] = report.outputs;
    levelWeights(model.outputs[0].polynomial).forEach((weight, level) => {
      expect(levels[level].weight).toBeCloseTo(weight, 12);
    });
    expect(levels.reduce((sum, level) => sum + level.termCount, 0)).toBe(model.outputs[0].polynomial.termCount);
    expect(termCount).toBe(model.outputs[0].polynomial.termCount - 1);
    expect(constant).toBe(model.outputs[0].polynomial.coefficients[0]);
    for (const term of terms) expect(term.effect).toBeCloseTo((-2) ** term.coordinates.length * term.coefficient, 12);
    const { confirmation, stability } = model.outputs[0].fit;
    const namesOf = (coordinates: readonly number[]): string =>
      coordinates.map((s) => model.outputs[0].polynomial.coordinates[s]).join();
    const named = (part: 'confirmed' | 'stability'): string[] =>
      terms.filter((term) => term[part] !== null).map((term) => term.coordinates.join());
    const shown = terms.map((term) => term.coordinates.join());
    const alsoShown = (some: readonly { readonly coordinates: readonly number[] }[]): string[] =>
      some.map(({ coordinates }) => namesOf(coordinates)).filter((name) => shown.includes(name));
    expect(named('confirmed').sort()).toEqual(alsoShown(confirmation?.terms ?? []).sort());
    expect(named('confirmed')).not.toEqual([]);
    expect(named('stability').sort()).toEqual(alsoShown(stability).sort());
    expect(named('stability')).toEqual(shown);
  });

  it('has every candidate once, and marks the lowest', async () => {
    const { model, report } = await reported(numbers);
    const { candidates } = model.outputs[0].fit.selection;
    const points = report.outputs[0].curves.flatMap((curve) => curve.points);
    expect(points.map(({ mse }) => mse).sort()).toEqual(candidates.map(({ mse }) => mse).sort());
    const chosen = points.filter((point) => point.chosen);
    expect(chosen).toHaveLength(1);
    expect(chosen[0].mse).toBe(Math.min(...candidates.map(({ mse }) => mse)));
    for (const curve of report.outputs[0].curves) {
      const lambdas = curve.points.map(({ lambda }) => lambda);
      expect(lambdas).toEqual([...lambdas].sort((a, b) => a - b));
    }
  });

  it('draws every test row, whose squared errors give the test its figure', async () => {
    const { model, report } = await reported(numbers);
    const picture = report.picture as NumbersPicture;
    expect(picture.points).toHaveLength(80);
    const mse = picture.points.reduce((sum, { actual, predicted }) => sum + (actual - predicted) ** 2, 0) / 80;
    expect(mse).toBeCloseTo(model.training.test?.mse ?? Number.NaN, 12);
    expect(picture.groups.map((group) => group.rowCount)).toEqual(new Array(10).fill(8));
    const mean = picture.groups.reduce((sum, group) => sum + group.meanActual * group.rowCount, 0) / 80;
    expect(mean).toBeCloseTo(picture.points.reduce((sum, { actual }) => sum + actual, 0) / 80, 12);
  });

  it('learned as logarithms is drawn in its own unit', async () => {
    const { report, testRows } = await reported(numbers.map(Math.exp), { targetTransform: 'log' });
    const picture = report.picture as NumbersPicture;
    expect(picture.scale).toBe('log');
    picture.points.forEach(({ actual, predicted }, i) => {
      expect(Math.log(actual)).toBeCloseTo(testRows?.target[i] ?? Number.NaN, 12);
      expect(predicted).toBe(testRows?.prediction.numbers?.[i]);
    });
  });

  it.each(['none', 'log'] as const)('many rows become cells that hold them all (transform %s)', async (transform) => {
    const random = createRandom(8);
    const target = Float64Array.from({ length: 4000 }, () => random.normal());
    const values = target.map((value) => value + random.normal());
    const { model } = await reported(numbers);
    const spec = { kind: 'regression', column: 'y', transform } as const;
    const prediction = { values: [values], numbers: transform === 'log' ? values.map(Math.exp) : values };
    prediction.numbers[17] = Number.POSITIVE_INFINITY;
    const picture = fitReport({ ...model, target: spec }, { target, prediction }).picture as NumbersPicture;
    expect(picture.points).toEqual([]);
    expect(picture.undrawnCount).toBe(1);
    expect(picture.cells.reduce((sum, cell) => sum + cell.rowCount, 0)).toBe(3999);
    const unit = (value: number): number => (transform === 'log' ? Math.exp(value) : value);
    for (const cell of picture.cells) {
      const inside = Array.from(target.keys()).filter((i) => {
        const [actual, predicted] = [unit(target[i]), prediction.numbers[i]];
        const within = (value: number, low: number, high: number): boolean =>
          value >= low - 1e-9 * Math.abs(low) && value <= high + 1e-9 * Math.abs(high);
        return (
          within(actual, cell.actualLow, cell.actualHigh) && within(predicted, cell.predictedLow, cell.predictedHigh)
        );
      });
      expect(inside.length).toBe(cell.rowCount);
    }
  });
});

/** Area under a polyline. */
function trapezoids(roc: readonly { falsePositiveShare: number; truePositiveShare: number }[]): number {
  return roc.slice(1).reduce((sum, point, i) => {
    const width = point.falsePositiveShare - roc[i].falsePositiveShare;
    return sum + (width * (point.truePositiveShare + roc[i].truePositiveShare)) / 2;
  }, 0);
}

describe('a report of classes', () => {
  it('of two has a ROC curve over the area of the test, and bins that hold every row', async () => {
    const { model, report, testRows } = await reported(two);
    const picture = report.picture as ClassesPicture;
    const { test } = model.training;
    expect(picture.classes).toHaveLength(1);
    const [{ name, auc, roc, reliability, positiveCount }] = picture.classes;
    expect(name).toBe('on');
    expect(auc).toBe(test?.auc);
    expect(trapezoids(roc)).toBeCloseTo(test?.auc ?? Number.NaN, 12);
    expect(roc[0]).toEqual({ falsePositiveShare: 0, truePositiveShare: 0 });
    expect(roc.at(-1)).toEqual({ falsePositiveShare: 1, truePositiveShare: 1 });
    expect(reliability.reduce((sum, bin) => sum + bin.rowCount, 0)).toBe(80);
    expect(reliability.reduce((sum, bin) => sum + bin.positiveCount, 0)).toBe(positiveCount);
    for (const bin of reliability) {
      expect(bin.meanProbability).toBeGreaterThanOrEqual(bin.from);
      expect(bin.meanProbability).toBeLessThanOrEqual(bin.to);
      expect(bin.low).toBeLessThanOrEqual(bin.share);
      expect(bin.high).toBeGreaterThanOrEqual(bin.share);
    }
    const { counts } = picture.confusion;
    expect((counts[0][0] + counts[1][1]) / 80).toBeCloseTo(test?.accuracy ?? Number.NaN, 12);
    const said = testRows?.prediction.classes ?? [];
    const wrong = said.filter((text, i) => text === 'on' && testRows?.target[i] === 1).length;
    expect(counts[1][0]).toBe(wrong);
  });

  it('of three has effects toward each class, a curve for each, and one matrix', async () => {
    const { model, report } = await reported(three);
    const picture = report.picture as ClassesPicture;
    expectInteractions(report, model);
    expect(report.outputs.map(({ outputClass }) => outputClass)).toEqual(['is oval', 'is round', 'is square']);
    expect(picture.classes.map(({ name }) => name).sort()).toEqual(['is oval', 'is round', 'is square']);
    const areas = picture.classes.map(({ auc }) => auc ?? Number.NaN);
    expect(areas.reduce((sum, area) => sum + area, 0) / 3).toBeCloseTo(model.training.test?.auc ?? Number.NaN, 12);
    const { counts, names } = picture.confusion;
    expect(names).toEqual(['is oval', 'is round', 'is square']);
    const right = counts.reduce((sum, row, i) => sum + row[i], 0);
    expect(right / 80).toBeCloseTo(model.training.test?.accuracy ?? Number.NaN, 12);
    expect(counts.flat().reduce((sum, count) => sum + count, 0)).toBe(80);
  });

  it('thins a long curve, keeps its ends, and says so', async () => {
    const { model } = await reported(two);
    const random = createRandom(2);
    const target = Float64Array.from({ length: 3000 }, () => random.integer(2));
    const positive = target.map((value) => (value === 0 ? 0.7 : 0.3) * random.uniform());
    const weights = target.map(() => random.uniform());
    const prediction = {
      values: [positive],
      probabilities: [positive, positive.map((p) => 1 - p)],
      classes: Array.from(positive, (p) => (p > 0.5 ? 'on' : 'maybe')),
    };
    const [curve] = (fitReport(model, { target, weights, prediction }).picture as ClassesPicture).classes;
    expect(curve.thresholdCount).toBe(3000);
    expect(curve.roc).toHaveLength(201);
    const isPositive = Uint8Array.from(target, (value) => (value === 0 ? 1 : 0));
    expect(curve.auc).toBe(areaUnderCurve(isPositive, positive, weights));
    expect(trapezoids(curve.roc)).toBeCloseTo(curve.auc ?? Number.NaN, 2);
    expect(curve.roc.at(-1)).toEqual({ falsePositiveShare: 1, truePositiveShare: 1 });
  });

  it('has no curve where the test has one class only', async () => {
    const { model } = await reported(two);
    const probabilities = [new Float64Array([0.2, 1]), new Float64Array([0.8, 0])];
    const rows = {
      target: new Float64Array([1, 1]),
      prediction: { values: [], probabilities, classes: ['maybe', 'on'] },
    };
    const picture = fitReport(model, rows).picture as ClassesPicture;
    expect(picture.classes[0]).toMatchObject({ auc: null, roc: [], positiveCount: 0, negativeCount: 2 });
    expect(picture.classes[0].reliability.map((bin) => bin.from)).toEqual([0.2, 0.9]);
    expect(picture.confusion.counts).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it('merges rare ones of many', async () => {
    const { model } = await reported(three);
    const classes = Array.from({ length: 20 }, (_, k) => `class ${String(k).padStart(2, '0')}`);
    // Class k has k + 1 rows, each said to be the next class.
    const truth = classes.flatMap((_, k) => new Array<number>(k + 1).fill(k));
    const probabilities = classes.map(() => new Float64Array(truth.length).fill(0.05));
    const rows = {
      target: Float64Array.from(truth),
      prediction: { values: [], probabilities, classes: truth.map((k) => classes[(k + 1) % 20]) },
    };
    const picture = fitReport({ ...model, target: { kind: 'multiclass', column: 'y', classes } }, rows)
      .picture as ClassesPicture;
    expect(picture.undrawnClassCount).toBe(12);
    expect(picture.classes[0].name).toBe('class 19');
    const { names, counts, mergedCount } = picture.confusion;
    expect(mergedCount).toBe(9);
    expect(names).toEqual([...classes.slice(9), '9 other classes']);
    expect(counts.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual([
      ...Array.from({ length: 11 }, (_, i) => i + 10),
      45,
    ]);
    // Of the rare classes, the largest is taken for the smallest that is kept; the largest kept one for a rare one.
    expect(counts[11][0]).toBe(9);
    expect(counts[10][11]).toBe(20);
  });
});

describe('confirmation and stability', () => {
  it('stand beside their terms in the unit of effects, the ends in order', async () => {
    const { model } = await reported(two);
    const [output] = model.outputs;
    const [leading] = fitReport(model).outputs[0].terms;
    const coordinates = leading.coordinates.map((name) => output.polynomial.coordinates.indexOf(name));
    const other = [output.polynomial.coordinates.length - 1];
    const named = fitReport(model).outputs[0].terms.map((term) => term.coordinates.join());
    const confirmation = {
      ...({ choosingRowCount: 100, confirmingRowCount: 50, interval: 'normal', confidence: 0.95 } as const),
      simultaneous: true,
      terms: [
        { coordinates: [], estimate: 1, standardError: 1, low: 0, high: 2 },
        { coordinates, estimate: 0.3, standardError: 0.05, low: 0.2, high: 0.4 },
        { coordinates: other, estimate: -0.1, standardError: 0.05, low: -0.2, high: 0 },
      ],
      collinear: [[0, 1]],
      unsupported: [[2]],
      target: 'what they are for',
    } as const;
    const stability = [{ coordinates, selectedShare: 0.6, sameSignShare: 0.8, minimum: -0.1, maximum: 0.5 }];
    const report = fitReport({ ...model, outputs: [{ ...output, fit: { ...output.fit, confirmation, stability } }] });
    const [{ terms, confirmation: said }] = report.outputs;
    const factor = -0.5 * (-2) ** coordinates.length;
    const ends = [0.2 * factor, 0.4 * factor].sort((a, b) => a - b);
    expect(terms[0].confirmed?.effect).toBeCloseTo(0.3 * factor, 12);
    expect(terms[0].confirmed?.low).toBeCloseTo(ends[0], 12);
    expect(terms[0].confirmed?.high).toBeCloseTo(ends[1], 12);
    expect(terms[0].stability).toMatchObject({ share: 0.6, sameSignShare: 0.8 });
    const range = [-0.1 * factor, 0.5 * factor].sort((a, b) => a - b);
    expect(terms[0].stability?.lowest).toBeCloseTo(range[0], 12);
    expect(terms[0].stability?.highest).toBeCloseTo(range[1], 12);
    expect(said).toMatchObject({ termCount: 2, confirmingRowCount: 50 });
    const otherName = output.polynomial.coordinates[other[0]];
    expect(named).not.toContain(otherName);
    expect(said?.others.map((term) => term.coordinates)).toEqual([[otherName]]);
    // Beside its estimate stands what the model has for it.
    const own = termList(output.polynomial).find((term) => term.coordinates.join() === other.join());
    expect(said?.others[0].effect).toBeCloseTo(own?.coefficient ?? 0, 12);
    expect(said?.others[0].confirmed?.effect).toBeCloseTo(-0.1, 12);
    expect(said?.leftOutCount).toBe(0);
    expect(said?.unsupported).toEqual([[output.polynomial.coordinates[2]]]);
    expect(said?.collinear).toEqual([[output.polynomial.coordinates[0], output.polynomial.coordinates[1]]]);
  });
});

describe('a large report', () => {
  it('leaves columns and terms out and counts them', async () => {
    const random = createRandom(1);
    const wide = Object.fromEntries(
      Array.from({ length: 40 }, (_, j) => [`c${j}`, Array.from({ length: 300 }, () => random.integer(2))]),
    );
    const y = wide.c0.map((value, i) => value + wide.c1[i] + random.normal());
    const { model } = await fitTable(memoryTable({ ...wide, y }), {
      target: 'y',
      degree: 2,
      method: 'ridge',
      folds: 2,
    });
    const report = fitReport(model);
    expect(report.picture).toBeNull();
    expect(report.interactions.columns).toHaveLength(15);
    expect(report.interactions.leftOutCount).toBe(25);
    expectInteractions(report, model);
    expect(report.outputs[0].terms).toHaveLength(20);
    expect(report.influences).toHaveLength(40);
    expect(fitReport(model, null, { terms: 3, interactionColumns: 2 }).outputs[0].terms).toHaveLength(3);
  });
});
