/**
 * Which of some names is meant by one that is not among them: how people mistype, shorten and respell names. Case,
 * spaces, `_`, `-` and `.` count for nothing; then come slips of a letter or so, names that begin with what was typed
 * (or with which it begins), and names that contain it (or that it contains). Whatever else is ranked by the pairs of
 * letters in common, so that a list that is cut keeps the nearest names.
 */

/** How near a name is: `kind` first (smaller is nearer), then `distance`. */
interface Nearness {
  readonly kind: number;
  readonly distance: number;
}

const SAME = 0;
const SLIP = 1;
const BEGINNING = 2;
const SLIPS = 3;
const PART = 4;
const ELSE = 5;
/** Fewer letters begin, or stand in, too many names to mean one. */
const FEWEST_LETTERS = 3;

/** The candidate that `name` most likely stands for; undefined where none is likely. */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = fold(name);
  let best: string | undefined;
  let nearest: Nearness = { kind: ELSE, distance: 0 };
  for (const candidate of candidates) {
    const found = likely(wanted, fold(candidate));
    if (found === undefined || order(found, nearest) >= 0) continue;
    nearest = found;
    best = candidate;
  }
  return best;
}

/** All candidates, the nearest to any of `names` first; as near ones stay in their order. */
export function nearestFirst(names: readonly string[], candidates: readonly string[]): string[] {
  const wanted = names.map(fold);
  const pairs = wanted.map(pairsOf);
  const nearness = candidates.map((candidate) => {
    const folded = fold(candidate);
    const own = pairsOf(folded);
    return wanted
      .map((name, k) => likely(name, folded) ?? { kind: ELSE, distance: -shareInCommon(pairs[k], own) })
      .reduce((a, b) => (order(b, a) < 0 ? b : a), { kind: ELSE, distance: 0 });
  });
  const places = candidates.map((_, i) => i);
  return places.sort((a, b) => order(nearness[a], nearness[b]) || a - b).map((i) => candidates[i]);
}

function order(a: Nearness, b: Nearness): number {
  return a.kind - b.kind || a.distance - b.distance;
}

// A name of nothing but separators is itself.
function fold(name: string): string {
  const lower = name.normalize('NFKC').toLowerCase();
  return lower.replace(/[\s_.-]+/g, '') || lower;
}

function likely(wanted: string, candidate: string): Nearness | undefined {
  if (wanted === candidate) return { kind: SAME, distance: 0 };
  const most = Math.max(1, Math.floor(wanted.length / 3));
  const distance = editDistance(wanted, candidate, most + 1);
  // One letter is a slip of any other.
  const slipped = distance <= most && distance < Math.max(wanted.length, candidate.length);
  if (slipped && distance === 1) return { kind: SLIP, distance };
  const [short, long] = wanted.length < candidate.length ? [wanted, candidate] : [candidate, wanted];
  if (short.length >= FEWEST_LETTERS && long.startsWith(short)) {
    return { kind: BEGINNING, distance: long.length - short.length };
  }
  if (slipped) return { kind: SLIPS, distance };
  return short.length >= FEWEST_LETTERS && long.includes(short)
    ? { kind: PART, distance: long.length - short.length }
    : undefined;
}

function pairsOf(name: string): Set<string> {
  const pairs = new Set<string>();
  for (let i = 0; i + 1 < name.length; i++) pairs.add(name.slice(i, i + 2));
  return pairs;
}

// Dice's coefficient.
function shareInCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const pair of a) if (b.has(pair)) common++;
  return common === 0 ? 0 : (2 * common) / (a.size + b.size);
}

// Levenshtein distance, abandoned (returning `limit`) once it cannot fall below `limit`.
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return Math.min(row[b.length], limit);
}
