/** How a model came about, in words. */
import type { SelectionRecord } from '../model/index.ts';

/** That a degree and those above were not tried. */
export function skippedText({ degree, reason }: SelectionRecord['skipped'][number]): string {
  return `degree ${degree} and above were not tried: ${reason}`;
}
