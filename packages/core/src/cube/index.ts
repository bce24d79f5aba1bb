export * from './cells.ts';
export * from './encoder.ts';
export * from './fingerprints.ts';
export * from './memory-table.ts';
export * from './points.ts';
export * from './profile.ts';
export * from './subsets.ts';
export * from './table.ts';
