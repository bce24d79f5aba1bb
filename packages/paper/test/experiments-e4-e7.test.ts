/** E4 to E7 at tiny scale: verdicts, that they are computed (a wrong bound flips them), and that a seed fixes the result. */
import { describe, expect, it } from 'vitest';
import { experiment as e4 } from '../src/e4.ts';
import { experiment as e5 } from '../src/e5.ts';
import { experiment as e6 } from '../src/e6.ts';
import { experiment as e7 } from '../src/e7.ts';
import type { ExperimentResult } from '../src/experiment.ts';

const experiments = [e4, e5, e6, e7];
const results = new Map<string, Promise<ExperimentResult>>();

function tiny(experiment: (typeof experiments)[number]): Promise<ExperimentResult> {
  const result = results.get(experiment.id) ?? experiment.run({ scale: 'tiny' });
  results.set(experiment.id, result);
  return result;
}

const verdicts = ({ claims }: ExperimentResult): string[] => claims.map((claim) => claim.verdict);

/** Of the series of one name or of all whose name starts so, the heights. */
function heights(result: ExperimentResult, figure: number, start: string): number[] {
  return result.figures[figure].series
    .filter(({ name }) => name.startsWith(start))
    .flatMap(({ points }) => points.map(({ y }) => y));
}

describe('experiments E4 to E7', () => {
  it.each([
    [e4, ['holds', 'holds', 'holds', 'holds', 'holds']],
    [e5, ['holds', 'holds', 'holds', 'consistent with']],
    [e6, ['holds', 'holds', 'holds', 'consistent with']],
    [e7, ['consistent with', 'consistent with', 'consistent with', 'consistent with', 'consistent with', 'holds']],
  ] as const)('$id comes to its verdicts', async (experiment, expected) => {
    const result = await tiny(experiment);
    expect(result.id).toBe(experiment.id);
    expect(verdicts(result)).toEqual(expected);
  });

  it.each(experiments)('$id: every verdict flips when its bound is made wrong', async (experiment) => {
    const wrong = await experiment.run({ scale: 'tiny', boundFactor: 1e-3 });
    for (const claim of wrong.claims) {
      expect(`${claim.statement}: ${claim.verdict}`).toMatch(/: (does not hold|not consistent with)$/);
    }
  });

  it.each(experiments)('$id: the same seed gives the same result, another seed other numbers', async (experiment) => {
    const first = await tiny(experiment);
    expect(await experiment.run({ scale: 'tiny', seed: 1, threads: 2 })).toEqual(first);
    const other = await experiment.run({ scale: 'tiny', seed: 2 });
    expect(other.figures).not.toEqual(first.figures);
    expect(verdicts(other)).toEqual(verdicts(first));
  });

  it.each(experiments)('$id: figures can be drawn and intervals contain their values', async (experiment) => {
    const { figures, notes } = await tiny(experiment);
    expect(notes.length).toBeGreaterThan(0);
    for (const figure of figures) {
      expect(figure.seen).not.toMatch(/NaN|undefined|Infinity/);
      for (const { name, points } of figure.series) {
        for (const { x, y, low = y, high = y } of points) {
          expect([x, y, low, high].every(Number.isFinite), `${figure.title}: ${name}`).toBe(true);
          expect(low <= y && y <= high, `${figure.title}: ${name}`).toBe(true);
          if (figure.x.scale === 'log') expect(x).toBeGreaterThan(0);
        }
      }
    }
  });

  it.each(experiments)('$id can be stopped', async (experiment) => {
    await expect(experiment.run({ scale: 'tiny', signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  it('E4: the extremal parity meets the certificate exactly', async () => {
    const { claims } = await tiny(e4);
    expect(claims[0].largestRatio).toBeCloseTo(1, 12);
  });

  it('E6: the published index set makes a constant', async () => {
    const { notes } = await tiny(e6);
    expect(notes[0]).toContain('|S| = 3: the printed network has mean 0 (range 0 to 0)');
    expect(notes[0]).toContain('|S| = 4: the printed network has mean 1 (range 1 to 1)');
    expect(notes[0].match(/with a = \|S\| mod 4 the error is 0[;.]/g)).toHaveLength(2);
  });

  it('E7: what is found is below every proven bound and called a lower estimate', async () => {
    const result = await tiny(e7);
    result.figures.forEach((figure, f) => {
      const found = figure.series[0];
      expect(found.kind).toBe('lower estimate');
      for (const name of ['Theorem 5.3, explicit', 'Theorem B', 'classical', 'trivial']) {
        heights(result, f, name).forEach((bound, i) => {
          expect(found.points[i].y).toBeLessThanOrEqual(bound);
        });
      }
    });
  });
});
