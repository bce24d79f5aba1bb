/**
 * Imported trees as people use them: from the file that XGBoost saved and a table with the columns it was trained on to
 * what it predicts, by commands alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importTreeModel, type TreeModel } from '@fewfire/core';
import { bitAt, encodeTreeRows } from '@fewfire/core/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTreeGolden } from '../../core/test/tree-golden.ts';
import { displayWidth } from '../src/format.ts';
import { commandHost, type Finished, parseCsv, temporaryFolder } from './run.ts';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const run = commandHost();

async function succeed(args: readonly string[], told: string | RegExp = ''): Promise<string> {
  const done = await run(args);
  expect({ code: done.code, stderr: done.stderr }).toEqual({
    code: 0,
    stderr: typeof told === 'string' ? told : expect.stringMatching(told),
  });
  return done.stdout;
}

async function refuse(args: readonly string[], message: RegExp, code = 1): Promise<Finished> {
  const done = await run(args);
  expect(done).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(/^error: [^\n]*\n$/) });
  expect(done.stderr).toMatch(message);
  return done;
}

function expectWithin(text: string): void {
  for (const line of text.split('\n').filter((each) => !each.startsWith('  fewfire '))) {
    expect(displayWidth(line), line).toBeLessThanOrEqual(80);
  }
}

interface Case {
  readonly model: TreeModel;
  readonly net: string;
  readonly csv: string;
}

/** A golden imported by the command, and its rows as a table. */
async function prepare(name: string, flags: readonly string[] = []): Promise<Case> {
  const golden = readTreeGolden(name);
  const saved = inFolder(`${name}.${golden.ubjson === null ? 'json' : 'bin'}`);
  writeFileSync(saved, golden.ubjson ?? golden.xgboost);
  const net = inFolder(`${name}.net.json`);
  await succeed(['network', 'import', saved, '--out', net, '-q', ...flags]);
  const model = importTreeModel(golden.ubjson ?? new TextEncoder().encode(golden.xgboost));
  const csv = inFolder(`${name}.csv`);
  const head = ['id', ...model.features.map((feature) => feature.name)];
  const rows = golden.rows.map((row, i) => [`r${i}`, ...row.map((value) => (Number.isNaN(value) ? '' : value))]);
  writeFileSync(csv, `${[head, ...rows].map((row) => row.join()).join('\n')}\n`);
  return { model, net, csv };
}

const numbers = (text: string): { head: string[]; rows: number[][] } => {
  const [head, ...rows] = parseCsv(text);
  return { head, rows: rows.map((row) => row.map(Number)) };
};

describe('predict', () => {
  it('gives the numbers of a regression and, with --keep, the row they are of', async () => {
    const { net, csv } = await prepare('numbers-regression');
    const { values } = readTreeGolden('numbers-regression');
    const [head, ...rows] = parseCsv(await succeed(['predict', net, csv, '--keep', 'id']));
    expect(head).toEqual(['id', 'prediction']);
    expect(rows.map(([id]) => id)).toEqual(values.map((_, i) => `r${i}`));
    rows.forEach(([, value], i) => {
      expect(Number(value)).toBeCloseTo(values[i] as number, 6);
    });
  });

  it('gives a class and the probabilities of all, whichever output the network is', async () => {
    const { net, csv } = await prepare('three-classes', ['--output', '2']);
    const { values, classes } = readTreeGolden('three-classes');
    const { head, rows } = numbers(await succeed(['predict', net, csv]));
    expect(head).toEqual(['prediction', 'probability_0', 'probability_1', 'probability_2']);
    expect(rows.map(([name]) => name)).toEqual(classes);
    rows.forEach(([, ...found], i) => {
      found.forEach((value, k) => {
        expect(value).toBeCloseTo((values[i] as number[])[k], 6);
      });
    });
  });

  it('reads UBJSON with sets of categories and an early stop, from Parquet too, and says what each column gives', async () => {
    const { net, csv } = await prepare('sets-early');
    const { values, classes, margins } = readTreeGolden('sets-early');
    const out = inFolder('why.parquet');
    const flags = ['--attributions', 'average'];
    await succeed(['predict', net, csv, ...flags, '--out', out], /wrote 90 predictions/);
    const { head, rows } = numbers(await succeed(['predict', net, csv, ...flags]));
    const shares = ['attribution_size', 'attribution_color', 'attribution_city'];
    expect(head).toEqual(['prediction', 'probability_0', 'probability_1', 'baseline', ...shares]);
    rows.forEach(([name, no, yes, ...parts], i) => {
      expect(name).toBe((classes as number[])[i]);
      expect(yes).toBeCloseTo(values[i] as number, 6);
      expect(no + yes).toBeCloseTo(1, 12);
      expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(margins[i] as number, 5);
    });
    const mean = (margins as number[]).reduce((sum, margin) => sum + margin / margins.length, 0);
    expect(rows[0][3]).toBeCloseTo(mean, 5);
  });

  it('gives a margin beside a class that has no probability', async () => {
    const golden = readTreeGolden('flags-dart');
    const raw = inFolder('raw.json');
    writeFileSync(raw, golden.xgboost.replace('binary:logistic', 'binary:logitraw'));
    const net = inFolder('raw.net.json');
    await succeed(['network', 'import', raw, '--out', net, '-q']);
    const csv = inFolder('raw.csv');
    writeFileSync(csv, `f0,f1,f2,f3,f4,f5\n${golden.rows.map((row) => row.join()).join('\n')}\n`);
    const { head, rows } = numbers(await succeed(['predict', net, csv]));
    expect(head).toEqual(['prediction', 'margin']);
    const model = importTreeModel(new TextEncoder().encode(golden.xgboost));
    const shift = model.outputs[0].intercept - 0.5; // base_score is the margin here, and a probability there
    rows.forEach(([name, margin], i) => {
      expect(margin).toBeCloseTo((golden.margins[i] as number) - shift, 5);
      expect(name).toBe(Number(margin > 0));
    });
  });

  it('gives exp(margin) of counts, and a margin for each class of ONNX without a transformation', async () => {
    const poisson = await prepare('flags-poisson');
    const { values } = readTreeGolden('flags-poisson');
    numbers(await succeed(['predict', poisson.net, poisson.csv])).rows.forEach(([value], i) => {
      expect(value).toBeCloseTo(values[i] as number, 5);
    });
    const golden = readTreeGolden('three-classes');
    const onnx = inFolder('three.bin');
    const bytes = Buffer.from((golden.onnx as Uint8Array).slice());
    // A transformation of the same length that there is not: SOFTMAX becomes an attribute of no name that is read.
    const at = bytes.indexOf('post_transform');
    bytes.write('past_transform', at, 'latin1');
    writeFileSync(onnx, bytes);
    const net = inFolder('three.net.json');
    await succeed([
      'network',
      'import',
      onnx,
      '--output',
      'mid',
      '--features',
      'f0,f1,f2,f3,f4,f5',
      '--out',
      net,
      '-q',
    ]);
    const { csv } = await prepare('three-classes', ['--output', '0']);
    const [head, ...rows] = parseCsv(await succeed(['predict', net, csv]));
    expect(head).toEqual(['prediction', 'margin_low', 'margin_mid', 'margin_high']);
    rows.forEach(([name, ...found], i) => {
      expect(name).toBe(['low', 'mid', 'high'][(golden.classes as number[])[i]]);
      found.forEach((margin, k) => {
        expect(Number(margin)).toBeCloseTo((golden.margins[i] as number[])[k], 5);
      });
    });
  });

  it('gives a number for each of several targets', async () => {
    const { xgboost, rows, margins } = readTreeGolden('three-classes');
    const learner = JSON.parse(xgboost);
    Object.assign(learner.learner.learner_model_param, { num_class: '0', num_target: '3' });
    learner.learner.objective = { name: 'reg:squarederror' };
    const saved = inFolder('targets.json');
    writeFileSync(saved, JSON.stringify(learner));
    const net = inFolder('targets.net.json');
    await succeed(['network', 'import', saved, '--output', '1', '--out', net, '-q']);
    const csv = inFolder('targets.csv');
    const cells = rows.map((row) => row.map((value) => (Number.isNaN(value) ? '' : value)).join());
    writeFileSync(csv, `f0,f1,f2,f3,f4,f5\n${cells.join('\n')}\n`);
    const { head, rows: found } = numbers(await succeed(['predict', net, csv]));
    expect(head).toEqual(['prediction_0', 'prediction_1', 'prediction_2']);
    found.forEach((row, i) => {
      row.forEach((value, k) => {
        expect(value).toBeCloseTo((margins[i] as number[])[k], 5);
      });
    });
    await refuse(['score', net, csv, '--target', 'f0'], /3 outputs.*scoring is of one target/);
  });

  it('takes the columns of a model without names in their order, and says so', async () => {
    const { net } = await prepare('numbers-regression');
    const { rows, values } = readTreeGolden('numbers-regression');
    const csv = inFolder('unnamed.csv');
    const cells = rows.map((row) => row.map((value) => (Number.isNaN(value) ? '' : value)).join());
    writeFileSync(csv, `a,b,c,d,e,f\n${cells.join('\n')}\n`);
    const told = /no names of its 6 features; the columns were taken in their order: f0 is "a", f1 is "b"/;
    const predicted = numbers(await succeed(['predict', net, csv], told));
    predicted.rows.forEach(([value], i) => {
      expect(value).toBeCloseTo(values[i] as number, 6);
    });
    writeFileSync(csv, `a,b,c,d,e,f,g\n${cells.map((row) => `${row},0`).join('\n')}\n`);
    await refuse(['predict', net, csv], /lacks .* "f0".*leave only its 6 columns.*--features/);
    const saved = inFolder('numbers-regression.json');
    await succeed(['network', 'import', saved, '--features', 'a,b,c,d,e,f', '--out', net, '-q']);
    expect(numbers(await succeed(['predict', net, csv])).rows).toEqual(predicted.rows);
  });

  it('refuses what it cannot answer in one line', async () => {
    const { net, csv } = await prepare('sets-early');
    const units = inFolder('units.json');
    await succeed(`network make parity --inputs 4 --size 2 --quiet --out ${units}`.split(' '));
    await refuse(['predict', units, csv], /is a network of units.*fewfire network import --out net\.json/);
    await refuse(['predict', net, csv, '--keep', 'cit'], /no column "cit"; did you mean "city"/, 2);
    // The file of the other program itself.
    const [saved, binary] = [inFolder('direct.json'), inFolder('direct.ubj')];
    writeFileSync(saved, readTreeGolden('sets-early').xgboost);
    writeFileSync(binary, readTreeGolden('sets-early').ubjson ?? '');
    for (const file of [saved, binary]) {
      for (const args of [
        ['predict', file, csv],
        ['score', file, csv],
        ['show', file],
      ]) {
        await refuse(args, /is a model of another program; import it first: fewfire network import .*direct/);
      }
    }
    await refuse(['predict', net, csv, '--keep', 'id,id'], /named twice/, 2);
    const text = inFolder('text.csv');
    writeFileSync(text, 'size,color,city\n1,red,3\n');
    await refuse(['predict', net, text], /"red" in row 1.*by their numbers only/);
    const clash = inFolder('clash.csv');
    writeFileSync(clash, 'size,color,city,prediction\n1,2,3,4\n');
    await refuse(['predict', net, clash, '--keep', 'prediction'], /what a column of predictions is called/, 2);
  });
});

describe('certify and verify', () => {
  it('take yes/no columns that are called as answers are, x0, x1, ...: both are the same', async () => {
    const tree = {
      left_children: [1, 3, -1, -1, -1],
      right_children: [2, 4, -1, -1, -1],
      split_indices: [0, 1, 0, 0, 0],
      split_conditions: [1, 1, 2, 0, 3],
      default_left: [1, 1, 0, 0, 0],
    };
    const learner = {
      feature_names: ['x0', 'x1', 'x2'],
      feature_types: ['i', 'i', 'i'],
      gradient_booster: { name: 'gbtree', model: { trees: [tree], tree_info: [0] } },
      learner_model_param: { base_score: '0', num_class: '0', num_feature: '3' },
      objective: { name: 'reg:squarederror' },
    };
    const [saved, net, csv] = ['named.json', 'named.net.json', 'named.csv'].map(inFolder);
    writeFileSync(saved, JSON.stringify({ learner, version: [1, 7, 4] }));
    writeFileSync(csv, 'x0,x1,x2\n0,0,1\n0,1,0\n1,0,0\n');
    await succeed(['network', 'import', saved, '--out', net, '-q']);
    const certificate = JSON.parse(
      await succeed(['network', 'certify', net, '--domain', `rows:${csv}`, '--json', '--quiet']),
    );
    expect(certificate).toMatchObject({ kLower: 1, kUpper: 1, exact: true });
  });

  it('count the rows of a table with the columns of the source as they count the answers', async () => {
    const { model, net, csv } = await prepare('sets-early');
    const { rows } = readTreeGolden('sets-early');
    const points = encodeTreeRows(model, rows);
    const width = model.coordinates.length;
    const answers = inFolder('answers.csv');
    const lines = rows.map((_, i) => Array.from({ length: width }, (_, c) => bitAt(points, i, c) === 1).join());
    writeFileSync(answers, `${Array.from({ length: width }, (_, c) => `x${c}`).join()}\n${lines.join('\n')}\n`);
    const [own, other] = [inFolder('own.certificate.json'), inFolder('other.certificate.json')];
    const certified = async (table: string, out: string): Promise<Record<string, unknown>> =>
      JSON.parse(await succeed(['network', 'certify', net, '--domain', `rows:${table}`, '--out', out, '--json']));
    const [raw, bits] = [await certified(csv, own), await certified(answers, other)];
    for (const key of ['kLower', 'kUpper', 'exact', 'evidence', 'witness']) expect(raw[key]).toEqual(bits[key]);
    await succeed(['network', 'verify', own, net, '--rows', csv]);
    await succeed(['network', 'verify', own, net, '--rows', answers]);
    const fewer = inFolder('fewer.csv');
    writeFileSync(fewer, 'size,color,city\n1,2,3\n');
    expect((await run(['network', 'verify', own, net, '--rows', fewer])).code).toBe(1);
    const both = inFolder('both.csv');
    writeFileSync(
      both,
      `size,color,city,${Array.from({ length: width }, (_, c) => `x${c}`).join()}\n1,2,3,${lines[0]}\n`,
    );
    await refuse(['network', 'certify', net, '--domain', `rows:${both}`], /expected one of both/);
    const text = inFolder('colors.csv');
    writeFileSync(text, 'size,color,city\n1,red,3\n');
    await refuse(['network', 'certify', net, '--domain', `rows:${text}`], /"red" in row 1/);
  });
});

describe('show and score', () => {
  let chess: Case;
  beforeAll(async () => {
    chess = await prepare('chess-binary');
  });

  it('show says what the model is, what it reads and what it predicts', async () => {
    const text = await succeed(['show', chess.net]);
    expectWithin(text);
    expect(text).toMatch(/Model +XGBoost [\d.]+, binary:logistic, 36 features/);
    expect(text).toMatch(/Predicts +one of 2 classes, "0", "1", with a probability/);
    const shown = JSON.parse(await succeed(['show', chess.net, '--json']));
    const asked = new Set(chess.model.coordinates.map(({ feature }) => chess.model.features[feature].name));
    expect(new Set(shown.columns.map(({ column }: { column: string }) => column))).toEqual(asked);
    const nodes = (tree: TreeModel['outputs'][number]['trees'][number]): number =>
      'coordinate' in tree ? 1 + nodes(tree.no) + nodes(tree.yes) : 0;
    const total = chess.model.outputs[0].trees.reduce((sum, tree) => sum + nodes(tree), 0);
    expect(shown.columns.reduce((sum: number, { splitCount }: { splitCount: number }) => sum + splitCount, 0)).toBe(
      total,
    );
    expect(JSON.parse(await succeed(['show', chess.net, '--json', '--top', '2'])).columns.length).toBe(2);
    for (const flags of [['--attributions'], ['--report', inFolder('r.html')]]) {
      await refuse(['show', chess.net, ...flags], /holds imported trees; fewfire predict --attributions average/, 2);
    }
  });

  it('network show says that its averages are not over rows', async () => {
    const text = await succeed(['network', 'show', chess.net]);
    expectWithin(text);
    expect(text.replace(/\s+/g, ' ')).toMatch(/Averages over uniform points: .* They are not over your rows/);
    expect(JSON.parse(await succeed(['network', 'show', chess.net, '--json'])).notes).toContainEqual(
      expect.stringMatching(/^averages are over uniform points/),
    );
  });

  it('score counts what is right, and compares with the best constant', async () => {
    const { values, classes, rows } = readTreeGolden('chess-binary');
    const truth = rows.map((_, i) => (i % 5 === 0 ? null : i % 3 === 0));
    const csv = inFolder('truth.csv');
    const head = ['won', ...chess.model.features.map(({ name }) => name)];
    const lines = rows.map((row, i) => [truth[i] ?? '', ...row].join());
    writeFileSync(csv, `${head.join()}\n${lines.join('\n')}\n`);
    const known = truth.flatMap((each, i) => (each === null ? [] : [i]));
    const told = /20 rows without a target not scored/;
    const scored = JSON.parse(await succeed(['score', chess.net, csv, '--target', 'won', '--json'], told));
    const share = (of: (i: number) => number): number => known.reduce((sum, i) => sum + of(i), 0) / known.length;
    const yes = share((i) => Number(truth[i]));
    expect(scored).toMatchObject({ task: 'classes', sampleCount: known.length, skippedRowCount: 20 });
    expect(scored.accuracy).toBeCloseTo(
      share((i) => Number(((classes as number[])[i] === 1) === truth[i])),
      12,
    );
    const surprise = (i: number): number => -Math.log(truth[i] ? (values[i] as number) : 1 - (values[i] as number));
    expect(scored.logLoss).toBeCloseTo(share(surprise), 4);
    expect(scored.baseline.accuracy).toBeCloseTo(1 - yes, 12);
    expect(scored.baseline.logLoss).toBeCloseTo(-yes * Math.log(yes) - (1 - yes) * Math.log(1 - yes), 12);
    expectWithin(await succeed(['score', chess.net, csv, '--target', 'won'], told));
    await refuse(['score', chess.net, csv], /target is not in their file.*--target/, 2);
    await refuse(['score', chess.net, csv, '--target', 'win'], /no column "win"; did you mean "won"/, 2);
    writeFileSync(csv, `${head.join()}\n${rows.map((row) => ['perhaps', ...row].join()).join('\n')}\n`);
    await refuse(['score', chess.net, csv, '--target', 'won'], /the class "perhaps", and the model has "0", "1"/);
  });

  it('score of a regression is that of its predictions', async () => {
    const { net, csv } = await prepare('numbers-regression');
    const { values, rows } = readTreeGolden('numbers-regression');
    const cells = rows.map((row) => row.map((value) => (Number.isNaN(value) ? '' : value)));
    const truth = rows.map((_, i) => (i % 7) - 3);
    writeFileSync(csv, `f0,f1,f2,f3,f4,f5,y\n${cells.map((row, i) => [...row, truth[i]].join()).join('\n')}\n`);
    const scored = JSON.parse(await succeed(['score', net, csv, '--target', 'y', '--json']));
    const mse = truth.reduce((sum, y, i) => sum + (y - (values[i] as number)) ** 2, 0) / truth.length;
    const mean = truth.reduce((sum, y) => sum + y, 0) / truth.length;
    const variance = truth.reduce((sum, y) => sum + (y - mean) ** 2, 0) / truth.length;
    expect(scored.mse).toBeCloseTo(mse, 6);
    expect(scored.baseline.mse).toBeCloseTo(variance, 10);
    expect(scored.r2).toBeCloseTo(1 - mse / variance, 6);
  });
});

describe('network import', () => {
  it('of a model that stopped early takes the best rounds, says so, and takes others with the option it names', async () => {
    await prepare('sets-early');
    const saved = inFolder('sets-early.bin');
    const text = await succeed(['network', 'import', saved]);
    expectWithin(text);
    const said = text.replace(/\s+/g, ' ');
    expect(said).toContain('2 trees, the raw margin');
    const option = /the first 2 of 5 boosting rounds are taken.*; (--rounds 5) takes all/.exec(said);
    const all = JSON.parse(await succeed(['network', 'import', saved, ...(option?.[1] ?? '').split(' '), '--json']));
    expect(all).toMatchObject({ treeCount: 5, notes: [] });
    await refuse(['network', 'import', saved, '--rounds', '6'], /6 boosting rounds .* from 1 to 5/, 2);
    await refuse(['network', 'import', saved, '--rounds', '0'], /--rounds/, 2);
  });

  it('needs memory by what the file is, which is in its bytes', async () => {
    const saved = inFolder('sets-early.bin');
    const padded = inFolder('padded.json');
    writeFileSync(
      padded,
      Buffer.concat([Buffer.from(readTreeGolden('sets-early').ubjson ?? []), Buffer.alloc(40_000)]),
    );
    await refuse(
      ['network', 'import', padded, '--memory', '1MB'],
      /padded\.json has .* bytes and takes 40 times as many/,
    );
    await succeed(['network', 'import', saved, '--memory', '1MB']);
  });
});
