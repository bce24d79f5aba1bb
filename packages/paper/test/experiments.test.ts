/** Every experiment there is, at sizes for tests, and what is kept of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentResult } from '../src/experiment.ts';
import { EXPERIMENT_IDS, loadExperiment } from '../src/experiments.ts';
import { partText, readPart } from '../src/keep.ts';
import { publishedSlips } from '../src/slips.ts';
import { boundClaim } from '../src/verdict.ts';

const VERDICTS = ['holds', 'does not hold', 'consistent with', 'not consistent with'];

/** Experiments with times among their numbers, which no seed makes equal. */
const TIMED: readonly string[] = ['E5', 'E9'];

/** The one whose verdicts are about times: a busy machine may change them, so tests ask only that they are computed. */
const ABOUT_TIME = 'E9';

/** Claims about equality or about how networks look: they have no bound that could be wrong. */
const WITHOUT_BOUND: readonly string[] = [
  'Section 1: units that are not active do not matter for the output',
  'Appendix A: its weights are not sparse',
];

async function tiny(id: (typeof EXPERIMENT_IDS)[number], boundFactor?: number, seed = 3): Promise<ExperimentResult> {
  return (await loadExperiment(id)).run({ scale: 'tiny', seed, threads: 1, boundFactor });
}

describe.each(EXPERIMENT_IDS)('%s', (id) => {
  let result: ExperimentResult;
  beforeAll(async () => {
    result = await tiny(id);
  });

  it('measures, compares and draws', () => {
    expect(result.id).toBe(id);
    expect(result.seed).toBe(3);
    expect(result.claims.length).toBeGreaterThan(0);
    for (const { statement, measured, verdict } of result.claims) {
      expect(VERDICTS).toContain(verdict);
      // The paper and the new theorems are right as far as can be measured.
      if (id !== ABOUT_TIME) expect(`${statement}: ${verdict}`).toMatch(/: (holds|consistent with)$/);
      expect(measured).toMatch(/\d/);
      expect(`${statement} ${measured}`).not.toMatch(/NaN|undefined/);
    }
    for (const figure of result.figures) {
      expect(figure.series.some(({ points }) => points.length > 0)).toBe(true);
      expect(figure.seen).toMatch(/\d/);
      expect(figure.seen).not.toMatch(/NaN|undefined/);
    }
  });

  it('sees bounds that are wrong', async () => {
    const { claims } = await tiny(id, 1e-9);
    for (const { statement, verdict, largestRatio } of claims) {
      if (WITHOUT_BOUND.includes(statement)) expect(largestRatio).toBeUndefined();
      else expect(`${statement}: ${verdict}`).not.toMatch(/: holds$/);
    }
  });

  it('gives the same with the same seed', async () => {
    const again = await tiny(id);
    if (TIMED.includes(id)) {
      const settled = ({ claims, settings }: ExperimentResult) => ({
        settings,
        claims: claims.map(({ statement, verdict }) => [statement, id === ABOUT_TIME ? '' : verdict]),
      });
      expect(settled(again)).toEqual(settled(result));
    } else expect(again).toEqual(result);
  });

  it('stops when asked', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const experiment = await loadExperiment(id);
    await expect(experiment.run({ scale: 'tiny', signal: controller.signal })).rejects.toThrow('enough');
  });
});

describe('E1', () => {
  it('counts the same by layers as by listing', async () => {
    const { averageSensitivityFromValues, valuesOnCube } = await import('@fewfire/core/internal');
    const [, grown] = (await tiny('E1')).figures;
    // Majority of 3: p = 1/2, AS = 3 C(3,2) 2 / (3 2^4).
    const majority = await valuesOnCube(3, (x) => (x[0] + x[1] + x[2] > 0 ? 1 : 0));
    const and = await valuesOnCube(3, (x) => (x[0] + x[1] + x[2] > 2 ? 1 : 0));
    const bound = (q: number): number => q * Math.sqrt((3 * Math.log(1 / q)) / 2);
    const best = Math.max(
      averageSensitivityFromValues(majority) / bound(0.5),
      averageSensitivityFromValues(and) / bound(1 / 8),
    );
    expect(grown.series[0].points[0].y).toBeCloseTo(best, 12);
  });

  it('depends on the seed', async () => {
    expect(await tiny('E1', 1, 4)).not.toEqual(await tiny('E1', 1, 3));
  });
});

describe('verdicts', () => {
  const claim = (measured: number, bound: number, proven = true) =>
    boundClaim('s', [{ measured, bound }], 1, { proven, measured: String });

  it('follow the numbers', () => {
    expect(claim(1, 1).verdict).toBe('holds');
    expect(claim(1, 2)).toMatchObject({ verdict: 'holds', largestRatio: 0.5 });
    expect(claim(1 + 1e-6, 1).verdict).toBe('does not hold');
    expect(claim(1, 2, false).verdict).toBe('consistent with');
    expect(claim(3, 2, false).verdict).toBe('not consistent with');
    expect(claim(0, 0).verdict).toBe('holds');
    expect(claim(1, 0).verdict).toBe('does not hold');
    expect(claim(1, Number.POSITIVE_INFINITY).verdict).toBe('holds');
  });

  it('do not come from nothing, nor from what is no number', () => {
    expect(boundClaim('s', [], 1, { proven: true, measured: String }).verdict).toBe('does not hold');
    expect(claim(Number.NaN, 1).verdict).toBe('does not hold');
    expect(claim(1, Number.NaN).verdict).toBe('does not hold');
  });
});

describe('the slips', () => {
  it('show in the numbers', async () => {
    const [, parity, count] = await publishedSlips();
    expect(parity.evidence).toMatch(
      /0\.5, 0\.5, 0\.5, 0\.5, 0\.5, 0\.5 as printed .*: |0\.5, 0\.5, 0\.5, 0\.5, 0\.5, 0\.5 as printed/,
    );
    expect(parity.evidence).toContain('0, 0, 0, 0, 0, 0 as meant');
    expect(count.evidence).toMatch(/by the factor 0\.01, the corrected count by 1\./);
  });
});

describe('kept parts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fewfire-parts-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const key = { id: 'E1', scale: 'tiny', seed: 3, code: 'abc' } as const;
  const path = join(folder, 'part.json');

  it('come back as they were, infinities too', async () => {
    const result = await tiny('E1');
    const odd: ExperimentResult = {
      ...result,
      claims: [{ ...result.claims[0], largestRatio: Number.POSITIVE_INFINITY }],
    };
    writeFileSync(path, partText({ ...key, seconds: 1, result: odd }));
    expect((await readPart(path, key)).part?.result).toEqual(odd);
  });

  it.each([{ id: 'E2' }, { scale: 'quick' }, { seed: 4 }, { code: 'abd' }] as const)(
    'are not used for %o',
    async (other) => {
      writeFileSync(path, partText({ ...key, seconds: 1, result: await tiny('E1') }));
      expect((await readPart(path, key)).part).toBeDefined();
      const refused = await readPart(path, { ...key, ...other });
      expect(refused).toEqual({ part: undefined, refused: expect.stringMatching(/other code|another experiment/) });
    },
  );

  it.each(['', '{', '[]', '{"format":"fewfire-experiment-1","id":"E1","scale":"tiny","seed":3,"code":"abc"}'])(
    'that are broken are not used: %s',
    async (text) => {
      writeFileSync(path, text);
      expect((await readPart(path, key)).part).toBeUndefined();
    },
  );

  it('are not used with any one byte changed', async () => {
    const result: ExperimentResult = {
      id: 'E1',
      title: 'a',
      statement: 'b',
      settings: { rows: 12 },
      seed: 3,
      claims: [],
      figures: [],
      notes: ['5 of 7'],
    };
    const text = partText({ ...key, seconds: 1, result });
    let tried = 0;
    for (let i = 0; i < text.length; i++) {
      // White space and what JSON allows beside it do not matter.
      if (/\s/.test(text[i])) continue;
      for (const other of ['0', '7', 'x']) {
        if (text[i] === other) continue;
        writeFileSync(path, `${text.slice(0, i)}${other}${text.slice(i + 1)}`);
        expect(await readPart(path, key), `${other} at ${i}`).toEqual({ part: undefined, refused: expect.any(String) });
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(500);
    writeFileSync(path, text);
    expect((await readPart(path, key)).part?.result).toEqual(result);
  });
});
