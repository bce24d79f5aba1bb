/** `fewfire network import`: a trained tree ensemble as a network file. */

import type { TreeModel } from '@fewfire/core';
import { byteSize, counted } from '@fewfire/core/words';
import { type Command, Option } from 'commander';
import { joinSections } from '../../describe.ts';
import { InputArgument, OutputOption } from '../../file-roles.ts';
import { withFlags } from '../../flags.ts';
import { listSome, printable, quoteArgument } from '../../format.ts';
import { isTensorFile, NETWORK_ENDING, writeNetwork } from '../../network-data.ts';
import { domainText, facts, scaleText, sizeText } from '../../network-describe.ts';
import { ChoiceOption, parseMemory, parseNames, parseWhole, QuietOption } from '../../options.ts';
import type { Session } from '../../session.ts';
import { modelText } from '../../tree-describe.ts';

/** How many times its size a model takes while it is read and made into trees: measured. */
const JSON_COPIES = 16;
const ONNX_COPIES = 24;
const UBJSON_COPIES = 40;

interface ImportOptions {
  readonly out?: string;
  readonly output?: string;
  readonly rounds?: number;
  readonly features?: readonly string[];
  readonly boolean?: readonly string[];
  readonly missing: 'follow' | 'refuse';
  readonly form: 'tight' | 'paper';
  readonly memory: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addImportCommand(network: Command, session: Session): void {
  network
    .command('import')
    .summary('turn trained trees into a network')
    .description(
      'Turns a trained tree ensemble, XGBoost (JSON or UBJSON) or ONNX (TreeEnsemble), into a sparse network: a question such as age >= 40 or color in {0,3} becomes an input that is -1 where the answer is yes, a leaf becomes a unit, and T trees are T-sparse. The value is the raw margin. Of a .json network, fewfire predict, score, show and network certify read the columns that the model was trained on.',
    )
    .addArgument(new InputArgument('<model>', 'a model as XGBoost (.json, .ubj) or an ONNX converter wrote it'))
    .addOption(
      new OutputOption(
        '-o, --out <file>',
        'write the network here: .json keeps the trees, .safetensors has the weights of units',
        { ending: NETWORK_ENDING },
      ),
    )
    .option('--output <name>', 'which output, of a model with several (a class by its name)')
    .addOption(
      new Option(
        '--rounds <count>',
        'of XGBoost, only the first so many boosting rounds (default: up to the best one where training stopped early, else all)',
      ).argParser(parseWhole(1, 2 ** 31 - 1)),
    )
    .option('--features <names>', 'names of the features in their order, of a model that has none (a,b)', parseNames)
    .option('--boolean <features>', 'features that are 0 or 1 wherever they are known (a,b)', parseNames)
    .addOption(
      new ChoiceOption('--missing <policy>', 'where missing values go: as the trees send them, or nowhere', [
        'follow',
        'refuse',
      ]).default('follow'),
    )
    .addOption(
      new ChoiceOption('--form <form>', 'of a leaf: tight has half the W of the paper', ['tight', 'paper']).default(
        'tight',
      ),
    )
    .addOption(
      new Option('--memory <size>', 'refuse work that needs more memory than this')
        .argParser(parseMemory)
        .default(4e9, '4GB'),
    )
    .option('--json', 'print the result as JSON')
    .addOption(new QuietOption('no report', 'files'))
    .addHelpText(
      'after',
      `
Examples:
  fewfire network import model.json --out net.json
  fewfire network import model.ubj --rounds 50 --out net.json
  fewfire network import model.onnx --output 2 --out net.json`,
    )
    .action(async (path: string, options: ImportOptions) => importNetwork(path, options, session));
}

async function importNetwork(path: string, options: ImportOptions, session: Session): Promise<void> {
  const { createTreeNetwork, treeNetworkScale, unitTreeCount } = await import('@fewfire/core/internal');
  const { out } = options;
  const model = await readTrees(path, options, session);
  const ensemble = await chooseOutput(model, options.output);
  const network = createTreeNetwork(model, { output: ensemble.name, form: options.form });
  const byteCount = out === undefined ? 0 : await writeNetwork(network, out, session, options.memory);
  const scale = treeNetworkScale(network);
  const claimedSparsity = unitTreeCount(network);
  const names = model.coordinates.map(({ name }) => name);
  if (options.json === true) {
    const { source, objective, features, classes, link, notes } = model;
    const { inputCount, unitCount, domain } = network;
    const json = { source, objective, output: ensemble.name, treeCount: ensemble.trees.length, link };
    await session.print(
      `${JSON.stringify({ ...json, classes: classes?.labels ?? null, features, coordinates: names, inputCount, unitCount, claimedSparsity, scale, domain, notes, file: out ?? null, byteCount: out === undefined ? null : byteCount })}\n`,
    );
    return;
  }
  if (options.quiet === true) return;
  const { screen } = session;
  const saved =
    out === undefined
      ? facts([['Not saved', 'add --out net.json to keep the network.']], screen)
      : [
          ...facts([['Saved', `${printable(out)}, ${byteSize(byteCount)}. Next:`]], screen),
          `  fewfire ${isTensorFile(out) ? 'network show' : 'show'} ${printable(quoteArgument(out))}`,
          ...(isTensorFile(out) ? [] : [`  fewfire predict ${printable(quoteArgument(out))} data.csv`]),
        ];
  await session.print(
    joinSections([
      [
        ...facts(
          [
            ['Model', modelText(model)],
            ['Output', `${printable(ensemble.name)}: ${counted(ensemble.trees.length, 'tree')}, the raw margin`],
            ['Inputs', `${counted(names.length, 'question')}: ${listSome(names.map(printable), 6)}`],
            ['Size', sizeText(network)],
            ['Domain', domainText(network.domain, network.inputCount)],
            ['Sparsity', `k = ${claimedSparsity} (one unit per tree that is not zero there; certify proves it)`],
            ['Scale', scaleText(scale)],
          ],
          screen,
        ),
        ...model.notes.flatMap((note) => facts([['Note', printable(withFlags(note))]], screen)),
        ...saved,
      ],
    ]),
  );
}

async function readTrees(path: string, options: ImportOptions, session: Session): Promise<TreeModel> {
  const { importTreeModel, treeFileFormat } = await import('@fewfire/core/internal');
  const { checkFileSize, readFileBytes } = await import('@fewfire/node');
  const { signal } = session;
  const { memory: memoryLimitBytes } = options;
  const bytes = await readFileBytes(path, { signal, memoryLimitBytes, copies: JSON_COPIES });
  // How much is made of the bytes is known once they are there.
  const copies = { json: JSON_COPIES, ubjson: UBJSON_COPIES, onnx: ONNX_COPIES }[treeFileFormat(bytes) ?? 'json'];
  if (copies > JSON_COPIES) await checkFileSize(path, { memoryLimitBytes, copies });
  return importTreeModel(bytes, {
    label: path,
    roundCount: options.rounds,
    featureNames: options.features,
    booleanFeatures: options.boolean,
    missing: options.missing,
  });
}

async function chooseOutput({ outputs }: TreeModel, wanted: string | undefined): Promise<TreeModel['outputs'][number]> {
  const { FewfireError, listNames, suggestName } = await import('@fewfire/core/internal');
  const names = outputs.map(({ name }) => name);
  const found = wanted === undefined ? outputs[0] : outputs.find(({ name }) => name === wanted);
  if (found !== undefined && (wanted !== undefined || outputs.length === 1)) return found;
  throw new FewfireError(
    'invalid-argument',
    wanted === undefined
      ? `the model has ${outputs.length} outputs, ${listNames(names)}; choose one with --output`
      : `the model has no output ${JSON.stringify(wanted)}; ${suggestName(wanted, names, 'it has', 5)}`,
  );
}
