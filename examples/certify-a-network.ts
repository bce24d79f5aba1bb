/**
 * A network of which few units fire, and what that proves: a sum of two random decision trees as a network with one
 * unit per leaf, the certificate of its sparsity checked by independent code, and the degree of a polynomial that must
 * suffice to learn it, beside the truth (which a network of 16 inputs is small enough to know).
 *
 *   node examples/certify-a-network.ts        (Node 22.18 or newer, after npm run setup)
 */
import {
  certifySparsity,
  checkCertificate,
  degreeCertificate,
  domainPoints,
  evaluateNetwork,
  fourierTransform,
  measureFiringRates,
  randomEnsembleNetwork,
  type SparseNetwork,
  serializeCertificate,
  squaredScales,
  sufficientDegrees,
  tailBounds,
  tailWeight,
} from '@fewfire/core';

const DEPTH = 3;
const member = randomEnsembleNetwork({ inputCount: 16, treeCount: 2, depth: DEPTH, seed: 4 });
export const network: SparseNetwork = member.network;
console.log(`${network.unitCount} units on ${network.inputCount} inputs`);

const certificate = await certifySparsity(network);
const { kLower, kUpper, exact, evidence } = certificate;
console.log(`active together: ${kLower} to ${kUpper}, ${exact ? 'exact' : 'open'}, by ${evidence.method}`);
const report = await checkCertificate(await serializeCertificate(certificate), network, { rerunSweep: true });
console.log(`checked by other code: ${report.valid && report.complete ? 'everything verified' : 'not verified'}`);

const { upper } = await measureFiringRates(network);
const degrees = degreeCertificate({
  inputCount: network.inputCount,
  unitCount: network.unitCount,
  sparsity: kUpper,
  sparsityKind: certificate.upperBound === 'proved' ? 'bound' : 'estimate',
  firingRates: upper,
  firingRatesKind: 'exact',
  squaredScales: squaredScales(network),
  // The leaves of one tree never fire together, which the theory makes use of.
  groups: Array.from({ length: network.unitCount }, (_, unit) => Math.floor(unit / 2 ** DEPTH)),
  groupsKind: 'bound',
});
const values = await evaluateNetwork(network, domainPoints(network, 0, 2 ** network.inputCount));
const spectrum = await fourierTransform(values);
for (const degree of [1, 2]) {
  const { least, kind } = tailBounds(degrees, degree);
  const weight = tailWeight(spectrum, degree).toFixed(4);
  console.log(`weight beyond degree ${degree}: ${weight}, at most ${least.toFixed(4)} (${kind})`);
}
const { least, kind } = sufficientDegrees(degrees, { epsilon: 2 });
console.log(`degree ${least} of ${network.inputCount} suffices for a square error of 2 (${kind})`);
