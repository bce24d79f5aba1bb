/** The library examples: what they print, held against what is known without them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CubePoints,
  cubePointsFromRows,
  encoderCoordinates,
  type Model,
  memoryTable,
  predictPoints,
  type SparseNetwork,
} from '@fewfire/core';
import { activeSet, bitAt, evaluateNetworkReference } from '@fewfire/core/internal';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { root, votes } from './run.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs an example as a program, by importing it. */
async function runExample<Exports>(name: string): Promise<{ lines: readonly string[]; exports: Exports }> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => {
    lines.push(String(line));
  });
  const exports = (await import(join(root, 'examples', name))) as Exports;
  return { lines, exports };
}

const numbersIn = (line: string): number[] => Array.from(line.matchAll(/-?\d+(?:\.\d+)?/g), ([text]) => Number(text));

describe('fit-a-table.ts', () => {
  it('gives the exact binomial interval, the vote that tells the party, and predictions', async () => {
    const { lines } = await runExample('fit-a-table.ts');
    const [accuracy, rowCount, , low, high] = numbersIn(lines[0]);
    const right = Math.round(accuracy * rowCount);
    expect(rowCount).toBe(87); // a fifth of 435
    // Clopper-Pearson: at each end the observation is just in a tail of 2.5 %. Three digits were printed.
    const tail = (share: number, from: number, to: number): number => {
      let sum = 0;
      for (let count = from; count <= to; count++) sum += binomial(rowCount, count, share);
      return sum;
    };
    expect(tail(low - 5e-4, right, rowCount)).toBeLessThan(0.025);
    expect(tail(low + 5e-4, right, rowCount)).toBeGreaterThan(0.025);
    expect(tail(high + 5e-4, 0, right)).toBeLessThan(0.025);
    expect(tail(high - 5e-4, 0, right)).toBeGreaterThan(0.025);

    const [header, ...rows] = readFileSync(votes, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    // By how many rows each vote alone tells the party, yes for one and everything else for the other.
    const told = header.slice(0, -1).map((_, j) => {
      const agree = rows.filter((row) => (row[j] === 'y') === (row[16] === 'republican')).length;
      return Math.max(agree, rows.length - agree);
    });
    const best = header[told.indexOf(Math.max(...told))];
    const confirmed = lines.filter((line) => line.endsWith('confirmed') && !line.includes('constant:'));
    expect(confirmed[0]).toContain(`  ${best}: `);
    expect(numbersIn(lines[1])[0]).toBe(218); // half of 435, rounded up

    const predicted = lines.filter((line) => line.startsWith('row '));
    const parties = rows.slice(0, 5).map((row) => row[16]);
    expect(predicted).toEqual(parties.map((party, i) => `row ${i + 1}: predicted ${party}, is ${party}`));
  });
});

function binomial(n: number, k: number, p: number): number {
  let log = k * Math.log(p) + (n - k) * Math.log1p(-p);
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return Math.exp(log);
}

describe('sparse-terms.ts', () => {
  it('finds the planted terms and nothing else, tells its progress and stops', async () => {
    const { lines } = await runExample('sparse-terms.ts');
    // 1 + 40 + 780 + 9,880 monomials; four of them besides the constant.
    expect(lines[0]).toBe('4 of 10,701 monomials chosen');
    const found = new Map(
      lines.slice(1, 6).map((line) => {
        const [coefficient, ...names] = line.trim().split(' ');
        return [names.join(' '), Number(coefficient)];
      }),
    );
    const planted = { '(constant)': 0.5, x3: 1, 'x7 x21': -1.5, 'x0 x11 x38': 2, 'x14 x15 x16': -0.75 };
    expect([...found.keys()].sort()).toEqual(Object.keys(planted).sort());
    // Five standard errors of least squares: noise 0.3 on 800 rows.
    for (const [term, coefficient] of Object.entries(planted)) {
      expect(Math.abs((found.get(term) as number) - coefficient)).toBeLessThan((5 * 0.3) / Math.sqrt(800));
    }
    expect(lines[6]).toMatch(/optimal up to 1e-8$/);
    expect(lines[7]).toMatch(/^progress told of: \w/);
    expect(lines[8]).toBe('stopped: AbortError');
  });
});

describe('explain-rows.ts', () => {
  it('prints the Shapley values of the game over columns', async () => {
    const { lines, exports } = await runExample<{ model: Model; points: CubePoints }>('explain-rows.ts');
    const { model, points } = exports;
    const columns = model.encoder.columns.map(({ column }) => column);
    const blocks = lines.flatMap((line, at) => (line.startsWith('log Salary') ? [at] : []));
    expect(blocks).toHaveLength(4);
    const everyRow = Array.from({ length: points.rowCount }, (_, row) => row);
    for (const [block, at] of blocks.entries()) {
      const row = block % 2 === 0 ? 0 : 2;
      const [value, base] = numbersIn(lines[at]);
      expect(lines[at]).toContain(block < 2 ? 'against all-no' : 'against average');
      const game = await coalitionValues(model, points, row, block < 2 ? undefined : everyRow);
      expect(base).toBeCloseTo(game[0], 3);
      expect(value).toBeCloseTo(game[game.length - 1], 3);
      columns.forEach((column, j) => {
        const line = lines[at + 1 + j];
        expect(line).toMatch(new RegExp(`^ {2}${column} `));
        expect(numbersIn(line)[0]).toBeCloseTo(shapleyValue(game, j), 3);
      });
    }
  });
});

/** Value of every set of columns (by its bits): they answer as the row does, the others as the baseline, on average. */
async function coalitionValues(
  model: Model,
  points: CubePoints,
  row: number,
  background: readonly number[] | undefined,
): Promise<number[]> {
  const groups = encoderCoordinates(model.encoder).map(({ group }) => group);
  const game: number[] = [];
  for (let set = 0; set < 2 ** model.encoder.columns.length; set++) {
    const mixed = (background ?? [-1]).map((other) =>
      groups.map((group, s) => {
        if ((set >> group) & 1) return bitAt(points, row, s);
        return other < 0 ? 0 : bitAt(points, other, s);
      }),
    );
    const { values } = await predictPoints(model, cubePointsFromRows(mixed));
    game.push(values[0].reduce((sum, value) => sum + value, 0) / mixed.length);
  }
  return game;
}

// The mean over orders of the players: |S|! (p - |S| - 1)! / p! for every set S without the player.
function shapleyValue(game: readonly number[], player: number): number {
  const p = Math.log2(game.length);
  const factorial = (k: number): number => (k <= 1 ? 1 : k * factorial(k - 1));
  let sum = 0;
  for (let set = 0; set < game.length; set++) {
    if ((set >> player) & 1) continue;
    const size = set.toString(2).replaceAll('0', '').length;
    const share = (factorial(size) * factorial(p - size - 1)) / factorial(p);
    sum += share * (game[set | (1 << player)] - game[set]);
  }
  return sum;
}

describe('best-configuration.ts', () => {
  it('finds the best of all configurations, both ways', async () => {
    const { lines, exports } = await runExample<{ model: Model }>('best-configuration.ts');
    const { model } = exports;
    // Every answer a cell can give, the reference first: numbers by one number of each interval.
    const answers = model.encoder.columns.map(({ coding }) => {
      if (coding.kind === 'two-valued') return [coding.no, coding.yes];
      if (coding.kind === 'categories') return [coding.reference, ...coding.values];
      return [coding.above[0] - 1, ...coding.above.map((above, j) => (above + (coding.above[j + 1] ?? above + 2)) / 2)];
    });
    const names = model.encoder.columns.map(({ column }) => column);
    let all: (string | number | null)[][] = [[]];
    for (const each of answers) all = all.flatMap((start) => each.map((answer) => [...start, answer]));
    const country = names.indexOf('Country');
    const allowed = all.filter((cells) => {
      const changed = cells.filter((cell, j) => j !== country && cell !== answers[j][0]).length;
      return cells[country] === 'India' && changed <= 2;
    });
    const table = memoryTable(Object.fromEntries(names.map((name, j) => [name, allowed.map((cells) => cells[j])])));
    const { points } = await table.encode(model.encoder);
    const { numbers = new Float64Array() } = await predictPoints(model, points);
    const most = Math.max(...numbers);
    const best = allowed[numbers.indexOf(most)];
    const changed = names.filter((_, j) => best[j] !== answers[j][0]);
    expect(changed.length).toBeGreaterThan(1);

    for (const [method, proof] of [
      ['enumerate', 'enumerated (exact)'],
      ['milp', 'solver optimum'],
    ]) {
      const at = lines.indexOf(`${method}: Salary ${most.toFixed(0)}, ${proof}`);
      expect(at).toBeGreaterThanOrEqual(0);
      const shown = lines.slice(at + 1, at + 1 + changed.length).map((line) => line.trim().split(' ')[0]);
      expect(shown).toEqual(changed);
    }
  });
});

describe('certify-a-network.ts', () => {
  it('proves what counting and the transform of all points show', async () => {
    const { lines, exports } = await runExample<{ network: SparseNetwork }>('certify-a-network.ts');
    const { network } = exports;
    const n = network.inputCount;
    const rows = Array.from({ length: 2 ** n }, (_, x) => Array.from({ length: n }, (_, i) => (x >> i) & 1));
    const points = cubePointsFromRows(rows);
    const most = rows.reduce((k, _, row) => Math.max(k, activeSet(network, points, row).length), 0);
    expect(lines.slice(0, 3)).toEqual([
      '16 units on 16 inputs',
      `active together: ${most} to ${most}, exact, by sweep`,
      'checked by other code: everything verified',
    ]);
    // Weight by degree, from the plain Walsh-Hadamard transform of all values.
    const spectrum = Array.from(evaluateNetworkReference(network, points), (value) => value / 2 ** n);
    for (let step = 1; step < spectrum.length; step *= 2) {
      for (let x = 0; x < spectrum.length; x++) {
        if (x & step) continue;
        const [a, b] = [spectrum[x], spectrum[x + step]];
        [spectrum[x], spectrum[x + step]] = [a + b, a - b];
      }
    }
    const beyond = (degree: number): number =>
      spectrum.reduce((sum, c, set) => sum + (set.toString(2).replaceAll('0', '').length > degree ? c * c : 0), 0);
    for (const degree of [1, 2]) {
      const line = lines.find((each) => each.startsWith(`weight beyond degree ${degree}: `)) as string;
      expect(line).toMatch(/\(bound\)$/);
      const [, weight, most] = numbersIn(line);
      expect(weight).toBeCloseTo(beyond(degree), 3);
      expect(most).toBeGreaterThanOrEqual(beyond(degree));
    }
    const [sufficient, inputs, error] = numbersIn(lines[lines.length - 1]);
    expect(sufficient).toBeLessThan(inputs);
    expect(beyond(sufficient)).toBeLessThanOrEqual(error / 2);
  });
});
