/** How numbers are written: how many digits they have, and what is never rounded away. Signs and spaces are plain ones. */

/** A whole number with thousands separated. */
export function integer(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `1 row`, `2 rows`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${integer(count)} ${count === 1 ? one : many}`;
}

/** A number with a few significant digits, without needless exponents. */
export function numberText(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(digits - 1).replace('e+', 'e');
  if (size >= 1000) return integer(value);
  return String(Number(value.toPrecision(digits)));
}

/**
 * Numbers of one kind for a column: the same decimals for all, at least two digits of the smallest unless that would
 * take more than four of the largest.
 */
export function alignedTexts(values: readonly number[]): string[] {
  const sizes = values.map(Math.abs).filter((size) => size > 0 && Number.isFinite(size));
  const smallest = Math.min(...sizes);
  const largest = Math.max(...sizes);
  if (sizes.length === 0 || largest >= 1e9 || largest < 1e-6) return values.map((value) => numberText(value));
  const decimals = (size: number, digits: number): number => digits - 1 - Math.floor(Math.log10(size));
  const places = Math.min(12, Math.max(0, Math.min(decimals(smallest, 2), decimals(largest, 4))));
  return values.map((value) =>
    // Too small for these decimals: its own digits rather than a zero.
    value !== 0 && Math.abs(value) < 0.5 * 10 ** -places
      ? numberText(value, 2)
      : // A zero has no sign.
        (value + 0).toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places }),
  );
}

/** A share or score up to 1 with three decimals, never rounded to a 0 or 1 that it is not. */
export function shareText(value: number): string {
  if (value > 0 && value < 0.0005) return '<0.001';
  for (let digits = 3; digits < 7; digits++) {
    const text = value.toFixed(digits);
    if (Number(text) !== 1 || value >= 1) return text;
  }
  return '>0.999999';
}

/** A share as `39.2 %`, never rounded to a 0 or 100 that it is not. */
export function percentText(share: number): string {
  if (share === 0 || share === 1) return `${100 * share} %`;
  if (share > 0 && share < 0.0005) return '<0.1 %';
  for (let digits = 1; digits < 5; digits++) {
    const text = (100 * share).toFixed(digits);
    if (Number(text) !== 100) return `${text} %`;
  }
  return '>99.9999 %';
}

/** A size in bytes with a unit. */
export function byteSize(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const unit = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${numberText(bytes / 1000 ** unit)} ${units[unit]}`;
}
