// Makes the four sets whose truth is known, always the same bytes: node examples/corpus/make-synthetic.mjs [folder].
// What is planted stands in the column "source" of manifest.csv, and the tests ask whether it was found.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Numbers in [0, 1) of a seed (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Rows of `count` fair coins and what `rest` makes of them. */
function table(seed, rowCount, names, row) {
  const random = randomNumbers(seed);
  const lines = Array.from({ length: rowCount }, () => row(random).join(','));
  return `${[names, ...lines].join('\n')}\n`;
}

const coins = (random, count) => Array.from({ length: count }, () => random() < 0.5);
const yesNo = (flag) => (flag ? 'yes' : 'no');
const letters = 'abcdefghijkl';

/** The CSV texts by name. */
export const synthetic = {
  // c, f and k: an odd number of yeses; none of them tells anything by itself, nor do two. One label in ten is wrong.
  s_parity: table(11, 1200, `${[...letters].join(',')},odd`, (random) => {
    const flags = coins(random, 12);
    const isOdd = (flags[2] !== flags[5]) !== flags[10];
    return [...flags.map(yesNo), yesNo(random() < 0.1 ? !isOdd : isOdd)];
  }),

  // Leaves: members in the north, and who is over 60 and gets no newsletter. One label in twenty is wrong.
  s_rules: table(12, 1500, 'region,age,member,newsletter,phone,visits,left', (random) => {
    const region = ['north', 'south', 'east', 'west'][Math.floor(4 * random())];
    const age = 18 + Math.floor(72 * random());
    const [member, newsletter, phone] = coins(random, 3);
    const left = (region === 'north' && member) || (age > 60 && !newsletter);
    const visits = Math.floor(10 * random());
    return [region, age, ...[member, newsletter, phone].map(yesNo), visits, yesNo(random() < 0.05 ? !left : left)];
  }),

  // 10 + 2 s(a) - 1.5 s(b) s(e) + s(h) and noise of standard deviation 0.5; s is -1 for a yes and +1 for a no.
  s_terms: table(13, 1000, `${[...letters].join(',')},value`, (random) => {
    const flags = coins(random, 12);
    const sign = (j) => (flags[j] ? -1 : 1);
    // The sum of twelve uniform numbers has variance 1.
    const noise = Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
    const value = 10 + 2 * sign(0) - 1.5 * sign(1) * sign(4) + sign(7) + 0.5 * noise;
    return [...flags.map(yesNo), value.toFixed(3)];
  }),

  // Nothing: the class is a coin of its own.
  s_noise: table(14, 800, `${[...letters].join(',')},coin`, (random) => [
    ...coins(random, 12).map(yesNo),
    random() < 0.5 ? 'heads' : 'tails',
  ]),
};

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) {
  const folder = process.argv[2] ?? dirname(here);
  for (const [name, text] of Object.entries(synthetic)) {
    writeFileSync(join(folder, `${name}.csv.gz`), gzipSync(text, { level: 9 }));
  }
}
