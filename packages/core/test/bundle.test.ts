/**
 * What a page loads that learns and predicts: at most `ALLOWED_BYTES` gzipped, and no kernels but those of learning. Bundled from the
 * sources by the same function that bench/cases/size.mjs measures the built packages with.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { ALLOWED_BYTES, bundleText, EVERYTHING, gzippedBytes, LEARNING } from '../../../bench/cases/size.mjs';
import { layers, learning, learningF32, networks, transforms } from '../../kernels/src/groups.ts';

const groups = { learning, learningF32, transforms, networks, layers };

const groupsIn = (text: string): string[] =>
  Object.entries(groups).flatMap(([name, { simd, scalar }]) =>
    [simd, scalar].some((binary) => text.includes(binary)) ? [name] : [],
  );

describe('a page that learns and predicts', () => {
  let text: string;
  beforeAll(async () => {
    text = await bundleText(LEARNING, ['@fewfire/source']);
  });

  it('is small', () => {
    expect(gzippedBytes(text)).toBeLessThanOrEqual(ALLOWED_BYTES);
  });

  it('has the kernels of learning and no others, nor what workers do with others', () => {
    expect(groupsIn(text)).toEqual(['learning']);
    expect(text).toContain('kernels.adjointItem');
    expect(text).not.toMatch(/kernels\.(networkItem|grayItems|mlpItem)/);
  });
});

it('and where everything is loaded, the other kernels are found', async () => {
  const text = await bundleText(EVERYTHING, ['@fewfire/source']);
  expect(groupsIn(text)).toEqual(['learning', 'transforms', 'networks', 'layers']);
  for (const item of ['networkItem', 'grayItems', 'mlpItem']) expect(text).toContain(`kernels.${item}`);
});
