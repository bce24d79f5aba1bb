/** `fewfire network certify`: proves how many units of a network are active at once, and writes the proof. */

import type { AnyNetwork, CertifyOptions, CubePoints, NetworkDomain, SparsityCertificate } from '@fewfire/core';
import { byteSize, counted, integer, numberText } from '@fewfire/core/words';
import { type Command, Option } from 'commander';
import { type Reading, type Work, withProgress } from '../../data.ts';
import { joinSections, type Section } from '../../describe.ts';
import { InputArgument, InputOption, OutputOption, tableInput } from '../../file-roles.ts';
import { withFlags } from '../../flags.ts';
import { listSome, printable, quoteArgument, type Screen } from '../../format.ts';
import { besideNetwork, readNetwork, readRows } from '../../network-data.ts';
import { domainText, facts, familyText, sizeText, sparsityText, witnessText } from '../../network-describe.ts';
import {
  addTableOptions,
  addWorkOptions,
  ChoiceOption,
  parsePositive,
  parseWhole,
  type TableOptions,
  type WorkOptions,
} from '../../options.ts';
import type { Session } from '../../session.ts';

interface CertifyCommandOptions extends WorkOptions, TableOptions {
  readonly domain?: string;
  readonly method: NonNullable<CertifyOptions['method']>;
  readonly budget: number;
  readonly timeLimit: number;
  readonly samples: number;
  readonly confidenceDelta: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

export function addCertifyCommand(network: Command, session: Session): void {
  const command = network
    .command('certify')
    .summary('prove how many units are active at once')
    .description(
      'Proves how many units of a network are active at any point of a domain: the result is an interval [found, proved] with a point that reaches its lower end, and exact where both ends meet.',
    )
    .addArgument(new InputArgument('<net.json>', 'a network file'))
    .addOption(
      new InputOption(
        '--domain <domain>',
        "cube, lift, or rows:<file> with columns x0, x1, ... or, of imported trees, those they were trained on (default: the network's own)",
        (domain) => tableInput(rowsOf(domain)),
      ),
    )
    .addOption(
      new ChoiceOption(
        '--method <method>',
        'auto takes the cheapest that settles it; sweep: every point; conflicts: pairs of units; milp: a solver, whose bound nothing here checks; sample: the share of points with more',
        ['auto', 'sweep', 'conflicts', 'milp', 'sample', 'rows'],
      ).default('auto'),
    )
    .addOption(
      new Option('--budget <seconds>', 'what auto may spend on each of its steps, by prediction')
        .argParser(parsePositive())
        .default(120),
    )
    .addOption(new Option('--time-limit <seconds>', 'of the solver').argParser(parsePositive()).default(60))
    .addOption(
      new Option('--samples <count>', 'points that method sample draws').argParser(parseWhole(1, 1e9)).default(100_000),
    )
    .addOption(
      new Option('--confidence-delta <delta>', 'chance that the limit of method sample fails')
        .argParser(parsePositive(1))
        .default(0.01),
    )
    .addOption(new Option('--seed <number>', 'of all randomness').argParser(parseWhole(0, 2 ** 31 - 1)).default(1))
    .addOption(
      new OutputOption('-o, --out <file>', 'write the certificate here (JSON)', {
        ending: { pattern: /\.json$/i, text: '.json' },
      }),
    )
    .option('--json', 'print the certificate as JSON');
  addWorkOptions(addTableOptions(command), 'no progress line and no report', 'files')
    .addHelpText(
      'after',
      `
Examples:
  fewfire network certify net.json --out certificate.json
  fewfire network certify net.json --domain cube --method sweep
  fewfire network certify net.json --domain rows:data.parquet`,
    )
    .action(async (path: string, options: CertifyCommandOptions) => certify(path, options, session));
}

async function certify(path: string, options: CertifyCommandOptions, session: Session): Promise<void> {
  const { serializeCertificate } = await import('@fewfire/core');
  const { out } = options;
  const network = await readNetwork(path, session, options.memory);
  const { certificate, messages } = await withProgress(session, besideNetwork(network, options), (work, reading) =>
    certifyNetwork(network, path, options, work, reading),
  );
  if (options.quiet !== true) for (const line of messages) session.tell(line);
  const text = await serializeCertificate(certificate);
  if (out !== undefined) await session.files.write([{ path: out, content: text }]);
  if (options.json === true) {
    const { provenance } = network;
    const saved = out === undefined ? null : { file: out, byteCount: Buffer.byteLength(text) };
    const about = { file: path, ...provenance, reason: sparsityText(certificate), saved };
    await session.print(`${JSON.stringify({ ...certificate, ...about })}\n`);
    return;
  }
  if (options.quiet === true) return;
  const { screen } = session;
  const saved =
    out === undefined
      ? facts([['Not saved', 'add --out certificate.json to keep the proof.']], screen)
      : [
          ...facts([['Saved', `${printable(out)}, ${byteSize(Buffer.byteLength(text))}. Next:`]], screen),
          `  fewfire network verify ${printable(quoteArgument(out))} ${printable(quoteArgument(path))}`,
        ];
  await session.print(joinSections([[...certificateFacts(path, network, certificate, screen), ...saved]]));
}

async function certifyNetwork(
  network: AnyNetwork,
  path: string,
  options: CertifyCommandOptions,
  work: Work,
  reading: Reading,
): Promise<{ readonly certificate: SparsityCertificate; readonly messages: readonly string[] }> {
  const { certifySparsity } = await import('@fewfire/core');
  const { createHighsSolver } = await import('@fewfire/node');
  const { domain, points, messages = [] } = await chooseDomain(network, path, options.domain, reading);
  const { method, budget, timeLimit, samples, confidenceDelta, seed } = options;
  const certificate = await certifySparsity(network, {
    ...work,
    ...{ domain, points, method, seed, confidenceDelta },
    sampleCount: samples,
    budgetSeconds: budget,
    timeLimitMs: 1000 * timeLimit,
    solver: method === 'auto' || method === 'milp' ? createHighsSolver() : undefined,
  });
  return { certificate, messages };
}

/** The table of a domain `rows:<file>`. */
function rowsOf(domain: unknown): string | undefined {
  return typeof domain === 'string' && /^rows:./s.test(domain) ? domain.slice(5) : undefined;
}

interface ChosenDomain {
  readonly domain: NetworkDomain;
  readonly points?: CubePoints;
  /** What is to be said of how the rows were read. */
  readonly messages?: readonly string[];
}

/** @param wanted as typed: cube, lift, rows:<file>; undefined for the network's own */
async function chooseDomain(
  network: AnyNetwork,
  path: string,
  wanted: string | undefined,
  reading: Reading,
): Promise<ChosenDomain> {
  const { FewfireError } = await import('@fewfire/core');
  const { inputCount, domain } = network;
  if (wanted === undefined && domain.kind === 'rows') {
    throw new FewfireError(
      'invalid-argument',
      `the domain of ${path} is rows of ${JSON.stringify(domain.label)}; name their file with --domain rows:<file>`,
    );
  }
  if (wanted === undefined) return { domain };
  if (wanted === 'cube') return { domain: { kind: 'cube' } };
  if (wanted === 'lift') {
    const bitCount = Math.round((Math.sqrt(8 * inputCount + 1) - 1) / 2);
    if ((bitCount * (bitCount + 1)) / 2 === inputCount) return { domain: { kind: 'lift', bitCount } };
    throw new FewfireError(
      'invalid-argument',
      `--domain is lift, but the network has ${inputCount} inputs; expected q(q+1)/2 of them, for q bits and their pairs`,
    );
  }
  const rows = rowsOf(wanted);
  if (rows !== undefined) {
    const { points, label, messages } = await readRows(rows, network, path, reading);
    return { domain: { kind: 'rows', label }, points, messages };
  }
  throw new FewfireError('invalid-argument', `--domain is ${wanted}; expected cube, lift or rows:<file>`);
}

function certificateFacts(
  path: string,
  network: AnyNetwork,
  certificate: SparsityCertificate,
  screen: Screen,
): Section {
  const { evidence, notes, domain } = certificate;
  const pairs: [string, string][] = [
    ['Network', `${printable(path)}: ${familyText(network.provenance)}`],
    ['Size', sizeText(network)],
    ['Domain', domainText(domain, network.inputCount)],
    ['Sparsity', sparsityText(certificate)],
    ['Witness', witnessText(certificate)],
  ];
  if (evidence.method === 'sample') {
    const { k, aboveCount, sampleCount, shareUpperLimit, confidenceDelta } = evidence;
    pairs.push([
      'Share',
      `more than ${k} units are active on at most a share ${numberText(shareUpperLimit)} of the domain, with probability ${1 - confidenceDelta} (bound from ${counted(sampleCount, 'sampled point')}, ${integer(aboveCount)} of them with more; k is the most that was seen)`,
    ]);
  }
  if ('histogram' in evidence) {
    const points = evidence.method === 'rows' ? 'rows' : evidence.method === 'sample' ? 'sampled points' : 'points';
    const total = evidence.histogram.reduce((sum, count) => sum + count, 0);
    const parts = evidence.histogram.flatMap((count, a) => (count === 0 ? [] : [`${a} at ${integer(count)}`]));
    const over = evidence.method === 'sweep' ? ' of the bits that matter' : '';
    pairs.push(['Active', `units, of ${integer(total)} ${points}${over}: ${listSome(parts, 10)} (exact)`]);
  }
  for (const note of notes) pairs.push(['Note', printable(withFlags(note))]);
  return facts(pairs, screen);
}
