/**
 * Compiles assembly/ twice (with and without SIMD) and embeds both binaries as
 * base64 in src/generated.ts, with a hash of the sources. Embedding works in
 * Node, workers, browsers and bundlers alike; the raw files go to dist/ too.
 * Does nothing when the hash in src/generated.ts is that of today's sources.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const assembly = join(root, 'assembly');
const generated = join(root, 'src', 'generated.ts');
const dist = join(root, 'dist');

const sources = readdirSync(assembly)
  .filter((name) => name.endsWith('.ts'))
  .sort();
const compiler = JSON.parse(
  readFileSync(join(root, '..', '..', 'node_modules', 'assemblyscript', 'package.json'), 'utf8'),
).version;
const hash = createHash('sha256')
  .update(compiler)
  .update(readFileSync(fileURLToPath(import.meta.url)));
for (const name of sources)
  hash
    .update(name)
    .update('\0')
    .update(readFileSync(join(assembly, name)));
const sourceHash = hash.digest('hex').slice(0, 16);

const upToDate =
  existsSync(generated) &&
  readFileSync(generated, 'utf8').includes(`'${sourceHash}'`) &&
  existsSync(join(dist, 'simd.wasm')) &&
  existsSync(join(dist, 'scalar.wasm'));

if (!upToDate) {
  const { default: asc } = await import('assemblyscript/asc');
  const common = [
    join(assembly, 'index.ts'),
    '-O3',
    '--runtime',
    'stub',
    '--noAssert',
    '--importMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
  ];
  mkdirSync(dist, { recursive: true });
  const embedded = {};
  for (const [variant, flags] of [
    ['simd', ['--enable', 'simd']],
    ['scalar', ['--disable', 'simd']],
  ]) {
    const file = join(dist, `${variant}.wasm`);
    const { error, stderr } = await asc.main([...common, ...flags, '--outFile', file]);
    if (error) {
      process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
      process.exit(1);
    }
    embedded[variant] = readFileSync(file).toString('base64');
  }
  const text = `// Made by scripts/build.mjs from assembly/; not to be edited.
export const sourceHash = '${sourceHash}';
export const simdBase64 =
  '${embedded.simd}';
export const scalarBase64 =
  '${embedded.scalar}';
`;
  writeFileSync(`${generated}.tmp`, text);
  renameSync(`${generated}.tmp`, generated);
}
