/**
 * A matrix of amounts as shaded cells. Rows and columns are numbered alike and only rows carry the names, so that long
 * names need no slanted text.
 */
import { cleanText, escapeMarkup, nameInText } from './markup.ts';
import type { GridFigure } from './result.ts';
import { clipText, inkOn, LEGEND_ROW, LETTER_WIDTH, shade, svgFrame, textWidth, WIDTH, wrap } from './svg.ts';

const NAMES_WIDTH = 160;
const LARGEST_CELL = 56;
const SWATCHES = 5;

/** The figure as SVG. Shades follow the square root, so that small amounts are not all white. */
export function gridSvg(figure: GridFigure): string {
  const { names, values, most, cellTexts } = figure;
  const nameWidth = Math.min(NAMES_WIDTH, Math.max(40, ...names.map((name, i) => textWidth(numbered(i, name))))) + 8;
  const size = Math.min(LARGEST_CELL, (WIDTH - nameWidth - 8) / Math.max(1, names.length));
  const left = 4 + nameWidth;
  const lines = wrap(cleanText(figure.label), Math.floor((WIDTH - 16) / LETTER_WIDTH));
  const top = 8 + lines.length * LEGEND_ROW + 18;
  const part = (value: number): number => (most > 0 ? Math.sqrt(value / most) : 0);
  const middle = (i: number): string => (left + (i + 0.5) * size).toFixed(1);
  const fits = (cellTexts ?? []).flat().every((text) => textWidth(text) < size - 2) && size >= 20;
  const cells = values.flatMap((row, i) =>
    row.map((value, j) => {
      const x = (left + j * size).toFixed(1);
      const y = (top + i * size).toFixed(1);
      const shown = part(value);
      const cell = `<rect x="${x}" y="${y}" width="${size.toFixed(1)}" height="${size.toFixed(1)}" fill="${shade(shown)}" stroke="#fff"/>`;
      const text = fits ? cellTexts?.[i]?.[j] : undefined;
      if (text === undefined) return cell;
      return `${cell}<text x="${middle(j)}" y="${(top + (i + 0.5) * size + 5).toFixed(1)}" text-anchor="middle" fill="${inkOn(shown)}">${escapeMarkup(text)}</text>`;
    }),
  );
  const texts = [
    ...lines.map((line, i) => `<text x="8" y="${16 + i * LEGEND_ROW}">${escapeMarkup(line)}</text>`),
    ...names.map(
      (_, j) =>
        `<text x="${middle(j)}" y="${top - 5}" text-anchor="middle"${size < 22 ? ' font-size="12"' : ''}>${j + 1}</text>`,
    ),
    ...names.map(
      (name, i) =>
        `<text x="${left - 6}" y="${(top + (i + 0.5) * size + 5).toFixed(1)}" text-anchor="end">${escapeMarkup(clipText(numbered(i, cleanText(name)), nameWidth - 6))}</text>`,
    ),
  ];
  const bottom = top + names.length * size;
  return svgFrame(figure, Math.ceil(bottom + 30), [...cells, ...texts, shadeLegend(figure, bottom + 10)].join(''));
}

function numbered(i: number, name: string): string {
  return `${nameInText(name)} ${i + 1}`;
}

function shadeLegend({ most, text }: GridFigure, y: number): string {
  const swatches = Array.from({ length: SWATCHES }, (_, i) => {
    const at = i / (SWATCHES - 1);
    return `<rect x="${90 + i * 22}" y="${y}" width="22" height="13" fill="${shade(at)}"/>`;
  });
  return `<text x="84" y="${y + 12}" text-anchor="end">${escapeMarkup(text(0))}</text>${swatches.join('')}<text x="${96 + SWATCHES * 22}" y="${y + 12}">${escapeMarkup(text(most))}</text>`;
}
