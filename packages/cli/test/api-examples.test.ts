/**
 * The docstrings of all public functions: each says what the function is for and has an example, which runs and prints
 * what it says; those that check their options say what they throw.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as core from '../../core/src/index.ts';
import * as kernels from '../../kernels/src/index.ts';
import * as node from '../../node/src/index.ts';
import * as report from '../../report/src/index.ts';
import { type Program, programsOf } from './programs.ts';
import { root } from './run.ts';

type Module = Readonly<Record<string, unknown>>;

const doors: Readonly<Record<string, Module>> = { core, kernels, node, report };

/** What an example may import. */
const modules: Readonly<Record<string, () => Module | Promise<Module>>> = {
  ...Object.fromEntries(Object.entries(doors).map(([name, door]) => [`@fewfire/${name}`, () => door])),
  'node:fs/promises': () => import('node:fs/promises'),
  'node:os': () => import('node:os'),
  'node:path': () => import('node:path'),
};

/** Docstrings of exported functions and classes by name, of overloads the first; what node hands on stands in core. */
function docstrings(owner: string): Map<string, { readonly doc: string; readonly body: string }> {
  const found = new Map<string, { readonly doc: string; readonly body: string }>();
  for (const folder of owner === 'node' ? ['node', 'core'] : [owner]) {
    const source = join(root, 'packages', folder, 'src');
    for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.includes('generated')) continue;
      const text = readFileSync(join(source, file), 'utf8');
      for (const match of text.matchAll(/^export (?:async )?(?:function\*?|class) (\w+)/gm)) {
        if (found.has(match[1])) continue;
        const before = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n$/.exec(text.slice(0, match.index));
        const body = text.slice(match.index, text.indexOf('\n}\n', match.index));
        found.set(match[1], { doc: (before?.[1] ?? '').replace(/^\s*\* ?/gm, '').trim(), body });
      }
    }
  }
  return found;
}

const AsyncFunction = (async () => undefined).constructor as new (
  ...text: string[]
) => (modules: Module, log: object) => Promise<void>;

/** What an example prints, run here: a process for each would take minutes. */
async function run({ code }: Program): Promise<string[]> {
  const taken: Record<string, Module> = {};
  let body = code;
  for (const [text, names, from] of code.matchAll(/^import \{([^}]*)\} from '(.*)';\n/gm)) {
    expect(Object.keys(modules)).toContain(from);
    taken[from] = await modules[from]();
    for (const name of names.split(',').map((each) => each.trim())) {
      if (name !== '') expect(Object.keys(taken[from]), `${from} has no ${name}`).toContain(name);
    }
    body = body.replace(text, `const {${names}} = modules['${from}'];\n`);
  }
  const printed: string[] = [];
  const folder = process.cwd();
  process.chdir(root);
  try {
    const console = { log: (...values: unknown[]) => printed.push(format(...values)) };
    await new AsyncFunction('modules', 'console', body)(taken, console);
  } finally {
    process.chdir(folder);
  }
  return printed;
}

describe.each(Object.keys(doors))('@fewfire/%s', (owner) => {
  const docs = docstrings(owner);
  const names = Object.keys(doors[owner]).filter((name) => typeof doors[owner][name] === 'function');

  it.each(names)('%s', async (name) => {
    const { doc, body } = docs.get(name) ?? (docstrings('kernels').get(name) as { doc: string; body: string });
    expect(doc, 'a sentence that says what it is for').toMatch(/^[^@\s]/);
    if (/\bcheck(Run)?Options\(/.test(body)) expect(doc).toMatch(/^@throws FewfireError/m);
    expect(doc).toMatch(/^@example$/m);
    const programs = programsOf(`${doc}\n`);
    expect(programs).toHaveLength(1);
    expect(programs[0].code).toMatch(new RegExp(`\\b${name}\\b`));
    expect(programs[0].printed.length).toBeGreaterThan(0);
    expect(await run(programs[0])).toEqual(programs[0].printed);
  });
});

it('an example that prints something else is seen', async () => {
  const [program] = programsOf(
    "```ts\nimport { rSquared } from '@fewfire/core';\n\nconsole.log(rSquared([1, 2], [1, 2])); // 2\n```\n",
  );
  expect(program.printed).toEqual(['2']);
  expect(await run(program)).toEqual(['1']);
});
