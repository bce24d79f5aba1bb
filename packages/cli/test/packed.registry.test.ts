/**
 * What npm would publish, as somebody meets it who has no checkout: the packages are packed, installed from their tarballs
 * into an empty folder, and used there: by commands, from JavaScript and TypeScript, and in a page. Their dependencies come from
 * the npm registry.
 */
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { findChromium, findRegistry, npmCommand } from '../../../scripts/tools.mjs';
import { type Finished, finished, root, temporaryFolder } from './run.ts';

interface Manifest {
  readonly name: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly man?: string;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const packages = readdirSync(join(root, 'packages')).map((name) => manifestOf(join(root, 'packages', name)).name);
const libraries = packages.filter((name) => name.startsWith('@'));

/** Of the checkout, where they are devDependencies. */
function toolOf(packageName: string, binName: string): string {
  const folder = join(root, 'node_modules', packageName);
  return join(folder, manifestOf(folder).bin?.[binName] ?? '');
}

// npm tells its children where the checkout is and how it is set up; here it is to look for itself.
const surroundings = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(registry|cache|userconfig)$)|^INIT_CWD$/i.test(name),
  ),
);

function start(command: string, args: readonly string[], cwd: string): Promise<Finished> {
  return finished(spawn(command, args, { cwd, env: surroundings, stdio: ['ignore', 'pipe', 'pipe'] }));
}

async function succeed(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await start(command, args, cwd);
  expect({ code, stdout: code === 0 ? '' : stdout, stderr: code === 0 ? '' : stderr }).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
  return stdout;
}

/** All that a package may have in it, and what it must have; sentences, none where all is well. */
function problemsOf(folder: string): string[] {
  const { bin = {}, exports = {}, man = [] } = manifestOf(folder);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
    // Installed beside it, not packed in it.
    .filter((file) => !file.startsWith('node_modules/'));
  const wanted =
    /^(LICENSE|README\.md|package\.json|bin\/\w+\.js|man\/\w+\.1|data\/.+|dist\/[^/]+\.wasm|dist\/.+(\.d\.ts|\.js))$/;
  // The sources are not packed; their condition is for the checkout only.
  const named = Object.values(exports).flatMap((target) =>
    typeof target === 'string'
      ? [target]
      : Object.entries(target).flatMap(([condition, file]) => (condition === '@fewfire/source' ? [] : [file])),
  );
  const isThere = (file: string): boolean => {
    const [before, after] = file.slice(2).split('*');
    return files.some((one) => (after === undefined ? one === before : one.startsWith(before) && one.endsWith(after)));
  };
  return [
    ...files.filter((file) => !wanted.test(file)).map((file) => `nobody needs ${file}`),
    ...['LICENSE', 'README.md'].filter((file) => !files.includes(file)).map((file) => `there is no ${file}`),
    ...[...named, ...[...Object.values(bin), man].flat().map((file) => `./${file}`)]
      .filter((file) => !isThere(file))
      .map((file) => `package.json names ${file}, which is not packed`),
    ...files
      .filter(
        (file) => file.endsWith('.js') && /^\/\/# sourceMappingURL=/m.test(readFileSync(join(folder, file), 'utf8')),
      )
      .map((file) => `${file} names a source map`),
  ];
}

const blocksOf = (markdown: string, language: string): string[] =>
  Array.from(markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')), (match) => match[1]);

const readme = (name: string): string => {
  const folder = name === 'fewfire' ? 'cli' : name.slice('@fewfire/'.length);
  return readFileSync(join(root, 'packages', folder, 'README.md'), 'utf8');
};

/** For Node, with whatever the packages need from outside. */
const PROGRAM = `
import { FewfireError, fitTable, type Model, predictTable, prepareSparseMlp } from '@fewfire/core';
import { openTable } from '@fewfire/node';

const table = await openTable('house-votes-84.csv');
const { model }: { readonly model: Model } = await fitTable(table, { target: 'Class', degree: 1, test: 0.2 });
let rowCount = 0;
for await (const { prediction } of (await predictTable(model, table)).parts) rowCount += prediction.classes?.length ?? 0;
// @ts-expect-error: there is no such method
const refused = await fitTable(table, { target: 'Class', method: 'lass' }).catch((error: unknown) => error);
console.log(rowCount, refused instanceof FewfireError, typeof prepareSparseMlp);
await table.close();
`;

const ONNX = `
import { readFileSync } from 'node:fs';
import { openOnnxRunner } from '@fewfire/node';

const runner = await openOnnxRunner(readFileSync('charlm-relu.onnx'), []);
console.log(runner.inputs.map(({ name }) => name).join());
runner.close();
`;

/** For a page; it is bundled too, which is why it imports by name alone. */
const PAGE = `
import { fitTable, leadingTerms, memoryTable, parseModel, predictRow, serializeModel } from '@fewfire/core';

const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
const y = bits.map(([a, b]) => a ^ b);
const table = memoryTable({ a: bits.map(([a]) => a), b: bits.map(([, b]) => b), c: bits.map(([, , c]) => c), y });
const { model } = await fitTable(table, { target: 'y', seed: 1 });
const kept = await parseModel(await serializeModel(model), 'the model kept');
const { prediction } = await predictRow(kept, { a: 0, b: 1, c: 1 });
console.log(JSON.stringify([leadingTerms(kept, 1)[0].coordinates, prediction]));
`;

const SETTINGS = { target: 'es2022', strict: true, skipLibCheck: false };
const CONFIGURATIONS = {
  nodenext: { file: 'program.ts', options: { module: 'nodenext', types: ['node'], outDir: 'compiled' } },
  bundler: {
    file: 'program.ts',
    options: { module: 'esnext', moduleResolution: 'bundler', types: ['node'], noEmit: true },
  },
  page: {
    file: 'page.ts',
    options: { module: 'esnext', moduleResolution: 'bundler', types: [], lib: ['es2022', 'dom'], noEmit: true },
  },
};

describe.skipIf(findRegistry() === undefined)('packages as they are published', () => {
  const temporary = temporaryFolder();
  const folder = join(temporary, 'installed');
  const inFolder = (...names: string[]): string => join(folder, ...names);
  const packageFolder = (name: string): string => inFolder('node_modules', name);
  const tarballs = join(temporary, 'tarballs');
  const tarballOf = (name: string): string =>
    join(
      tarballs,
      readdirSync(tarballs).find((file) => new RegExp(`^${name.replace(/^@(.*)\//, '$1-')}-\\d`).test(file)) ?? name,
    );
  const fewfire = (args: readonly string[]): Promise<Finished> =>
    start(process.execPath, [join(packageFolder('fewfire'), 'bin/fewfire.js'), ...args], folder);
  const npm = (args: readonly string[], cwd: string): Promise<string> => {
    const [command, all] = npmCommand([...args, '--no-audit', '--no-fund', '--no-progress']);
    return succeed(command, all, cwd);
  };

  beforeAll(async () => {
    for (const one of [tarballs, folder]) mkdirSync(one);
    const published = packages.map((name) => `--workspace=${name}`);
    await npm(['pack', ...published, '--pack-destination', tarballs], root);
    writeFileSync(inFolder('package.json'), '{ "private": true, "type": "module" }');
    await npm(['install', '--prefer-offline', ...packages.map(tarballOf)], folder);
    for (const name of ['house-votes-84.csv', 'charlm-relu.onnx', 'charlm-relu-tokens.npy']) {
      copyFileSync(join(root, 'examples', name), inFolder(name));
    }
    writeFileSync(inFolder('program.ts'), PROGRAM);
    writeFileSync(inFolder('page.ts'), PAGE);
  });

  it.each(packages)('%s holds what it names, and nothing that nobody needs', (name) => {
    expect(problemsOf(packageFolder(name))).toEqual([]);
  });

  it('and what is missing or too much would be seen', () => {
    const planted = join(temporary, 'planted');
    const files = {
      'package.json': JSON.stringify({
        bin: { a: 'bin/a.js' },
        man: 'man/a.1',
        exports: { '.': { '@fewfire/source': './src/a.ts', types: './dist/a.d.ts', default: './dist/a.js' } },
      }),
      'README.md': '',
      'dist/a.js': 'export {};\n//# sourceMappingURL=a.js.map\n',
      'dist/a.js.map': '{}',
      'dist/.tsbuildinfo': '{}',
      'test/a.test.js': '',
    };
    for (const one of ['dist', 'test']) mkdirSync(join(planted, one), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(planted, name), text);
    expect(problemsOf(planted).sort()).toEqual([
      'dist/a.js names a source map',
      'nobody needs dist/.tsbuildinfo',
      'nobody needs dist/a.js.map',
      'nobody needs test/a.test.js',
      'package.json names ./bin/a.js, which is not packed',
      'package.json names ./dist/a.d.ts, which is not packed',
      'package.json names ./man/a.1, which is not packed',
      'there is no LICENSE',
    ]);
  });

  it.each(packages)('publint finds nothing in %s', async (name) => {
    const said = await succeed(
      process.execPath,
      [toolOf('publint', 'publint'), 'run', '--strict', tarballOf(name)],
      root,
    );
    expect(said).toContain('All good!');
  });

  // Modules only: neither require() by old versions of Node nor resolution of their time is promised.
  it('attw finds nothing in the libraries', async () => {
    const attw = toolOf('@arethetypeswrong/cli', 'attw');
    await Promise.all(
      libraries.map((name) => succeed(process.execPath, [attw, '--profile', 'esm-only', tarballOf(name)], root)),
    );
  });

  it('and both can find something', async () => {
    const planted = join(temporary, 'unfit');
    mkdirSync(planted);
    writeFileSync(
      join(planted, 'package.json'),
      JSON.stringify({
        name: 'unfit',
        version: '1.0.0',
        type: 'module',
        exports: { default: './a.js', types: './a.d.ts' },
      }),
    );
    writeFileSync(join(planted, 'a.js'), 'export const a = 1;\n');
    writeFileSync(join(planted, 'a.d.ts'), "export * from './gone.js';\n");
    await npm(['pack', '--pack-destination', temporary], planted);
    const tarball = join(temporary, 'unfit-1.0.0.tgz');
    const tools = [
      [toolOf('publint', 'publint'), 'run', '--strict', tarball],
      [toolOf('@arethetypeswrong/cli', 'attw'), '--profile', 'esm-only', tarball],
    ];
    const codes = await Promise.all(tools.map(async (args) => (await start(process.execPath, args, root)).code));
    expect(codes).toEqual([1, 1]);
  });

  it.each(libraries)('the example in the README of %s prints what it says', async (name) => {
    const [example, ...others] = blocksOf(readme(name), 'js');
    expect(others).toEqual([]);
    const expected = Array.from(example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm), ([, said]) => said);
    expect(expected.length).toBeGreaterThan(0);
    const file = inFolder('example.js');
    writeFileSync(file, example);
    expect((await succeed(process.execPath, [file], folder)).trimEnd().split('\n')).toEqual(expected);
  });

  it('the commands in the README of fewfire do what they say', async () => {
    const commands = blocksOf(readme('fewfire'), 'sh')
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.startsWith('npx fewfire '));
    expect(commands.map((command) => command.split(' ')[2])).toEqual(['fit', 'show', 'predict', 'score', 'export']);
    for (const command of commands) {
      // The link that npx runs.
      await succeed('sh', ['-c', command.replace('npx fewfire', inFolder('node_modules/.bin/fewfire'))], folder);
    }
    const lineCount = (name: string): number => readFileSync(inFolder(name), 'utf8').trimEnd().split('\n').length;
    expect(lineCount('predictions.csv')).toBe(lineCount('house-votes-84.csv'));
    expect(readFileSync(inFolder('votes.html'), 'utf8')).toContain('</html>');
    expect(existsSync(inFolder('votes.py'))).toBe(true);
  });

  it('experiments run, with the trained block that they read', async () => {
    const { code, stdout, stderr } = await fewfire(['reproduce', 'E8', '--tiny', '--out', 'reproduction']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^E8\. /);
    expect(existsSync(inFolder('reproduction/report.html'))).toBe(true);
  });

  it('ONNX models run once onnxruntime-web is there, and before, the command to type is said', async () => {
    const runtime = packageFolder('onnxruntime-web');
    expect(existsSync(runtime)).toBe(false);
    const args = ['profile', 'charlm-relu.onnx', '--inputs', 'charlm-relu-tokens.npy', '--max-rows', '50', '--json'];
    const { code, stdout, stderr } = await fewfire(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const command = /\bnpm install onnxruntime-web@\S+/.exec(readme('fewfire'))?.[0];
    expect(stderr).toBe(
      `error: running ONNX models needs onnxruntime-web, which is not installed with fewfire: ${command}\n`,
    );
    // The checkout's, because it is large.
    symlinkSync(join(root, 'node_modules/onnxruntime-web'), runtime, 'junction');
    try {
      writeFileSync(inFolder('onnx.js'), ONNX);
      expect(await succeed(process.execPath, ['onnx.js'], folder)).toBe('tokens\n');
    } finally {
      rmSync(runtime);
    }
  });

  it.each(Object.keys(CONFIGURATIONS) as (keyof typeof CONFIGURATIONS)[])('types are right for %s', async (name) => {
    const { file, options } = CONFIGURATIONS[name];
    const config = { compilerOptions: { ...SETTINGS, ...options }, files: [file] };
    writeFileSync(inFolder(`tsconfig.${name}.json`), JSON.stringify(config));
    await succeed(process.execPath, [toolOf('typescript', 'tsc'), '-p', `tsconfig.${name}.json`], folder);
    if (name !== 'nodenext') return;
    expect(await succeed(process.execPath, ['compiled/program.js'], folder)).toBe('435 true function\n');
  });

  const answer = '[["a","b"],"1"]';
  const bundle = async (): Promise<string> => {
    const { outputFiles } = await build({
      absWorkingDir: folder,
      entryPoints: ['page.ts'],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
    });
    return outputFiles[0].text;
  };

  it('a bundle for browsers learns and predicts, here in Node', async () => {
    writeFileSync(inFolder('bundle.mjs'), await bundle());
    expect(await succeed(process.execPath, ['bundle.mjs'], folder)).toBe(`${answer}\n`);
  });

  const executablePath = findChromium();
  it.skipIf(executablePath === undefined)('and in Chromium', async () => {
    const content = await bundle();
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    /** What the program writes, or the error it ends with, on a page from there. */
    const saidAt = async (url: string): Promise<string> => {
      const page = await browser.newPage();
      await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
      await page.goto(url);
      const said = new Promise<string>((resolve) => {
        page.on('console', (message) => resolve(message.text()));
        page.on('pageerror', (error) => resolve(error.message));
      });
      await page.addScriptTag({ type: 'module', content });
      return await said;
    };
    try {
      expect(await saidAt('http://localhost/')).toBe(answer);
      // Browsers have no checksums there.
      expect(await saidAt('http://fewfire.test/')).toBe('checksums need a page from https or localhost: serve it so');
    } finally {
      await browser.close();
    }
  });
});
