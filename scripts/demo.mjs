// npm run demo: the main job on real data, through the command people type. Stops at the first command that fails.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './tools.mjs';

const fewfire = join(root, 'packages/cli/bin/fewfire.js');
mkdirSync(join(root, 'demo-out'), { recursive: true });

for (const command of [
  'fit examples/chess-kr-vs-kp.csv --target class --test 0.2 --out demo-out/chess.json',
  'predict demo-out/chess.json examples/chess-kr-vs-kp.csv --keep class --out demo-out/predictions.csv',
]) {
  console.log(`$ fewfire ${command}`);
  if (!(await run(process.execPath, [fewfire, ...command.split(' ')]))) {
    console.error(`demo: this command failed: fewfire ${command}`);
    process.exit(1);
  }
  console.log();
}

console.log('$ head -5 demo-out/predictions.csv');
const lines = readFileSync(join(root, 'demo-out/predictions.csv'), 'utf8').split('\n', 5);
console.log(lines.join('\n'));
