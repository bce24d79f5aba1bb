/**
 * Every command there is, as the programme declares it, with small files on which each succeeds: for tests that hold of
 * all of them, those to come included.
 */
import { spawn } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type Command, Option } from 'commander';
import { beforeAll, expect } from 'vitest';
import { graphBytes, reluGraphs } from '../../core/test/mlp-graphs.ts';
import { writers } from '../../node/test/table-files.ts';
import { InputArgument, InputOption, OutputOption } from '../src/file-roles.ts';
import { createProgram } from '../src/main.ts';
import { openSession } from '../src/session.ts';
import { bin, type Finished, finished, type Run, root, temporaryFolder, writeCsv } from './run.ts';

/** Per command: how it is typed, each input as `{file}`, so that it succeeds; what is read is named by who declares it. */
export interface Recipe {
  readonly typed: string;
  /** Flag or argument, and which of the files of `typed` it reads. */
  readonly inputs: Readonly<Record<string, string>>;
}

export const recipes: Readonly<Record<string, Recipe>> = {
  fit: {
    typed: 'fit {table.csv} --target y --degree 1 --folds 2 --intervals none --test {test.csv}',
    inputs: { data: 'table.csv', '--test': 'test.csv' },
  },
  predict: { typed: 'predict {model.json} {table.csv}', inputs: { 'model.json': 'model.json', data: 'table.csv' } },
  score: { typed: 'score {model.json} {table.csv}', inputs: { 'model.json': 'model.json', data: 'table.csv' } },
  show: { typed: 'show {model.json}', inputs: { 'model.json': 'model.json' } },
  optimize: { typed: 'optimize {model.json}', inputs: { 'model.json': 'model.json' } },
  export: { typed: 'export {model.json} --to sql', inputs: { 'model.json': 'model.json' } },
  'network show': { typed: 'network show {net.json}', inputs: { 'net.json': 'net.json' } },
  'network certify': {
    typed: 'network certify {net.json} --domain rows:{rows.json}',
    inputs: { 'net.json': 'net.json', '--domain': 'rows.json' },
  },
  'network verify': {
    typed: 'network verify {certificate.json} {net.json} --rows {rows.json}',
    inputs: { 'certificate.json': 'certificate.json', 'net.json': 'net.json', '--rows': 'rows.json' },
  },
  'network sample': { typed: 'network sample {net.json} --rows 4', inputs: { 'net.json': 'net.json' } },
  'network import': { typed: 'network import {trees.json}', inputs: { model: 'trees.json' } },
  plan: { typed: 'plan --network {net.json}', inputs: { '--network': 'net.json' } },
  profile: {
    typed: 'profile {block.onnx} --inputs {inputs.csv}',
    inputs: { model: 'block.onnx', '--inputs': 'inputs.csv' },
  },
};

/** Commands that write and read nothing. */
export const readingNothing = /^network make |^reproduce$|^completion$/;

const session = openSession([], '0', { stdout: new PassThrough(), stderr: new PassThrough(), env: {} });
export const programme = createProgram(session);
export const commands = leaves(programme, []);
export const isInput = (each: unknown): each is InputArgument | InputOption =>
  each instanceof InputArgument || each instanceof InputOption;

function leaves(command: Command, path: readonly string[]): Map<string, Command> {
  if (command.commands.length === 0) return new Map([[path.join(' '), command]]);
  return new Map(command.commands.flatMap((each) => [...leaves(each, [...path, each.name()])]));
}

const nameOf = (each: InputArgument | Option): string =>
  each instanceof Option ? (each.long ?? each.flags) : each.name();
export const inputsOf = (command: Command): Map<string, InputArgument | InputOption> =>
  new Map([...command.registeredArguments, ...command.options].filter(isInput).map((each) => [nameOf(each), each]));
export const outputsOf = (command: Command): OutputOption[] =>
  command.options.filter((option) => option instanceof OutputOption);

/** A name that an output accepts, for a file called as an input is where that can be. */
export function endingFor(option: OutputOption, wanted: string): string {
  for (const ending of [wanted, '.json', '.csv', '.html']) {
    try {
      option.parseArg?.(`x${ending}`, undefined);
      return ending;
    } catch {}
  }
  throw new Error(`no name is right for ${option.flags}`);
}

export const isTable = (role: InputArgument | InputOption): boolean =>
  [...role.inputsOf('x'), ...role.inputsOf('rows:x')].some((input) => input.isTable);

/** The files that the recipes are about, made once. */
export interface Bench {
  /** A new folder with copies of the files of a recipe. */
  lay(recipe: Recipe): string;
  /** An empty one. */
  newFolder(): string;
  /** A database with the table "my table". */
  database(): string;
}

export function openBench(hosted: Run): Bench {
  const folder = temporaryFolder();
  const made = join(folder, 'made');
  let database = '';
  const newFolder = (): string => mkdtempSync(join(folder, 'case-'));
  beforeAll(async () => {
    mkdirSync(made);
    const rows = Array.from({ length: 60 }, (_, i) => [String(i & 1), String((i >> 1) & 1), String(i & 1 & (i >> 1))]);
    const table = writeCsv(made, 'table.csv', [['a', 'b', 'y'], ...rows]);
    writeCsv(made, 'test.csv', [['a', 'b', 'y'], ...rows.slice(0, 40).map(([a, b, y]) => [b, a, y])]);
    writeFileSync(join(made, 'block.onnx'), graphBytes(reluGraphs[0]));
    writeCsv(made, 'inputs.csv', [['p', 'q', 'r'], ...rows.map(([a, b]) => [a, b, '0.5'])]);
    const { model } = JSON.parse(
      readFileSync(join(root, 'packages/core/test/trees/goldens/chess-binary.json'), 'utf8'),
    );
    writeFileSync(join(made, 'trees.json'), JSON.stringify(model));
    const points = rows.slice(0, 4).map(([a, b]) => ({ x0: a === '1', x1: b === '1', x2: a === b }));
    writeFileSync(join(made, 'rows.json'), JSON.stringify(points));
    const at = (name: string): string => join(made, name);
    for (const args of [
      ['fit', table, '--target', 'y', '--degree', '1', '--folds', '2', '--out', at('model.json')],
      ['network', 'make', 'parity', '--inputs', '3', '--size', '2', '--out', at('net.json')],
      ['network', 'certify', at('net.json'), '--domain', `rows:${at('rows.json')}`, '--out', at('certificate.json')],
    ]) {
      expect(await hosted(args)).toMatchObject({ code: 0, stderr: '' });
    }
    const cells = { a: rows.map(([a]) => Number(a)), b: rows.map(([, b]) => Number(b)), y: rows.map((row) => row[2]) };
    database = (await writers.duckdb(cells, made)).replace(/#.*$/, '');
  });
  return {
    newFolder,
    database: () => database,
    lay(recipe) {
      const place = newFolder();
      for (const name of Object.values(recipe.inputs)) copyFileSync(join(made, name), join(place, name));
      return place;
    },
  };
}

export function argsOf({ typed }: Recipe, place: string, instead: Readonly<Record<string, string>> = {}): string[] {
  return typed.split(' ').map((word) => word.replace(/\{(.+?)\}/, (_, name) => instead[name] ?? join(place, name)));
}

export async function redirected(
  args: readonly string[],
  stdin: string | undefined,
  appended?: string,
): Promise<Finished> {
  const files = [
    stdin === undefined ? 'ignore' : openSync(stdin, 'r'),
    appended === undefined ? 'pipe' : openSync(appended, 'a'),
  ] as const;
  const done = finished(spawn(process.execPath, [bin, ...args], { stdio: [...files, 'pipe'] }));
  for (const each of files) if (typeof each === 'number') closeSync(each);
  return await done;
}
