/** `fewfire network show`: what a network is, and what can be said of it exactly, by a bound or by an estimate. */

import type { AnyNetwork, FiringRates, SparsityCertificate } from '@fewfire/core';
import type { CertifiedDegree, MeasuredFunction } from '@fewfire/core/internal';
import { counted, integer, numberText } from '@fewfire/core/words';
import type { Command } from 'commander';
import { withProgress } from '../../data.ts';
import { heading, joinSections, type Section } from '../../describe.ts';
import { InputArgument, ResultOption } from '../../file-roles.ts';
import { layoutTable, listSome, printable, type Screen, wrapText } from '../../format.ts';
import { besideNetwork, readNetwork } from '../../network-data.ts';
import { domainText, facts, familyText, scaleText, sizeText, sparsityText } from '../../network-describe.ts';
import { addWorkOptions, type WorkOptions } from '../../options.ts';
import { giveResult } from '../../result.ts';
import type { Session } from '../../session.ts';
import { AVERAGES_TEXT, treeFacts } from '../../tree-describe.ts';

interface ShowOptions extends WorkOptions {
  readonly out?: string;
  readonly json?: boolean;
}

export function addNetworkShowCommand(network: Command, session: Session): void {
  const command = network
    .command('show')
    .summary('say what a network is and does')
    .description(
      'Says what a network is, how often its units fire, how sparse it is, how its square spreads over degrees, and which degree is certain to suffice. Every number is called exact, a bound or an estimate; what would take more than some seconds is left out, or done by fewfire network certify.',
    )
    .addArgument(new InputArgument('<net.json>', 'a network file'))
    .addOption(new ResultOption())
    .option('--json', 'print it as JSON');
  addWorkOptions(command, 'no progress line', 'data')
    .addHelpText('after', '\nExamples:\n  fewfire network show net.json\n  fewfire network show net.json --json')
    .action(async (path: string, options: ShowOptions) => show(path, options, session));
}

interface Findings {
  readonly network: AnyNetwork;
  readonly deadUnits: readonly number[];
  readonly rates: FiringRates | undefined;
  readonly sparsity: SparsityCertificate | undefined;
  readonly measured: MeasuredFunction | undefined;
  /** Only on the cube: it is about uniform points of it. */
  readonly degree: CertifiedDegree | undefined;
}

async function show(path: string, options: ShowOptions, session: Session): Promise<void> {
  const network = await readNetwork(path, session, options.memory);
  const found = await withProgress(session, besideNetwork(network, options), async (work): Promise<Findings> => {
    const { affordableFiringRates, boundSparsity, certifyDegree, measureFunction, tightenWithPauses } = await import(
      '@fewfire/core/internal'
    );
    const deadUnits = Array.from((await tightenWithPauses(network, work)).deadUnits);
    const rates = await affordableFiringRates(network, work);
    const sparsity = await boundSparsity(network, work);
    const measured = await measureFunction(network, work);
    const degree =
      network.domain.kind === 'cube' && sparsity !== undefined && rates !== undefined
        ? await certifyDegree(network, sparsity, rates, work)
        : undefined;
    return { network, deadUnits, rates, sparsity, measured, degree };
  });
  await giveResult(
    {
      leaves: 'data',
      json: () => showJson(path, found),
      text: async () => joinSections(await showSections(path, found, session.screen)),
    },
    options,
    session,
  );
}

async function showJson(path: string, found: Findings): Promise<object> {
  const { networkChecksum, scaleOfNetwork } = await import('@fewfire/core/internal');
  const { network, deadUnits, rates, sparsity, measured, degree } = found;
  const { inputCount, unitCount, domain, provenance } = network;
  return {
    file: path,
    checksum: await networkChecksum(network),
    ...provenance,
    inputCount,
    unitCount,
    domain,
    scale: { kind: 'exact', ...scaleOfNetwork(network) },
    deadUnits,
    firingRates:
      rates === undefined
        ? null
        : {
            ...rates,
            kind: rates.kind === 'exact' ? 'exact' : 'estimate',
            rates: Array.from(rates.rates),
            lower: Array.from(rates.lower),
            upper: Array.from(rates.upper),
          },
    sparsity:
      sparsity === undefined
        ? null
        : {
            kind: sparsity.exact ? 'exact' : 'bound',
            kLower: sparsity.kLower,
            kUpper: sparsity.kUpper,
            method: sparsity.evidence.method,
            reason: sparsityText(sparsity),
          },
    function: measured === undefined ? null : { kind: 'exact', pointCount: 2 ** measured.coordinateCount, ...measured },
    degreeCertificate:
      degree === undefined
        ? null
        : {
            ...degree.certificate,
            classCount: degree.classCount ?? null,
            reason: degreeText(degree, sparsity),
            tails: await tailRows(found),
          },
    notes: notesOf(found),
  };
}

/** Why something is missing. */
function notesOf(found: Findings): string[] {
  const notes: string[] = [];
  if (found.sparsity === undefined) notes.push(`sparsity ${ROWS_TEXT}`);
  if (found.measured === undefined) notes.push(noFunctionText(found));
  if (found.network.domain.kind === 'lift') notes.push(LIFT_TEXT);
  if ('part' in found.network) notes.push(`averages are ${AVERAGES_TEXT}`);
  return notes;
}

interface TailRow {
  readonly degree: number;
  /** Exact; null where the function was not listed. */
  readonly levelWeight: number | null;
  readonly tailWeight: number | null;
  /** New Lemma 3.2. */
  readonly certificate: number;
  /** Theorem A; null where it says nothing. */
  readonly theoremA: number | null;
}

async function tailRows({ network: { inputCount }, measured, degree: certified }: Findings): Promise<TailRow[]> {
  const { tailBounds } = await import('@fewfire/core');
  if (certified === undefined) return [];
  return Array.from({ length: Math.min(inputCount, MOST_DEGREES) + 1 }, (_, degree) => {
    const bounds = tailBounds(certified.certificate, degree);
    return {
      degree,
      levelWeight: measured?.levelWeights[degree] ?? null,
      tailWeight: measured?.tailWeights[degree] ?? null,
      certificate: bounds.certificate,
      theoremA: Number.isFinite(bounds.theoremA) ? bounds.theoremA : null,
    };
  });
}

const MOST_DEGREES = 64;

async function showSections(path: string, found: Findings, screen: Screen): Promise<Section[]> {
  const { scaleOfNetwork } = await import('@fewfire/core/internal');
  const { network, deadUnits, sparsity } = found;
  const dead =
    deadUnits.length === 0
      ? 'none (exact)'
      : `${counted(deadUnits.length, 'unit')} active nowhere on the cube (exact): ${listSome(deadUnits.map(String), 8)}`;
  return [
    facts(
      [
        ['Network', `${printable(path)}: ${familyText(network.provenance)}`],
        ...('part' in network ? treeFacts(network) : []),
        ['Size', sizeText(network)],
        ['Domain', domainText(network.domain, network.inputCount)],
        ...('part' in network ? [['Averages', AVERAGES_TEXT] as const] : []),
        ['Scale', scaleText(scaleOfNetwork(network))],
        ['Dead', dead],
        ...ratesFacts(found),
        ['Sparsity', sparsity === undefined ? ROWS_TEXT : sparsityText(sparsity)],
      ],
      screen,
    ),
    functionSection(found, screen),
    await degreeSection(found, screen),
  ];
}

const ROWS_TEXT = 'not looked for on rows: fewfire network certify --domain rows:<file> counts them';

function ratesFacts({ network, rates }: Findings): [string, string][] {
  if (rates === undefined || network.unitCount === 0) return [];
  let least = 0;
  let most = 0;
  rates.rates.forEach((rate, j) => {
    if (rate < rates.rates[least]) least = j;
    if (rate > rates.rates[most]) most = j;
  });
  const mean = rates.rates.reduce((sum, rate) => sum + rate, 0);
  const one = (j: number): string =>
    rates.kind === 'exact'
      ? numberText(rates.rates[j])
      : `${numberText(rates.rates[j])} (${numberText(rates.lower[j])} to ${numberText(rates.upper[j])})`;
  const kind =
    rates.kind === 'exact'
      ? 'exact, on the domain'
      : `estimates from ${counted(rates.sampleCount ?? 0, 'point')} of the domain; all intervals hold together with probability ${1 - (rates.confidenceDelta ?? 0)}`;
  return [
    [
      'Firing',
      `${rates.rates[least] === rates.rates[most] ? `every unit at rate ${one(least)}` : `units at rates from ${one(least)} to ${one(most)}`}, ${numberText(mean)} active on average (${kind})`,
    ],
  ];
}

function noFunctionText({ network }: Findings): string {
  const why =
    network.domain.kind === 'rows'
      ? 'its domain is rows of data'
      : 'it has too many points to be listed, and units of too many inputs to be added up, in a few seconds or the memory allowed';
  return `level weights and average sensitivity not computed: ${why}.`;
}

function functionSection(found: Findings, screen: Screen): Section {
  const { measured } = found;
  if (measured === undefined) return heading('Function', noFunctionText(found), screen);
  const { space, coordinateCount, mean, secondMoment, largest, largestKind, averageSensitivity, degree } = measured;
  const where =
    space === 'cube'
      ? `over all ${coordinateCount < 1024 ? numberText(2 ** coordinateCount) : `2^${coordinateCount}`} points of the cube`
      : `as a function of the ${coordinateCount} bits y of the lift, over all ${integer(2 ** coordinateCount)} of them`;
  return [
    ...heading('Function', `${where} (exact)`, screen),
    ...wrapText(
      `mean ${numberText(clean(mean, Math.sqrt(secondMoment)), 4)}, mean square ${numberText(secondMoment, 4)}, size at most ${numberText(largest, 4)}${largestKind === 'bound' ? ' (bound)' : ''}, average sensitivity ${numberText(averageSensitivity, 4)}, degree ${degree}`,
      screen.width - 2,
      '  ',
    ),
    ...(space === 'bits' ? bitsTable(measured, screen) : []),
  ];
}

function bitsTable({ levelWeights, tailWeights, secondMoment, degree }: MeasuredFunction, screen: Screen): string[] {
  const rows = levelWeights
    .slice(0, degree + 1)
    .map((weight, d) => [
      String(d),
      numberText(clean(weight, secondMoment)),
      numberText(clean(tailWeights[d] ?? 0, secondMoment)),
    ]);
  return layoutTable([['degree', 'weight', 'beyond'], ...rows], new Array(3).fill({ align: 'right' }), screen.width);
}

// A rounding error of a transform is a zero.
function clean(value: number, scale: number): number {
  return Math.abs(value) < 1e-13 * scale ? 0 : value;
}

const DEGREES_SHOWN = 12;

const LIFT_TEXT =
  'no certificate: it is about uniform points of the cube, and the domain is a lift. fewfire plan --network treats the network as one on the whole cube.';

/** What the certificate of a degree says, and how far it can be trusted. */
function degreeText({ certificate, classCount }: CertifiedDegree, sparsity: SparsityCertificate | undefined): string {
  const { kind, scaledFiring, whole, groups, confidenceDelta } = certificate;
  const sensitivity = Math.min(whole.averageSensitivity, groups?.averageSensitivity ?? Number.POSITIVE_INFINITY);
  const trust =
    kind === 'estimate'
      ? 'an estimate, because k is not proved on the whole cube'
      : confidenceDelta === 0
        ? 'a bound, proved'
        : `a bound with probability ${1 - (confidenceDelta ?? 0)} over the sampled firing rates`;
  const route =
    groups !== undefined && groups.averageSensitivity < whole.averageSensitivity
      ? `by ${counted(classCount ?? 0, 'class', 'classes')} of units that never fire together`
      : `2 min(2k, s) Q with k = ${sparsity?.kUpper}`;
  return `average sensitivity at most ${numberText(sensitivity, 4)} (${trust}; new Lemma 3.2, ${route}, Q = ${numberText(scaledFiring, 4)}), so at most that / (d + 1) of the square lies beyond degree d; Theorem A bounds it too. Both are of this project, not peer reviewed.`;
}

async function degreeSection(found: Findings, screen: Screen): Promise<Section> {
  const { network, measured, degree, sparsity } = found;
  if (network.domain.kind === 'lift') {
    return heading('Degree', LIFT_TEXT, screen);
  }
  if (degree === undefined) return [];
  const all = await tailRows(found);
  const scale = measured?.secondMoment ?? 1;
  const enough = measured === undefined ? all.length - 1 : Math.max(1, measured.degree);
  const rows = all.slice(0, Math.min(enough, DEGREES_SHOWN - 1) + 1);
  const cell = (value: number | null): string => (value === null ? '-' : numberText(clean(value, scale)));
  return [
    ...heading('Degree certificate', degreeText(degree, sparsity), screen),
    ...layoutTable(
      [
        ['degree', 'weight', 'beyond', 'beyond: certificate', 'beyond: Theorem A'],
        ['d', measured === undefined ? '' : '(exact)', measured === undefined ? '' : '(exact)', '(bound)', '(bound)'],
        ...rows.map((row) => [
          String(row.degree),
          cell(row.levelWeight),
          cell(row.tailWeight),
          cell(row.certificate),
          cell(row.theoremA),
        ]),
      ],
      new Array(5).fill({ align: 'right' }),
      screen.width,
    ),
  ];
}
