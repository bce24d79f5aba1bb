/** What the network commands share: reading and writing network files, and rows of a table as points. */
import type { CubePoints, SparseNetwork, Table } from '@fewfire/core';
import { type Work, withTable } from './data.ts';
import type { Ending } from './file-roles.ts';
import type { Session } from './session.ts';

/** Whether a path names a safetensors file; every other network file is JSON. */
export function isTensorFile(path: string): boolean {
  return /\.safetensors$/i.test(path);
}

/** @throws FewfireError `file-not-found`, `file-unreadable`, `network-file` */
export async function readNetwork(path: string, session: Session): Promise<SparseNetwork> {
  const { parseNetwork, parseNetworkTensors } = await import('@fewfire/core');
  if (isTensorFile(path)) return await parseNetworkTensors(await readBytes(path, session), path);
  const { readTextFile } = await import('@fewfire/node');
  return await parseNetwork(await readTextFile(path, { signal: session.signal }), path);
}

/** A whole file. @throws FewfireError `file-not-found`, `file-unreadable` */
export async function readBytes(path: string, session: Session): Promise<Uint8Array> {
  const { readFileChunks } = await import('@fewfire/node');
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFileChunks(path, session.signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What the name of a network file that is written ends in. */
export const NETWORK_ENDING: Ending = {
  pattern: /\.(json|safetensors)$/i,
  text: '.json, or .safetensors for large networks',
};

/** Writes a network, whole or not at all, and gives the size of the file in bytes. */
export async function writeNetwork(network: SparseNetwork, out: string, session: Session): Promise<number> {
  const { FewfireError, serializeNetwork, serializeNetworkTensors } = await import('@fewfire/core');
  let content: string | Uint8Array;
  try {
    content = isTensorFile(out) ? await serializeNetworkTensors(network) : await serializeNetwork(network);
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

/**
 * The rows of a table as points of a network: its columns x0, x1, ... (true, yes and 1 are -1), others left aside.
 * @throws FewfireError `invalid-data` for a table without these columns or with other values in them
 */
export async function readRows(
  source: string,
  inputCount: number,
  work: Work,
): Promise<{ readonly points: CubePoints; readonly label: string }> {
  const { FewfireError, listNames } = await import('@fewfire/core');
  return await withTable(source, work, async (table) => {
    const names = Array.from({ length: inputCount }, (_, i) => `x${i}`);
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
    return { points: await encodeRows(table, names, work), label: table.label };
  });
}

const YES = ['true', 'yes', 'y', 't', '1'];
const NO = ['false', 'no', 'n', 'f', '0'];

async function encodeRows(table: Table, names: readonly string[], work: Work): Promise<CubePoints> {
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
