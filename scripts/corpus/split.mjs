// Which rows are learned from and which are left for the score: drawn by a seed, the same for every set and machine.

/** Numbers in [0, 1) of a seed (mulberry32), apart from fewfire's own. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 0 to count - 1 in an order drawn by the seed. */
export function shuffled(count, seed) {
  const random = randomNumbers(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Row numbers to learn from, and those of the rest; each in the order of the file. */
export function splitRows(rowCount, share, seed) {
  const order = shuffled(rowCount, seed);
  const fitCount = Math.round(rowCount * share);
  const ascending = (rows) => rows.sort((a, b) => a - b);
  return { fit: ascending(order.slice(0, fitCount)), rest: ascending(order.slice(fitCount)) };
}
