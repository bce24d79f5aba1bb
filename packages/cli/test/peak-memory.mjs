// Preloaded by `peakMemory` of run.ts: says in the end how much memory the process had at most, as the system counts it.
import { writeSync } from 'node:fs';

process.on('exit', () => writeSync(2, `peak ${process.resourceUsage().maxRSS} kB\n`));
