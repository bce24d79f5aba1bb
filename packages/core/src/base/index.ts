export * from './checksum.ts';
export * from './errors.ts';
export * from './json.ts';
export * from './mean-error.ts';
export * from './options.ts';
export * from './random.ts';
export * from './statistics.ts';
export * from './turn.ts';
