/** What the theory says of learning, with the commands alone: make, sample, fit, and the figures of plan and show. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandHost, temporaryFolder } from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

async function run(command: string): Promise<string> {
  const { code, stdout, stderr } = await hosted(command.split(' '));
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

interface FitJson {
  readonly test: { readonly mse: number; readonly baseline: { readonly mse: number } };
}

async function testError(data: string, degree: number, method: string): Promise<number> {
  const text = await run(`fit ${data} --target y --degree ${degree} --method ${method} --folds 3 --json`);
  return (JSON.parse(text) as FitJson).test.mse;
}

describe('a lifted parity (Theorem 1.3)', () => {
  it('is hard below half of |S|, and easy from there on', async () => {
    const net = inFolder('lifted.json');
    const data = inFolder('lifted.parquet');
    await run(`network make lifted-parity --bits 8 --subset-size 6 --seed 3 --quiet --out ${net}`);
    await run(`network sample ${net} --rows 20000 --out ${data}`);
    // Degree 2 in the pairs is degree 4 in the bits: every such polynomial has square error 1 or more.
    const two = await testError(data, 2, 'ridge');
    expect(two).toBeGreaterThan(0.99);
    expect(two).toBeLessThan(1.05);
    expect(await testError(data, 2, 'least-squares')).toBeGreaterThan(0.99);
    expect(await testError(data, 3, 'ridge')).toBeLessThan(1e-3);
  });

  it.each([
    [5, 4],
    [6, 6],
  ])('of %i bits, |S| = %i, is 1-sparse on its domain and not off it', async (bits, size) => {
    const net = inFolder(`lifted-${bits}.json`);
    await run(`network make lifted-parity --bits ${bits} --subset-size ${size} --quiet --out ${net}`);
    const own = JSON.parse(await run(`network certify ${net} --json`));
    expect(own).toMatchObject({ domain: { kind: 'lift', bitCount: bits }, kLower: 1, kUpper: 1, exact: true });
    const off = JSON.parse(await run(`network certify ${net} --domain cube --method sweep --json`));
    expect(off).toMatchObject({ domain: { kind: 'cube' }, exact: true, evidence: { method: 'sweep' } });
    expect(off.kLower).toBeGreaterThan(1);
    const certificate = inFolder(`lifted-${bits}.certificate.json`);
    await run(`network certify ${net} --domain cube --out ${certificate} --quiet`);
    expect(await run(`network verify ${certificate} ${net} --sweep`)).toContain('all verified');
  });
});

interface ShownTail {
  readonly degree: number;
  readonly tailWeight: number;
  readonly certificate: number;
}

async function tailsOf(net: string): Promise<readonly ShownTail[]> {
  return JSON.parse(await run(`network show ${net} --json`)).degreeCertificate.tails;
}

describe('a network made, sampled and fitted', () => {
  it('is recovered with the error that its degree certificate allows', async () => {
    const net = inFolder('tree.json');
    const data = inFolder('tree.csv');
    const noise = 0.1;
    await run(`network make decision-tree --inputs 10 --depth 2 --seed 3 --quiet --out ${net}`);
    const tails = await tailsOf(net);
    const epsilon = 2 * tails[4].certificate;
    const plan = JSON.parse(await run(`plan --network ${net} --epsilon ${epsilon} --json`));
    const row = plan.rows.find(({ statement }: { statement: string }) => statement === 'this network');
    expect(row).toMatchObject({ kind: 'bound', degree: 4 });
    // The certificate says something: it allows less than a constant is wrong by.
    expect(epsilon / 2).toBeLessThan(tails[0].tailWeight);
    await run(`network sample ${net} --rows ${row.regressionSampleCount} --noise-sd ${noise} --out ${data}`);
    const error = await testError(data, row.degree, 'least-squares');
    expect(error - noise ** 2).toBeLessThan(epsilon);
    // At degree 1 there is a tail, which show knows exactly.
    const one = await testError(data, 1, 'least-squares');
    expect(tails[1].tailWeight).toBeGreaterThan(0.01);
    expect(Math.abs(one - noise ** 2 - tails[1].tailWeight)).toBeLessThan(0.1 * (tails[1].tailWeight + noise ** 2));
    expect(tails[1].tailWeight).toBeLessThanOrEqual(tails[1].certificate);
  });

  it('meets the certificate with equality for the extremal family', async () => {
    const net = inFolder('extremal.json');
    const data = inFolder('extremal.parquet');
    const noise = 0.1;
    await run(`network make extremal --inputs 10 --size 3 --copies 2 --quiet --out ${net}`);
    const tails = await tailsOf(net);
    // 4 k^2 W^2 / (d + 1) with k = 2, W^2 = 3/4: all of h^2 = 4 lies beyond degree 2.
    expect(tails[2].certificate).toBeCloseTo(4, 12);
    expect(tails[2].tailWeight).toBeCloseTo(4, 12);
    await run(`network sample ${net} --rows 20000 --noise-sd ${noise} --out ${data}`);
    const two = await testError(data, 2, 'least-squares');
    expect(Math.abs(two - 4 - noise ** 2)).toBeLessThan(0.1);
    expect(await testError(data, 3, 'least-squares')).toBeLessThan(1.1 * noise ** 2);
  });
});
