// What the other scripts and the test configuration share: where the checkout is, which outside tools are installed
// (the one place that knows), and how to run a command. Plain Node, no dependency: it runs before node_modules exists.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Suites that need something from outside npm say so in their file name. */
export const outsideTools = [
  {
    name: 'Chromium',
    suites: '.browser.test.ts',
    where: 'in Chromium',
    install: 'apt-get install chromium',
    find: findChromium,
  },
  {
    name: "Debian's python3 with scikit-learn, mpmath, XGBoost and ONNX (/usr/bin/python3)",
    suites: '.python.test.ts',
    where: 'against scikit-learn and XGBoost',
    install:
      'apt-get install python3 python3-sklearn python3-numpy python3-pandas python3-scipy python3-mpmath python3-xgboost python3-onnx',
    find: findPython,
  },
  {
    name: "Debian's R with glmnet (/usr/bin/Rscript)",
    suites: '.glmnet.test.ts',
    where: 'against glmnet',
    install: 'apt-get install r-cran-glmnet',
    find: findGlmnet,
  },
  {
    name: 'zsh',
    suites: '.zsh.test.ts',
    where: 'in zsh',
    install: 'apt-get install zsh',
    find: () => findShell('zsh'),
  },
  {
    name: 'fish',
    suites: '.fish.test.ts',
    where: 'in fish',
    install: 'apt-get install fish',
    find: () => findShell('fish'),
  },
  {
    name: 'npm registry that answers',
    suites: '.registry.test.ts',
    where: 'in a folder of its own',
    install: 'it needs the network, or a registry of your own (npm config set registry)',
    find: findRegistry,
  },
];

/** Path of an installed Chromium, or undefined. */
export function findChromium() {
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
}

/** Path of Debian's python3 if it has what the goldens need, or undefined. Another python3 may come first on PATH. */
export function findPython() {
  const path = '/usr/bin/python3';
  if (!existsSync(path)) return undefined;
  // find_spec looks without importing: 30 ms instead of 2 s.
  const modules = '("sklearn", "numpy", "pandas", "scipy", "mpmath", "xgboost", "onnx")';
  const probe = `import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ${modules}))`;
  return spawnSync(path, ['-c', probe], { stdio: 'ignore' }).status === 0 ? path : undefined;
}

/** Path of an Rscript that has glmnet, or undefined. */
export function findGlmnet() {
  const path = '/usr/bin/Rscript';
  if (!existsSync(path)) return undefined;
  const probe = 'quit(status = if (nzchar(system.file(package = "glmnet"))) 0 else 1)';
  return spawnSync(path, ['-e', probe], { stdio: 'ignore' }).status === 0 ? path : undefined;
}

/** Path of an installed shell, or undefined. */
export function findShell(name) {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return paths.find((path) => existsSync(path));
}

/** npm as a command with these arguments: the npm that runs this script, if one does. */
export function npmCommand(args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('npm-cli.js') ? [process.execPath, [cli, ...args]] : ['npm', args];
}

/** A version that the npm registry told, or undefined where none answers soon. */
export function findRegistry() {
  const [command, args] = npmCommand(['view', 'commander', 'version', '--fetch-retries=0', '--fetch-timeout=10000']);
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8', shell: isBatchFile(command) });
  return status === 0 ? stdout.trim() : undefined;
}

// npm is a batch file on Windows; our own arguments hold nothing a shell could misread.
function isBatchFile(command) {
  return process.platform === 'win32' && command === 'npm';
}

/**
 * Runs a command in the checkout, and ends this process if the user ends the command.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean }} [options] `quiet`: what it prints is shown only if it fails
 * @returns {Promise<boolean>} whether it exited with 0
 */
export async function run(command, args, { quiet = false } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    shell: isBatchFile(command),
  });
  const output = [];
  child.stdout?.on('data', (chunk) => output.push(chunk));
  child.stderr?.on('data', (chunk) => output.push(chunk));
  // Ctrl-C reaches the command too. Wait until it has ended: npm goes on tidying node_modules for a while, and a
  // second run must not meet it.
  let stopped = 0;
  const onInterrupt = () => {
    stopped = 130;
  };
  const onTerminate = () => {
    stopped = 143;
    child.kill('SIGTERM');
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
  });
  process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  if (stopped > 0) process.exit(stopped);
  if (quiet && code !== 0) process.stderr.write(Buffer.concat(output));
  return code === 0;
}

/** Runs a tool of an installed package with this Node (`.bin` holds shell scripts on Windows). */
export function runBin(packageName, binName, args) {
  const folder = join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return run(process.execPath, [join(folder, typeof bin === 'string' ? bin : bin[binName]), ...args]);
}
