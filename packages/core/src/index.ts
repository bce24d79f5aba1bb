/** Learn functions of yes/no inputs: encode a table, fit, choose, measure, predict. Runs in Node and the browser. */
export * from './base/index.ts';
export * from './bounds/index.ts';
export * from './cube/index.ts';
export * from './learn/index.ts';
export * from './mlp/index.ts';
export * from './model/index.ts';
export * from './network/index.ts';
export * from './spectrum/index.ts';
