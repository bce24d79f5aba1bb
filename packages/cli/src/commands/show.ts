/** `fewfire show`: what a model is, where it came from, and what it says. */

import type { Model, TreeNetwork } from '@fewfire/core';
import { byteSize, calibrationText, counted } from '@fewfire/core/words';
import type { Command } from 'commander';
import { readModelOrTrees, reportPage } from '../data.ts';
import {
  confirmationSections,
  dataSection,
  guessingSection,
  importanceSection,
  influenceSection,
  joinSections,
  labelled,
  modelText,
  notesSection,
  type Section,
  selectionSection,
  termSections,
  testSection,
} from '../describe.ts';
import { attributionSections } from '../describe-attributions.ts';
import { InputArgument, OutputOption, ResultOption } from '../file-roles.ts';
import { printable, quoteArgument, type Screen } from '../format.ts';
import { constantOf, modelJson } from '../model-json.ts';
import { facts } from '../network-describe.ts';
import { parseWhole, QuietOption } from '../options.ts';
import { giveResult } from '../result.ts';
import type { Session } from '../session.ts';
import { combinationSection, summaryText } from '../summary.ts';
import { askedColumns, askedSection, treeFacts } from '../tree-describe.ts';

interface ShowOptions {
  readonly top?: number;
  readonly attributions?: boolean;
  readonly verbose?: boolean;
  readonly report?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const DEFAULT_TOP = 20;
/** For trees, which may be many. */
const MEMORY_BYTES = 4e9;

export function addShowCommand(program: Command, session: Session): void {
  program
    .command('show')
    .summary('say what a model is and what it found')
    .description('Says what a model is, where it came from, which columns matter and its leading combinations.')
    .addArgument(new InputArgument('<model.json>', 'a model written by fewfire fit --out, or trees by network import'))
    .option(
      '--top <count>',
      `with every detail, and so many columns and combinations (default: ${DEFAULT_TOP}; with --json all)`,
      parseWhole(1, 1_000_000),
    )
    .option('--verbose', 'print every detail: how it was chosen, coefficients, all notes')
    .option('--attributions', 'the same with influences, level weights, Shapley and Banzhaf values, and interactions')
    .addOption(
      new OutputOption(
        '--report <file>',
        'write a report with pictures here (one HTML file), without those of the test',
        { hint: ', such as report.html' },
      ),
    )
    .addOption(new ResultOption())
    .option('--json', 'print it as JSON, attributions included')
    .addOption(new QuietOption('no report', 'files'))
    .addHelpText(
      'after',
      `
Examples:
  fewfire show chess.json
  fewfire show chess.json --top 100
  fewfire show chess.json --attributions
  fewfire show chess.json --report chess.html
  fewfire show chess.json --json`,
    )
    .action(async (path: string, options: ShowOptions) => show(path, options, session));
}

async function show(path: string, options: ShowOptions, session: Session): Promise<void> {
  const model = await readModelOrTrees(path, session, MEMORY_BYTES);
  if ('part' in model) {
    await showTrees(path, model, options, session);
    return;
  }
  if (options.report !== undefined) {
    const content = await reportPage({ model, testRows: null });
    await session.files.write([{ path: options.report, content }]);
  }
  await giveResult(
    {
      leaves: 'files',
      json: () => showJson(path, model, options, session),
      text: () => showText(path, model, options, session),
    },
    options,
    session,
  );
}

async function showJson(path: string, model: Model, options: ShowOptions, session: Session): Promise<object> {
  const { columnInfluences, leadingTerms, modelAttributions } = await import('@fewfire/core/internal');
  const json = await modelJson(model);
  const said = await Promise.all(
    model.outputs.map(async (output, k) => ({
      terms: leadingTerms(model, options.top, k),
      constant: constantOf(output) ?? 0,
      attributions: await modelAttributions(model, k, options.top, { signal: session.signal }),
    })),
  );
  const outputs =
    'outputs' in json ? { outputs: json.outputs.map((output, k) => ({ ...output, ...said[k] })) } : said[0];
  const shown = { ...outputs, influences: columnInfluences(model).slice(0, options.top) };
  return { file: path, ...json, ...shown, report: options.report ?? null };
}

async function showText(path: string, model: Model, options: ShowOptions, session: Session): Promise<string> {
  const library = await import('@fewfire/core/internal');
  const { columnInfluences, modelAttributions, modelRemarks, shownTerms } = library;
  const { screen } = session;
  // Whoever names a number, or asks for attributions, wants the details.
  if (options.verbose !== true && options.top === undefined && options.attributions !== true) {
    const file = printable(quoteArgument(path));
    const next = [`  fewfire show ${file} --verbose`, `  fewfire predict ${file} new.csv`];
    const { rowCount } = model.provenance.source;
    return summaryText(library, model, { label: path, rowCount, next: [`${screen.bold('Next')}:`, ...next] }, screen);
  }
  const top = options.top ?? DEFAULT_TOP;
  const attributions: Section[] = [];
  if (options.attributions === true) {
    attributions.push(influenceSection(columnInfluences(model), screen, top));
    for (const k of model.outputs.keys()) {
      const found = await modelAttributions(model, k, top, { signal: session.signal });
      attributions.push(...attributionSections(model, k, found, top, screen));
    }
  }
  return joinSections([
    guessingSection(model.training.test, 'test row', '', screen),
    [...labelled('Model', `${printable(path)}: ${modelText(model)}`, screen), ...dataSection(model, screen)],
    provenanceSection(model, screen),
    notesSection(model, modelRemarks(model), screen),
    selectionSection(model, screen),
    testSection(model, screen),
    importanceSection(model, screen, top),
    combinationSection(library, model, screen),
    ...termSections(model, (k) => shownTerms(model, top, k), screen),
    ...confirmationSections(model, top, screen),
    ...attributions,
  ]);
}

async function showTrees(path: string, network: TreeNetwork, options: ShowOptions, session: Session): Promise<void> {
  const { FewfireError } = await import('@fewfire/core');
  const { screen } = session;
  const asked =
    options.report !== undefined ? '--report' : options.attributions === true ? '--attributions' : undefined;
  if (asked !== undefined) {
    throw new FewfireError(
      'invalid-argument',
      `${asked} is of models of fewfire fit, and ${path} holds imported trees; fewfire predict --attributions average says what each column contributes to rows`,
    );
  }
  await giveResult(
    {
      leaves: 'files',
      json: () => treesJson(path, network, options),
      text() {
        const treeCount = network.model.outputs.reduce((sum, { trees }) => sum + trees.length, 0);
        return joinSections([
          facts(
            [
              ['Network', `${printable(path)}: ${counted(treeCount, 'imported tree')}`],
              ...treeFacts(network),
              ['Sparsity', `fewfire network show ${printable(quoteArgument(path))}`],
            ],
            screen,
          ),
          askedSection(network, options.top ?? DEFAULT_TOP, screen),
        ]);
      },
    },
    options,
    session,
  );
}

function treesJson(path: string, network: TreeNetwork, { top }: ShowOptions): object {
  const { model, part } = network;
  const { source, objective, features, link, classes, notes } = model;
  const outputs = model.outputs.map(({ name, trees, intercept }) => ({ name, treeCount: trees.length, intercept }));
  const columns = askedColumns(network).slice(0, top);
  const json = { file: path, source, objective, output: model.outputs[part.output].name, link };
  return { ...json, classes: classes?.labels ?? null, outputs, features, columns, notes };
}

function provenanceSection({ target, provenance, outputs }: Model, screen: Screen): Section {
  const { source, seed, command, versions } = provenance;
  const pairs: [string, string][] = [];
  if (source.sha256 !== undefined) {
    const size =
      source.byteCount === undefined
        ? ''
        : ` (${byteSize(source.byteCount)}${source.format === undefined ? '' : ` of ${source.format}`})`;
    pairs.push(['Source', `sha256 ${source.sha256}${size}`]);
  }
  if (command !== null) pairs.push(['Command', printable(command)]);
  pairs.push(['Seed', String(seed)]);
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version.slice(0, 16)}`);
  if (parts.length > 0) pairs.push(['Made by', printable(parts.join(', '))]);
  const { kind } = outputs[0].calibration;
  const text = calibrationText({ target, outputs });
  if (target.kind === 'multiclass') pairs.push(['Chances', `${text} (--json has the curves)`]);
  else if (kind !== 'none') pairs.push([kind === 'platt' ? 'Chances' : 'Scale', text]);
  return pairs.flatMap(([name, text]) => labelled(name, text, screen));
}
