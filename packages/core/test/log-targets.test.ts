/** Targets over hundreds of decades: predictions are finite, or refused with the reason; a factor from few rows is said. */
import { describe, expect, it } from 'vitest';
import { createRandom, fitTable, memoryTable, parseModel, predictPoints, serializeModel } from '../src/index.ts';
import { smearingSupport } from '../src/internal.ts';
import { noteTexts } from './helpers.ts';

function table(exponentOf: (a: number, b: number, uniform: number) => number) {
  const random = createRandom(12);
  const a = Array.from({ length: 300 }, () => random.integer(2));
  const b = a.map(() => random.integer(2));
  return memoryTable({ a, b, y: a.map((bit, i) => 10 ** exponentOf(bit, b[i], random.uniform())) });
}
const options = { target: 'y', targetTransform: 'log', degree: 1, method: 'low-degree', intervals: 'none' } as const;
const note = (notes: readonly string[]): string | undefined =>
  notes.find((text) => text.includes('multiplied by a factor'));

describe('the logarithm of a target', () => {
  it('that columns say nothing of, from 1e-300 to 1e300, is refused in words', async () => {
    await expect(
      fitTable(
        // Mostly small, so that the largest stand above their prediction by more decades than there are.
        table((_a, _b, u) => 600 * u ** 3 - 300),
        options,
      ),
    ).rejects.toMatchObject({
      code: 'invalid-data',
      message: expect.stringMatching(
        /^the logarithm of target "y" is predicted so far off .*fewer orders of magnitude/,
      ),
    });
  });

  it('that columns explain is predicted in its own unit', async () => {
    const rows = table((a, b, u) => (a === 1 ? 280 : -280) + 10 * b + u);
    const { model } = await fitTable(rows, options);
    const again = await parseModel(await serializeModel(model), 'm.json');
    const { points } = await rows.encode(again.encoder);
    const { numbers = [] } = await predictPoints(again, points);
    const y = await rows.numbers('y');
    y.forEach((value, i) => {
      expect(Math.abs(Math.log10(numbers[i] / value))).toBeLessThan(1.5);
    });
    expect(note(noteTexts(model))).toBeUndefined();
  });

  it('with a factor from few rows says so', async () => {
    const { model } = await fitTable(
      table((a, _b, u) => a + 40 * u),
      options,
    );
    expect(note(noteTexts(model))).toMatch(/a factor that rests on about [1-4](\.\d)? of 240 rows/);
  });

  it.each([
    [24, undefined],
    [25, expect.stringMatching(/a factor that rests on about 4\.9 of 240 rows/)],
  ])('over %i decades: said below five rows', async (decades, said) => {
    const { model } = await fitTable(
      table((a, _b, u) => a + decades * u),
      options,
    );
    expect(note(noteTexts(model))).toEqual(said);
  });

  it('where the value is beyond the largest double the prediction is that', async () => {
    const rows = table((a, b, u) => 150 * a + 150 * b + u);
    const { model } = await fitTable(rows, options);
    const [output] = model.outputs;
    const steep = {
      ...output,
      polynomial: { ...output.polynomial, coefficients: output.polynomial.coefficients.map((c) => 3 * c) },
    };
    const { points } = await rows.encode(model.encoder);
    const { numbers = [] } = await predictPoints({ ...model, outputs: [steep] }, points);
    expect(Math.max(...numbers)).toBe(Number.MAX_VALUE);
  });

  it('rows that weigh in the factor are counted by their ratios', () => {
    const zeros = new Float64Array(10);
    expect(smearingSupport(zeros, zeros)).toBeCloseTo(10, 12);
    expect(smearingSupport(Float64Array.of(0, 0, 900, 900), new Float64Array(4))).toBeCloseTo(2, 12);
    expect(smearingSupport(zeros, zeros, [1, 1, ...new Array(8).fill(0)])).toBeCloseTo(2, 12);
  });
});
