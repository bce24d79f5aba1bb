/**
 * The exact spectrum of a network on the cube as the sum of its units' own: a unit that reads p inputs has 2^p
 * coefficients, so networks of any number of inputs are affordable as long as every unit reads few, as the leaves of
 * trees do. (For few inputs in all, `fourierTransform` of the values is the shorter way.)
 */
import { checkRunOptions, createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import {
  fourierTransform,
  type Polynomial,
  polynomialFromSpectrum,
  polynomialFromTerms,
  termList,
  valuesOnCube,
} from '../spectrum/index.ts';
import { type SparseNetwork, unitWeights } from './network.ts';

/** Coefficients that may be held at once. */
const TERM_LIMIT = 2 ** 24;

/** Sum over units of 2^(inputs read): what `networkPolynomial` has to go through. */
export function unitSpectraSize(network: SparseNetwork): number {
  let size = 0;
  for (let j = 0; j < network.unitCount; j++) size += 2 ** inputsRead(network, j).length;
  return size;
}

/**
 * The network as a polynomial over its inputs, named x0, x1, ...: equal to it at every point of the cube, whatever its
 * own domain, up to rounding.
 * @throws FewfireError `memory-budget` for units of too many inputs: 2^(inputs of a unit), summed over units, beyond
 *   2^24
 * @example
 * ```ts
 * import { networkPolynomial, parityNetwork, termList } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * console.log(termList(await networkPolynomial(network))); // [ { coordinates: [ 0, 1 ], coefficient: 1 } ]
 * ```
 */
export async function networkPolynomial(network: SparseNetwork, options: RunOptions = {}): Promise<Polynomial> {
  checkRunOptions('networkPolynomial', options, {});
  const { inputCount, unitCount } = network;
  const size = unitSpectraSize(network);
  if (size > TERM_LIMIT) {
    throw new FewfireError(
      'memory-budget',
      `the units' spectra have ${size.toLocaleString('en-US')} coefficients together, at most ${TERM_LIMIT.toLocaleString('en-US')} can be added up; estimate the spectrum from the network's values instead`,
    );
  }
  const sums = new Map<string, { readonly members: readonly number[]; coefficient: number }>();
  const { signal } = options;
  const turn = createTurn(signal);
  for (let j = 0; j < unitCount; j++) {
    await turn();
    const inputs = inputsRead(network, j);
    const weights = unitWeights(network, j);
    const outputOf = (x: Int8Array): number => {
      let level = -network.biases[j];
      for (let i = 0; i < inputs.length; i++) level += weights[inputs[i]] * x[i];
      return network.outputWeights[j] * Math.max(0, level);
    };
    const values = await valuesOnCube(inputs.length, outputOf, { signal });
    const own = polynomialFromSpectrum(await fourierTransform(values, { signal }));
    for (const { coordinates, coefficient } of termList(own)) {
      const members = coordinates.map((i) => inputs[i]);
      const key = members.join();
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, { members, coefficient });
      else sum.coefficient += coefficient;
    }
    options.onProgress?.({ phase: 'adding the units up', done: j + 1, total: unitCount, unit: 'steps' });
  }
  const coordinates = Array.from({ length: inputCount }, (_, i) => `x${i}`);
  const terms = Array.from(sums.values(), ({ members, coefficient }) => ({ coordinates: members, coefficient }));
  return polynomialFromTerms(coordinates, terms);
}

function inputsRead(network: SparseNetwork, j: number): number[] {
  const inputs: number[] = [];
  unitWeights(network, j).forEach((w, i) => {
    if (w !== 0) inputs.push(i);
  });
  return inputs;
}
