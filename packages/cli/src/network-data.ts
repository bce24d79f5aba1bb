/** What the network commands share: reading and writing network files, and rows of a table as points. */
import type { AnyNetwork, CubePoints, RunOptions, Table, TreeNetwork } from '@fewfire/core';
import { byteSize } from '@fewfire/core/words';
import { type Reading, withTable } from './data.ts';
import type { Ending } from './file-roles.ts';
import type { Session } from './session.ts';
import { treeTablePoints } from './tree-rows.ts';

/** Whether a path names a safetensors file; every other network file is JSON. */
export function isTensorFile(path: string): boolean {
  return /\.safetensors$/i.test(path);
}

/** How often the bytes of a file stand in memory while it is read: measured, with what is made of them on the way. */
const TENSOR_COPIES = 7;
const TEXT_COPIES = 4;

/** @throws FewfireError `file-not-found`, `file-unreadable`, `network-file`, `memory-budget` before the file is read */
export async function readNetwork(path: string, session: Session, memoryLimitBytes: number): Promise<AnyNetwork> {
  const { parseAnyNetwork, parseNetworkTensors } = await import('@fewfire/core/internal');
  const { checkFileSize, readFileBytes, readTextFile } = await import('@fewfire/node');
  const { signal } = session;
  if (isTensorFile(path)) {
    const bytes = await readFileBytes(path, { signal, memoryLimitBytes, copies: TENSOR_COPIES });
    return await parseNetworkTensors(bytes, path);
  }
  await checkFileSize(path, { memoryLimitBytes, copies: TEXT_COPIES });
  return await parseAnyNetwork(await readTextFile(path, { signal }), path, { memoryLimitBytes });
}

/** What is left of the memory allowed beside a network that was read, for the work on it. */
export function besideNetwork<T extends { readonly memory: number }>(network: AnyNetwork, options: T): T {
  const nodes = 'part' in network ? network.part.trees.reduce((sum, { questions }) => sum + questions.length, 0) : 0;
  // A weight is 8 bytes; a node stands in the file's lists and as an object.
  const held = 'part' in network ? 150 * nodes : 8 * network.weights.length;
  return { ...options, memory: Math.max(0, options.memory - held) };
}

/** What the name of a network file that is written ends in. */
export const NETWORK_ENDING: Ending = {
  pattern: /\.(json|safetensors)$/i,
  text: '.json, or .safetensors for large networks',
};

/**
 * Writes a network, whole or not at all, and gives the size of the file in bytes. Trees stay trees in .json and become
 * units in .safetensors, which is for other programs.
 * @throws FewfireError `memory-budget` before units are made of trees; `file-unwritable`
 */
export async function writeNetwork(
  network: AnyNetwork,
  out: string,
  session: Session,
  memoryLimitBytes: number,
): Promise<number> {
  const { expandTreeNetwork, FewfireError, isTreeNetwork, serializeNetwork, serializeNetworkTensors } = await import(
    '@fewfire/core/internal'
  );
  let content: string | Uint8Array;
  try {
    if (!isTensorFile(out)) content = await serializeNetwork(network);
    else {
      await checkUnits(network, out, memoryLimitBytes);
      const units = isTreeNetwork(network) ? expandTreeNetwork(network, { memoryLimitBytes }) : network;
      content = await serializeNetworkTensors(units);
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FewfireError(
      'memory-budget',
      `${network.unitCount} units of ${network.inputCount} inputs are too many for a network file; make fewer`,
      { cause },
    );
  }
  await session.files.write([{ path: out, content }]);
  return Buffer.byteLength(content);
}

// The weights as they are made, as they are checked, and as bytes of the file.
async function checkUnits({ unitCount, inputCount }: AnyNetwork, out: string, memoryLimitBytes: number): Promise<void> {
  const bytes = 3 * 8 * unitCount * inputCount;
  if (bytes <= memoryLimitBytes) return;
  const { FewfireError } = await import('@fewfire/core');
  throw new FewfireError(
    'memory-budget',
    `${out} would hold ${unitCount} units of ${inputCount} weights, which takes ${byteSize(bytes)} to write, more than the ${byteSize(memoryLimitBytes)} allowed; write .json, where trees stay trees, or raise --memory`,
  );
}

export interface NetworkRows {
  readonly points: CubePoints;
  readonly label: string;
  /** What is to be said of how they were read. */
  readonly messages: readonly string[];
}

/**
 * The rows of a table as points of a network: its columns x0, x1, ... (true, yes and 1 are -1), others left aside; of
 * imported trees also the columns that these were trained on.
 * @param path the file of the network, for messages
 * @throws FewfireError `invalid-data` for a table without these columns or with other values in them
 */
export async function readRows(
  source: string,
  network: AnyNetwork,
  path: string,
  reading: Reading,
): Promise<NetworkRows> {
  const { isTreeNetwork, runOptionsOf } = await import('@fewfire/core/internal');
  return await withTable(source, reading, async (table) => {
    const { label } = table;
    const run = runOptionsOf(reading);
    if (isTreeNetwork(network) && !(await holdsAnswers(network, table, path))) {
      return { ...(await treeTablePoints(network, path, table, run)), label };
    }
    return { points: await inputRows(table, network.inputCount, run), label, messages: [] };
  });
}

// Whether a table has the answers to the questions of trees, as `network sample` writes them, and not what they ask about.
async function holdsAnswers({ inputCount, model }: TreeNetwork, table: Table, path: string): Promise<boolean> {
  const { FewfireError } = await import('@fewfire/core');
  // Of yes/no features that are called x0, x1, ... themselves, both are the same.
  if (model.coordinates.every(({ name, feature }, c) => name === `x${c}` && model.features[feature].name === name)) {
    return false;
  }
  const present = new Set(table.columns.map(({ name }) => name));
  const asked = new Set(model.coordinates.map(({ feature }) => model.features[feature].name));
  const hasAnswers = inputNames(inputCount).every((name) => present.has(name));
  if (!hasAnswers || ![...asked].every((name) => present.has(name))) return hasAnswers;
  throw new FewfireError(
    'invalid-data',
    `${table.label} has the answers x0 .. x${inputCount - 1} to the questions of ${path} and the columns that these are about; expected one of both: leave the others out`,
  );
}

function inputNames(inputCount: number): string[] {
  return Array.from({ length: inputCount }, (_, i) => `x${i}`);
}

async function inputRows(table: Table, inputCount: number, work: RunOptions): Promise<CubePoints> {
  const { FewfireError, listNames } = await import('@fewfire/core/internal');
  const names = inputNames(inputCount);
  const present = new Set(table.columns.map(({ name }) => name));
  const lacking = names.filter((name) => !present.has(name));
  if (lacking.length > 0) {
    throw new FewfireError(
      'invalid-data',
      `${table.label} lacks ${lacking.length} of the columns x0 .. x${inputCount - 1} that a network of ${inputCount} inputs reads: ${listNames(lacking)}`,
    );
  }
  if (present.has(`x${inputCount}`)) {
    throw new FewfireError(
      'invalid-data',
      `${table.label} has a column x${inputCount} too, and the network only the inputs x0 .. x${inputCount - 1}; expected rows of this network`,
    );
  }
  return await encodeRows(table, names, work);
}

const YES = ['true', 'yes', 'y', 't', '1'];
const NO = ['false', 'no', 'n', 'f', '0'];

async function encodeRows(table: Table, names: readonly string[], work: RunOptions): Promise<CubePoints> {
  const { FewfireError } = await import('@fewfire/core');
  const profiles = await table.profile(names, work);
  const columns = profiles.map(({ name, type, values, distinctCount, missingCount, nonFiniteCount }) => {
    const found = values.map(({ value }) => value);
    const odd = found.find((value) => ![...YES, ...NO].includes(value.toLowerCase()));
    if (odd !== undefined || distinctCount > 2 || missingCount > 0 || nonFiniteCount > 0) {
      const what =
        missingCount > 0
          ? `${missingCount} empty cells`
          : odd !== undefined
            ? `the value ${JSON.stringify(odd)}`
            : `${distinctCount} different values`;
      throw new FewfireError(
        'invalid-data',
        `column ${JSON.stringify(name)} of ${table.label} has ${what}; expected true or false (or 1 or 0, yes or no) in every row`,
      );
    }
    const yes = found.find((value) => YES.includes(value.toLowerCase()));
    const no = found.find((value) => NO.includes(value.toLowerCase()));
    // Of a constant column one spelling is missing.
    const [otherNo, otherYes] = type === 'number' ? ['0', '1'] : ['false', 'true'];
    const coding = { kind: 'two-valued' as const, no: no ?? otherNo, yes: yes ?? otherYes };
    return { column: name, type, coding, missing: 'refuse' as const, missingCoordinate: false };
  });
  return (await table.encode({ columns }, work)).points;
}
