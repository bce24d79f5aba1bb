#!/usr/bin/env node
// Committed, because npm links no command that is built later. Says what to do where it cannot start; the rest is dist/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/node/main.js', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  stop(
    `fewfire needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org`,
  );
} else if (!existsSync(main)) {
  stop('fewfire is not built yet: run npm run setup in the checkout');
} else {
  (await import(main.href)).main(process.argv.slice(2));
}

function stop(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = 1;
}
