/**
 * Results as one HTML file that stands alone: no script, no request to anywhere (its own policy forbids both), so that
 * it can be mailed, archived and opened in ten years. Everything that comes from results is escaped.
 */
import { figureSvg, undrawnCount } from './figure.ts';
import { escapeMarkup, numberText } from './markup.ts';
import type { Claim, Figure, Report, ReportSection, Setting, Slip } from './result.ts';

// Inline styles are this file's own; data: is for the empty icon, which saves a request.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The page; a section's anchor is its id, its figures' are `E1-1`, `E1-2` and so on. */
export function reportPage(report: Report): string {
  const { title, introduction, sections, slips, facts } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapeMarkup(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
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
</footer>
</body>
</html>
`;
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

// Lines break between words only, never inside a flag.
function commandMarkup(command: string): string {
  return `<code>${command
    .split(' ')
    .map((word) => `<span>${escapeMarkup(word)}</span>`)
    .join(' ')}</code>`;
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

const STYLE = `
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1rem 1rem 3rem;font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.3rem;line-height:1.25;margin:2.5rem 0 .5rem;padding-top:.6rem;border-top:2px solid #1a1a1a}
h3{font-size:1rem;line-height:1.35;margin:0 0 .3rem}
p,li,dd{overflow-wrap:anywhere;max-width:46rem}
a{color:#00558a}
nav a{display:inline-block;padding:.3rem .35rem}
code{font:.85em ui-monospace,monospace}
code span{white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem .45rem 0;border-bottom:1px solid #ccc;overflow-wrap:anywhere}
thead th{border-bottom:2px solid #1a1a1a}
.claims th:first-child{width:17%}.claims td:nth-child(3){width:9rem}.claims td:nth-child(4){width:5rem}.claims td:nth-child(5){width:16%}
.quiet{color:#595959}
.verdict{font-weight:600;white-space:nowrap}
.good{color:#00664a}.open{color:#00558a}.bad{color:#a83200}
.statement{font-size:1.05rem}
.verdicts,.notes{padding-left:1.1rem}
.verdicts{list-style:none;padding:0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1.5rem 2rem;margin:1rem 0}
figure{margin:0;break-inside:avoid}
figure svg{display:block;width:100%;max-width:36rem;height:auto}
figcaption{font-size:.9rem;color:#333;margin-top:.3rem;max-width:36rem}
dl{margin:.5rem 0;font-size:.85rem}
dl div{display:flex;gap:.6rem;padding:.1rem 0}
dt{flex:0 0 11rem;color:#595959}
dd{margin:0}
.slip{margin:1rem 0}.slip dt{flex-basis:5rem}
footer{margin-top:3rem;border-top:1px solid #ccc;color:#444}
@media (max-width:40rem){
.claims thead{display:none}
.claims tr,.claims th,.claims td{display:block;width:auto!important;border:0;padding:.1rem 0}
.claims tr{border-bottom:1px solid #ccc;padding:.6rem 0}
.claims td::before{content:attr(data-label) ": ";color:#595959}
dt{flex-basis:8rem}
}
@media print{
body{max-width:none;padding:0;font-size:10pt}
nav{display:none}
section{break-before:auto}
.figures{grid-template-columns:1fr 1fr}
a{color:inherit;text-decoration:none}
tr,.slip{break-inside:avoid}
}
`.replaceAll('\n', '');
