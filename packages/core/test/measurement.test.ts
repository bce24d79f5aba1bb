/** Measures of rows that come in parts, beside their definitions over all rows at once. */
import { describe, expect, it } from 'vitest';
import { createRandom, meanWithError } from '../src/base/index.ts';
import {
  accuracy,
  areaOfScores,
  areaUnderCurve,
  logLoss,
  meanSquaredError,
  multiclassLogLoss,
  plattProbability,
  rSquared,
  studentQuantile,
  weightedMean,
} from '../src/learn/index.ts';
import { createMeasurement, type Measured, measure } from '../src/model/measurement.ts';

const random = createRandom(11);
const ROWS = 500;
const numbers = (scale: number): Float64Array => Float64Array.from({ length: ROWS }, () => scale * random.normal());
const weights = Float64Array.from({ length: ROWS }, () => 3 * random.uniform());
const clusters = Uint32Array.from({ length: ROWS }, () => random.integer(40));
const platt = { kind: 'platt', rowCount: 10, slope: 1.7, intercept: -0.2 } as const;

function inParts(
  measured: Measured,
  rows: Parameters<typeof measure>[1],
  values: readonly Float64Array[],
  size: number,
) {
  const measurement = createMeasurement(measured, ROWS);
  for (let start = 0; start < ROWS; start += size) {
    const cut = <T extends Float64Array | Uint32Array>(list: T | undefined): T | undefined =>
      list?.slice(start, start + size) as T | undefined;
    measurement.add(
      { target: rows.target.slice(start, start + size), weights: cut(rows.weights), clusters: cut(rows.clusters) },
      values.map((vector) => vector.slice(start, start + size)),
    );
  }
  return measurement.result();
}

const kinds = { plain: {}, weights: { weights }, clusters: { clusters }, both: { weights, clusters } };

describe.each(Object.entries(kinds))('rows in parts, %s', (_, labels) => {
  const weightsOf = 'weights' in labels ? labels.weights : undefined;
  const verdict = (gains: Float64Array): boolean => {
    const { mean, standardError, degreesOfFreedom } = meanWithError(gains, labels);
    return mean > studentQuantile(0.0455, degreesOfFreedom) * standardError;
  };

  it('a number', () => {
    // Far from zero, where the difference of two squares has no digits left.
    const target = numbers(1).map((value) => 1e6 + value);
    const values = [target.map((value, i) => value + 0.5 * Math.sin(i))];
    const measured: Measured = {
      target: { kind: 'regression', column: 'y', transform: 'none' },
      loss: 'squared',
      calibrations: [{ kind: 'none' }],
      targetMeans: [1e6],
    };
    for (const size of [1, 7, 499, 500]) {
      const found = inParts(measured, { target, ...labels }, values, size);
      expect(found.mse).toBeCloseTo(meanSquaredError(target, values[0], weightsOf), 10);
      expect(found.r2).toBeCloseTo(rSquared(target, values[0], weightsOf), 8);
      expect(found.baseline.mse).toBeCloseTo(
        meanSquaredError(
          target,
          target.map(() => 1e6),
          weightsOf,
        ),
        8,
      );
      expect(found.sampleCount).toBe(ROWS);
      expect(found.betterThanConstant).toBe(
        verdict(target.map((value, i) => (value - 1e6) ** 2 - (value - values[0][i]) ** 2)),
      );
      expect(found.effectiveCount === undefined).toBe(weightsOf === undefined);
      expect(found.groupCount).toBe('clusters' in labels ? new Set(clusters).size : undefined);
    }
  });

  it('two classes, with ties among the probabilities', () => {
    const target = Float64Array.from({ length: ROWS }, () => random.integer(2));
    const values = [Float64Array.from(target, (truth) => Math.round(4 * (truth - 0.5 + 0.6 * random.normal())) / 4)];
    const measured: Measured = {
      target: { kind: 'binary', column: 'y', positive: 'b', negative: 'a' },
      loss: 'squared',
      calibrations: [platt],
      targetMeans: [0.1],
    };
    const positive = Uint8Array.from(target, (value) => Number(value === 0));
    const probability = values[0].map((value) => plattProbability(platt, -value));
    for (const size of [3, 250, 500]) {
      const found = inParts(measured, { target, ...labels }, values, size);
      expect(found.accuracy).toBeCloseTo(accuracy(positive, probability, weightsOf), 12);
      expect(found.auc).toBeCloseTo(areaUnderCurve(positive, probability, weightsOf), 12);
      expect(found.logLoss).toBeCloseTo(logLoss(positive, probability, weightsOf), 12);
      expect(found.baseline.logLoss).toBeCloseTo(
        logLoss(
          positive,
          target.map(() => 0.45),
          weightsOf,
        ),
        12,
      );
      expect(found.baseline.accuracy).toBeCloseTo(
        accuracy(
          positive,
          target.map(() => 0.45),
          weightsOf,
        ),
        12,
      );
    }
  });

  it('several classes', () => {
    const classes = ['a', 'b', 'c'];
    const target = Float64Array.from({ length: ROWS }, () => random.integer(3));
    const values = classes.map((_, k) => target.map((truth) => (truth === k ? -0.4 : 0.4) + 0.5 * random.normal()));
    const measured: Measured = {
      target: { kind: 'multiclass', column: 'y', classes },
      loss: 'squared',
      calibrations: [platt, platt, platt],
      targetMeans: [0.3, 0.4, 0.3],
    };
    const chances = values.map((vector) => vector.map((value) => plattProbability(platt, -value)));
    const sums = target.map((_, i) => chances[0][i] + chances[1][i] + chances[2][i]);
    const probabilities = chances.map((chance) => chance.map((p, i) => p / sums[i]));
    const right = target.map((truth, i) => {
      const at = probabilities.map((probability) => probability[i]);
      return Number(at.indexOf(Math.max(...at)) === truth);
    });
    const found = inParts(measured, { target, ...labels }, values, 64);
    expect(found.accuracy).toBeCloseTo(weightedMean(right, weightsOf), 12);
    expect(found.logLoss).toBeCloseTo(multiclassLogLoss(target, probabilities, weightsOf), 12);
    const areas = classes.map((_, k) =>
      areaUnderCurve(
        Uint8Array.from(target, (truth) => Number(truth === k)),
        probabilities[k],
        weightsOf,
      ),
    );
    expect(found.auc).toBeCloseTo(weightedMean(areas), 12);
    const errors = classes.map((_, k) =>
      meanSquaredError(
        target.map((truth) => (truth === k ? -1 : 1)),
        values[k],
        weightsOf,
      ),
    );
    expect(found.mse).toBeCloseTo(errors[0] + errors[1] + errors[2], 12);
  });
});

it('a target that does not vary has no R2, whatever rounding says', () => {
  const target = new Float64Array(ROWS).fill(0.1);
  const measured: Measured = {
    target: { kind: 'regression', column: 'y', transform: 'none' },
    loss: 'squared',
    calibrations: [{ kind: 'none' }],
    targetMeans: [0.3],
  };
  const rows = { target };
  expect(measure(measured, rows, [numbers(1)]).r2).toBe(null);
  expect(measure({ ...measured, targetMeans: [0.1] }, rows, [numbers(1)]).r2).toBe(null);
});

it('the area of scores counts pairs, ties half', () => {
  for (let trial = 0; trial < 50; trial++) {
    const score = Float64Array.from({ length: 1 + random.integer(30) }, () => random.integer(6));
    const positive = Uint8Array.from(score, () => random.integer(2));
    const of = (k: number): Float64Array => score.filter((_, i) => positive[i] === k);
    let pairs = 0;
    for (const p of of(1)) for (const n of of(0)) pairs += p > n ? 1 : p === n ? 0.5 : 0;
    const expected = pairs / (of(1).length * of(0).length);
    expect(areaOfScores(of(1), of(0))).toBe(expected);
    expect(areaUnderCurve(positive, score)).toBe(expected);
  }
});

it.each([
  ['few different ones', 7],
  ['more than are counted together', 2 ** 15],
])('the area of many scores, %s', (_, differentCount) => {
  const rowCount = 40_000;
  const target = Float64Array.from({ length: rowCount }, () => random.integer(2));
  const values = Float64Array.from(target, (truth) => {
    return (random.integer(differentCount) + truth * differentCount * 0.3) / differentCount;
  });
  expect(new Set(values).size > 2 ** 14).toBe(differentCount > 2 ** 14);
  const measured: Measured = {
    target: { kind: 'binary', column: 'y', positive: 'b', negative: 'a' },
    loss: 'squared',
    calibrations: [platt],
    targetMeans: [0.1],
  };
  const { auc } = measure(measured, { target }, [values]);
  const probability = values.map((value) => plattProbability(platt, -value));
  const positive = Uint8Array.from(target, (value) => Number(value === 0));
  expect(auc).toBe(areaUnderCurve(positive, probability));
});

describe('any figure that is better than the constant is enough', () => {
  const spec = { kind: 'binary', column: 'y', positive: 'b', negative: 'a' } as const;
  const verdict = (values: readonly number[], target: readonly number[], labels = {}, targetMean = 0.5): boolean =>
    measure(
      { target: spec, loss: 'squared', calibrations: [platt], targetMeans: [targetMean] },
      { target: Float64Array.from(target), ...labels },
      [Float64Array.from(values)],
    ).betterThanConstant;
  // A quarter of the rows are of the positive class, 0, whose values are low.
  const target = Array.from({ length: 60 }, (_, i) => Number(i % 4 !== 0));
  const noise = target.map((_, i) => Math.sin(7 * i * i));

  it('of squared error, and of none', () => {
    expect(
      verdict(
        target.map((truth) => (truth === 0 ? -0.9 : 0.9)),
        target,
      ),
    ).toBe(true);
    expect(verdict(noise, target)).toBe(false);
    expect(
      verdict(
        target.map(() => 0.5),
        target,
      ),
    ).toBe(false);
  });

  it('of accuracy and log-loss, where the values are far too large', () => {
    expect(
      verdict(
        target.map((truth) => (truth === 0 ? -9 : 9)),
        target,
      ),
    ).toBe(true);
  });

  it('of the area under the curve, where every probability is on one side', () => {
    const ranked = target.map((truth, i) => 4 + (truth === 0 ? -1 : 0) + 0.1 * noise[i]);
    expect(verdict(ranked, target)).toBe(true);
    // Of rows that belong together an area says nothing by itself.
    expect(verdict(ranked, target, { clusters: Uint32Array.from(target, (_, i) => i % 30) })).toBe(false);
  });
});
