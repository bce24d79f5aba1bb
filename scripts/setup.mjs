// Makes a checkout ready to run: packages, kernels, TypeScript; each only if something changed. Runs on a machine with
// nothing but Node. `--force` (npm run build) rebuilds kernels and TypeScript whatever the stamps say.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeStrayOutput } from './stray-output.mjs';
import { npmCommand, root, run, runBin } from './tools.mjs';

const force = process.argv.includes('--force');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `fewfire needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org`,
  );
}

await installPackages();
await buildKernels();
if (!(await runBin('typescript', 'tsc', force ? ['-b', '--force'] : ['-b']))) fail('setup: tsc -b failed, see above');
for (const name of readdirSync(join(root, 'packages'))) removeStrayOutput(join(root, 'packages', name));
// Imported now only: it needs what was just installed.
const { bundleForNode } = await import('./node-bundles.mjs');
for (const name of readdirSync(join(root, 'packages'))) await bundleForNode(join(root, 'packages', name), root);

async function installPackages() {
  const modules = join(root, 'node_modules');
  const stamp = join(modules, '.setup-stamp');
  const lock = readFileSync(join(root, 'package-lock.json'));
  // The platform too: a folder shared with a container has the wrong binaries in it.
  const platform = `${process.platform}-${process.arch} `;
  const wanted = platform + createHash('sha256').update(lock).digest('hex');
  const stamped = existsSync(stamp) ? readFileSync(stamp, 'utf8') : platform;
  if (stamped === wanted) return;
  if (stamped.startsWith(platform) && installedByHand(JSON.parse(lock.toString()), modules)) {
    writeFileSync(stamp, wanted);
    return;
  }
  console.log('installing packages (npm ci) ...');
  // npm ci begins by emptying node_modules; without the stamp an interrupted one is redone from the start. npm's own
  // record goes too, or the remains could pass for a finished install.
  rmSync(stamp, { force: true });
  rmSync(join(modules, '.package-lock.json'), { force: true });
  const args = ['ci', '--no-audit', '--no-fund', '--no-progress', '--prefer-offline'];
  if (!(await run(...npmCommand(args), { quiet: true })))
    fail('setup: npm ci failed, see above; it needs the npm registry or a filled npm cache');
  writeFileSync(stamp, wanted);
}

/** Whether npm's record of what it installed, which it writes last, agrees with the lock file: a plain `npm install`. */
function installedByHand(lock, modules) {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  let installed;
  try {
    installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  } catch {
    return false;
  }
  return Object.entries(lock.packages).every(([path, entry]) => {
    // Workspaces are links, and packages for other platforms are rightly absent.
    if (!path.includes('node_modules/')) return true;
    const there = installed[path];
    if (there === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return there.version === entry.version && existsSync(join(root, path));
  });
}

async function buildKernels() {
  const script = join(root, 'packages/kernels/scripts/build.mjs');
  if (!existsSync(script)) return;
  // It compares its inputs with its outputs itself.
  if (!(await run(process.execPath, force ? [script, '--force'] : [script])))
    fail('setup: building the kernels failed, see above');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
