// Preloaded into a command: says at its end how much memory the process held at most and how much processor time it took,
// by the operating system's count.
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// Threads are part of the process, and preload this too.
if (isMainThread) {
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    const usage = { memoryBytes: maxRSS * 1024, cpuMs: (userCPUTime + systemCPUTime) / 1000 };
    writeFileSync(process.env.FEWFIRE_USAGE_FILE, JSON.stringify(usage));
  });
}
