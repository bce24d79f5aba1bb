/** Everything that the sister packages and the tests use. No promise: it changes without notice. */
export * from './base/index.ts';
export * from './bounds/index.ts';
export * from './cube/index.ts';
export * from './formats/index.ts';
export * from './learn/index.ts';
export * from './mlp/index.ts';
export * from './model/index.ts';
export * from './network/index.ts';
export * from './spectrum/index.ts';
export * from './words/index.ts';
