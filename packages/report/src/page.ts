/** The results of `reproduce` as one HTML file: a claim table, then a section for every experiment. */

import { numberText } from '@fewfire/core/words';
import { figureSvg, undrawnCount } from './figure.ts';
import { escapeMarkup } from './markup.ts';
import type { Claim, Figure, Report, ReportSection, Setting, Slip } from './result.ts';
import { commandMarkup, shell } from './shell.ts';

/**
 * A report as an HTML page, complete; a section's anchor is its id, its figures' are `E1-1`, `E1-2` and so on.
 * @example
 * ```ts
 * import { reportPage } from '@fewfire/report';
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
 * console.log(reportPage(report).match(/<h1.*?<\/h1>/)?.[0]); // <h1>Errors</h1>
 * ```
 */
export function reportPage(report: Report): string {
  const { title, introduction, sections, slips, facts } = report;
  return shell(
    title,
    `<header>
<h1>${escapeMarkup(title)}</h1>
${introduction.map((text) => `<p>${escapeMarkup(text)}</p>`).join('\n')}
<nav aria-label="Contents">${contents(report)}</nav>
</header>
<main>
<section id="claims">
<h2>Claims</h2>
${claimTable(sections)}
</section>
${sections.map(sectionMarkup).join('\n')}
${slipSection(slips)}
</main>
<footer>
<dl>${facts.map(([name, value]) => `<div><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd></div>`).join('')}</dl>
</footer>`,
  );
}

function contents({ sections, slips }: Report): string {
  const links: [string, string][] = [
    ['claims', 'Claims'],
    ...sections.map(({ id }): [string, string] => [anchor(id), id]),
  ];
  if (slips.length > 0) links.push(['slips', 'Slips']);
  return links.map(([to, text]) => `<a href="#${to}">${escapeMarkup(text)}</a>`).join(' ');
}

// An id that is safe in an attribute and in a link alike.
function anchor(id: string): string {
  return id.replace(/[^\w-]/g, '-');
}

function claimTable(sections: readonly ReportSection[]): string {
  const rows = sections.flatMap((section) =>
    section.claims.map(
      (claim) => `<tr>
<th scope="row">${escapeMarkup(claim.statement)}</th>
<td data-label="Measured">${escapeMarkup(claim.measured)}${ratioText(claim)}</td>
<td data-label="Verdict">${verdictMark(claim)}</td>
<td data-label="Figure">${figureLinks(section)}</td>
<td data-label="Command">${commandMarkup(section.command)}</td>
</tr>`,
    ),
  );
  if (rows.length === 0) return '<p>Nothing was measured.</p>';
  return `<table class="claims">
<thead><tr><th scope="col">Statement</th><th scope="col">Measured</th><th scope="col">Verdict</th><th scope="col">Figure</th><th scope="col">Command</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
}

function ratioText({ largestRatio }: Claim): string {
  return largestRatio === undefined
    ? ''
    : ` <span class="quiet">Largest measured / bound: ${escapeMarkup(numberText(largestRatio))}.</span>`;
}

function verdictMark({ verdict }: Claim): string {
  // A sign beside the colour, for paper and for those who see no difference.
  const [name, sign] = {
    holds: ['good', '✓'],
    'consistent with': ['open', '≈'],
    'does not hold': ['bad', '✗'],
    'not consistent with': ['bad', '✗'],
  }[verdict];
  return `<span class="verdict ${name}">${sign} ${escapeMarkup(verdict)}</span>`;
}

function figureLinks({ id, figures }: ReportSection): string {
  return figures.map((_, i) => `<a href="#${anchor(id)}-${i + 1}">${escapeMarkup(`${id}.${i + 1}`)}</a>`).join(', ');
}

function sectionMarkup(section: ReportSection): string {
  const { id, title, statement, figures, notes, claims, command } = section;
  return `<section id="${anchor(id)}">
<h2>${escapeMarkup(`${id}. ${title}`)}</h2>
<p class="statement">${escapeMarkup(statement)}</p>
<ul class="verdicts">${claims.map((claim) => `<li>${verdictMark(claim)} ${escapeMarkup(claim.statement)}</li>`).join('')}</ul>
<div class="figures">
${figures.map((figure, i) => figureMarkup(figure, `${anchor(id)}-${i + 1}`, `${id}.${i + 1}`)).join('\n')}
</div>
${notes.length === 0 ? '' : `<ul class="notes">${notes.map((note) => `<li>${escapeMarkup(note)}</li>`).join('')}</ul>`}
<dl class="settings">${Object.entries({ ...section.settings, seed: section.seed })
    .map(([name, value]) => `<div><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(settingText(value))}</dd></div>`)
    .join('')}</dl>
<p class="command">${commandMarkup(command)}</p>
</section>`;
}

function figureMarkup(figure: Figure, id: string, label: string): string {
  const undrawn = undrawnCount(figure);
  const missing =
    undrawn === 0
      ? ''
      : ` ${undrawn} ${undrawn === 1 ? 'point has' : 'points have'} no place on these axes (zero on a logarithmic one, or not finite).`;
  return `<figure id="${id}">
<h3>${escapeMarkup(`${label} ${figure.title}`)}</h3>
${figureSvg(figure)}
<figcaption>${escapeMarkup(figure.seen + missing)}</figcaption>
</figure>`;
}

function settingText(value: Setting): string {
  if (typeof value === 'number') return numberText(value, 6);
  if (typeof value === 'object') return value.map((item) => settingText(item)).join(', ');
  return String(value);
}

function slipSection(slips: readonly Slip[]): string {
  if (slips.length === 0) return '';
  return `<section id="slips">
<h2>Slips found in the published text</h2>
<p>None of them touches what the paper shows; they matter to whoever computes with its formulas.</p>
${slips
  .map(
    ({ where, printed, meant, evidence }) => `<article class="slip">
<h3>${escapeMarkup(where)}</h3>
<dl><div><dt>Printed</dt><dd>${escapeMarkup(printed)}</dd></div><div><dt>Meant</dt><dd>${escapeMarkup(meant)}</dd></div><div><dt>Evidence</dt><dd>${escapeMarkup(evidence)}</dd></div></dl>
</article>`,
  )
  .join('\n')}
</section>`;
}
