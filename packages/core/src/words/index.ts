export * from './fit.ts';
export * from './notes.ts';
export * from './numbers.ts';
