/** The committed goldens are what their script makes; see the test of the same name in core. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';

const folder = fileURLToPath(new URL('./goldens/', import.meta.url));
const python: string | undefined = findPython();

const imports = (module: string): boolean => {
  try {
    execFileSync(python as string, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(python === undefined || !imports('onnx'))('goldens', () => {
  it('are what make-goldens.py makes', () => {
    const fresh = mkdtempSync(join(tmpdir(), 'fewfire-goldens-'));
    try {
      execFileSync(python as string, [join(folder, 'make-goldens.py'), fresh], { stdio: ['ignore', 'ignore', 'pipe'] });
      const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
      expect(names.sort()).toEqual(readdirSync(fresh).sort());
      for (const name of names) {
        const read = (from: string): unknown => {
          const { madeBy: _, ...content } = JSON.parse(readFileSync(join(from, name), 'utf8'));
          return content;
        };
        expect(read(fresh), name).toEqual(read(folder));
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});
