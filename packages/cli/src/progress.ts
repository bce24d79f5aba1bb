/**
 * One line on standard error that says how far the work is: only on a terminal, never with --quiet, drawn at most ten
 * times a second and only for work that lasts, gone when the work is done.
 */

import type { Progress } from '@fewfire/core';
import { integer } from '@fewfire/core/words';
import { clip, displayWidth } from './format.ts';

export interface ProgressLine {
  readonly report: (progress: Progress) => void;
  /** Removes the line; later reports draw nothing. */
  readonly close: () => void;
}

/** What is needed of a terminal, so that tests can be one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const FIRST_DRAW_MS = 300;
const REDRAW_MS = 100;
const BAR_WIDTH = 20;

export function openProgress(
  options: { readonly quiet?: boolean },
  stream: ProgressStream = process.stderr,
  now: () => number = () => performance.now(),
): ProgressLine {
  if (stream.isTTY !== true || options.quiet === true) return { report: () => undefined, close: () => undefined };
  const startedAt = now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawn = false;
  let closed = false;
  return {
    report(progress) {
      const time = now();
      if (closed || time - startedAt < FIRST_DRAW_MS || time - drawnAt < REDRAW_MS) return;
      drawnAt = time;
      drawn = true;
      // One column stays free: a full line would make some terminals begin the next one.
      stream.write(`\r\x1b[2K${progressText(progress, (stream.columns || 80) - 1)}`);
    },
    close() {
      closed = true;
      if (drawn) stream.write('\r\x1b[2K');
    },
  };
}

/** The line, at most `width` columns wide. */
export function progressText({ phase, done, total, unit }: Progress, width: number): string {
  const amount = (value: number): string => (unit === 'bytes' ? (value / 1e6).toFixed(1) : integer(value));
  const name = unit === 'bytes' ? 'MB' : unit;
  if (!(total > 0)) return clip(`${phase}  ${amount(done)} ${name}`, width);
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const percent = `${Math.floor(100 * share)} %`.padStart(5);
  const counts = `  ${amount(done)} of ${amount(total)} ${name}`;
  const long = `${phase}  ${bar} ${percent}${counts}`;
  if (displayWidth(long) <= width) return long;
  const medium = `${phase}  ${bar} ${percent}`;
  return displayWidth(medium) <= width ? medium : clip(`${phase} ${percent.trim()}`, width);
}
