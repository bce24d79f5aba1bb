import { type Figure, figureSvg, undrawnCount } from '@fewfire/report';
import { describe, expect, it } from 'vitest';
import { checkWellFormed, texts } from './markup.ts';

const measured = { name: 'measured', kind: 'exact' as const };

function figure(parts: Partial<Figure>): Figure {
  return {
    title: 'A title',
    x: { label: 'x', scale: 'linear' },
    y: { label: 'y', scale: 'linear' },
    series: [],
    seen: 'What is seen.',
    ...parts,
  };
}

const log = { label: 'size', scale: 'log' as const };

describe('a figure', () => {
  it('is one well-formed SVG without script, style sheet, identifiers or links', () => {
    const svg = figureSvg(
      figure({
        x: log,
        y: log,
        series: [
          { ...measured, points: [1, 10, 100].map((x) => ({ x, y: x * x })) },
          { name: 'bound', kind: 'bound', points: [1, 10, 100].map((x) => ({ x, y: 4 * x * x })) },
        ],
      }),
    );
    checkWellFormed(svg);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).not.toMatch(/<(script|style|foreignObject|image|use)\b|\bid=|href|\son\w+=|url\(/i);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(texts(svg)).toEqual(expect.arrayContaining(['10', '100', 'measured (exact)', 'bound', 'size']));
  });

  it('draws what was measured solid and bounds dashed, in the legend too', () => {
    const points = [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
    ];
    const solid = figureSvg(figure({ series: [{ ...measured, points }] }));
    expect(solid).not.toContain('stroke-dasharray');
    for (const kind of ['bound', 'published, constant 1'] as const) {
      const dashed = figureSvg(figure({ series: [{ name: 'b', kind, points }] }));
      expect(dashed.match(/stroke-dasharray/g)).toHaveLength(2);
    }
  });

  it('draws intervals as bars where points are few and as a band where they are many', () => {
    const points = (count: number) =>
      Array.from({ length: count }, (_, x) => ({ x, y: x + 2, low: x + 1, high: x + 3 }));
    const estimate = (count: number) => ({ name: 'e', kind: 'estimate' as const, points: points(count) });
    expect(figureSvg(figure({ series: [estimate(5)] }))).toContain('aria-label="rule"');
    expect(figureSvg(figure({ series: [estimate(30)] }))).toContain('aria-label="area"');
  });

  it('counts the points that no axis can show', () => {
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: 0 },
      { x: 2, y: Number.POSITIVE_INFINITY },
      { x: 3, y: Number.NaN },
      { x: 4, y: 5, low: 0, high: 7 },
    ];
    const series = [{ ...measured, points }];
    expect(undrawnCount(figure({ series }))).toBe(2);
    expect(undrawnCount(figure({ x: log, y: log, series }))).toBe(4);
    const svg = figureSvg(figure({ x: log, y: log, series }));
    checkWellFormed(svg);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it.each([
    ['nothing at all', []],
    ['a curve without points', [{ ...measured, points: [] }]],
    ['one point', [{ ...measured, points: [{ x: 3, y: 7 }] }]],
    ['one bound', [{ name: 'b', kind: 'bound' as const, points: [{ x: 3, y: 7 }] }]],
    ['equal values', [{ ...measured, points: [1, 2, 3].map((x) => ({ x, y: 5 })) }]],
    ['zeros', [{ ...measured, points: [1, 2, 3].map((x) => ({ x, y: 0 })) }]],
    ['huge and tiny', [{ ...measured, points: [1e-200, 1, 1e200].map((x) => ({ x, y: x })) }]],
    [
      'many curves',
      Array.from({ length: 20 }, (_, i) => ({
        name: `c${i}`,
        kind: 'exact' as const,
        points: [
          { x: 1, y: i },
          { x: 2, y: i + 1 },
        ],
      })),
    ],
    ['values far from 0', [{ ...measured, points: [0, 2, 4].map((x) => ({ x: 1e16 + x, y: 1e16 + x })) }]],
    ['a long name', [{ name: 'very '.repeat(40), kind: 'exact' as const, points: [{ x: 1, y: 1 }] }]],
  ])('with %s is well formed on every axis', (_, series) => {
    for (const x of ['linear', 'log'] as const) {
      for (const y of ['linear', 'log'] as const) {
        const svg = figureSvg(figure({ x: { label: 'x', scale: x }, y: { label: 'y', scale: y }, series }));
        checkWellFormed(svg);
        expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      }
    }
  });

  it('escapes every text', () => {
    const evil = `<script>alert(1)</script>"'&\u0000`;
    const svg = figureSvg(
      figure({
        title: evil,
        seen: evil,
        x: { label: evil, scale: 'linear' },
        y: { label: evil, scale: 'linear' },
        series: [{ name: evil, kind: 'exact', points: [{ x: 1, y: 1 }] }],
      }),
    );
    checkWellFormed(svg);
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u0000');
  });

  it('is the same every time', () => {
    const one = figure({ series: [{ ...measured, points: [{ x: 1, y: 2 }] }] });
    expect(figureSvg(one)).toBe(figureSvg(one));
  });
});
