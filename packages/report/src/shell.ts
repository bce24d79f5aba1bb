/**
 * What every page is: one HTML file that stands alone, with no script and no request to anywhere (its own policy forbids
 * both), so that it can be mailed, archived and opened in ten years. Everything that comes from results is escaped.
 */
import { escapeMarkup } from './markup.ts';

// Inline styles are this file's own; data: is for the empty icon, which saves a request.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** @param body markup */
export function shell(title: string, body: string): string {
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
${body}
</body>
</html>
`;
}

/** Lines break between words only, never inside a flag. */
export function commandMarkup(command: string): string {
  return `<code>${command
    .split(' ')
    .map((word) => `<span>${escapeMarkup(word)}</span>`)
    .join(' ')}</code>`;
}

const STYLE = `
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1rem 1rem 3rem;font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.3rem;line-height:1.25;margin:2.5rem 0 .5rem;padding-top:.6rem;border-top:2px solid #1a1a1a}
h3{font-size:1rem;line-height:1.35;margin:0 0 .3rem}
p,li,dd{overflow-wrap:anywhere;max-width:46rem}
h1,h2,h3{overflow-wrap:anywhere}
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
.kind{display:inline-block;font-size:.75rem;font-weight:600;line-height:1.3;padding:0 .4rem;border:1px solid #8a8a8a;border-radius:.6rem;color:#444;white-space:nowrap}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;padding:0;margin:1rem 0;list-style:none}
.tiles li{flex:1 1 8rem;max-width:14rem;padding:.6rem .8rem;border:1px solid #bbb;border-radius:.4rem}
.tiles span,.tiles strong,.tiles small{display:block}
.tiles strong{font-size:1.6rem;line-height:1.3}
.tiles small,.tiles span{color:#444}
.number{text-align:right;font-variant-numeric:tabular-nums}
.fit table{width:auto;min-width:min(100%,20rem);font-size:.85rem}
.fit th[scope=row]{font-weight:500}
.fit td,.fit th{padding-right:.9rem}
.fit .number{white-space:nowrap}
.fit thead th,.fit thead th.number{white-space:normal;overflow-wrap:normal}
.fit td.interval{white-space:normal;min-width:5.3rem}
.fit th:first-child{min-width:8.5rem}
.fit th.number:first-child{min-width:0}
.fit h3{margin-top:.8rem}
.fit figure h3{margin-top:0}
.scroll{overflow-x:auto;max-width:100%}
details{margin:.5rem 0}
summary{cursor:pointer;color:#00558a;font-size:.9rem;padding:.2rem 0}
.wrap code span{display:inline-block;max-width:100%;white-space:normal;overflow-wrap:anywhere}
.wrap{background:#f3f3f3;padding:.6rem .8rem;border-radius:.3rem}
footer{margin-top:3rem;border-top:1px solid #ccc;color:#444}
@media (max-width:40rem){
.claims thead{display:none}
.claims tr,.claims th,.claims td{display:block;width:auto!important;border:0;padding:.1rem 0}
.claims tr{border-bottom:1px solid #ccc;padding:.6rem 0}
.claims td::before{content:attr(data-label) ": ";color:#595959}
dt{flex-basis:8rem}
.fit table{font-size:.8rem}
.fit td,.fit th{padding-right:.4rem}
.fit td:last-child,.fit th:last-child{padding-right:0}
.fit th:first-child{min-width:6.5rem}
.fit td.interval{min-width:4.2rem}
.words div{display:block;margin-bottom:.5rem}
.tiles li{flex-basis:6.5rem;padding:.4rem .6rem}
.tiles strong{font-size:1.3rem}
}
@media print{
body{max-width:none;padding:0;font-size:10pt}
nav{display:none}
section{break-before:auto}
.figures{grid-template-columns:1fr 1fr}
a{color:inherit;text-decoration:none}
tr,.slip,.tiles{break-inside:avoid}
h2,h3{break-after:avoid}
.scroll{overflow:visible}
details:not([open]){display:none}
.fit .figures .beside{grid-column:1/-1}
.fit td.interval{white-space:nowrap}
.fit .figures{grid-template-columns:repeat(auto-fit,minmax(16rem,1fr))}
}
`.replaceAll('\n', '');
