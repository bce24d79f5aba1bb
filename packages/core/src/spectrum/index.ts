export * from './biased-basis.ts';
export * from './polynomial.ts';
