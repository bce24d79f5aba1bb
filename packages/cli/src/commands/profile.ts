/** `fewfire profile`: how sparse the feed-forward blocks of a trained model are on real inputs, and what that is worth. */

import type { MlpActivation } from '@fewfire/core';
import { counted, integer, numberText } from '@fewfire/core/words';
import type { ModelProfile, ProfiledBlock, ProfiledPlace } from '@fewfire/node';
import { type Command, Option } from 'commander';
import { withProgress } from '../data.ts';
import { joinSections, type Section } from '../describe.ts';
import { InputArgument, InputOption, OutputOption, ResultOption } from '../file-roles.ts';
import { withFlags } from '../flags.ts';
import { printable, quoteArgument, type Screen, wrapText } from '../format.ts';
import { facts } from '../network-describe.ts';
import {
  addTableOptions,
  addWorkOptions,
  ChoiceOption,
  parseWhole,
  type TableOptions,
  type WorkOptions,
} from '../options.ts';
import { percentText, profileReport, sizeText, timesText } from '../profile-report.ts';
import { giveResult } from '../result.ts';
import type { Session } from '../session.ts';

interface ProfileOptions extends WorkOptions, TableOptions {
  readonly inputs?: string;
  readonly activation: MlpActivation;
  readonly top?: number;
  readonly maxRows?: number;
  readonly batch?: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly report?: string;
}

export function addProfileCommand(program: Command, session: Session): void {
  const command = program
    .command('profile')
    .summary('measure how sparse a trained model is')
    .description(
      'Finds every block of linear layer, ReLU and linear layer in a model, runs the model on real inputs, and says how many units are active, which are dead, what skipping the others gains on this machine, and whether to do it. Of other forms the zeros are counted: what is mostly zeros and not supported is named.',
    )
    .addArgument(new InputArgument('<model>', 'a trained model (.onnx), or the weights of blocks (.safetensors)'))
    .addOption(new InputOption('--inputs <file>', 'inputs of the model: .npy, .npz, .safetensors or .csv'))
    .addOption(
      new ChoiceOption('--activation <name>', 'of safetensors blocks, whose file does not say it', [
        'relu',
        'squared-relu',
      ]).default('relu'),
    )
    .addOption(
      new Option('--top <count>', 'also the inputs that each unit answers most').argParser(parseWhole(1, 1000)),
    )
    .addOption(
      new Option('--max-rows <count>', 'use at most so many rows of the inputs').argParser(parseWhole(1, 2 ** 31 - 1)),
    )
    .addOption(
      new Option('--batch <count>', 'rows run at once; by default all if they depend on each other').argParser(
        parseWhole(1, 2 ** 31 - 1),
      ),
    )
    .addOption(
      new Option('--seed <number>', 'seed of which rows are timed').argParser(parseWhole(0, 2 ** 31 - 1)).default(1),
    )
    .addOption(new ResultOption())
    .option('--json', 'print the result as JSON')
    .addOption(
      new OutputOption('--report <file.html>', 'write a page with figures', {
        ending: { pattern: /\.html?$/i, text: '.html' },
      }),
    );
  addWorkOptions(addTableOptions(command), 'no progress line', 'data')
    .addHelpText(
      'after',
      `
Times are on one thread, exact against fewfire's own dense product; what is
called inexact misses a part of the activation, which is stated. Inputs run
along the first axis; of a safetensors block they may be a tensor "inputs" in
its own file; a table gives its columns in order.

Examples:
  fewfire profile examples/relu-mlp.safetensors
  fewfire profile examples/charlm-relu.onnx \\
    --inputs examples/charlm-relu-tokens.npy --report profile.html`,
    )
    .action(async (path: string, options: ProfileOptions) => profile(path, options, session));
}

async function profile(path: string, options: ProfileOptions, session: Session): Promise<void> {
  const { profileModel } = await import('@fewfire/node');
  const result = await withProgress(session, options, (work) =>
    profileModel(path, {
      ...work,
      encoding: options.encoding,
      delimiter: options.delimiter,
      inputs: options.inputs,
      activation: options.activation,
      topCount: options.top,
      maxSampleCount: options.maxRows,
      samplesPerRun: options.batch,
      seed: options.seed,
      onWeightFiles: (paths) => session.files.addInputs(`the weights of ${path}`, paths),
    }),
  );
  const { report } = options;
  if (report !== undefined) await writeReport(report, path, result, options, session);
  await giveResult(
    {
      leaves: 'data',
      json: () => profileJson(path, result, options),
      text: async () => joinSections(await profileSections(path, result, options, session.screen)),
    },
    options,
    session,
  );
}

async function writeReport(
  report: string,
  path: string,
  result: ModelProfile,
  options: ProfileOptions,
  session: Session,
): Promise<void> {
  const { reportPage } = await import('@fewfire/report');
  const content = reportPage(
    profileReport(result, {
      path,
      inputsText: options.inputs ?? 'the inputs in its file',
      command: `npx ${session.commandLine}`,
      version: session.version,
      seed: options.seed,
    }),
  );
  await session.files.write([{ path: report, content }]);
}

function profileJson(
  path: string,
  { blocks, places, notes, inputRowCount, sampleCount, samplesPerRun, rowsDepend }: ModelProfile,
  options: ProfileOptions,
): object {
  return {
    model: path,
    inputs: options.inputs ?? path,
    sampleCount,
    inputRowCount,
    samplesPerRun,
    rowsDepend,
    blocks: blocks.map(({ activity, timings, inexactText: _, staticSparsity, verdict, sparse, ...block }) => ({
      ...block,
      sparse,
      inputRowCount: activity.rowCount,
      activationRate: activity.activationRate,
      rateQuantiles: activity.rateQuantiles,
      deadUnitCount: activity.deadUnits.length,
      deadRateUpperLimit: activity.deadUnits.length === 0 ? null : activity.deadRateUpperLimit,
      confidenceDelta: activity.confidenceDelta,
      alwaysActiveCount: activity.alwaysActiveCount,
      hotUnitCount: activity.hotUnitCount,
      rateHistogram: activity.rateHistogram,
      unitRates: Array.from(activity.unitRates),
      staticSparsity,
      survivorRate: timings?.survivorRate ?? null,
      firstTest: timings?.firstTest ?? null,
      timingsUs: {
        dense: timings?.denseUs ?? null,
        exact: timings?.exactUs ?? null,
      },
      inexact: timings?.inexact ?? null,
      leftOut: timings?.leftOut ?? [],
      denseFromBatch: timings?.denseFromBatch ?? null,
      exactUpToBatch: timings?.exactUpToBatch ?? null,
      verdict,
      ...(activity.topRows.length === 0 ? {} : { topRows: activity.topRows }),
    })),
    places,
    notes: notes.map(withFlags),
    report: options.report ?? null,
  };
}

async function profileSections(
  path: string,
  result: ModelProfile,
  options: ProfileOptions,
  screen: Screen,
): Promise<Section[]> {
  const { blocks, places, notes, sampleCount, inputRowCount } = result;
  const rows = sampleCount === inputRowCount ? '' : `, ${integer(inputRowCount)} rows at the blocks`;
  const where = options.inputs === undefined ? 'in the same file' : printable(options.inputs);
  return [
    facts(
      [
        [
          'Model',
          `${printable(path)}: ${blocks.length === 0 ? 'no block recognised' : counted(blocks.length, 'block')}`,
        ],
        ['Inputs', `${where}: ${counted(sampleCount, 'row')}${rows}; shares are of these`],
        ...notes.map((note): [string, string] => ['Note', printable(withFlags(note))]),
        ...(options.report === undefined
          ? []
          : [['Report', printable(quoteArgument(options.report))] as [string, string]]),
      ],
      screen,
    ),
    ...blocks.map((block) => blockSection(block, positionsOf(block, result), screen)),
    ...(places.length === 0 ? [] : [placesSection(places, screen)]),
  ];
}

// Rows of the block for each row of the inputs, where the one can be told from the other.
function positionsOf({ activity }: ProfiledBlock, { sampleCount, samplesPerRun, rowsDepend }: ModelProfile): number {
  const positions = activity.rowCount / sampleCount;
  return Number.isInteger(positions) && (rowsDepend === false || samplesPerRun === 1) ? positions : 1;
}

/** Places that are listed, those with the most zeros first. */
const PLACES_SHOWN = 12;

// Zeros where no block was recognised: those that are many by name, of the others how many they are at most.
function placesSection(places: readonly ProfiledPlace[], screen: Screen): Section {
  const known = places.filter(({ zeroShare }) => zeroShare !== null);
  const failed = places.filter(({ zeroShare }) => zeroShare === null);
  const share = ({ zeroShare }: ProfiledPlace): number => zeroShare ?? 0;
  const many = known.filter(({ sparse }) => sparse).sort((a, b) => share(b) - share(a));
  const few = known.filter(({ sparse }) => !sparse);
  const lines = many
    .slice(0, PLACES_SHOWN)
    .map(({ name, verdict }): [string, string] => ['zeros', `${printable(name)}: ${printable(verdict)}`]);
  if (many.length > PLACES_SHOWN)
    lines.push(['zeros', `${many.length - PLACES_SHOWN} more such places; --json has all`]);
  if (few.length > 0) {
    const forms = [...new Set(few.map(({ form }) => form))];
    const listed = `${forms.slice(0, 4).join('; ')}${forms.length > 4 ? '; ...' : ''}`;
    lines.push([
      'other',
      `not sparse (measured: at most ${percentText(Math.max(...few.map(share)))} zeros): ${counted(few.length, 'place')} behind ${printable(listed)}`,
    ]);
  }
  if (failed.length > 0) {
    lines.push([
      'unknown',
      `${printable(failed[0].verdict)}${failed.length > 1 ? `; and ${failed.length - 1} more` : ''}`,
    ]);
  }
  return [
    ...wrapText(`Zeros outside of recognised blocks, on ${counted(places[0].sampleCount, 'row')}`, screen.width).map(
      (line) => screen.bold(line),
    ),
    ...facts(lines, screen),
  ];
}

function blockSection(block: ProfiledBlock, positions: number, screen: Screen): Section {
  const { form, activity, timings, staticSparsity } = block;
  const title = `${printable(block.name)}: ${printable(form)}, ${sizeText(block)}`;
  const lines: [string, string][] = [
    ['active', activeText(block)],
    ['units', unitsText(block)],
    ['rates', ratesText(block)],
  ];
  if (staticSparsity !== null) {
    const { zeroShare, nearZeroShare } = staticSparsity;
    lines.push([
      'static',
      `${percentText(zeroShare)} of the weights are zero, ${percentText(nearZeroShare)} below 1 % of their root mean square`,
    ]);
  }
  if (timings !== null) {
    lines.push(['exact', `time of a row at batch 1: ${timesText(timings)}`]);
    if (block.inexactText !== null) lines.push(['inexact', block.inexactText]);
    if (timings.leftOut.length > 0) lines.push(['left out', timings.leftOut.join('; ')]);
  }
  lines.push(['verdict', block.verdict]);
  return [
    ...wrapText(title, screen.width).map((line) => screen.bold(line)),
    ...facts(lines, screen),
    ...topLines(activity, positions, screen),
  ];
}

function activeText({ activity }: ProfiledBlock): string {
  const at = (share: number): string =>
    percentText(activity.rateQuantiles.find((quantile) => quantile.at === share)?.rate ?? 0);
  return `${percentText(activity.activationRate)} of the units on a row; on nine rows of ten ${at(0.05)} to ${at(0.95)}, at most ${at(1)}`;
}

function unitsText({ activity, unitCount, sparse }: ProfiledBlock): string {
  const { deadUnits, deadRateUpperLimit, confidenceDelta } = activity;
  const limit =
    deadUnits.length === 0 || !sparse
      ? ''
      : ` (were the rows independent, below a rate of ${percentText(deadRateUpperLimit)} with probability ${1 - confidenceDelta})`;
  return `${integer(deadUnits.length)} dead${limit}, ${integer(activity.alwaysActiveCount)} always active; ${integer(activity.hotUnitCount)} of ${integer(unitCount)} make up 80 % of all activity`;
}

function ratesText({ activity }: ProfiledBlock): string {
  const bins = activity.rateHistogram.map(({ to, unitCount }) =>
    to === 0 ? `${integer(unitCount)} never` : `${integer(unitCount)} up to ${numberText(100 * to)} %`,
  );
  return `units by the share of rows they fire on: ${bins.join(', ')}`;
}

/** Units whose answers are listed. */
const UNITS_SHOWN = 8;
const ROWS_SHOWN = 5;

// Which inputs a unit is a key for, of the units that fire most.
function topLines({ topRows, unitRates }: ProfiledBlock['activity'], positions: number, screen: Screen): string[] {
  if (topRows.length === 0) return [];
  const place = (row: number): string =>
    positions === 1
      ? integer(row + 1)
      : `${integer(Math.floor(row / positions) + 1)}:${integer((row % positions) + 1)}`;
  const hottest = Array.from(unitRates.keys())
    .sort((a, b) => unitRates[b] - unitRates[a])
    .slice(0, UNITS_SHOWN)
    .filter((unit) => topRows[unit].length > 0);
  const unit = positions > 1 ? 'sample:position' : 'row';
  return [
    ...wrapText(
      `the ${counted(hottest.length, 'most active unit')}, with the inputs (${unit}) they answer most${topRows.length > hottest.length ? '; --json has all' : ''}`,
      screen.width - 2,
      '  ',
    ),
    ...hottest.flatMap((u) =>
      wrapText(
        `unit ${u}: ${topRows[u]
          .slice(0, ROWS_SHOWN)
          .map(({ row, activation }) => `${place(row)} (${numberText(activation)})`)
          .join(', ')}`,
        screen.width - 2,
        '    ',
      ),
    ),
  ];
}
