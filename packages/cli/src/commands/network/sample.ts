/** `fewfire network sample`: labelled rows of a network's domain, as data to learn from. */

import type { NetworkSample } from '@fewfire/core';
import { byteSize, counted, numberText } from '@fewfire/core/words';
import type { OutputColumn } from '@fewfire/node';
import { type Command, Option } from 'commander';
import { withProgress } from '../../data.ts';
import { InputArgument, OutputOption, TABLE_ENDING } from '../../file-roles.ts';
import { printable } from '../../format.ts';
import { besideNetwork, readNetwork } from '../../network-data.ts';
import { addWorkOptions, parseNonNegative, parseWhole, type WorkOptions } from '../../options.ts';
import type { Session } from '../../session.ts';

interface SampleOptions extends WorkOptions {
  readonly rows?: number;
  readonly noiseSd: number;
  readonly flip: number;
  readonly seed: number;
  readonly out?: string;
}

export function addSampleCommand(network: Command, session: Session): void {
  const command = network
    .command('sample')
    .summary('draw labelled rows from a network')
    .description(
      "Draws independent uniform points of the network's domain. Columns x0, x1, ... are true where the input is -1 (a yes) and false where it is +1; y is the value of the network, with noise if wanted. A network with no values but +1 and -1 gets a y of classes like its inputs, true for -1 and false for +1, unless noise is added: then fit learns the network itself and not its negative.",
    )
    .addArgument(new InputArgument('<net.json>', 'a network file'))
    .addOption(new Option('--rows <count>', 'how many rows (required)').argParser(parseWhole(1, 100_000_000)))
    .addOption(
      new Option('--noise-sd <number>', 'standard deviation of normal noise added to y')
        .argParser(parseNonNegative())
        .default(0),
    )
    .addOption(
      new Option('--flip <chance>', 'chance that a row gets the other label, of a two-valued network')
        .argParser(parseNonNegative(1))
        .default(0),
    )
    .addOption(
      new Option('--seed <number>', 'of points and noise; points are the same with and without noise')
        .argParser(parseWhole(0, 2 ** 31 - 1))
        .default(1),
    )
    .addOption(
      new OutputOption('-o, --out <file>', 'write here, .csv or .parquet (default: CSV to standard output)', {
        ending: TABLE_ENDING,
        orStandardOutput: true,
      }),
    );
  addWorkOptions(command, 'no progress line and no messages but errors', 'data')
    .addHelpText(
      'after',
      `
Examples:
  fewfire network sample net.json --rows 10000 --out data.parquet
  fewfire network sample net.json --rows 20000 --noise-sd 0.1 --seed 2 --out data.csv
  fewfire fit data.parquet --target y`,
    )
    .action(async (path: string, options: SampleOptions) => {
      const { rows } = options;
      if (rows === undefined) command.error('error: --rows is missing: say how many, as in --rows 10000');
      else await sample(path, { ...options, rows }, session);
    });
}

async function sample(
  path: string,
  options: SampleOptions & { readonly rows: number },
  session: Session,
): Promise<void> {
  const { FewfireError, sampleNetwork } = await import('@fewfire/core');
  const out = options.out === '-' ? undefined : options.out;
  const network = await readNetwork(path, session, options.memory);
  const beside = besideNetwork(network, options);
  const { rows: rowCount, noiseSd, flip, seed } = options;
  const bytes = sampleBytes(rowCount, network.inputCount, out !== undefined && /\.parquet$/i.test(out));
  if (bytes > beside.memory) {
    throw new FewfireError(
      'memory-budget',
      `${counted(rowCount, 'row')} of ${counted(network.inputCount, 'input')} need ${byteSize(bytes)}, more than the ${byteSize(beside.memory)} allowed beside the network; lower --rows or raise --memory`,
    );
  }
  const { columns, drawn } = await withProgress(session, beside, async (work) => {
    const drawn = await sampleNetwork(network, { ...work, rowCount, noiseSd, flip, seed });
    const columns = sampleColumns(drawn, noiseSd);
    if (out !== undefined) await session.files.writeTable(out, columns);
    return { columns, drawn };
  });
  if (out === undefined) {
    const { csvChunks } = await import('@fewfire/node');
    for (const chunk of csvChunks(columns)) await session.print(chunk);
    return;
  }
  if (options.quiet === true) return;
  session.tell(`wrote ${counted(rowCount, 'row')} of x0 .. x${network.inputCount - 1} and y to ${printable(out)}`);
  session.tell(targetText(drawn, columns[columns.length - 1], noiseSd));
}

// Points, their columns, the values, the target and its copy; and what the engine takes to write Parquet, measured: it has
// room for a block of rows of every column.
function sampleBytes(rowCount: number, inputCount: number, isParquet: boolean): number {
  const columnCount = inputCount + 1;
  const engineBytes = isParquet ? columnCount * (Math.min(24 * rowCount, 480_000) + 6 * rowCount) : 0;
  return rowCount * (inputCount + Math.ceil(inputCount / 8) + 3 * 8) + engineBytes;
}

function sampleColumns({ points, target, values }: NetworkSample, noiseSd: number): OutputColumn[] {
  const { planes, rowCount, coordinateCount } = points;
  const columns: OutputColumn[] = Array.from({ length: coordinateCount }, (_, i) => {
    const plane = planes.subarray((i >> 3) * rowCount, ((i >> 3) + 1) * rowCount);
    return { name: `x${i}`, values: plane.map((bits) => (bits >> (i & 7)) & 1) };
  });
  const classes = noiseSd === 0 && values.every((value) => value === 1 || value === -1);
  columns.push({ name: 'y', values: classes ? Uint8Array.from(target, (value) => (value < 0 ? 1 : 0)) : target });
  return columns;
}

function targetText({ flippedCount }: NetworkSample, { values }: OutputColumn, noiseSd: number): string {
  const kind =
    values instanceof Uint8Array
      ? 'y is true where the network is -1 and false where it is +1'
      : `y is the value of the network${noiseSd > 0 ? ` with normal noise of standard deviation ${numberText(noiseSd)}` : ''}`;
  return flippedCount > 0 ? `${kind}; ${counted(flippedCount, 'label')} flipped` : kind;
}
