/** `fewfire plan`: which degree and how many samples learn a sparse network, by every statement there is. */

import type { DegreeCertificate, LearningCost, SparsityCertificate } from '@fewfire/core';
import type { MeasuredFunction } from '@fewfire/core/internal';
import { integer, numberText } from '@fewfire/core/words';
import { type Command, Option } from 'commander';
import { type Work, withProgress } from '../data.ts';
import { heading, joinSections, type Section } from '../describe.ts';
import { InputOption, ResultOption } from '../file-roles.ts';
import { layoutTable, printable, type Screen } from '../format.ts';
import { readNetwork } from '../network-data.ts';
import { domainText, facts, sparsityText } from '../network-describe.ts';
import { addWorkOptions, parseNonNegative, parsePositive, parseWhole, type WorkOptions } from '../options.ts';
import { giveResult } from '../result.ts';
import type { Session } from '../session.ts';

interface PlanOptions extends WorkOptions {
  readonly network?: string;
  readonly n?: number;
  readonly s?: number;
  readonly k?: number;
  readonly W?: number;
  readonly B?: number;
  readonly epsilon: number;
  readonly confidenceDelta: number;
  readonly out?: string;
  readonly json?: boolean;
}

const CLASS_FLAGS = ['n', 's', 'k', 'W', 'B'] as const;
const MOST = 2 ** 31 - 1;

export function addPlanCommand(program: Command, session: Session): void {
  const command = program
    .command('plan')
    .summary('degree and samples that learn a sparse network')
    .description(
      'Says which degree, and how many uniform samples, learn a sparsely activated network to square error epsilon: as published, with constants, by the new bounds, and, of a small network, as measured. For one network, or for all with n inputs, s units, at most k of them active, and scale W and B.',
    )
    .addOption(
      new InputOption(
        '--network <file>',
        'a network file, which gives n, s, W and B, and k as far as it can be proved',
      ),
    )
    .addOption(new Option('--n <count>', 'inputs').argParser(parseWhole(1, MOST)))
    .addOption(new Option('--s <count>', 'units').argParser(parseWhole(1, MOST)))
    .addOption(new Option('--k <count>', 'units active at any point').argParser(parseWhole(1, MOST)))
    .addOption(new Option('--W <scale>', 'largest |u_j| ||w_j||').argParser(parseNonNegative()))
    .addOption(new Option('--B <scale>', 'largest |u_j b_j|').argParser(parseNonNegative()))
    .addOption(new Option('--epsilon <error>', 'square error to reach').argParser(parsePositive()).default(0.1))
    .addOption(
      new Option('--confidence-delta <delta>', 'chance that the samples fail')
        .argParser(parsePositive(1))
        .default(0.05),
    )
    .addOption(new ResultOption())
    .option('--json', 'print the result as JSON');
  addWorkOptions(command, 'no progress line', 'data')
    .addHelpText(
      'after',
      `
Examples:
  fewfire plan --network net.json --epsilon 0.05
  fewfire plan --n 100 --s 64 --k 1 --W 0.9 --B 0.5 --epsilon 0.1`,
    )
    .action(async (options: PlanOptions) => {
      const given = CLASS_FLAGS.filter((flag) => options[flag] !== undefined);
      const missing = CLASS_FLAGS.find((flag) => options[flag] === undefined);
      if (options.network === undefined && missing !== undefined) {
        command.error(
          `error: --${missing} is missing: give a network with --network, or all of --n, --s, --k, --W and --B`,
        );
      }
      if (options.network !== undefined && given.length > 0) {
        command.error(`error: --${given[0]} is given beside --network, which says what it is; leave one of them out`);
      }
      await plan(options, session);
    });
}

/** The class in the paper's letters. */
interface PlannedClass {
  readonly n: number;
  readonly s: number;
  readonly k: number;
  readonly W: number;
  readonly B: number;
}

/** What one statement asks for. */
interface PlanRow {
  readonly statement: 'published' | 'explicit' | 'new' | 'this network' | 'measured';
  readonly kind: 'order of magnitude' | 'bound' | 'estimate' | 'exact';
  /** As stated, beyond n too; null if it is beyond every number. */
  readonly statedDegree: number | null;
  /** The same cut off at n. */
  readonly degree: number;
  /** By Lemma 2.3, one-pass means; null beyond the range of numbers. */
  readonly sampleCount: number | null;
  /** By regression, which fit does, without noise; null where the statement has none, or beyond the range of numbers. */
  readonly regressionSampleCount: number | null;
}

interface NetworkFindings {
  readonly domainIsCube: boolean;
  readonly domain: string;
  readonly sparsity: SparsityCertificate;
  readonly sparsityOnDomain: SparsityCertificate | undefined;
  readonly certificate: DegreeCertificate | undefined;
  readonly measured: MeasuredFunction | undefined;
}

interface Plan {
  readonly class: PlannedClass;
  readonly epsilon: number;
  readonly confidenceDelta: number;
  readonly found: NetworkFindings | undefined;
  readonly rows: readonly PlanRow[];
  /** Theorem 5.1, k on the network's own domain. */
  readonly anyDistribution: {
    readonly sparsity: number;
    readonly published: number;
    readonly explicit: number;
    readonly new: number;
  };
}

async function plan(options: PlanOptions, session: Session): Promise<void> {
  const planned = await withProgress(session, options, (work) => planFor(options, session, work));
  await giveResult(
    {
      leaves: 'data',
      json: () => planJson(planned, options.network),
      text: () => joinSections(planSections(planned, options, session.screen)),
    },
    options,
    session,
  );
}

function planJson({ found, ...rest }: Plan, file: string | undefined): object {
  const network =
    found === undefined
      ? null
      : {
          file,
          domain: found.domain,
          sparsityOnCube: {
            reason: sparsityText(found.sparsity),
            kLower: found.sparsity.kLower,
            kUpper: found.sparsity.kUpper,
            exact: found.sparsity.exact,
          },
          degreeCertificate: found.certificate ?? null,
          function: found.measured ?? null,
        };
  const rows = rest.rows.map((row) => ({ ...row, meaning: KINDS[row.statement] }));
  return { ...rest, rows, network, notes: notesOf(found) };
}

async function planFor(options: PlanOptions, session: Session, work: Work): Promise<Plan> {
  const core = await import('@fewfire/core/internal');
  const { epsilon, confidenceDelta } = options;
  const { planned, found } =
    options.network === undefined
      ? { planned: options as PlannedClass, found: undefined }
      : await classOfNetwork(options.network, session, work);
  const { n, s, k, W, B } = planned;
  const network = { inputCount: n, unitCount: s, sparsity: k, weightScale: W, biasScale: B };
  const costs = core.uniformLearningCosts({ ...network, epsilon, confidenceDelta });
  const regression = (degree: number): number | null => regressionSamples(core, n, degree, confidenceDelta);
  const row = (statement: PlanRow['statement'], kind: PlanRow['kind'], cost: LearningCost): PlanRow => ({
    statement,
    kind,
    statedDegree: finite(cost.statedDegree),
    degree: cost.degree,
    sampleCount: finite(cost.sampleCount),
    regressionSampleCount: statement === 'published' ? null : regression(cost.degree),
  });
  const rows = [
    row('published', 'order of magnitude', costs.published),
    row('explicit', 'bound', costs.explicit),
    row('new', 'bound', costs.new),
  ];
  const cost = (degree: number, valueBound: number): LearningCost => {
    const counts = core.lowDegreeSampleCounts({ inputCount: n, degree, valueBound, epsilon, confidenceDelta });
    return { statedDegree: degree, degree, sampleCount: counts.least };
  };
  if (found?.certificate !== undefined) {
    const { kind, least } = core.sufficientDegrees({ ...found.certificate, inputCount: undefined }, { epsilon });
    rows.push(
      row('this network', kind, { ...cost(Math.min(n, least), core.valueBound(network)), statedDegree: least }),
    );
  }
  if (found?.measured !== undefined && found.measured.space === 'cube') {
    const { tailWeights, largest } = found.measured;
    // Rounding of the transform must not ask for a degree more.
    const degree = tailWeights.findIndex((tail) => tail <= epsilon / 2 + 1e-13 * largest ** 2);
    rows.push(row('measured', 'exact', cost(degree, largest)));
  }
  const sparsity = Math.max(1, found?.sparsityOnDomain?.kUpper ?? k);
  const any = core.anyDistributionSampleCounts({
    ...network,
    sparsity,
    radius: Math.sqrt(n),
    epsilon,
    confidenceDelta,
  });
  return { class: { n, s, k, W, B }, epsilon, confidenceDelta, found, rows, anyDistribution: { sparsity, ...any } };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

// With so many samples the Gram matrix is good, and the expected error at most twice the tail, so epsilon.
function regressionSamples(
  core: typeof import('@fewfire/core/internal'),
  inputCount: number,
  degree: number,
  confidenceDelta: number,
): number | null {
  const gram = core.regressionSampleCount({ inputCount, degree, confidenceDelta });
  return finite(Math.max(gram, Math.ceil(4 * Math.exp(core.lnMonomialCount({ inputCount, degree })) * (1 - 1e-12))));
}

async function classOfNetwork(
  path: string,
  session: Session,
  work: Work,
): Promise<{ readonly planned: PlannedClass; readonly found: NetworkFindings }> {
  const {
    affordableFiringRates,
    boundSparsity,
    certifyDegree,
    FewfireError,
    measureFunction,
    networkOnCube,
    scaleOfNetwork,
  } = await import('@fewfire/core/internal');
  const network = await readNetwork(path, session, work.memoryLimitBytes);
  if (network.unitCount === 0) {
    throw new FewfireError('invalid-data', `${path} has no units: it is 0 everywhere, and there is nothing to learn`);
  }
  const cube = networkOnCube(network);
  const domainIsCube = network.domain.kind === 'cube';
  const sparsity = await boundSparsity(cube, work);
  const rates = await affordableFiringRates(cube, work);
  if (sparsity === undefined || rates === undefined) throw new Error('a cube without points');
  const { weight, bias } = scaleOfNetwork(network);
  const found: NetworkFindings = {
    domainIsCube,
    domain: domainText(network.domain, network.inputCount),
    sparsity,
    sparsityOnDomain: domainIsCube ? sparsity : await boundSparsity(network, work),
    certificate: (await certifyDegree(cube, sparsity, rates, work)).certificate,
    measured: await measureFunction(cube, work),
  };
  const k = Math.max(1, sparsity.kUpper);
  return { planned: { n: network.inputCount, s: network.unitCount, k, W: weight, B: bias }, found };
}

function planSections(planned: Plan, options: PlanOptions, screen: Screen): Section[] {
  const { n, s, k, W, B } = planned.class;
  const { epsilon, confidenceDelta, found, rows } = planned;
  const about = `n = ${integer(n)} inputs, s = ${integer(s)} units, k = ${integer(k)}, W = ${numberText(W, 4)}, B = ${numberText(B, 4)}`;
  const pairs: [string, string][] =
    found === undefined
      ? [['Class', about]]
      : [
          ['Network', `${printable(options.network ?? '')}: ${about}`],
          ['k', `on the whole cube ${sparsityText(found.sparsity)}`],
        ];
  for (const note of notesOf(found)) pairs.push(['Note', note]);
  pairs.push(['Goal', `square error ${numberText(epsilon)} with probability ${1 - confidenceDelta} over the samples`]);
  return [facts(pairs, screen), uniformSection(rows, screen), anySection(planned, screen)];
}

/** What the tables do not say of a network. */
function notesOf(found: NetworkFindings | undefined): string[] {
  if (found === undefined) return [];
  const notes: string[] = [];
  if (!found.domainIsCube) {
    notes.push(
      `the domain of the network is ${found.domain}. The first table is about uniform points of the whole cube, and says nothing about learning on that domain.`,
    );
  }
  if (found.measured === undefined) {
    notes.push('the exact spectrum was not computed, this would take more than a few seconds');
  }
  return notes;
}

const KINDS: Readonly<Record<PlanRow['statement'], string>> = {
  published: "the paper's O() with constant 1: no bound, for comparison",
  explicit: "the paper's proof with all constants",
  new: 'this project, proved, not peer reviewed',
  'this network': 'the same from its own firing rates',
  measured: 'from its exact spectrum',
};

function uniformSection(rows: readonly PlanRow[], screen: Screen): Section {
  const size = (value: number | null, none: string): string => (value === null ? none : numberText(value));
  const cells = rows.map(({ statement, kind, statedDegree, degree, sampleCount, regressionSampleCount }) => [
    statement,
    statedDegree === degree ? integer(degree) : `${size(statedDegree, '>1e308')}, so n`,
    size(sampleCount, '>1e308'),
    statement === 'published' ? '-' : size(regressionSampleCount, '>1e308'),
    `${kind === 'order of magnitude' ? '' : `${kind}: `}${KINDS[statement]}`,
  ]);
  const right = { align: 'right' as const };
  return [
    ...heading(
      'Uniform points of the cube',
      'degree that leaves at most half of epsilon beyond it; samples for one-pass means (Lemma 2.3) and for regression, which fit does (expected error, no noise)',
      screen,
    ),
    ...layoutTable(
      [['', 'degree', 'one-pass', 'regression', ''], ...cells],
      [{}, right, right, right, { flexible: true }],
      screen.width,
    ),
  ];
}

function anySection({ anyDistribution }: Plan, screen: Screen): Section {
  const { sparsity, published, explicit, new: ours } = anyDistribution;
  const size = (value: number): string => (Number.isFinite(value) ? numberText(value) : '>9e15');
  return [
    ...heading(
      'Any distribution on points of the cube with this sparsity',
      `samples that determine the network, to whoever could search all of the class (Theorem 5.1; k = ${integer(sparsity)} where the points are)`,
      screen,
    ),
    ...layoutTable(
      [
        ['published', size(published), KINDS.published],
        ['explicit', size(explicit), `bound: ${KINDS.explicit}`],
        ['new', size(ours), `bound: ${KINDS.new}`],
      ],
      [{}, { align: 'right' }, { flexible: true }],
      screen.width,
    ),
  ];
}
