/** Named amounts as bars from 0, the name above each bar and the number behind it. */
import { cleanText, escapeMarkup } from './markup.ts';
import type { BarFigure } from './result.ts';
import { clipText, GREY, LEGEND_ROW, LETTER_WIDTH, svgFrame, textWidth, WIDTH, wrap } from './svg.ts';

const LEFT = 8;
const ROW = 36;
const COLOUR = '#0072b2';

/** The figure as SVG; bars keep their order. */
export function barSvg(figure: BarFigure): string {
  const { bars } = figure;
  const lines = wrap(cleanText(figure.label), Math.floor((WIDTH - 16) / LETTER_WIDTH));
  const top = 6 + lines.length * LEGEND_ROW;
  const numberWidth = Math.max(0, ...bars.map(({ text }) => textWidth(text))) + 10;
  const full = WIDTH - LEFT - 8 - numberWidth;
  const most = Math.max(0, ...bars.map(({ value }) => value).filter(Number.isFinite));
  const rows = bars.map(({ name, value, text }, i) => {
    const y = top + i * ROW;
    const width = most > 0 && Number.isFinite(value) ? Math.max(0, (value / most) * full) : 0;
    return (
      `<text x="${LEFT}" y="${y + 14}">${escapeMarkup(clipText(cleanText(name), WIDTH - 16))}</text>` +
      `<rect x="${LEFT}" y="${y + 20}" width="${width.toFixed(1)}" height="11" fill="${COLOUR}"/>` +
      `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 31}">${escapeMarkup(text)}</text>`
    );
  });
  const label = lines.map(
    (line, i) => `<text x="${LEFT}" y="${14 + i * LEGEND_ROW}" fill="${GREY}">${escapeMarkup(line)}</text>`,
  );
  return svgFrame(figure, top + bars.length * ROW + 6, [...label, ...rows].join(''));
}
