// npm run build: what setup does, without believing that anything is up to date.
process.argv.push('--force');
await import('./setup.mjs');
