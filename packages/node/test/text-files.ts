/** Small files of text in a folder of the test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'fewfire-texts-'));
let count = 0;

/** Writes a file of its own and gives its path. */
export function writeFile(name: string, text: string): string {
  const path = join(folder, `${count++}-${name}`);
  writeFileSync(path, text);
  return path;
}

export function removeFolder(): void {
  rmSync(folder, { recursive: true, force: true });
}
