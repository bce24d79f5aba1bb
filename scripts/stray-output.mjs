// What lies in dist/ without a source: tsc leaves the output of sources that are gone or were renamed, and all of dist/ is
// packed. Plain Node, no dependency.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Files of a package's dist/ that no source of today makes, as paths within it. */
export function strayOutput(packageFolder) {
  const dist = join(packageFolder, 'dist');
  if (!existsSync(dist)) return [];
  return readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(dist.length + 1))
    .filter((file) => !isMade(packageFolder, file))
    .sort();
}

// The compiler's own record, the binaries (the kernels' build removes old ones itself), the bundles for Node (which are made
// anew as a whole), and what tsc writes for a source.
function isMade(packageFolder, file) {
  if (file === '.tsbuildinfo' || /^[^/\\]+\.wasm$/.test(file) || /^node[/\\][^/\\]+\.js$/.test(file)) return true;
  const source = file.replace(/(\.d\.ts|\.js)$/, '.ts');
  return source !== file && existsSync(join(packageFolder, 'src', source));
}

export function removeStrayOutput(packageFolder) {
  for (const file of strayOutput(packageFolder)) {
    const path = join(packageFolder, 'dist', file);
    rmSync(path);
    for (let folder = dirname(path); readdirSync(folder).length === 0; folder = dirname(folder)) rmdirSync(folder);
  }
}
