/** The rows of every combination of answers as a shaded cell, with what is observed, what the model has, and how many. */
import { cleanText, escapeMarkup } from './markup.ts';
import type { CellsFigure } from './result.ts';
import { clipText, GREY, inkOn, LEGEND_ROW, LETTER_WIDTH, shade, svgFrame, textWidth, WIDTH, wrap } from './svg.ts';

const GAP = 8;
const MOST_LABEL = 150;
const MOST_CELL = 130;
const LINE = 17;

/** The figure as SVG. */
export function cellsSvg(figure: CellsFigure): string {
  const { columns, rows, cells } = figure;
  const labelWidth = Math.min(MOST_LABEL, Math.max(0, ...rows.flat().map((text) => textWidth(cleanText(text)))));
  const left = labelWidth + 2 * GAP;
  const width = Math.min(MOST_CELL, (WIDTH - left - GAP) / columns.length);
  const lines = wrap(cleanText(figure.label), Math.floor((WIDTH - 2 * GAP) / LETTER_WIDTH));
  const headLines = Math.max(...columns.map((texts) => texts.length));
  const top = GAP + lines.length * LEGEND_ROW + headLines * LINE + 4;
  const height = Math.max(...cells.flat().map(({ texts }) => texts.length)) * LINE + 10;
  const label = lines.map(
    (line, i) => `<text x="${GAP}" y="${16 + i * LEGEND_ROW}" fill="${GREY}">${escapeMarkup(line)}</text>`,
  );
  const heads = columns.flatMap((texts, j) =>
    texts.map((text, k) => {
      const y = top - 6 - (texts.length - 1 - k) * LINE;
      return `<text x="${(left + (j + 0.5) * width).toFixed(1)}" y="${y}" text-anchor="middle">${escapeMarkup(clipText(cleanText(text), width - 6))}</text>`;
    }),
  );
  const names = rows.flatMap((texts, i) =>
    texts.map((text, k) => {
      const y = top + (i + 0.5) * height + 5 + (k - (texts.length - 1) / 2) * LINE;
      return `<text x="${(left - GAP).toFixed(1)}" y="${y.toFixed(1)}" text-anchor="end">${escapeMarkup(clipText(cleanText(text), labelWidth))}</text>`;
    }),
  );
  const squares = cells.flatMap((line, i) =>
    line.map(({ part, texts }, j) => {
      const [x, y] = [left + j * width, top + i * height];
      const ground = part === null ? '#fff' : shade(part);
      const ink = part === null ? GREY : inkOn(part);
      const said = texts.map(
        (text, k) =>
          `<text x="${(x + width / 2).toFixed(1)}" y="${(y + 19 + k * LINE).toFixed(1)}" text-anchor="middle" fill="${ink}"${k === 0 ? ' font-weight="bold"' : ' font-size="12"'}>${escapeMarkup(clipText(text, width - 4))}</text>`,
      );
      return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height}" fill="${ground}" stroke="${part === null ? '#e2e2e2' : '#fff'}"/>${said.join('')}`;
    }),
  );
  return svgFrame(
    figure,
    Math.ceil(top + rows.length * height + GAP),
    [...label, ...heads, ...names, ...squares].join(''),
  );
}
