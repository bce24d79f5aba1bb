/**
 * E3, Lemma 3.4: noise sensitivity against the noise. The published route falls like the square root of delta, the new
 * bound like delta, and so do the networks. All exact, from spectra over the whole cube.
 */
import type { FamilyMember } from '@fewfire/core';
import { numberText as text } from '@fewfire/core/words';
import type { Figure, Series } from '@fewfire/report';
import { type ExactNetwork, measureExactly } from './exact-network.ts';
import type { Experiment, ExperimentOptions, ExperimentResult, ExperimentScale } from './experiment.ts';
import { boundClaim, type Comparison } from './verdict.ts';

const SETTINGS: Readonly<Record<ExperimentScale, { inputCount: number; deltas: number; seeds: number }>> = {
  tiny: { inputCount: 8, deltas: 4, seeds: 1 },
  quick: { inputCount: 14, deltas: 13, seeds: 3 },
  full: { inputCount: 18, deltas: 25, seeds: 5 },
};

const TITLE = 'Noise sensitivity against the noise';
const LEAST_DELTA = 0.001;

export const experiment: Experiment = { id: 'E3', title: TITLE, run };

type FormName = 'published' | 'explicit' | 'new';

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const core = await import('@fewfire/core/internal');
  const { scale, seed = 1, boundFactor = 1 } = options;
  const { inputCount: n, deltas: deltaCount, seeds } = SETTINGS[scale];
  const deltas = Array.from({ length: deltaCount }, (_, i) => 0.5 * (LEAST_DELTA / 0.5) ** (1 - i / (deltaCount - 1)));
  const coordinates = Array.from({ length: Math.min(n, 8) }, (_, i) => i);
  const families: { readonly name: string; readonly make: (seed: number) => FamilyMember; readonly once?: boolean }[] =
    [
      {
        name: 'forest of 4 trees of depth 4',
        make: (at) => core.randomEnsembleNetwork({ inputCount: n, treeCount: 4, depth: 4, seed: at }),
      },
      {
        name: 'gated indexing, 16 units with dense weights',
        make: (at) => core.gatedIndexingNetwork({ addressBits: 4, dataCount: n - 4, seed: at }),
      },
      {
        name: `parity of ${coordinates.length} inputs as a junta`,
        make: () => core.parityNetwork({ inputCount: n, coordinates }),
        once: true,
      },
      {
        name: 'rare random halfspaces',
        make: (at) => core.halfspaceNetwork({ inputCount: n, unitCount: 32, firingRate: 0.02, seed: at }),
      },
    ];
  const comparisons: Record<FormName | 'given', Comparison[]> = { published: [], explicit: [], new: [], given: [] };
  const order: Comparison[] = [];
  const figures: Figure[] = [];
  let done = 0;
  for (const { name, make, once } of families) {
    const networks: ExactNetwork[] = [];
    for (let i = 0; i < (once ? 1 : seeds); i++) {
      options.signal?.throwIfAborted();
      options.onProgress?.({ phase: `E3 ${name}`, done: done++, total: families.length * seeds, unit: 'steps' });
      networks.push(await measureExactly(make(seed + i), options));
    }
    const measuredAt = (network: ExactNetwork, noiseDelta: number): number =>
      core.noiseSensitivity(network.spectrum, { noiseDelta });
    for (const network of networks) {
      for (const noiseDelta of deltas) {
        const measured = measuredAt(network, noiseDelta);
        const forms = core.noiseSensitivityBounds({ ...network.class, noiseDelta });
        for (const form of ['published', 'explicit', 'new'] as const) {
          comparisons[form].push({ measured, bound: forms[form] });
        }
        comparisons.given.push({ measured, bound: givenBound(core, network, noiseDelta) });
        order.push({ measured: forms.new, bound: forms.explicit });
      }
    }
    const [shown] = networks;
    const formSeries = (seriesName: string, kind: Series['kind'], form: FormName): Series => ({
      name: seriesName,
      kind,
      points: deltas.map((noiseDelta) => ({
        x: noiseDelta,
        y: boundFactor * core.noiseSensitivityBounds({ ...shown.class, noiseDelta })[form],
      })),
    });
    const low = measuredAt(shown, deltas[0]);
    const slope = Math.log(measuredAt(shown, deltas[1]) / low) / Math.log(deltas[1] / deltas[0]);
    figures.push({
      title: `${name[0].toUpperCase()}${name.slice(1)}, n = ${n}, k = ${shown.class.sparsity}`,
      x: { label: 'noise δ', scale: 'log' },
      y: { label: 'NS', scale: 'log' },
      series: [
        {
          name: 'measured NS',
          kind: 'exact',
          points: deltas.map((noiseDelta) => ({ x: noiseDelta, y: measuredAt(shown, noiseDelta) })),
        },
        {
          name: 'new, this network: 2δ min(2k, s) Q',
          kind: 'bound',
          points: deltas.map((noiseDelta) => ({ x: noiseDelta, y: boundFactor * givenBound(core, shown, noiseDelta) })),
        },
        formSeries('new, the class: 4δk²W²', 'bound', 'new'),
        formSeries('explicit', 'bound', 'explicit'),
        formSeries('published', 'published, constant 1', 'published'),
      ],
      seen: `At δ = ${text(deltas[0])} the network has NS = ${text(low)}, ${text(low / givenBound(core, shown, deltas[0]))} of the new bound and ${text(low / core.noiseSensitivityBounds({ ...shown.class, noiseDelta: deltas[0] }).explicit)} of the explicit one; there NS grows like δ to the power ${text(slope)}.`,
    });
  }
  const many = `${comparisons.new.length} values of NS, exact`;
  return {
    id: 'E3',
    title: TITLE,
    statement:
      'Lemma 3.4: small noise changes a sparsely activated network little. Published: NS = √δ O(k⁴W² log²(ns/δ) + k³B²√(log s)); new: NS ≤ δ AS ≤ 2δ min(2k, s) Q ≤ 4δk²W².',
    settings: { n, δ: deltas.map((delta) => Number(delta.toPrecision(3))), 'networks a family': seeds },
    seed,
    claims: [
      boundClaim('Lemma 3.4 (new, 4δk²W²)', comparisons.new, boundFactor, {
        proven: true,
        measured: (ratio) => `${many}: at most ${text(ratio)} of the bound of the class`,
      }),
      boundClaim('Lemma 3.4 (new, from the firing rates)', comparisons.given, boundFactor, {
        proven: true,
        measured: (ratio) => `${many}: at most ${text(ratio)} of 2δ min(2k, s) Q`,
      }),
      boundClaim('Lemma 3.4 (explicit)', comparisons.explicit, boundFactor, {
        proven: true,
        measured: (ratio) => `${many}: at most ${text(ratio)} of the paper's proof with its constants`,
      }),
      boundClaim('Lemma 3.4: the explicit form is never better than the new', order, boundFactor, {
        proven: true,
        measured: (ratio) => `new / explicit at ${order.length} pairs of network and δ: at most ${text(ratio)}`,
      }),
      boundClaim('Lemma 3.4 (published, constant 1)', comparisons.published, boundFactor, {
        proven: false,
        measured: (ratio) => `${many}: at most ${text(ratio)} of the form with constant 1`,
      }),
    ],
    figures,
    notes: [
      'NS is computed from all 2ⁿ coefficients; the figures show the first network of each family.',
      'The published form is drawn with constant 1 and is no bound. Its square root of δ comes from the route of the proof, not from the networks.',
    ],
  };
}

function givenBound(core: typeof import('@fewfire/core/internal'), network: ExactNetwork, noiseDelta: number): number {
  const { unitCount, sparsity } = network.class;
  return core.noiseSensitivityBound({ unitCount, sparsity, scaledFiring: network.scaledFiring, noiseDelta });
}
