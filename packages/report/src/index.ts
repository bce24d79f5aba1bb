/**
 * Figures and self-contained pages from results: markup only, no script.
 * @module
 */
export { figureSvg, undrawnCount } from './figure.ts';
export { type FitPageOptions, fitReportPage } from './fit-page.ts';
export { escapeMarkup } from './markup.ts';
export { reportPage } from './page.ts';
export type * from './result.ts';
export { claimsMarkdown, figuresCsv } from './tables.ts';
