/**
 * No input is ever lost: every command is run with every output that it has put where each of its inputs is, by every
 * way in which a file can be called. Commands, inputs and outputs are those that the programme declares: one that is
 * added and not tried here fails.
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { openCommandFiles } from '../src/command-files.ts';
import { fileInput, InputOption, OutputOption, tableInput } from '../src/file-roles.ts';
import {
  argsOf,
  commands,
  endingFor,
  inputsOf,
  isInput,
  isTable,
  openBench,
  outputsOf,
  readingNothing,
  recipes,
  redirected,
} from './every-command.ts';
import { commandHost, root } from './run.ts';

const hosted = commandHost();
const { lay, newFolder, database } = openBench(hosted);

interface Trial {
  /** What stands for the input in the command. */
  readonly input: string;
  /** Where it is told to write. */
  readonly output: string;
}

/** @param ending what the output has to end in */
type Way = (path: string, ending: string) => Trial;

/** Ways to call the input, or the output, that are one file, under names that the output accepts. */
const ways: Readonly<Record<string, Way>> = {
  'the same name': (path) => ({ input: path, output: path }),
  'another spelling': (path) => ({
    input: path,
    output: `${dirname(path)}/./../${basename(dirname(path))}//${basename(path)}`,
  }),
  'a link to the input, written to itself': (path) => {
    const input = join(dirname(path), `link${extname(path)}`);
    symlinkSync(basename(path), input);
    return { input, output: path };
  },
  'a link of its folder': (path) => {
    const other = `${dirname(path)}-link`;
    symlinkSync(dirname(path), other);
    return { input: path, output: join(other, basename(path)) };
  },
};

/** Ways in which the output may be called otherwise than the input. */
const linkWays: Readonly<Record<string, Way>> = {
  'a symbolic link': (path, ending) => {
    const output = join(dirname(path), `link${ending}`);
    symlinkSync(basename(path), output);
    return { input: path, output };
  },
  'a hard link': (path, ending) => ({ input: path, output: hardLink(path, ending) }),
};

/** What only a table can be called. */
const tableWays: Readonly<Record<string, Way>> = {
  'a pattern': (path, ending) => ({
    input: join(dirname(path), `${basename(path)[0]}*${extname(path)}`),
    output: path.endsWith(ending) ? path : hardLink(path, ending),
  }),
  'a table of a database': (path, ending) => {
    const shop = join(dirname(path), 'shop.duckdb');
    copyFileSync(database(), shop);
    return { input: `${shop}#my table`, output: hardLink(shop, ending) };
  },
  'the log of a database': (path, ending) => {
    const shop = join(dirname(path), 'shop.duckdb');
    copyFileSync(database(), shop);
    writeFileSync(`${shop}.wal`, 'changes');
    return { input: `${shop}#my table`, output: hardLink(`${shop}.wal`, ending) };
  },
  'standard input': (path, ending) => ({
    input: '-',
    output: path.endsWith(ending) ? path : hardLink(path, ending),
  }),
};

function hardLink(path: string, ending: string): string {
  const link = join(dirname(path), `hard${ending}`);
  linkSync(path, link);
  return link;
}

/** All bytes below a folder, by the name of the file; links by where they lead. */
function contents(place: string): Map<string, string> {
  return new Map(
    readdirSync(place).map((name) => {
      const path = join(place, name);
      const link = lstatSync(path).isSymbolicLink() ? 'link ' : '';
      return [name, link + readFileSync(path).toString('base64')];
    }),
  );
}

describe('what is declared', () => {
  it('whatever names a file says whether it is read or written', () => {
    const undeclared: string[] = [];
    for (const [path, command] of commands) {
      for (const option of command.options) {
        const value = /<(.+)>/.exec(option.flags)?.[1] ?? '';
        const isDeclared = option instanceof InputOption || option instanceof OutputOption;
        const isFile = /file|folder|director|path|domain|\.\w+$/i.test(value);
        if (isFile !== isDeclared) undeclared.push(`${path} ${option.flags}`);
      }
      for (const argument of command.registeredArguments) {
        if (!isInput(argument)) undeclared.push(`${path} ${argument.name()}`);
      }
    }
    // Names of experiments and shells are no files.
    expect(undeclared).toEqual(['reproduce experiments', 'completion shell']);
  });

  it('every command is tried here, with all that it reads', () => {
    const declared = [...commands].map(([path, command]) => [path, [...inputsOf(command).keys()].sort()]);
    const reading = declared.filter(([path]) => !readingNothing.test(path as string));
    const tried = Object.entries(recipes).map(([path, { inputs }]) => [path, Object.keys(inputs).sort()]);
    expect(reading.sort()).toEqual(tried.sort());
    for (const [path, inputs] of declared) if (readingNothing.test(path as string)) expect(inputs).toEqual([]);
  });

  it('only one file of the command line, and none of the experiments, writes files', () => {
    const packages = join(root, 'packages');
    const names = /\b(writeFile\w*|writeTable|appendFile\w*|createWriteStream|replaceFile|copyFile|rename|truncate)\b/;
    // Imports, and what is taken out of them where they are asked for late.
    const imports =
      /(?:import|const) [^;=]*?(?:from|= await import\() ?['"](?:node:fs(?:\/promises)?|@fewfire\/node)['"]/g;
    const writing = ['cli/src', 'paper/src']
      .flatMap((folder) =>
        readdirSync(join(packages, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
      )
      .filter((name) => name.endsWith('.ts'))
      .filter((name) =>
        readFileSync(join(packages, name), 'utf8')
          .match(imports)
          ?.some((each) => names.test(each)),
      );
    expect(writing).toEqual(['cli/src/command-files.ts']);
  });
});

describe.each(Object.keys(recipes))('%s', (name) => {
  const recipe = recipes[name];
  const command = commands.get(name) as Command;
  const outputs = outputsOf(command);

  it('does its work where nothing is lost, also over an old file', async () => {
    expect(await hosted(argsOf(recipe, lay(recipe)))).toMatchObject({ code: 0 });
    for (const option of outputs) {
      const place = lay(recipe);
      const output = join(place, `new${endingFor(option, '.json')}`);
      writeFileSync(output, 'old');
      const before = contents(place);
      const args = [...argsOf(recipe, place), option.long as string, output];
      expect(await hosted(args)).toMatchObject({ code: 0 });
      const after = contents(place);
      expect(after.get(basename(output))).not.toBe(before.get(basename(output)));
      for (const [file, bytes] of before) if (file !== basename(output)) expect(after.get(file)).toBe(bytes);
    }
  });

  const pairs = outputs.flatMap((option) =>
    [...inputsOf(command)].flatMap(([input, role]) => {
      const isNamedAlike = endingFor(option, extname(recipe.inputs[input])) === extname(recipe.inputs[input]);
      const all = { ...(isNamedAlike ? ways : {}), ...linkWays, ...(isTable(role) ? tableWays : {}) };
      return Object.entries(all).map(
        ([way, arrange]) => [`${option.long} over ${input} by ${way}`, option, input, arrange] as const,
      );
    }),
  );
  it.each(pairs)('%s', async (_, option, input, arrange) => {
    const place = lay(recipe);
    const file = recipe.inputs[input];
    const trial = arrange(join(place, file), endingFor(option, extname(file)));
    const before = contents(place);
    const args = [...argsOf(recipe, place, { [file]: trial.input }), option.long as string, trial.output];
    const done = trial.input === '-' ? await redirected(args, join(place, file)) : await hosted(args);
    expect(done.stderr).toMatch(/^error: cannot write [^\n]* it is also what is read[^\n]*\n$/);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(contents(place)).toEqual(before);
  });

  if (outputs.length > 0)
    it('refuses before it reads anything', async () => {
      for (const option of outputs) {
        for (const file of Object.values(recipe.inputs)) {
          const place = lay(recipe);
          for (const each of readdirSync(place)) writeFileSync(join(place, each), 'this is nothing that can be read');
          const output = hardLink(join(place, file), endingFor(option, '.json'));
          const done = await hosted([...argsOf(recipe, place), option.long as string, output]);
          expect(done.stderr).toMatch(/ it is also what is read /);
        }
      }
    });

  it('standard output over what is read', async () => {
    const [[input, role]] = inputsOf(command);
    const place = lay(recipe);
    const file = recipe.inputs[input];
    const before = contents(place);
    const args = argsOf(recipe, place, isTable(role) ? { [file]: '-' } : {});
    const done = await redirected(args, join(place, file), join(place, file));
    expect(done.stderr).toMatch(/^error: cannot write standard output: its file is also what is read [^\n]*\n$/);
    expect(done.code).toBe(1);
    expect(contents(place)).toEqual(before);
  });
});

describe('two outputs', () => {
  const several = [...commands].filter(([, command]) => outputsOf(command).length > 1);

  it('are what some commands have', () => {
    expect(several.map(([name]) => name)).toEqual(['fit', 'show', 'profile']);
  });

  const pairs: Readonly<Record<string, (place: string) => readonly [string, string]>> = {
    'the same name': (place) => [join(place, 'x'), join(place, 'x')],
    'another spelling': (place) => [join(place, 'x'), `${place}/./x`],
    'a link to a file': (place) => {
      writeFileSync(join(place, 'x'), 'old');
      symlinkSync('x', join(place, 'y'));
      return [join(place, 'x'), join(place, 'y')];
    },
    'a link to nothing yet': (place) => {
      symlinkSync('x', join(place, 'y'));
      return [join(place, 'x'), join(place, 'y')];
    },
    'a hard link': (place) => {
      writeFileSync(join(place, 'x'), 'old');
      linkSync(join(place, 'x'), join(place, 'y'));
      return [join(place, 'x'), join(place, 'y')];
    },
    'a link of the folder': (place) => {
      mkdirSync(join(place, 'sub'));
      symlinkSync('sub', join(place, 'other'));
      return [join(place, 'sub', 'x'), join(place, 'other', 'x')];
    },
  };
  it.each(Object.entries(pairs))('%s', async (_, arrange) => {
    for (const isTurned of [false, true]) {
      const place = lay(recipes.fit);
      const paths = [...arrange(place)];
      if (isTurned) paths.reverse();
      const before = readdirSync(place, { recursive: true });
      const done = await hosted([...argsOf(recipes.fit, place), '--out', paths[0], '--report', paths[1]]);
      expect(done.stderr).toMatch(/^error: --out and --report are both [^\n]*; expected two files\n$/);
      expect(done).toMatchObject({ code: 2, stdout: '' });
      expect(readdirSync(place, { recursive: true })).toEqual(before);
    }
  });

  it('names that differ in case, where the file system takes them for one', async () => {
    const place = lay(recipes.fit);
    writeFileSync(join(place, 'probe'), '');
    const isOne = existsSync(join(place, 'PROBE'));
    const [out, report] = [join(place, 'Out'), join(place, 'oUT')];
    const done = await hosted([...argsOf(recipes.fit, place), '--out', out, '--report', report]);
    expect(done.code).toBe(isOne ? 2 : 0);
    expect(existsSync(out) && existsSync(report)).toBe(!isOne);
    if (!isOne) expect(readFileSync(out, 'utf8')).not.toBe(readFileSync(report, 'utf8'));
    expect(readdirSync(place).filter((file) => file.startsWith('.'))).toEqual([]);
  });

  it('one of them standard output', async () => {
    const place = lay(recipes.fit);
    const out = join(place, 'x.json');
    const done = await redirected([...argsOf(recipes.fit, place), '--out', out], undefined, out);
    expect(done.stderr).toMatch(/^error: --out and standard output are both [^\n]*\n$/);
    expect(done.code).toBe(2);
  });
});

describe('a file that appears while a command works', () => {
  const arranged = async (more: { readonly table?: boolean } = {}) => {
    const place = newFolder();
    const at = (name: string): string => join(place, name);
    writeFileSync(at('in.csv'), 'a\n1\n');
    const files = openCommandFiles(new AbortController().signal, undefined);
    const inputs = (more.table === true ? tableInput : fileInput)(more.table === true ? at('*.csv') : at('in.csv'));
    const outputs = ['out', 'more'].map((name) => ({ flag: '--out', path: at(name), isFolder: false }));
    await files.declare({ inputs, outputs, prints: false });
    return { at, files, place };
  };

  it('and is an input is not written over', async () => {
    for (const arrive of [linkSync, renameSync, (from: string, to: string) => symlinkSync(from, to)]) {
      const { at, files, place } = await arranged();
      const content = (function* () {
        yield 'first';
        arrive(at('in.csv'), at('out'));
        yield 'second';
      })();
      await expect(files.write([{ path: at('out'), content }])).rejects.toThrow('it is also what is read');
      expect(readFileSync(at('out'), 'utf8')).toBe('a\n1\n');
      expect(readdirSync(place).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    }
  });

  it('and is matched by the pattern that is read is not written over', async () => {
    const { at, files } = await arranged({ table: true });
    writeFileSync(at('late.csv'), 'a\n2\n');
    await files.addInputs(at('*.csv'), [at('in.csv'), at('late.csv')]);
    renameSync(at('late.csv'), at('out'));
    await expect(files.write([{ path: at('out'), content: 'new' }])).rejects.toThrow('it is also what is read');
    expect(readFileSync(at('out'), 'utf8')).toBe('a\n2\n');
  });

  it('and is the other output is not written over', async () => {
    const { at, files } = await arranged();
    await files.write([{ path: at('out'), content: 'one' }]);
    linkSync(at('out'), at('more'));
    await expect(files.write([{ path: at('more'), content: 'two' }])).rejects.toThrow('has just written');
    expect(readFileSync(at('out'), 'utf8')).toBe('one');
  });

  it('and is nothing of this command is', async () => {
    const { at, files } = await arranged();
    writeFileSync(at('out'), 'old');
    await files.write([{ path: at('out'), content: 'new' }]);
    expect(readFileSync(at('out'), 'utf8')).toBe('new');
    await expect(files.write([{ path: at('elsewhere'), content: '' }])).rejects.toThrow('was not declared');
  });
});
