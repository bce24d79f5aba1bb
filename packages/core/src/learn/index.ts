export * from './calibration.ts';
export * from './least-squares.ts';
export * from './low-degree.ts';
export * from './metrics.ts';
export * from './select.ts';
