/** A profile as the report page shows it: one section per block, with its figures. */

import type { BlockTimings } from '@fewfire/core/internal';
import { counted, integer, numberText } from '@fewfire/core/words';
import type { ModelProfile, ProfiledBlock } from '@fewfire/node';
import type { Figure, Report, ReportSection } from '@fewfire/report';
import { withFlags } from './flags.ts';

export interface ProfileRun {
  readonly path: string;
  readonly inputsText: string;
  readonly command: string;
  readonly version: string;
  readonly seed: number;
}

export function profileReport(profile: ModelProfile, run: ProfileRun): Report {
  const { blocks, places, inputRowCount, notes } = profile;
  return {
    title: `Sparsity of ${run.path}`,
    introduction: [
      `${counted(blocks.length, 'block')} of linear layer, activation and linear layer, watched on ${run.inputsText}: ${counted(inputRowCount, 'input row')}.`,
      'Shares are counted on these inputs (exact for them, an estimate for others); times are of this machine.',
      ...notes.map((note) => `Note: ${withFlags(note)}.`),
      ...places.filter(({ sparse }) => sparse).map(({ name, verdict }) => `Outside of blocks, at ${name}: ${verdict}.`),
    ],
    sections: blocks.map((block, b) => section(block, b, run)),
    slips: [],
    facts: [
      ['fewfire', run.version],
      ['Node', process.version],
      ['Platform', `${process.platform} ${process.arch}`],
    ],
  };
}

/** What a block takes and gives; where its first layer has no part in it, without what that takes. */
export function sizeText({ reach, inputWidth, unitCount, outputWidth }: ProfiledBlock): string {
  const inputs = reach === 'both-layers' ? `${integer(inputWidth)} inputs, ` : '';
  return `${inputs}${counted(unitCount, 'unit')}, ${integer(outputWidth)} outputs`;
}

function section(block: ProfiledBlock, index: number, run: ProfileRun): ReportSection {
  const { activity, verdict, name, unitCount } = block;
  const share = percentText(activity.activationRate);
  return {
    id: `B${index + 1}`,
    title: name,
    statement: `${block.form}, ${sizeText(block)}. Verdict: ${verdict}.`,
    settings: { inputRows: activity.rowCount, units: unitCount },
    seed: run.seed,
    claims: [
      {
        statement: `${name}: fewer than half of the units are active on an average input`,
        measured: `${share} active; ${counted(activity.deadUnits.length, 'dead unit')}`,
        verdict: activity.activationRate < 0.5 ? 'holds' : 'does not hold',
      },
    ],
    figures: [ratesFigure(block), sharesFigure(block)],
    notes: blockNotes(block),
    command: run.command,
  };
}

// Sorted rates show hot and cold units at once.
function ratesFigure({ activity, unitCount, name }: ProfiledBlock): Figure {
  const rates = activity.unitRates.toSorted().reverse();
  // Some hundred points draw the same curve as many thousands.
  const step = Math.max(1, Math.ceil(unitCount / 400));
  const points = Array.from({ length: Math.ceil(unitCount / step) }, (_, i) => ({
    x: i * step + 1,
    y: rates[i * step],
  }));
  return {
    title: 'Firing rates of the units, hottest first',
    x: { label: 'unit, by rank', scale: 'linear' },
    y: { label: 'share of input rows', scale: 'linear' },
    series: [{ name, kind: 'exact', points }],
    seen: `${integer(activity.hotUnitCount)} of ${counted(unitCount, 'unit')} make up 80 % of all activity; ${integer(activity.deadUnits.length)} are dead, ${integer(activity.alwaysActiveCount)} always active.`,
  };
}

function sharesFigure({ activity, name }: ProfiledBlock): Figure {
  const at = (share: number): string =>
    percentText(activity.rateQuantiles.find((quantile) => quantile.at === share)?.rate ?? 0);
  return {
    title: 'Share of units active on an input',
    x: { label: 'share active', scale: 'linear' },
    y: { label: 'share of input rows with at most this', scale: 'linear' },
    series: [{ name, kind: 'exact', points: activity.rateQuantiles.map(({ at, rate }) => ({ x: rate, y: at })) }],
    seen: `On average ${percentText(activity.activationRate)} of the units are active; on nine of ten inputs ${at(0.05)} to ${at(0.95)}.`,
  };
}

function blockNotes({ activity, staticSparsity, timings, inexactText }: ProfiledBlock): string[] {
  const notes: string[] = [];
  if (staticSparsity !== null) {
    notes.push(
      `Dynamic against static: ${percentText(1 - activity.activationRate)} of the units are off on an average input; ${percentText(staticSparsity.zeroShare)} of the weights are zero on all.`,
    );
  }
  if (timings !== null) {
    notes.push(`Exact, time per row at batch 1: ${timesText(timings)}.`);
    if (inexactText !== null) notes.push(`Inexact, with calibrateMlp: ${inexactText}.`);
    for (const one of timings.leftOut) notes.push(`Left out: ${one}.`);
  }
  return notes;
}

/** `dense 75 us, exact 22; the certified screen leaves 7.5 % of the units`. */
export function timesText({ denseUs, exactUs, survivorRate, firstTest }: BlockTimings): string {
  const first =
    firstTest === null
      ? ''
      : `, its first test, on ${firstTest.rank} directions, ${percentText(firstTest.letThroughRate)}`;
  return `dense ${numberText(denseUs)} us, exact ${numberText(exactUs)}; the certified screen leaves ${percentText(survivorRate)} of the units${first}`;
}

/** `13.0 %`, `0.12 %`. */
export function percentText(share: number): string {
  const value = 100 * share;
  return `${value === 0 || value === 100 ? value : value >= 10 ? value.toFixed(1) : Number(value.toPrecision(2))} %`;
}
