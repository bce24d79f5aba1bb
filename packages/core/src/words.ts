/** What models and their numbers are called, without the code that makes them: for command lines, which are to start at once. */
export * from './words/fit.ts';
export * from './words/measures.ts';
export * from './words/numbers.ts';
export * from './words/terms.ts';
