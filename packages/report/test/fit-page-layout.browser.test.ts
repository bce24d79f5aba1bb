/** The page of a fit laid out at the widths it is read at: nothing sticks out, and no table hides a column. */
import { createRandom, fitReport, fitTable, memoryTable } from '@fewfire/core';
import { fitReportPage } from '@fewfire/report';
import { describe, expect, it } from 'vitest';

const ROWS = 400;

async function page(): Promise<string> {
  const random = createRandom(3);
  const bits = (): number[] => Array.from({ length: ROWS }, () => random.integer(2));
  const columns = {
    Developer_with_stats_math_background: bits(),
    'Country of residence': bits().map((bit) => (bit === 1 ? 'United Kingdom' : 'Germany')),
    '<script>alert("x")</script>': bits(),
  };
  const [first, second, third] = Object.values(columns);
  const y = Array.from(
    { length: ROWS },
    (_, i) => 1234 * Number(first[i]) * (second[i] === 'Germany' ? 1 : 2) - 555 * Number(third[i]) + random.normal(),
  );
  const table = memoryTable({ ...columns, y }, { label: 'a-folder-with-a-long-name/and-a-long-file-name.csv' });
  const { model, testRows } = await fitTable(table, { target: 'y', degree: 2, folds: 2 });
  return fitReportPage(fitReport(model, testRows));
}

/** What is cut off: the page itself, and boxes that would have to be scrolled. */
function cutOff(document: Document): string[] {
  const { documentElement } = document;
  const sideways =
    documentElement.scrollWidth > documentElement.clientWidth ? [`page: ${documentElement.scrollWidth}`] : [];
  const hidden = Array.from(document.querySelectorAll('.scroll'))
    .filter((box) => box.clientWidth > 0 && box.scrollWidth > box.clientWidth)
    .map((box) => `${box.textContent.slice(0, 60)}: ${box.scrollWidth} of ${box.clientWidth}`);
  const { clientWidth } = documentElement;
  const out = Array.from(document.querySelectorAll('.scroll th, .scroll td'))
    .filter((cell) => cell.clientWidth > 0 && cell.getBoundingClientRect().right > clientWidth)
    .map((cell) => `${cell.textContent.slice(0, 60)}: ends at ${cell.getBoundingClientRect().right} of ${clientWidth}`);
  return [...sideways, ...hidden, ...out];
}

async function laidOut(markup: string, width: number): Promise<string[]> {
  const frame = document.createElement('iframe');
  frame.style.cssText = `width:${width}px;height:900px;border:0`;
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
  frame.srcdoc = markup;
  document.body.append(frame);
  await loaded;
  if (frame.contentDocument === null) throw new Error('the frame has no document');
  const found = cutOff(frame.contentDocument);
  frame.remove();
  return found;
}

describe('the table of combinations with intervals', () => {
  // In Node there is no layout; what the other tests here look at is on the page.
  it('is what is tested', async () => {
    const markup = await page();
    expect(markup).toContain('Interval</th>');
    expect(markup).toContain('class="beside"');
  });

  if (typeof document !== 'undefined') {
    it('lost its last column at 400 px', async () => {
      const markup = await page();
      for (const width of [360, 400, 700, 1280]) expect(await laidOut(markup, width), `${width} px`).toEqual([]);
    });

    it('lost its last column in print', async () => {
      // A4 and Letter within their margins; what holds for print is made to hold for the screen.
      const printed = (await page()).replace('@media print', '@media all');
      for (const width of [718, 736]) expect(await laidOut(printed, width), `${width} px`).toEqual([]);
    });

    it('would be seen to be cut off', async () => {
      const wide = (await page()).replace('</style>', '.fit th:first-child{min-width:30rem!important}</style>');
      expect(await laidOut(wide, 400)).not.toEqual([]);
    });
  }
});
