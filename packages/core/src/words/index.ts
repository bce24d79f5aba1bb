export * from './fit.ts';
export * from './notes.ts';
