/** The families that `fewfire network make` offers: what each is called, its flags, and how core makes it. */
import type { FamilyMember } from '@fewfire/core';
import { Option } from 'commander';
import { ChoiceOption, parseNumber, parseNumbers, parseWhole, parseWholes } from '../../options.ts';

type Core = typeof import('@fewfire/core/internal');

/** Values of flags by their name in camel case, as commander gives them. */
export interface FamilyValues {
  readonly [flag: string]: unknown;
}

export interface FamilyCommand {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly options: () => readonly Option[];
  readonly example: string;
  /** Flags without which there is no network. */
  readonly required: readonly string[];
  /** s n of the network that would be made, or more; refused beyond the memory limit before anything is allocated. */
  readonly weightCount: (values: FamilyValues) => number;
  readonly make: (core: Core, values: FamilyValues) => FamilyMember;
}

const MOST = 2 ** 31 - 1;
const seed = (what: string): Option =>
  new Option('--seed <number>', `of ${what}`).argParser(parseWhole(0, MOST)).default(1);
const count = (flags: string, text: string): Option => new Option(flags, text).argParser(parseWhole(0, MOST));
const form = (): Option =>
  new ChoiceOption('--form <form>', 'of a leaf: tight has half the W of the paper', ['tight', 'paper']).default(
    'tight',
  );
const inputs = (): Option => count('--inputs <n>', 'number of inputs n (required)');
const coordinates = (): Option =>
  new Option('--coordinates <list>', 'the inputs it reads, counted from 0, as in 0,3,5').argParser(parseWholes);
const size = (): Option => count('--size <p>', 'or how many, drawn at random');

const num = (values: FamilyValues, flag: string): number => Number(values[flag] ?? 0);

// Flags are checked by commander and core; here they only change their type.
const as = <T>(value: unknown): T => value as T;

// The inputs that are given, or a random set of the wanted size, ascending.
function chosenCoordinates(core: Core, values: FamilyValues): number[] {
  const given = as<number[] | undefined>(values.coordinates);
  const wanted = as<number | undefined>(values.size);
  const n = num(values, 'inputs');
  if ((given === undefined) === (wanted === undefined)) {
    throw new core.FewfireError('invalid-argument', 'expected either --coordinates, the inputs, or --size, how many');
  }
  if (given !== undefined) return given;
  const p = wanted as number;
  if (p > n) throw new core.FewfireError('invalid-argument', `--size is ${p}, expected at most --inputs, ${n}`);
  if (n > MAX_INPUTS) return Array.from({ length: p }, (_, i) => i); // core refuses so many inputs
  return Array.from(core.createRandom(num(values, 'seed')).permutation(n).subarray(0, p)).sort((a, b) => a - b);
}

const MAX_INPUTS = 65_536;

function juntaWeights(values: FamilyValues): number {
  const p = as<number[] | undefined>(values.coordinates)?.length ?? num(values, 'size');
  return 2 ** Math.min(p, 20) * num(values, 'inputs');
}

const liftedCount = (bits: number): number => (bits * (bits + 1)) / 2;

const junta: FamilyCommand = {
  name: 'junta',
  summary: 'any function of a few inputs',
  description:
    'A function of p inputs as a 1-sparse network with a unit for each of the 2^p cases of theirs (fewer with zeros among the values; Theorem 4.2).',
  options: () => [
    inputs(),
    coordinates(),
    size(),
    new Option(
      '--table <values>',
      'its 2^p values, as in 1,-1,0.5,2: value t is that of the case whose bit i, in t, says whether input i of the list is a yes (-1); default: random signs',
    ).argParser(parseNumbers),
    form(),
    seed('the random inputs and values'),
  ],
  example: 'network make junta --inputs 10 --coordinates 2,5 --table 1,0,0,-3 --out net.json',
  required: ['inputs'],
  weightCount: juntaWeights,
  make(core, values) {
    const chosen = chosenCoordinates(core, values);
    const random = core.createRandom(num(values, 'seed') + 1);
    const length = 2 ** Math.min(chosen.length, 20);
    const truthTable =
      as<number[] | undefined>(values.table) ?? Array.from({ length }, () => (random.integer(2) === 0 ? 1 : -1));
    return core.juntaNetwork({
      inputCount: num(values, 'inputs'),
      coordinates: chosen,
      truthTable,
      form: as(values.form),
    });
  },
};

const parity: FamilyCommand = {
  name: 'parity',
  summary: 'a parity of a few inputs',
  description: 'The parity (product) of p inputs, 1-sparse with 2^p units; the degree it needs is exactly p.',
  options: () => [inputs(), coordinates(), size(), form(), seed('the random inputs')],
  example: 'network make parity --inputs 12 --size 4 --seed 2 --out net.json',
  required: ['inputs'],
  weightCount: juntaWeights,
  make: (core, values) =>
    core.parityNetwork({
      inputCount: num(values, 'inputs'),
      coordinates: chosenCoordinates(core, values),
      form: as(values.form),
    }),
};

const depth = (): Option => count('--depth <depth>', 'questions on every path (required)');
const intercept = (): Option =>
  new Option('--intercept <number>', 'added to every value').argParser(parseNumber).default(0);

function makeEnsemble(core: Core, values: FamilyValues, treeCount: number): FamilyMember {
  return core.randomEnsembleNetwork({
    inputCount: num(values, 'inputs'),
    treeCount,
    depth: num(values, 'depth'),
    intercept: num(values, 'intercept'),
    seed: num(values, 'seed'),
    form: as(values.form),
  });
}

const decisionTree: FamilyCommand = {
  name: 'decision-tree',
  summary: 'a random decision tree',
  description:
    'A complete random tree with standard normal values at its leaves: a unit for each leaf, 1-sparse. For trained trees see fewfire network import.',
  options: () => [inputs(), depth(), intercept(), form(), seed('the tree')],
  example: 'network make decision-tree --inputs 12 --depth 5 --out net.json',
  required: ['inputs', 'depth'],
  weightCount: (values) => 2 ** Math.min(num(values, 'depth'), 20) * num(values, 'inputs'),
  make: (core, values) => makeEnsemble(core, values, 1),
};

const ensemble: FamilyCommand = {
  name: 'ensemble',
  summary: 'a sum of random decision trees',
  description:
    'The sum of T complete random trees with standard normal values at their leaves: a unit for each leaf, T-sparse. For trained ensembles see fewfire network import.',
  options: () => [
    inputs(),
    count('--trees <T>', 'how many trees (required)'),
    depth(),
    intercept(),
    form(),
    seed('the trees'),
  ],
  example: 'network make ensemble --inputs 16 --trees 5 --depth 3 --out net.json',
  required: ['inputs', 'trees', 'depth'],
  weightCount: (values) => num(values, 'trees') * 2 ** Math.min(num(values, 'depth'), 20) * num(values, 'inputs'),
  make: (core, values) => makeEnsemble(core, values, num(values, 'trees')),
};

const valueKinds = (text: string, first: string): Option =>
  new ChoiceOption('--values <kind>', text, ['sign', 'zero-one']).default(first);
const addressBits = (): Option => count('--address-bits <a>', 'bits of the address (required)');

const indexing: FamilyCommand = {
  name: 'indexing',
  summary: 'the data bit at an address',
  description:
    'Inputs 0 .. a-1 are an address, the next 2^a are data: the value is that of the data bit at the address, 1 where it is a no (+1) and else 0. 1-sparse with 2^a units.',
  options: () => [
    addressBits(),
    valueKinds('1 and 0, or the data bit itself, +1 and -1', 'zero-one'),
    count('--inputs <n>', 'number of inputs, at least a + 2^a (default); more are not read'),
    form(),
  ],
  example: 'network make indexing --address-bits 3 --values sign --out net.json',
  required: ['addressBits'],
  weightCount(values) {
    const a = Math.min(num(values, 'addressBits'), 12);
    return 2 ** (a + 1) * Math.max(a + 2 ** a, num(values, 'inputs'));
  },
  make: (core, values) =>
    core.indexingNetwork({
      addressBits: num(values, 'addressBits'),
      values: as(values.values),
      inputCount: as(values.inputs),
      form: as(values.form),
    }),
};

const gatedIndexing: FamilyCommand = {
  name: 'gated-indexing',
  summary: 'an address chooses one of many halfspaces (Appendix A)',
  description:
    'Inputs 0 .. a-1 are an address that opens one of 2^a random units with dense weights over the data inputs. The gate alpha keeps the others silent: by default the least that makes the network 1-sparse.',
  options: () => [
    addressBits(),
    count('--data-bits <count>', 'data inputs (required); n = a + these'),
    new Option('--alpha <number>', 'strength of the gate (default: the least for k = 1)').argParser(parseNumber),
    seed('the units'),
  ],
  example: 'network make gated-indexing --address-bits 3 --data-bits 8 --out net.json',
  required: ['addressBits', 'dataBits'],
  weightCount: (values) =>
    2 ** Math.min(num(values, 'addressBits'), 16) * (num(values, 'addressBits') + num(values, 'dataBits')),
  make: (core, values) =>
    core.gatedIndexingNetwork({
      addressBits: num(values, 'addressBits'),
      dataCount: num(values, 'dataBits'),
      alpha: as(values.alpha),
      seed: num(values, 'seed'),
    }),
};

const units = (): Option => count('--units <s>', 'number of units (required)');
const unitWeights = (values: FamilyValues): number => num(values, 'units') * num(values, 'inputs');

const halfspaces: FamilyCommand = {
  name: 'halfspaces',
  summary: 'random units that fire at a chosen rate',
  description:
    'Random unit vectors with one bias, set so that a unit is active on about the wanted share of the cube. How many are active at once is not known beforehand: certify measures it.',
  options: () => [
    inputs(),
    units(),
    new Option('--firing-rate <share>', 'share of the points on which a unit is active (required)').argParser(
      parseNumber,
    ),
    seed('the units'),
  ],
  example: 'network make halfspaces --inputs 14 --units 30 --firing-rate 0.02 --out net.json',
  required: ['inputs', 'units', 'firingRate'],
  weightCount: unitWeights,
  make: (core, values) =>
    core.halfspaceNetwork({
      inputCount: num(values, 'inputs'),
      unitCount: num(values, 'units'),
      firingRate: num(values, 'firingRate'),
      seed: num(values, 'seed'),
    }),
};

const denseControl: FamilyCommand = {
  name: 'dense-control',
  summary: 'random units without bias, for comparison',
  description: 'Random unit vectors without bias: about half of them are active anywhere. Not sparse; a control.',
  options: () => [inputs(), units(), seed('the units')],
  example: 'network make dense-control --inputs 12 --units 20 --out net.json',
  required: ['inputs', 'units'],
  weightCount: unitWeights,
  make: (core, values) =>
    core.denseNetwork({
      inputCount: num(values, 'inputs'),
      unitCount: num(values, 'units'),
      seed: num(values, 'seed'),
    }),
};

const denseParity: FamilyCommand = {
  name: 'dense-parity',
  summary: 'the parity of all inputs from overlapping units',
  description: 'The parity of all n inputs from n + 1 units that overlap as much as they can: not sparse; a control.',
  options: () => [inputs()],
  example: 'network make dense-parity --inputs 10 --out net.json',
  required: ['inputs'],
  weightCount: (values) => (num(values, 'inputs') + 1) * Math.min(num(values, 'inputs'), 4096),
  make: (core, values) => core.denseParityNetwork({ inputCount: num(values, 'inputs') }),
};

const extremal: FamilyCommand = {
  name: 'extremal',
  summary: 'meets the new Lemma 3.2 with equality',
  description:
    'k copies of the parity of p inputs, h = k times the parity: in the tight form its average sensitivity is 4 k^2 W^2, the bound itself.',
  options: () => [
    inputs(),
    coordinates(),
    size(),
    count('--copies <k>', 'how many copies (required)'),
    form(),
    seed('the random inputs'),
  ],
  example: 'network make extremal --inputs 10 --size 3 --copies 2 --out net.json',
  required: ['inputs', 'copies'],
  weightCount: (values) => Math.min(num(values, 'copies'), 4096) * juntaWeights(values),
  make: (core, values) =>
    core.extremalNetwork({
      inputCount: num(values, 'inputs'),
      coordinates: chosenCoordinates(core, values),
      copies: num(values, 'copies'),
      form: as(values.form),
    }),
};

const liftedParity: FamilyCommand = {
  name: 'lifted-parity',
  summary: 'a hard parity of q bits, seen through their products (Theorem 1.3)',
  description:
    'The parity of a subset S of q bits, as a 1-sparse network of the n = q(q+1)/2 inputs y_i and y_i y_l. Sparse on that lift only, which is recorded as its domain. No polynomial of degree d with 2d < |S| says anything about it.',
  options: () => [
    count('--bits <q>', 'bits q (required)'),
    count('--subset-size <size>', 'size of a random S'),
    new Option('--subset <list>', 'or S itself, bits counted from 0, as in 0,2,5').argParser(parseWholes),
    valueKinds('the parity as +1 and -1, or 1 where it is +1 and else 0', 'sign'),
    form(),
    seed('the random S'),
  ],
  example: 'network make lifted-parity --bits 8 --subset-size 6 --seed 3 --out net.json',
  required: ['bits'],
  weightCount: (values) => (Math.min(num(values, 'bits'), 360) + 1) * liftedCount(Math.min(num(values, 'bits'), 360)),
  make: (core, values) =>
    core.liftedParityNetwork({
      bitCount: num(values, 'bits'),
      subset: as(values.subset),
      subsetSize: as(values.subsetSize),
      values: as(values.values),
      form: as(values.form),
      seed: num(values, 'seed'),
    }),
};

const rounding: FamilyCommand = {
  name: 'rounding',
  summary: 'learning with rounding, lifted to products of bits',
  description:
    'Learning with rounding: m numbers modulo q in bits, V their product with a secret, the value V mod q rounded to p levels. 1-sparse on the lift of the m log2 q bits, which is recorded as its domain.',
  options: () => [
    count('--dimension <m>', 'length of the secret (required)'),
    count('--modulus <q>', 'a power of two (required)'),
    count('--rounded-modulus <p>', 'levels after rounding, at most q (required)'),
    new ChoiceOption('--rounding <kind>', 'standard: floor(p (V mod q) / q); published: (V mod q) mod p', [
      'standard',
      'published',
    ]).default('standard'),
    new Option('--secret <list>', 'the m numbers of the secret (default: random)').argParser(parseWholes),
    seed('the random secret'),
  ],
  example: 'network make rounding --dimension 2 --modulus 4 --rounded-modulus 2 --out net.json',
  required: ['dimension', 'modulus', 'roundedModulus'],
  weightCount(values) {
    const q = num(values, 'modulus');
    return (
      (num(values, 'dimension') * (q - 1) ** 2 + 1) *
      liftedCount(Math.min(360, num(values, 'dimension') * Math.log2(Math.max(2, q))))
    );
  },
  make: (core, values) =>
    core.learningWithRoundingNetwork({
      dimension: num(values, 'dimension'),
      modulus: num(values, 'modulus'),
      roundedModulus: num(values, 'roundedModulus'),
      rounding: as(values.rounding),
      secret: as(values.secret),
      seed: num(values, 'seed'),
    }),
};

export const FAMILIES: readonly FamilyCommand[] = [
  junta,
  parity,
  decisionTree,
  ensemble,
  indexing,
  gatedIndexing,
  halfspaces,
  denseControl,
  denseParity,
  extremal,
  liftedParity,
  rounding,
];
