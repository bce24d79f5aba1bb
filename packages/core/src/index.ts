export * from './base/index.ts';
export * from './cube/index.ts';
