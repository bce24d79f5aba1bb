// A stand-in for the command line that the tests of `npm run corpus` plant faults in: FAKE_FAULT names one. It learns that
// the prediction is twice the first column (a number), or "yes" where that is above 10 (classes), both without error.
import { readFileSync, writeFileSync } from 'node:fs';

const fault = process.env.FAKE_FAULT ?? 'none';
const [command, ...args] = process.argv.slice(2);
const option = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const out = args.includes('--out') ? args[args.indexOf('--out') + 1] : undefined;

const commands = { fit, show, predict };
commands[command]();

function fit() {
  if (fault === 'says where it works') {
    writeFileSync(process.env.FAKE_MARK, String(process.pid));
    setInterval(() => undefined, 1000); // until it is told to stop
    return;
  }
  if (fault === 'hangs') {
    setInterval(() => undefined, 1000);
    return;
  }
  if (fault === 'throws') throw new TypeError('reading the property of nothing');
  if (fault === 'dies') process.kill(process.pid, 'SIGKILL');
  if (fault === 'exits') process.exit(3);
  if (fault === 'refuses missing cells') refuse('values are missing in 1 column: "x" 3; choose --missing indicator');
  if (fault === 'refuses for another reason') refuse('there are too few rows');
  if (fault === 'traces') console.error('TypeError: nothing\n    at learn (file:///fewfire/dist/learn.js:12:34)');
  if (fault === 'fits otherwise' && option('method') !== 'boosting') refuse('the method was not passed on');
  console.log(fault === 'prints NaN' ? 'R2 NaN' : 'R2 1');
  // A buffer of 1.2 GB, every page touched, is memory held.
  if (fault === 'takes memory') globalThis.held = Buffer.alloc(1.2e9, 1);
  const [names, ...rows] = read(args[0]);
  const labels = rows.map((cells) => cells[names.indexOf(option('target'))]);
  writeFileSync(out, JSON.stringify({ isNumber: labels.every((label) => !Number.isNaN(Number(label))) }));
}

function show() {
  const { isNumber } = JSON.parse(readFileSync(args[0], 'utf8'));
  const interval = { low: 0.9, high: 1, confidence: 0.95, method: 'Clopper-Pearson' };
  const numbers = { mse: 0, intervals: { mse: { ...interval, low: 0, high: 0.1 } } };
  const classes = { accuracy: fault === 'claims too little' ? 0.3 : 1, intervals: { accuracy: interval } };
  if (fault === 'claims too little') classes.intervals.accuracy = { ...interval, low: 0.2, high: 0.4 };
  if (fault === 'claims nothing finite') classes.intervals.accuracy = { ...interval, high: null };
  const test = { betterThanConstant: true, ...(isNumber ? numbers : classes) };
  if (fault === 'shows no JSON') return console.log('a model');
  console.log(JSON.stringify({ task: isNumber ? 'regression' : 'binary', notes: [], test, terms: [] }));
}

function predict() {
  if (fault === 'refuses to predict') refuse('values are missing in 1 column: "x" 1; leave their rows out');
  if (fault === 'writes no predictions') return;
  const { isNumber } = JSON.parse(readFileSync(args[0], 'utf8'));
  const [names, ...rows] = read(args[1]);
  const keep = option('keep')?.slice(1, -1);
  const head = [...(isNumber ? [] : ['probability_yes', 'probability_no'])];
  let predicted = rows.map((cells) => (isNumber ? [2 * Number(cells[0])] : chances(Number(cells[0]))));
  let kept = rows.map((cells) => cells[names.indexOf(keep)]);
  if (fault === 'predicts NaN') predicted[3][isNumber ? 0 : 1] = 'NaN';
  if (fault === 'leaves a cell empty') predicted[3][isNumber ? 0 : 1] = '';
  if (fault === 'predicts infinity') predicted[3][isNumber ? 0 : 1] = 'Infinity';
  if (fault === 'loses a row') [predicted, kept] = [predicted.slice(1), kept.slice(1)];
  if (fault === 'reverses predictions') predicted.reverse();
  if (fault === 'sorts predictions') predicted.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  if (fault === 'reverses rows') [predicted, kept] = [predicted.reverse(), kept.reverse()];
  if (fault === 'adds up to more') predicted[0][1] = 1.5;
  if (fault === 'predicts the less likely') predicted[2][0] = predicted[2][0] === 'yes' ? 'no' : 'yes';
  if (fault === 'spells classes anew') {
    head.splice(0, 2, 'probability_Yes', 'probability_No');
    for (const row of predicted) row[0] = row[0] === 'yes' ? 'Yes' : 'No';
  }
  if (fault === 'calls the column anew') head.unshift('predicted');
  else head.unshift('prediction');
  const lines = [head, ...predicted].map((cells, i) =>
    (keep === undefined ? cells : [i === 0 ? keep : kept[i - 1], ...cells]).join(','),
  );
  const text = `${lines.join('\n')}\n`;
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text);
}

function chances(x) {
  return x > 10 ? ['yes', 0.9, 0.1] : ['no', 0.2, 0.8];
}

function read(path) {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
}

function refuse(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}
