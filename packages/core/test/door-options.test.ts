/**
 * Every public function that takes options or a word refuses an option that it does not know, and a word where none or
 * another belongs, by name. Which functions take some is read in their declarations, so that one to come is held to it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as door from '../src/index.ts';
import { FewfireError } from '../src/index.ts';

const source = fileURLToPath(new URL('../src/', import.meta.url));

/** Parameters of the functions of the rooms, as they are declared, by name; of overloads the last, which is implemented. */
function declarations(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(source, file), 'utf8');
    for (const match of text.matchAll(/^export (?:async )?function (\w+)\(/gm)) {
      found.set(match[1], parametersAt(text, match.index + match[0].length));
    }
  }
  return found;
}

function parametersAt(text: string, start: number): string[] {
  const parameters: string[] = [];
  let depth = 0;
  let from = start;
  for (let at = start; ; at++) {
    const isEnd = depth === 0 && text[at] === ')';
    if (isEnd || (depth === 0 && text[at] === ',')) {
      parameters.push(text.slice(from, at).trim());
      from = at + 1;
    }
    if (isEnd) return parameters.filter((parameter) => parameter !== '');
    if ('([{<'.includes(text[at])) depth++;
    if (')]}'.includes(text[at]) || (text[at] === '>' && text[at - 1] !== '=')) depth--;
  }
}

/** Objects that are data and no options: whole networks are given as parts, with fields of their own beside. */
const DATA = new Set(['createNetwork parts', 'domainPoints network', 'calibrateMlp sparse']);

/** Where options or a word stand among the parameters; undefined where there are none. */
function placeOfOptions(name: string, parameters: readonly string[]): number | undefined {
  const place = parameters.findIndex(
    (parameter) =>
      /^options\b|: \{|Options\b|: \w*(Description|Class)\b|: '/.test(parameter) &&
      !DATA.has(`${name} ${parameter.split(/:|\?/)[0]}`),
  );
  return place < 0 ? undefined : place;
}

/** Values with which the statements of the paper get as far as looking at each. */
const VALUES: Readonly<Record<string, unknown>> = {
  ...{ inputCount: 4, unitCount: 2, sparsity: 1, weightScale: 1, biasScale: 1, radius: 1, sampleCount: 10, degree: 1 },
  ...{ epsilon: 0.1, confidenceDelta: 0.1, noiseDelta: 0.1, noiseSensitivity: 0.1, averageSensitivity: 1 },
  ...{ scaledFiring: 1, probability: 0.5, valueBound: 1, derivativeFactor: 1 },
  ...{ sparsityKind: 'bound', firingRatesKind: 'exact', firingRates: [0.5, 0.5], squaredScales: [1, 1] },
};

/** Options for which any text will do. */
const TEXTS = new Set([
  ...['fitTable target', 'fitTable weight', 'fitTable group', 'fitTable positive', 'fitTable command'],
  ...['memoryTable label', 'importTreeModel label', 'scoreTrees label', 'optimiseModel class'],
  ...['exportModel name', 'exportModel table'],
]);

type Job = (...given: unknown[]) => unknown;

async function refusal(job: Job, given: readonly unknown[]): Promise<unknown> {
  try {
    return await job(...given);
  } catch (error) {
    return error;
  }
}

/** What a job does not refuse, or does not name. */
async function faults(name: string, job: Job, place: number): Promise<string[]> {
  const given = (options: unknown): unknown[] => [...new Array<undefined>(place).fill(undefined), options];
  const unknown = await refusal(job, given({ zzzzzz: 1 }));
  if (!(unknown instanceof FewfireError) || !unknown.message.startsWith(`${name} has no option "zzzzzz"; expected `)) {
    return [`an unknown option gives ${unknown}`];
  }
  const known = /expected some of (.*)$/.exec(unknown.message)?.[1].split(', ') ?? [];
  const found: string[] = [];
  const near = known.find((key) => key.length > 5);
  if (near !== undefined) {
    const meant = await refusal(job, given({ [near.slice(0, -1)]: undefined, [`${near}s`]: 1 }));
    if (!String(meant).includes(`did you mean \`${near}\`?`)) found.push(`"${near}s" gives ${meant}`);
  }
  const base = Object.fromEntries(known.filter((key) => key in VALUES).map((key) => [key, VALUES[key]]));
  for (const key of known) {
    if (TEXTS.has(`${name} ${key}`)) continue;
    const error = await refusal(job, given({ ...base, [key]: 'no such word' }));
    const isNamed = error instanceof FewfireError && error.code === 'invalid-argument' && error.message.includes(key);
    if (!isNamed || /--[a-z]/.test(error.message)) found.push(`\`${key}\` as a text gives ${error}`);
  }
  return found;
}

const declared = declarations();
const takers = Object.entries(door).flatMap(([name, job]) => {
  const place = placeOfOptions(name, declared.get(name) ?? []);
  return typeof job === 'function' && place !== undefined ? [{ name, job: job as Job, place }] : [];
});

describe('public functions refuse options that they do not know, and words that are none', () => {
  it('and their declarations are found', () => {
    const jobs = Object.entries(door).filter(([name, job]) => typeof job === 'function' && /^[a-z]/.test(name));
    // What comes through from the kernels is declared there.
    expect(jobs.map(([name]) => name).filter((name) => !declared.has(name))).toEqual(['countMonomials']);
    expect(takers.length).toBeGreaterThan(75);
  });

  it.each(takers.filter(({ name }) => name !== 'layerFromNetwork'))('$name', async ({ name, job, place }) => {
    expect(await faults(name, job, place)).toEqual([]);
  });

  it('and a job that does not is found out', async () => {
    expect(await faults('exportModel', () => 'text', 1)).toEqual(['an unknown option gives text']);
    const keysOnly: Job = (options) => {
      const unknown = Object.keys(options as object).find((key) => key !== 'to');
      if (unknown === undefined) return 'text';
      throw new FewfireError('invalid-argument', `job has no option "${unknown}"; expected some of to`);
    };
    expect(await faults('job', keysOnly, 0)).toEqual(['`to` as a text gives text']);
  });
});

const points = door.cubePointsFromRows([[0], [1]]);
const table = door.memoryTable({ a: [0, 1], y: [0, 1] });
const units = { inputCount: 1, weights: [1], biases: [0], outputWeights: [1] };

describe('words and options in options', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a language',
      () => door.exportModel({} as door.Model, { to: 'rust' as 'sql' }),
      '`to` is "rust"; expected one of sql, js, python, onnx',
    ],
    [
      'no language',
      () => door.exportModel({} as door.Model, {} as { to: 'sql' }),
      '`to` is missing; expected one of sql, js, python, onnx',
    ],
    [
      'no options',
      () => door.exportModel({} as door.Model, undefined as never),
      'the options of exportModel are undefined; expected an object',
    ],
    [
      'a method',
      () => door.selectLowDegree(points, new Float64Array(2), { degree: 1, method: 'lass' as 'lasso' }),
      '`method` is "lass"; did you mean "lasso"?',
    ],
    [
      'a precision',
      () => door.layerFromNetwork(door.createNetwork(units), 'dubble' as 'double'),
      '`precision` is "dubble"; did you mean "double"?',
    ],
    [
      'a domain',
      () => door.createNetwork({ ...units, domain: { kind: 'cub' as 'cube' } }),
      '`kind` is "cub"; did you mean "cube"?',
    ],
    [
      'a domain to certify',
      () => door.certifySparsity(door.createNetwork(units), { domain: { kind: 'lifts' as 'cube' } }),
      '`kind` is "lifts"; did you mean "lift"?',
    ],
    [
      'a limit that is none',
      () => door.predictTable({} as door.Model, table, { memoryLimitBytes: Number.NaN }),
      '`memoryLimitBytes` is NaN; expected a number',
    ],
    [
      'rules of cells',
      () => door.memoryTable({ a: ['1'] }, { rules: { decimals: ',' } as object }),
      'rules has no option "decimals"; did you mean `decimal`?',
    ],
    [
      'a decimal mark',
      () => door.memoryTable({ a: ['1'] }, { rules: { decimal: ';' as ',' } }),
      '`decimal` is ";"; expected one of ., ,',
    ],
    [
      'values of inputs',
      () =>
        door.networkFromLayer(door.layerFromNetwork(door.createNetwork(units)), {
          inputs: { nay: 0, yes: 1 } as never,
        }),
      'inputs has no option "nay"',
    ],
    [
      'a limit of groups',
      () =>
        door.optimisePolynomial(door.polynomialFromTerms(['a'], []), undefined, {
          direction: 'maximise',
          atMost: { count: 1, group: [0] } as never,
        }),
      'atMost has no option "group"; did you mean `groups`?',
    ],
    [
      'gated units',
      () =>
        door.gatedIndexingNetwork({
          addressBits: 1,
          dataCount: 1,
          units: { weights: [1, 1], bias: [0, 0], outputWeights: [1, 1] } as never,
        }),
      'units has no option "bias"; did you mean `biases`?',
    ],
    [
      'a sequence',
      async () =>
        (await door.createIncrementalNetwork(door.createNetwork(units))).evaluateSequence(points, {
          way: 'flop' as 'flip',
        }),
      '`way` is "flop"; did you mean "flip"?',
    ],
    [
      'the drift watch',
      async () => {
        const block = door.layerFromNetwork(door.createNetwork(units));
        return door.calibrateMlp({ block }, new Float32Array(8), { drift: { onDrift: 'exit' as 'exact' } });
      },
      '`onDrift` is "exit"',
    ],
    [
      'methods of a calibration',
      async () => {
        const block = door.layerFromNetwork(door.createNetwork(units));
        return door.calibrateMlp({ block }, new Float32Array(8), { methods: ['lockup' as 'lookup'] });
      },
      '`methods` is "lockup"; did you mean "lookup"?',
    ],
  ])('%s', async (_, call, message) => {
    const error = await refusal(call, []);
    expect(error).toBeInstanceOf(FewfireError);
    expect((error as FewfireError).code).toBe('invalid-argument');
    expect((error as FewfireError).message).toContain(message);
  });
});
