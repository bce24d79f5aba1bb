/** What terms and their coefficients are called. */
import type { ConfirmationRecord, Model } from '../model/index.ts';
import { confidenceText } from './measures.ts';

/** What stands behind the names of a combination. */
export function yesWord(count: number): string {
  return count < 2 ? 'yes' : count === 2 ? 'both yes' : 'all yes';
}

/** `a yes`, `a and b both yes`, `a, b and c all yes`. @param names as they are to be shown */
export function combinationText(names: readonly string[]): string {
  if (names.length === 0) return 'always yes';
  return `${listText(names)} ${yesWord(names.length)}`;
}

/** Items as `a, b and c`. */
export function listText(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}

/**
 * What effects are measured in and point to.
 * @param toward what the class they point to is called, or the target column
 * @param preposition before a number: a yes adds `to` it, and has an effect `on` it
 */
export function effectUnit(
  { target, loss }: Pick<Model, 'target' | 'loss'>,
  toward: string,
  preposition: 'to' | 'on' = 'to',
): string {
  if (target.kind !== 'regression') {
    const unit = loss === 'logistic' ? 'in log-odds' : 'in points of (1 - f)/2, near a probability (0.1 is about 10 %)';
    return `toward ${toward}, ${unit}`;
  }
  return target.transform === 'log'
    ? `${preposition} the natural logarithm of ${toward} (0.1 is about 10 % more)`
    : `${preposition} ${toward}, in its own unit`;
}

/** What the intervals of terms are: how sure, of which kind, and whether together. */
export function termIntervals({
  confidence,
  interval,
  simultaneous,
}: Pick<ConfirmationRecord, 'confidence' | 'interval' | 'simultaneous'>): readonly [
  level: string,
  kind: string,
  together: string,
] {
  const kind = interval === 'normal' ? 'normal-theory' : 'bootstrap';
  return [confidenceText(confidence), kind, simultaneous ? 'all at once' : 'each by itself'];
}
