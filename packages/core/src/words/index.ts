export * from './combinations.ts';
export * from './fit.ts';
export * from './measures.ts';
export * from './notes.ts';
export * from './numbers.ts';
export * from './terms.ts';
