export * from './attribution.ts';
export * from './biased-basis.ts';
export * from './biased-spectrum.ts';
export * from './estimate.ts';
export * from './level-weights.ts';
export * from './moebius.ts';
export {
  noiseOperator,
  noiseSensitivity,
  noiseStability,
} from './noise.ts';
export * from './polynomial.ts';
export * from './property-tests.ts';
export * from './query.ts';
export { checkFixed, type FixedCoordinate, restrictPolynomial } from './restriction.ts';
export * from './row-attribution.ts';
export * from './sensitivity.ts';
export { cubeDimension, type Spectrum, spectrumCoordinateCount } from './spectrum.ts';
export {
  fourierTransform,
  inverseFourierTransform,
  MAX_TRANSFORM_COORDINATES,
  polynomialFromSpectrum,
  polynomialToSpectrum,
  valuesOnCube,
} from './transform.ts';
