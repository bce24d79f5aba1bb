/**
 * A network that is the sum of an imported model's trees, kept as trees: its units
 * are their leaves (`ensembleNetwork` says how), and what is wanted of them follows
 * from the trees without a row of weights for every leaf, which takes a thousand
 * times their memory. `expandTreeNetwork` makes those where nothing else will do.
 */
import { FewfireError, type RunOptions, suggestName } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { ensembleLeaves, type LeafForm, leafUnit, type SparseUnit } from './families/index.ts';
import { type NetworkProvenance, networkScale, type Scale, type SparseNetwork } from './network.ts';
import { evaluateTreeEnsemble, type TreeEnsemble, type TreeModel, treeEnsembleNetwork } from './tree-ensemble.ts';
import { type TreePart, treeModelOf, treePartOf } from './tree-part.ts';

/** A network that is kept as the trees it was imported from. */
export interface TreeNetwork {
  readonly inputCount: number;
  readonly unitCount: number;
  readonly domain: { readonly kind: 'cube' };
  readonly provenance: NetworkProvenance;
  /** As it stands in a file, which a certificate is about. */
  readonly part: TreePart;
  /** The same as trees. */
  readonly model: TreeModel;
}

/** A network by its weights, or by its trees. */
export type AnyNetwork = SparseNetwork | TreeNetwork;

export function isTreeNetwork(network: AnyNetwork): network is TreeNetwork {
  return 'part' in network;
}

/** The same network as one on the whole cube, which the degree certificate is about. */
export function networkOnCube(network: AnyNetwork): AnyNetwork {
  return network.domain.kind === 'cube' ? network : { ...network, domain: { kind: 'cube' } };
}

/**
 * One output of an imported model as a network, like `treeEnsembleNetwork` but kept as trees.
 * @param options.output name of an output; needed where the model has several
 * @throws FewfireError `invalid-argument` for an output that is not there, `invalid-data` for a model that asks nothing
 */
export function createTreeNetwork(
  model: TreeModel,
  options: { readonly output?: string | undefined; readonly form?: LeafForm | undefined } = {},
): TreeNetwork {
  const names = model.outputs.map((output) => output.name);
  const wanted = options.output === undefined && names.length === 1 ? 0 : names.indexOf(options.output ?? '');
  if (wanted < 0) {
    throw new FewfireError(
      'invalid-argument',
      `output is ${JSON.stringify(options.output ?? null)}; ${suggestName(options.output ?? '', names, 'expected one of')}`,
    );
  }
  if (model.coordinates.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `the ensemble ${JSON.stringify(names[wanted])} asks nothing, it is constant; expected at least one split`,
    );
  }
  return treeNetworkOf(treePartOf(model, wanted, options.form ?? 'tight'));
}

/** @param part as `readTreePart` or `treePartOf` gives it */
export function treeNetworkOf(part: TreePart): TreeNetwork {
  const model = treeModelOf(part);
  const { trees, intercept, coordinates } = model.outputs[part.output];
  const inputCount = coordinates.length;
  const treeUnitCounts: number[] = [];
  for (const leaves of ensembleLeaves(grown(trees), intercept, inputCount)) treeUnitCounts.push(leaves.length);
  return {
    inputCount,
    unitCount: treeUnitCounts.reduce((sum, count) => sum + count, 0),
    domain: { kind: 'cube' },
    provenance: {
      family: 'ensemble',
      parameters: {
        inputCount,
        intercept,
        form: part.form,
        treeUnitCounts,
        coordinates: coordinates.map((coordinate) => coordinate.name),
      },
      seed: null,
    },
    part,
    model,
  };
}

// Without trees there is a constant, as `ensembleNetwork` has it.
function grown(trees: TreeEnsemble['trees']): TreeEnsemble['trees'] {
  return trees.length === 0 ? [{ value: 0 }] : trees;
}

/** The one output of the model that the network is. */
export function treesOfNetwork({ model, part }: TreeNetwork): TreeEnsemble {
  return model.outputs[part.output];
}

/** The units of each tree, in the order of the units: at most one of them is active at any point. */
export function* treeUnits(network: TreeNetwork): Generator<SparseUnit[], void> {
  const { trees, intercept } = treesOfNetwork(network);
  for (const leaves of ensembleLeaves(grown(trees), intercept, network.inputCount)) {
    yield leaves.map((leaf) => leafUnit(leaf, network.part.form));
  }
}

/** How many units each tree has. */
export function treeUnitCounts(network: TreeNetwork): readonly number[] {
  return network.provenance.parameters.treeUnitCounts as number[];
}

/** How many trees have a unit: no point has more active units, and k is so much where no leaf is 0. */
export function unitTreeCount(network: TreeNetwork): number {
  return treeUnitCounts(network).filter((count) => count > 0).length;
}

/** `networkScale` of the expanded network. */
export function treeNetworkScale(network: TreeNetwork): Scale {
  let weight = 0;
  let bias = 0;
  for (const units of treeUnits(network)) {
    for (const unit of units) {
      const { length } = unit.weights;
      const square = unit.outputWeight ** 2 * length;
      // Squares of huge or tiny leaves leave the range of a double.
      const isOrdinary = square > 1e-150 && square < 1e150;
      const own = isOrdinary ? Math.sqrt(square) : Math.abs(unit.outputWeight) * Math.sqrt(length);
      weight = Math.max(weight, own);
      bias = Math.max(bias, Math.abs(unit.outputWeight * unit.bias));
    }
  }
  return { weight, bias };
}

/** The scale of any network, by its units or its leaves. */
export function scaleOfNetwork(network: AnyNetwork): Scale {
  return isTreeNetwork(network) ? treeNetworkScale(network) : networkScale(network);
}

/** `squaredScales` of the expanded network: u^2 ||w||^2, where ||w||^2 is the number of literals. */
export function treeSquaredScales(network: TreeNetwork): Float64Array {
  const squares = new Float64Array(network.unitCount);
  let j = 0;
  for (const units of treeUnits(network)) {
    for (const { weights, outputWeight } of units) squares[j++] = outputWeight ** 2 * weights.length;
  }
  return squares;
}

/** h at every row, in double precision; the expanded network's own sums may be rounded otherwise. */
export function evaluateTreeNetwork(
  network: TreeNetwork,
  points: CubePoints,
  options: RunOptions = {},
): Promise<Float64Array> {
  return evaluateTreeEnsemble(treesOfNetwork(network), points, options);
}

/**
 * The same network by its weights.
 * @throws FewfireError `memory-budget` before allocating
 */
export function expandTreeNetwork(
  network: TreeNetwork,
  options: { readonly memoryLimitBytes?: number | undefined } = {},
): SparseNetwork {
  return treeEnsembleNetwork(treesOfNetwork(network), { form: network.part.form, ...options }).network;
}
