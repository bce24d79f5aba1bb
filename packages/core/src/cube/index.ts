export * from './encoder.ts';
export * from './points.ts';
export * from './table.ts';
