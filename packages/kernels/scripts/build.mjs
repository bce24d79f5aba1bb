/**
 * Compiles assembly/ to a binary per group of kernels, each twice (with and without SIMD), and embeds both as text in
 * src/generated/<group>.ts: a module per group, so that bundlers leave out what is not used, and both variants in it, because
 * they have much in common and the second compresses to a quarter of the first. Embedding works in Node, workers, browsers and
 * bundlers alike; the raw files go to dist/ too. src/generated/structs.ts has the places of what host and kernels share in
 * memory (structs.mjs). Does nothing when the hash in src/generated/source-hash.ts is that of today's sources, unless told to
 * --force.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from './pack.mjs';
import { readStructs, structsModule } from './structs.mjs';

/**
 * The entry files in assembly/, how each is optimised, and the binaries made from them. What a page that learns loads is
 * small: the helpers of inner loops are inlined before anything else, which is all that its speed needs (and alike in both
 * variants, so that they stay similar); the sweeps over networks and the wide layers need the whole of -O3.
 */
const SMALL = { level: '-Oz', inlinedSize: 60 };
const FAST = { level: '-O3', inlinedSize: 0 };
const GROUPS = { learning: SMALL, 'learning-f32': SMALL, transforms: SMALL, networks: FAST, layers: FAST };
const VARIANTS = { simd: ['--enable', 'simd'], scalar: ['--disable', 'simd'] };

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const assembly = join(root, 'assembly');
const generated = join(root, 'src', 'generated');
const dist = join(root, 'dist');
const binaryFile = (group, variant) => join(dist, `${group}-${variant}.wasm`);
const moduleFile = (name) => join(generated, `${name}.ts`);

const sourceHash = hashSources();
if (process.argv.includes('--force') || !isUpToDate()) await buildAll();

function hashSources() {
  const compiler = JSON.parse(
    readFileSync(join(root, '..', '..', 'node_modules', 'assemblyscript', 'package.json'), 'utf8'),
  ).version;
  const hash = createHash('sha256').update(compiler);
  for (const folder of [assembly, join(root, 'scripts')]) {
    for (const name of readdirSync(folder).sort()) {
      if (!/\.(ts|mjs)$/.test(name)) continue;
      hash
        .update(name)
        .update('\0')
        .update(readFileSync(join(folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function isUpToDate() {
  const hashFile = moduleFile('source-hash');
  const made = Object.keys(GROUPS).flatMap((group) => [
    moduleFile(group),
    ...Object.keys(VARIANTS).map((variant) => binaryFile(group, variant)),
  ]);
  made.push(moduleFile('structs'));
  return (
    existsSync(hashFile) &&
    readFileSync(hashFile, 'utf8').includes(`'${sourceHash}'`) &&
    made.every((file) => existsSync(file))
  );
}

async function buildAll() {
  // Nothing of an earlier build stays: dist/ is published, and the hash, written last, vouches for all.
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated, { recursive: true });
  mkdirSync(dist, { recursive: true });
  for (const name of readdirSync(dist)) if (name.endsWith('.wasm')) rmSync(join(dist, name));
  const structs = readStructs(readFileSync(join(assembly, 'mlp-plan.ts'), 'utf8'));
  writeFileSync(moduleFile('structs'), structsModule(structs));
  for (const group of Object.keys(GROUPS)) {
    const embedded = {};
    for (const variant of Object.keys(VARIANTS)) {
      await compile(group, variant);
      embedded[variant] = pack(readFileSync(binaryFile(group, variant)));
    }
    writeModule(group, embedded);
  }
  writeModule('source-hash', { sourceHash });
}

async function compile(group, variant) {
  const { default: asc } = await import('assemblyscript/asc');
  const { default: binaryen } = await import('assemblyscript/binaryen');
  const { level, inlinedSize } = GROUPS[group];
  const flags = [
    level,
    ...['--runtime', 'stub', '--noAssert'],
    ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ...VARIANTS[variant],
  ];
  // asc has no option for it; sizes are in Binaryen's expressions. asc sets its own limits again before it optimises.
  const inlineEarly = {
    afterCompile(module) {
      if (inlinedSize === 0) return;
      binaryen.setAlwaysInlineMaxSize(inlinedSize);
      binaryen.setOneCallerInlineMaxSize(inlinedSize);
      module.runPasses(['inlining']);
    },
  };
  const { error, stderr } = await asc.main(
    [join(assembly, `${group}.ts`), ...flags, '--outFile', binaryFile(group, variant)],
    { transforms: [inlineEarly] },
  );
  if (error) {
    process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
    process.exit(1);
  }
}

// With its type, or a declaration file would hold each string again.
function writeModule(name, strings) {
  const lines = Object.entries(strings).map(([key, value]) => `export const ${key}: string =\n  '${value}';\n`);
  writeFileSync(moduleFile(name), `// Made by scripts/build.mjs from assembly/; not to be edited.\n${lines.join('')}`);
}
