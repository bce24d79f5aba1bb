// Preloaded into a command that a test interrupts (`interruptAtWork`): it draws its progress as on a terminal, and tells
// of its threads in the same way, so that the test knows what it is doing instead of waiting for how long that takes.
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

process.stderr.isTTY = true;

threads.Worker = class extends threads.Worker {
  constructor(...args) {
    super(...args);
    this.once('online', () => process.stderr.write('\r\x1b[2Ka thread has begun\r\x1b[2K'));
  }
};
syncBuiltinESMExports();
