/** onnxruntime-web is an optional peer: where it is not installed, the error says what to type. */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { afterEach, expect, it, vi } from 'vitest';
import { graphBytes, reluGraphs } from '../../core/test/mlp-graphs.ts';
import { openOnnxRunner } from '../src/index.ts';

afterEach(() => vi.restoreAllMocks());

const model = graphBytes(reluGraphs[0]);

it('says in one line which command installs it', async () => {
  const loader = Module as unknown as { _resolveFilename(request: string, ...rest: unknown[]): string };
  const resolve = loader._resolveFilename.bind(Module);
  vi.spyOn(loader, '_resolveFilename').mockImplementation((request, ...rest) => {
    if (request !== 'onnxruntime-web') return resolve(request, ...rest);
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
  });
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const range = manifest.peerDependencies['onnxruntime-web'];
  await expect(openOnnxRunner(model, [])).rejects.toMatchObject({
    code: 'unsupported',
    message: `running ONNX models needs onnxruntime-web, which is not installed with fewfire: npm install onnxruntime-web@${range}`,
  });
});

it('and it is found where it is installed', async () => {
  const runner = await openOnnxRunner(model, []);
  expect(runner.inputs.length).toBeGreaterThan(0);
  runner.close();
});
