/**
 * The order of the house: a package or room imports only what stands before it, through its front door, and only
 * packages it declares. Checked on the text of the imports, type imports included, because those make the same knots. And
 * it reads only files that are packed with it, or it would work in this repository alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const packages = ['kernels', 'core', 'report', 'node', 'paper', 'cli'];

/** Rooms of core; those on one line do not know each other. */
const rooms = [
  ['base'],
  ['formats'],
  ['bounds', 'cube'],
  ['spectrum'],
  ['network'],
  ['learn', 'mlp'],
  ['model'],
  ['words'],
];

const rank = (room: string): number => rooms.findIndex((line) => line.includes(room));

/** What core may import from outside; every other package is held to its own package.json. */
const coreImports = ['@fewfire/kernels', 'zod/mini'];

/** What command lines load at once: options without the code that takes them, words without what is told in them. */
const lightDoors = ['options.ts', 'words.ts'];

/** Of core: what is promised, what the sister packages and the tests use besides, and what is light. */
const doors = ['index.ts', 'internal.ts', ...lightDoors];

/** So many functions, constants and classes are promised at most: what comes in takes the place of something. */
const MOST_NAMES = 140;

/** The only places that let the event loop run during long loops; kernels cannot import that of core. */
const turnFiles = ['packages/core/src/base/turn.ts', 'packages/kernels/src/turns.ts'];

/** What a second way would be made of: a new turn of the event loop, or a clock that says when. */
const ownTurn =
  /\b(?:setImmediate|MessageChannel|nextTurn)\b|\bscheduler\.\w+|\bnew Promise\b[^;]*?\bsetTimeout\b|\bperformance\.now\(\) - \w*last\w*/gi;

interface House {
  /** Source text by path, as in `packages/core/src/base/random.ts`. */
  readonly files: Readonly<Record<string, string>>;
  /** Names in `dependencies`, by package folder. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  /** What is packed, by package folder: `files` of package.json. */
  readonly packed: Readonly<Record<string, readonly string[]>>;
}

interface Import {
  /** Undefined where the specifier is computed. */
  readonly specifier: string | undefined;
  readonly dynamic: boolean;
}

// Comments and templates may talk about what is looked for; quoted strings must survive, they hold the specifiers.
function codeOf(source: string): string {
  return source.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, quoted?: string) => quoted ?? ' ',
  );
}

function importsOf(source: string): Import[] {
  const code = codeOf(source);
  const imports: Import[] = [];
  for (const [, specifier] of code.matchAll(
    /^[ \t]*(?:import|export)\b(?![ \t]*[(.])(?:[^'";]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm,
  )) {
    imports.push({ specifier, dynamic: false });
  }
  for (const [, specifier] of code.matchAll(/\bimport\s*\(\s*(?:['"]([^'"\n]+)['"])?/g)) {
    imports.push({ specifier, dynamic: true });
  }
  return imports;
}

/** Files that are named from where the source lies. */
function filesOf(source: string): string[] {
  const named = codeOf(source).matchAll(/\bnew URL\(\s*['"]([^'"\n]+)['"]\s*,\s*import\.meta\.url/g);
  return Array.from(named, ([, specifier]) => specifier);
}

function violations({ files, dependencies, packed }: House): string[] {
  const found: string[] = [];
  for (const [path, source] of Object.entries(files)) {
    const [, owner, , ...inside] = path.split('/');
    const room = owner === 'core' && inside.length > 1 ? inside[0] : undefined;
    if (owner === 'core') {
      if (room === undefined && !doors.includes(inside[0])) found.push(`${path} stands outside every room`);
      if (room !== undefined && rank(room) < 0) found.push(`${path}: the house has no room ${room}`);
    }
    for (const { specifier, dynamic } of importsOf(source)) {
      const problem =
        specifier === undefined
          ? owner === 'core' && 'core imports nothing whose name is computed'
          : specifier.startsWith('.')
            ? relativeProblem(path, owner, room, specifier)
            : packageProblem(owner, specifier, dynamic, dependencies[owner] ?? []);
      if (problem) found.push(`${path} imports ${specifier ?? 'a computed name'}: ${problem}`);
    }
    for (const specifier of filesOf(source)) {
      const problem = fileProblem(path, owner, specifier, packed[owner] ?? []);
      if (problem) found.push(`${path} reads ${specifier}: ${problem}`);
    }
    if (path === 'packages/core/src/index.ts' && /\bexport \*/.test(codeOf(source))) {
      found.push(`${path} exports all of a room: its door lists names`);
    }
    for (const [text] of turnFiles.includes(path) ? [] : codeOf(source).matchAll(ownTurn)) {
      found.push(`${path} has \`${text}\`: long loops let others run by ${turnFiles.join(' and ')} only`);
    }
  }
  return found;
}

function relativeProblem(path: string, owner: string, room: string | undefined, specifier: string): string | false {
  const target = posix.join(posix.dirname(path), specifier);
  const home = `packages/${owner}/src/`;
  if (!target.startsWith(home)) {
    // The command line tool reads its own package.json for its version.
    return target !== `packages/${owner}/package.json` && 'packages meet by name, not by path';
  }
  if (owner !== 'core') return false;
  const [targetRoom, ...rest] = target.slice(home.length).split('/');
  if (room === targetRoom) return false;
  if (rest.length === 0) return room !== undefined && 'a room does not import what stands above the rooms';
  // These are to load nothing besides.
  const isLight = lightDoors.some((door) => path === `packages/core/src/${door}`);
  if (rest.join('/') !== 'index.ts' && !isLight) return 'a room is entered through its index.ts';
  return room !== undefined && rank(targetRoom) >= rank(room) && `${targetRoom} does not stand before ${room}`;
}

function fileProblem(path: string, owner: string, specifier: string, packed: readonly string[]): string | false {
  const target = posix.join(posix.dirname(path), specifier);
  const home = `packages/${owner}/`;
  if (!target.startsWith(home)) return 'a package reads only what lies in it';
  const [entry] = target.slice(home.length).split('/');
  // What is beside a source is beside its module in dist/ too, and a package.json is always packed.
  if (entry === 'src' || entry === 'package.json') return false;
  return !packed.includes(entry) && `${entry} is not among the files of packages/${owner}/package.json`;
}

function packageProblem(
  owner: string,
  specifier: string,
  dynamic: boolean,
  declared: readonly string[],
): string | false {
  if (specifier.startsWith('node:')) {
    if (owner === 'kernels') {
      return (
        !(dynamic && specifier === 'node:worker_threads') && 'kernels knows Node only by import() of worker threads'
      );
    }
    return owner === 'core' && 'core runs in browsers too';
  }
  if (owner === 'kernels') return 'kernels stands alone';
  if (owner === 'core' && !coreImports.includes(specifier)) return `core imports only ${coreImports.join(' and ')}`;
  const other = /^@fewfire\/([^/]+)(\/.*)?$/.exec(specifier);
  if (other !== null) {
    if (other[2] !== undefined && !/^@fewfire\/core\/(internal|options|words)$/.test(specifier))
      return 'a package is entered by its name alone';
    if (packages.indexOf(other[1]) < 0 || packages.indexOf(other[1]) >= packages.indexOf(owner)) {
      return `${other[1]} does not stand before ${owner}`;
    }
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return !declared.includes(name) && `${name} is not among the dependencies of packages/${owner}/package.json`;
}

/** Files that import themselves by way of others: each circle as its files, in order. */
function circles(files: House['files']): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' -> '));
    if (way.includes(path) || done.has(path) || files[path] === undefined) return;
    for (const { specifier } of importsOf(files[path])) {
      if (specifier?.startsWith('.')) visit(posix.join(posix.dirname(path), specifier), [...way, path]);
    }
    done.add(path);
  };
  for (const path of Object.keys(files)) visit(path, []);
  return found;
}

function readHouse(): House {
  const files: Record<string, string> = {};
  const dependencies: Record<string, readonly string[]> = {};
  const packed: Record<string, readonly string[]> = {};
  for (const owner of readdirSync(join(root, 'packages'))) {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', owner, 'package.json'), 'utf8'));
    dependencies[owner] = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    packed[owner] = manifest.files;
    for (const file of readdirSync(join(root, 'packages', owner, 'src'), { recursive: true, encoding: 'utf8' })) {
      const path = posix.join('packages', owner, 'src', file.replaceAll('\\', '/'));
      // The embedded WebAssembly is large, generated, and imports nothing.
      if (!path.endsWith('.ts') || path.startsWith('packages/kernels/src/generated/')) continue;
      files[path] = readFileSync(join(root, path), 'utf8');
    }
  }
  return { files, dependencies, packed };
}

describe('house', () => {
  it('imports only what stands before, and reads only what is packed', () => {
    const house = readHouse();
    expect(Object.keys(house.dependencies).filter((owner) => !packages.includes(owner))).toEqual([]);
    expect(violations(house)).toEqual([]);
  });

  it('has no file that needs itself: each can be read after those it imports', () => {
    expect(circles(readHouse().files)).toEqual([]);
  });

  it('has a door that promises few names, all of which the examples and the README can do with', async () => {
    expect(Object.keys(await import('../../core/src/index.ts')).length).toBeLessThanOrEqual(MOST_NAMES);
    const shown = ['README.md', ...readdirSync(join(root, 'examples')).map((name) => `examples/${name}`)];
    const using = shown.filter((name) => /\.(md|mjs|js|ts)$/.test(name));
    expect(using.length).toBeGreaterThan(2);
    for (const name of using) expect(readFileSync(join(root, name), 'utf8')).not.toContain('core/internal');
  });

  it('is really read: the imports known to be there are seen', () => {
    const { files } = readHouse();
    expect(importsOf(files['packages/core/src/cube/encoder.ts']).map((found) => found.specifier)).toContain(
      '../base/index.ts',
    );
    expect(importsOf(files['packages/core/src/index.ts']).map((found) => found.specifier)).toContain('./base/index.ts');
    expect(filesOf(files['packages/paper/src/relu-layer.ts'])).toEqual(['../data/relu-mlp.safetensors']);
  });
});

describe('the check of the house', () => {
  const dependencies = { kernels: [], core: ['@fewfire/kernels', 'zod'], node: ['@fewfire/core'], cli: ['commander'] };
  const packed = { paper: ['dist', 'data'] };
  const check = (path: string, source: string): string[] =>
    violations({ files: { [path]: source }, dependencies, packed });

  it.each([
    ['packages/core/src/base/a.ts', "import { b } from '../cube/index.ts';", 'cube does not stand before base'],
    ['packages/core/src/base/a.ts', "import type { B } from '../cube/index.ts';", 'cube does not stand before base'],
    [
      'packages/core/src/base/a.ts',
      "import {\n  b,\n  c,\n} from '../cube/index.ts';",
      'cube does not stand before base',
    ],
    ['packages/core/src/base/a.ts', "export * from '../cube/index.ts';", 'cube does not stand before base'],
    ['packages/core/src/base/a.ts', "import '../cube/index.ts';", 'cube does not stand before base'],
    ['packages/core/src/base/a.ts', "const b = await import('../cube/index.ts');", 'cube does not stand before base'],
    ['packages/core/src/base/a.ts', "type B = import('../cube/index.ts').B;", 'cube does not stand before base'],
    ['packages/core/src/base/a.ts', "import { b } from '../formats/index.ts';", 'formats does not stand before base'],
    ['packages/core/src/formats/a.ts', "import { b } from '../cube/index.ts';", 'cube does not stand before formats'],
    ['packages/core/src/learn/a.ts', "import { b } from '../mlp/index.ts';", 'mlp does not stand before learn'],
    ['packages/core/src/learn/a.ts', "import { b } from '../cube/points.ts';", 'entered through its index.ts'],
    ['packages/core/src/learn/a.ts', "import { b } from '../index.ts';", 'above the rooms'],
    ['packages/core/src/index.ts', "export { b } from './cube/points.ts';", 'entered through its index.ts'],
    ['packages/core/src/index.ts', "export * from './cube/index.ts';", 'its door lists names'],
    ['packages/core/src/stray.ts', '', 'outside every room'],
    ['packages/core/src/attic/a.ts', '', 'no room attic'],
    ['packages/core/src/base/a.ts', "import { b } from '../../../kernels/src/index.ts';", 'by name, not by path'],
    ['packages/core/src/base/a.ts', "import { z } from 'zod';", 'core imports only'],
    ['packages/core/src/base/a.ts', "import fs from 'node:fs';", 'browsers'],
    ['packages/core/src/base/a.ts', "const fs = await import('node:fs');", 'browsers'],
    ['packages/core/src/base/a.ts', 'const b = await import(name);', 'computed'],
    ['packages/kernels/src/a.ts', "import { z } from 'zod/mini';", 'stands alone'],
    ['packages/kernels/src/a.ts', "import { Worker } from 'node:worker_threads';", 'only by import()'],
    ['packages/kernels/src/a.ts', "await import('node:fs');", 'only by import()'],
    ['packages/core/src/base/a.ts', "import { b } from '@fewfire/node';", 'core imports only'],
    ['packages/node/src/a.ts', "import { b } from '@fewfire/core/dist/index.js';", 'by its name alone'],
    ['packages/node/src/a.ts', "import { b } from '@fewfire/cli';", 'cli does not stand before node'],
    ['packages/paper/src/a.ts', "import { b } from 'fewfire';", 'not among the dependencies'],
    ['packages/paper/src/a.ts', "import { b } from '../../cli/src/format.ts';", 'by name, not by path'],
    ['packages/node/src/a.ts', "import { b } from '@fewfire/paper';", 'paper does not stand before node'],
    ['packages/node/src/a.ts', "import { b } from 'commander';", 'not among the dependencies'],
    ['packages/cli/src/a.ts', "import { b } from '@fewfire/core';", 'not among the dependencies'],
    ['packages/cli/src/a.ts', "import { b } from '../../core/src/index.ts';", 'by name, not by path'],
    ['packages/paper/src/a.ts', "new URL('../../../examples/b.csv', import.meta.url);", 'reads only what lies in it'],
    ['packages/paper/src/a.ts', "new URL(\n  '../../paper2/b',\n  import.meta.url,\n);", 'reads only what lies in it'],
    ['packages/paper/src/a.ts', "new URL('../test/b.json', import.meta.url);", 'test is not among the files'],
    ['packages/core/src/base/a.ts', 'await new Promise((resolve) => setImmediate(resolve));', 'by packages/core'],
    ['packages/node/src/a.ts', 'await new Promise((resolve) => {\n  setTimeout(resolve, 0);\n});', 'by packages/core'],
    ['packages/core/src/mlp/a.ts', 'const { port1, port2 } = new MessageChannel();', 'by packages/core'],
    ['packages/kernels/src/a.ts', 'await scheduler.yield();', 'by packages/core'],
    ['packages/cli/src/a.ts', 'if (performance.now() - lastTurn > 20) await pause();', 'by packages/core'],
  ])('refuses in %s: %s', (path, source, problem) => {
    expect(check(path, source)).toEqual([expect.stringContaining(problem)]);
  });

  it('finds circles, of types too, and nothing in ways that meet again', () => {
    const file = (...names: readonly string[]): string =>
      names.map((name) => `import type { T } from './${name}.ts';`).join('\n');
    const meeting = { 'p/a.ts': file('b', 'c'), 'p/b.ts': file('d'), 'p/c.ts': file('d'), 'p/d.ts': '' };
    expect(circles(meeting)).toEqual([]);
    expect(circles({ ...meeting, 'p/d.ts': file('c') })).toEqual(['p/d.ts -> p/c.ts -> p/d.ts']);
    expect(circles({ 'p/a.ts': file('a') })).toEqual(['p/a.ts -> p/a.ts']);
  });

  it.each([
    ['packages/core/src/learn/a.ts', "import { b } from '../cube/index.ts';\nimport { c } from './c.ts';"],
    ['packages/core/src/learn/a.ts', "import { k } from '@fewfire/kernels';\nimport * as z from 'zod/mini';"],
    ['packages/core/src/internal.ts', "export * from './learn/index.ts';"],
    ['packages/core/src/index.ts', "export { b } from './learn/index.ts';"],
    ['packages/node/src/a.ts', "import { b } from '@fewfire/core/internal';"],
    ['packages/kernels/src/a.ts', "const { Worker } = await import('node:worker_threads');"],
    ['packages/kernels/src/a.ts', "const url = new URL('./worker.js', import.meta.url);"],
    ['packages/node/src/a.ts', "import fs from 'node:fs';\nimport { b } from '@fewfire/core';"],
    ['packages/paper/src/a.ts', "new URL('../data/b', import.meta.url); new URL('https://example.org');"],
    ['packages/cli/src/a.ts', "new URL('../package.json', import.meta.url);"],
    ['packages/cli/src/a.ts', "const { Command } = await import('commander');"],
    ['packages/core/src/base/turn.ts', 'await new Promise((resolve) => setImmediate(resolve));'],
    ['packages/node/src/a.ts', 'const timer = setTimeout(() => worker.terminate(), 1000);'],
    ['packages/cli/src/a.ts', '// by setImmediate, once\nconst ms = performance.now() - startedAt;'],
    [
      'packages/core/src/base/a.ts',
      "// import x from '../cube/index.ts'\n/* await import('node:fs') */\nconst s = `\nimport 'x'`;",
    ],
    [
      'packages/core/src/base/a.ts',
      "export const from = 'node:fs';\nexport function f(): string {\n  return 'node:fs';\n}",
    ],
  ])('allows in %s: %s', (path, source) => {
    expect(check(path, source)).toEqual([]);
  });
});
