// Node loads a package that is hundreds of small modules in some 200 ms of processor time more than the same as one file, at
// every command. So what `tsc` wrote is bundled into dist/node, which the condition "node" of the package's exports names
// (the command line starts from it); bundlers and browsers get the modules, of which they leave out what is not used.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const FOLDER = 'dist/node';
/** What is taken into a bundle though it is a package of its own, having more modules than ours; with its licence. */
const TAKEN_IN = ['zod'];

/**
 * Bundles what the exports of a package have for Node, if its modules are not those of last time.
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function bundleForNode(packageFolder, root) {
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const entries = [
    ...Object.values(manifest.exports ?? {}),
    ...(manifest.bin === undefined ? [] : [{ node: './dist/node/main.js', default: './dist/main.js' }]),
  ].flatMap(({ node, default: modules }) =>
    node === undefined ? [] : [{ node: join(packageFolder, node), modules: join(packageFolder, modules) }],
  );
  if (entries.length === 0) return false;
  const dependencies = Object.keys(manifest.dependencies ?? {});
  const takenIn = dependencies
    .filter((name) => TAKEN_IN.includes(name))
    .map((name) => ({ name, folder: join(root, 'node_modules', name) }));
  const stamp = `// ${hashOf(join(packageFolder, 'dist'), takenIn)}`;
  if (entries.every(({ node }) => existsSync(node) && readFileSync(node, 'utf8').startsWith(stamp))) return false;
  rmSync(join(packageFolder, FOLDER), { recursive: true, force: true });
  const licences = takenIn.map(
    ({ name, folder }) => `/*! ${name}\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n*/`,
  );
  await build({
    entryPoints: entries.map(({ node, modules }) => ({ in: modules, out: basename(node, '.js') })),
    outdir: join(packageFolder, FOLDER),
    external: dependencies.filter((name) => !TAKEN_IN.includes(name)),
    banner: { js: [stamp, ...licences].join('\n') },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error' },
  });
  return true;
}

// Of all that goes into a bundle: the modules, what is taken in, and how it is made.
function hashOf(dist, takenIn) {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  for (const { folder } of takenIn) hash.update(readFileSync(join(folder, 'package.json')));
  const files = readdirSync(dist, { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.js') && !file.startsWith('node/'));
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(dist, file)));
  return hash.digest('hex');
}
