/** Model files whose checksum is right and whose parts do not fit each other: refused, whatever would have stumbled. */
import { beforeAll, describe, expect, it } from 'vitest';
import { FewfireError, fitTable, memoryTable, parseModel, serializeModel } from '../src/index.ts';
import { checksumOf } from '../src/internal.ts';
import { createRandom } from './helpers.ts';

// biome-ignore lint/suspicious/noExplicitAny: a file to be spoiled in any place
type Body = any;

const KINDS = ['binary', 'multiclass', 'number', 'logarithm'] as const;
type Kind = (typeof KINDS)[number];

const files = {} as Record<Kind, string>;

beforeAll(async () => {
  const random = createRandom(5);
  const rowCount = 400;
  const draw = (values: readonly string[]): string[] =>
    Array.from({ length: rowCount }, () => values[Math.floor(random.uniform() * values.length)]);
  const a = draw(['no', 'yes']);
  const c = draw(['red', 'green', 'blue', 'blue']);
  const x = Array.from({ length: rowCount }, () => Math.round(100 * random.uniform()) / 10);
  const truth = a.map((each, i) => Number(each === 'yes') + Number(c[i] === 'red') + Number(x[i] > 5));
  const targets: Record<Kind, (string | number)[]> = {
    binary: truth.map((value) => (value > 1 ? 'p' : 'q')),
    multiclass: truth.map((value) => ['u', 'v', 'w', 'w'][value]),
    number: truth.map((value) => value + random.uniform()),
    logarithm: truth.map((value) => Math.exp(value + random.uniform())),
  };
  for (const kind of KINDS) {
    const table = memoryTable({ a, c, x, y: targets[kind] });
    const targetTransform = kind === 'logarithm' ? ('log' as const) : ('none' as const);
    const { model } = await fitTable(table, {
      ...{ target: 'y', degree: 2, method: 'low-degree', targetTransform, intervals: 'normal', seed: 1 },
    });
    files[kind] = await serializeModel(model);
  }
});

/** The file with a change, and the checksum that the change has. */
async function forged(kind: Kind, change: (body: Body) => void): Promise<string> {
  const { format, version, checksum: _, ...body } = JSON.parse(files[kind]) as Body;
  change(body);
  return JSON.stringify({ format, version, checksum: await checksumOf(body), ...body });
}

const CALIBRATIONS = { binary: 'platt', multiclass: 'platt', number: 'none', logarithm: 'smearing' } as const;

it.each(KINDS)('a %s forged without a change is read, and has evidence to be spoiled', async (kind) => {
  const model = await parseModel(await forged(kind, () => {}), 'x');
  expect(await serializeModel(model)).toBe(files[kind]);
  for (const { fit, calibration } of model.outputs) {
    expect(calibration.kind).toBe(CALIBRATIONS[kind]);
    expect(fit.support.length).toBeGreaterThan(0);
    expect(fit.stability.length).toBeGreaterThan(0);
    expect(fit.confirmation?.terms.length).toBeGreaterThan(1);
  }
});

const faults: readonly (readonly [string, Kind, (body: Body) => void, RegExp])[] = [
  [
    'a combination without one of its answers',
    'binary',
    (body) => body.outputs[0].fit.combinations[0].cells.pop(),
    /answers for the coordinates/,
  ],
  [
    'a combination of a coordinate that is not there',
    'multiclass',
    (body) => {
      body.outputs[1].fit.combinations[0] = { ...body.outputs[1].fit.combinations[0], coordinates: [999] };
      body.outputs[1].fit.combinations[0].cells.length = 2;
    },
    /answers for the coordinates \[999\]/,
  ],
  [
    'a figure of a column that is none',
    'number',
    (body) => {
      body.training.importance.columns[0].scoreFall = 'much';
    },
    /scoreFall/,
  ],
  [
    'support for a coordinate that is not there',
    'binary',
    (m) => (m.outputs[0].fit.support[0].coordinates = [0, 99]),
    /\[0,99\], of 6/,
  ],
  [
    'the first coordinate that is not there',
    'binary',
    (m) => (m.outputs[0].fit.support[0].coordinates = [6]),
    /\[6\], of 6/,
  ],
  ['stability of one', 'multiclass', (m) => (m.outputs[2].fit.stability[0].coordinates = [65535]), /\[65535\]/],
  ['an interval of one', 'number', (m) => (m.outputs[0].fit.confirmation.terms[1].coordinates = [1e9]), /1000000000/],
  ['a collinear term of one', 'number', (m) => m.outputs[0].fit.confirmation.collinear.push([50]), /\[50\]/],
  ['an unsupported term of one', 'number', (m) => m.outputs[0].fit.confirmation.unsupported.push([1, 50]), /\[1,50\]/],
  ['coordinates that do not ascend', 'binary', (m) => (m.outputs[0].fit.support[0].coordinates = [2, 1]), /\[2,1\]/],
  ['a coordinate twice in evidence', 'binary', (m) => (m.outputs[0].fit.stability[0].coordinates = [1, 1]), /\[1,1\]/],
  [
    'an interval that ends before it begins',
    'binary',
    (m) => (m.outputs[0].fit.confirmation.terms[0].low = 1e9),
    /intervals end/,
  ],
  ['intervals without their constant', 'binary', (m) => m.outputs[0].fit.confirmation.terms.shift(), /constant/],
  [
    'a term of a coordinate that is not there',
    'binary',
    (m) => m.outputs[0].terms.push([[0, 77], 1]),
    /term \[0, 77\]/,
  ],
  ['a coordinate twice in a term', 'binary', (m) => m.outputs[0].terms.push([[3, 3], 1]), /term \[3, 3\]/],
  ['a term twice', 'number', (m) => m.outputs[0].terms.push(m.outputs[0].terms[0]), /a term twice/],
  ['a coefficient of 0', 'number', (m) => m.outputs[0].terms.push([[0, 1, 2], 0]), /one of zero/],
  [
    'a coordinate that is no number',
    'number',
    (m) => m.outputs[0].terms.push([['0'], 1]),
    /terms\.\d+\.0\.0 is "0" instead of a/,
  ],
  ['an encoder that lost a column', 'binary', (m) => m.encoder.columns.pop(), /coordinates/],
  ['a column twice', 'binary', (m) => (m.encoder.columns[1].column = 'a'), /column twice/],
  [
    'a category twice',
    'binary',
    (m) => (m.encoder.columns[1].coding.values[1] = m.encoder.columns[1].coding.values[0]),
    /codes of "c"/,
  ],
  [
    'a category that is the reference',
    'binary',
    (m) => (m.encoder.columns[1].coding.values[1] = 'blue'),
    /codes of "c"/,
  ],
  ['a yes that is the no', 'binary', (m) => (m.encoder.columns[0].coding.yes = 'no'), /codes of "a"/],
  ['thresholds that do not ascend', 'binary', (m) => m.encoder.columns[2].coding.above.reverse(), /codes of "x"/],
  [
    'a threshold twice',
    'binary',
    (m) => (m.encoder.columns[2].coding.above[1] = m.encoder.columns[2].coding.above[0]),
    /codes of "x"/,
  ],
  ['two classes of one name', 'binary', (m) => (m.target.positive = m.target.negative), /class twice/],
  ['a class twice', 'multiclass', (m) => (m.target.classes[0] = m.target.classes[1]), /class twice/],
  ['more classes than outputs', 'multiclass', (m) => m.target.classes.push('z'), /3 outputs where its target needs 4/],
  ['two outputs for a number', 'number', (m) => m.outputs.push(m.outputs[0]), /2 outputs where its target needs 1/],
  [
    'probabilities of a number',
    'number',
    (m) => (m.outputs[0].calibration = { kind: 'platt', rowCount: 9, slope: 1, intercept: 0 }),
    /calibration platt/,
  ],
  [
    'a factor of what is no logarithm',
    'number',
    (m) => (m.outputs[0].calibration = { kind: 'smearing', rowCount: 9, factor: 2 }),
    /calibration smearing/,
  ],
  [
    'a factor of classes',
    'multiclass',
    (m) => (m.outputs[1].calibration = { kind: 'smearing', rowCount: 9, factor: 2 }),
    /calibration smearing/,
  ],
  ['the log-loss of a number', 'logarithm', (m) => (m.loss = 'logistic'), /loss logistic/],
  ['no log-loss of classes', 'binary', (m) => delete m.training.test.logLoss, /figures of its test/],
  ['no interval', 'multiclass', (m) => delete m.training.test.intervals.accuracy, /figures of its test/],
  ['an accuracy of a number', 'number', (m) => (m.training.test.accuracy = 1), /figures of its test/],
  [
    'text for a count',
    'binary',
    (m) => (m.training.sampleCount = '400'),
    /training\.sampleCount is "400" instead of a finite number/,
  ],
  ['half a row', 'binary', (m) => (m.training.sampleCount = 0.5), /sampleCount is 0\.5 instead of a whole number/],
  ['rows below none', 'binary', (m) => (m.outputs[0].fit.support[0].rows = -1), /rows is -1 instead of at least 0/],
  ['counts of fewer coordinates', 'binary', (m) => m.training.yesCounts.pop(), /counts of yes rows/],
  ['more yes rows than rows', 'number', (m) => (m.training.yesCounts[1] = 401), /counts of yes rows/],
  ['an unknown field', 'binary', (m) => (m.training.more = 1), /training has "more", which is unknown/],
  ['an unknown word', 'binary', (m) => (m.loss = 'hinge'), /loss is "hinge" instead of "squared" or "logistic"/],
];

describe('a checksum that is right, and', () => {
  it.each(faults)('%s', async (_, kind, change, expected) => {
    const error: unknown = await parseModel(await forged(kind, change), 'm.json').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FewfireError);
    expect(error).toMatchObject({
      code: 'model-file',
      message: expect.stringMatching(/^m\.json is damaged or edited: [^\n]+$/),
    });
    expect((error as FewfireError).message).toMatch(expected);
  });
});

it('a byte order mark before the file is no part of it', async () => {
  expect(await parseModel(`\ufeff${files.binary}`, 'x')).toEqual(await parseModel(files.binary, 'x'));
});
