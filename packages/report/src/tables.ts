/** Results as CSV and as the Markdown of docs/reproduction.md: the claim table and the figures. */
import { numberText } from '@fewfire/core/words';
import type { Claim, ReportSection } from './result.ts';

/**
 * The CSV text of every point of every figure, one a row.
 * @param section the experiment
 * @example
 * ```ts
 * import { figuresCsv } from '@fewfire/report';
 *
 * const figure = {
 *   title: 'Error by rows',
 *   x: { label: 'rows', scale: 'log' },
 *   y: { label: 'error', scale: 'linear' },
 *   series: [{ name: 'ridge', kind: 'estimate', points: [{ x: 10, y: 0.5 }, { x: 100, y: 0.1 }] }],
 *   seen: 'The error falls.',
 * };
 * const section = {
 *   id: 'E1',
 *   title: 'Errors fall',
 *   statement: 'More rows, less error.',
 *   settings: { degree: 2 },
 *   seed: 1,
 *   claims: [{ statement: 'errors fall', measured: '0.5 to 0.1', verdict: 'holds' }],
 *   figures: [figure],
 *   notes: [],
 *   command: 'fewfire reproduce E1',
 * };
 * const report = { title: 'Errors', introduction: [], sections: [section], slips: [], facts: [['version', '1']] };
 * console.log(figuresCsv(report.sections[0]).split('\n')[0]); // figure,title,series,kind,x,y,low,high
 * ```
 */
export function figuresCsv({ id, figures }: ReportSection): string {
  const rows: (string | number | undefined)[][] = [['figure', 'title', 'series', 'kind', 'x', 'y', 'low', 'high']];
  for (const [i, figure] of figures.entries()) {
    for (const series of figure.series) {
      for (const { x, y, low, high } of series.points) {
        rows.push([`${id}.${i + 1}`, figure.title, series.name, series.kind, x, y, low, high]);
      }
    }
  }
  return rows.map((row) => `${row.map(csvCell).join(',')}\n`).join('');
}

function csvCell(value: string | number | undefined): string {
  const cell = String(value ?? '');
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** Marks between which scripts/reproduce-check.mjs finds the table and the command that made it. */
const CLAIMS_BEGIN = '<!-- claims:';
const CLAIMS_END = '<!-- /claims -->';

/**
 * The claims of sections as a Markdown table.
 * @param command what makes the table again, without `npx`
 * @example
 * ```ts
 * import { claimsMarkdown } from '@fewfire/report';
 *
 * const figure = {
 *   title: 'Error by rows',
 *   x: { label: 'rows', scale: 'log' },
 *   y: { label: 'error', scale: 'linear' },
 *   series: [{ name: 'ridge', kind: 'estimate', points: [{ x: 10, y: 0.5 }, { x: 100, y: 0.1 }] }],
 *   seen: 'The error falls.',
 * };
 * const section = {
 *   id: 'E1',
 *   title: 'Errors fall',
 *   statement: 'More rows, less error.',
 *   settings: { degree: 2 },
 *   seed: 1,
 *   claims: [{ statement: 'errors fall', measured: '0.5 to 0.1', verdict: 'holds' }],
 *   figures: [figure],
 *   notes: [],
 *   command: 'fewfire reproduce E1',
 * };
 * const report = { title: 'Errors', introduction: [], sections: [section], slips: [], facts: [['version', '1']] };
 * console.log(claimsMarkdown(report.sections, 'fewfire reproduce').split('\n').find((line) => line.includes('E1'))); // | E1 | errors fall | 0.5 to 0.1 | holds |  | [1](figures/E1-1.svg) | `fewfire reproduce E1` |
 * ```
 */
export function claimsMarkdown(sections: readonly ReportSection[], command: string): string {
  const rows = sections.flatMap((section) =>
    section.claims.map((claim) =>
      [
        section.id,
        claim.statement,
        claim.measured,
        verdictText(claim),
        claim.largestRatio === undefined ? '' : numberText(claim.largestRatio),
        section.figures.map((_, i) => `[${i + 1}](figures/${section.id}-${i + 1}.svg)`).join(' '),
        `\`${section.command}\``,
      ]
        .map(markdownCell)
        .join(' | '),
    ),
  );
  return [
    `${CLAIMS_BEGIN} ${command} -->`,
    '| | Statement | Measured | Verdict | Largest ratio | Figures | Command |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
    ...sections.flatMap(figuresMarkdown),
    CLAIMS_END,
    '',
  ].join('\n');
}

function figuresMarkdown({ id, title, figures }: ReportSection): string[] {
  const pictures = figures.flatMap((figure, i) => [
    `![${markdownText(figure.title)}](figures/${id}-${i + 1}.svg)`,
    '',
    `*${markdownText(figure.title)}.* ${markdownText(figure.seen)}`,
    '',
  ]);
  return ['', `## ${id}. ${markdownText(title)}`, '', ...pictures];
}

// Brackets, stars and underscores of formulas are not Markdown's.
function markdownText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[[\]*_<>]/g, (character) => `\\${character}`);
}

function verdictText({ verdict }: Claim): string {
  return verdict === 'holds' || verdict === 'consistent with' ? verdict : `**${verdict}**`;
}

function markdownCell(cell: string): string {
  return cell.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
