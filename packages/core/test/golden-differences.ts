/** Comparing goldens with what their scripts make anew. */

/** Where two JSON values differ: numbers by more than 1e-9 (relative above 1), anything else at all; versions may differ. */
export function differences(a: unknown, b: unknown, path: string): string[] {
  if (path.endsWith('.madeBy')) return [];
  if (typeof a === 'number' && typeof b === 'number') {
    return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)) ? [] : [`${path}: ${a} and ${b}`];
  }
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
      differences(left[key], right[key], `${path}.${key}`),
    );
  }
  return a === b ? [] : [`${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`];
}
