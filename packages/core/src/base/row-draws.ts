/**
 * Drawing rows by their names. Which rows are set aside, and for what, follows from a hash of the seed, the purpose and
 * each row's own key: rows are ranked by it, and the ranks are divided, so that sizes are exact. A row's rank among others
 * does not depend on the order in which they come, and rows that are appended or left out do not reorder the rest.
 *
 * The hash is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3,
 * SC 2011), a cipher on words of 32 bits made for drawing random numbers by name. Its key is the seed and the purpose,
 * its block the row's key; and as a cipher gives different blocks different hashes, rows of different names never tie.
 */
import { pickNumbers, pickWholes } from './pick.ts';

/** Names of rows or groups, by which they are drawn: whole numbers from 0 to 2^53 - 1, of rows each given once. */
export type RowKeys = Uint32Array | Float64Array;

/** By what rows are drawn, and which of them only together. */
export interface RowNames {
  /** Name of each row; its place without them. */
  readonly rowKeys?: RowKeys | undefined;
  /** Number of each row's cluster: rows of one are never parted. */
  readonly clusters?: ArrayLike<number> | undefined;
  /** Name of each cluster, by its number; the number without them. */
  readonly clusterKeys?: RowKeys | undefined;
}

/** All that rows (or whole groups of them) are drawn for. */
const SALTS = {
  /** The rows set aside for the test. */
  test: 1,
  /** The rows that a choice is made on, where its budget does not allow all. */
  choice: 2,
  /** The folds of a choice. */
  folds: 3,
  /** The half that chooses which terms the other half confirms. */
  confirmation: 4,
  /** Samples for the intervals of mean losses. */
  lossSamples: 5,
  /** Samples for the intervals of terms. */
  termSamples: 6,
  /** The rows that each boosted tree is grown on. */
  trees: 7,
  /** The rows that cells of a column are shuffled among, and how. */
  shuffles: 8,
} as const;

/** A draw: draws of another purpose, or by another seed, have nothing to do with it. */
export interface Draw {
  readonly purpose: keyof typeof SALTS;
  readonly seed: number;
}

/** As many leading bits of the hash as fit a cache: what they leave open is sorted. */
const BUCKET_BITS = 12;
/** Of a bucket whose rows go to several parts. */
const OPEN = -1;

/**
 * Divides rows at random into parts of exactly these sizes: the part of each row.
 * @param sizes their sum is how many rows there are
 * @param keys the rows' names; without them a row's name is its place
 */
export function drawParts(draw: Draw, sizes: ArrayLike<number>, keys?: RowKeys): Uint32Array {
  let count = 0;
  const ends = Float64Array.from(sizes, (size) => (count += size));
  const hash = hasher(draw, keys);
  const bucketOf = new Uint16Array(count);
  const starts = new Uint32Array(2 ** BUCKET_BITS + 1);
  for (let row = 0; row < count; row++) {
    bucketOf[row] = hash(row)[0] >>> (32 - BUCKET_BITS);
    starts[bucketOf[row] + 1]++;
  }
  // The rows of most buckets all go to one part, whatever their order.
  const partOfBucket = new Int32Array(2 ** BUCKET_BITS);
  let part = 0;
  for (let bucket = 0; bucket < partOfBucket.length; bucket++) {
    starts[bucket + 1] += starts[bucket];
    while (starts[bucket] >= ends[part]) part++;
    partOfBucket[bucket] = starts[bucket + 1] > ends[part] ? OPEN : part;
  }
  const partOf = new Uint32Array(count);
  const open: number[] = [];
  for (let row = 0; row < count; row++) {
    partOf[row] = partOfBucket[bucketOf[row]];
    if (partOfBucket[bucketOf[row]] === OPEN) open.push(row);
  }
  let rank = 0;
  part = 0;
  for (const row of sortedByHash(open, hash)) {
    // Within a bucket ranks follow each other.
    rank = Math.max(rank, starts[bucketOf[row]]);
    while (rank >= ends[part]) part++;
    partOf[row] = part;
    rank++;
  }
  return partOf;
}

/** The places that are in a part, ascending. */
export function placesIn(partOf: Uint32Array, part: number): Uint32Array {
  let count = 0;
  for (const each of partOf) if (each === part) count++;
  const places = new Uint32Array(count);
  let end = 0;
  for (let place = 0; place < partOf.length; place++) if (partOf[place] === part) places[end++] = place;
  return places;
}

/** The places of these names in random order. Of equal names the first comes first. */
export function drawOrder(draw: Draw, keys: RowKeys): Uint32Array {
  return sortedByHash(keys.keys(), hasher(draw, keys));
}

/** A seed for samples that are drawn with replacement, one after the other. */
export function sampleSeed(draw: Draw): number {
  return hasher(draw, undefined)(0)[0];
}

/** The keys at chosen places; without keys a row's name is its place. */
export function pickKeys(keys: RowKeys | undefined, places: Uint32Array): RowKeys {
  if (keys === undefined) return places;
  return keys instanceof Float64Array ? pickNumbers(keys, places) : pickWholes(keys, places);
}

// The two words of a place's hash, in an array that the next call writes anew.
function hasher({ purpose, seed }: Draw, keys: RowKeys | undefined): (place: number) => Uint32Array {
  const words = new Uint32Array(2);
  const salt = SALTS[purpose];
  return (place) => {
    const key = keys === undefined ? place : keys[place];
    threefry(words, seed, salt, key, key / 2 ** 32);
    return words;
  };
}

function sortedByHash(places: Iterable<number>, hash: (place: number) => Uint32Array): Uint32Array {
  const given = Uint32Array.from(places);
  const first = new Uint32Array(given.length);
  const second = new Uint32Array(given.length);
  for (const [i, place] of given.entries()) [first[i], second[i]] = hash(place);
  const order = Uint32Array.from(given.keys()).sort((i, j) => first[i] - first[j] || second[i] - second[j] || i - j);
  return pickWholes(given, order);
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
/** Makes the third word of the key. */
const KEY_PARITY = 0x1bd11bda;

/**
 * The hash of two words under two words of key. Numbers beyond a word count as what is left of them in one.
 * @param hash is written to
 */
export function threefry(hash: Uint32Array, key0: number, key1: number, word0: number, word1: number): void {
  const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ KEY_PARITY];
  let a = ((word0 | 0) + keys[0]) | 0;
  let b = ((word1 | 0) + keys[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = ROTATIONS[round & 7];
    a = (a + b) | 0;
    b = ((b << turn) | (b >>> (32 - turn))) ^ a;
    if ((round & 3) === 3) {
      const part = (round + 1) >> 2;
      a = (a + keys[part % 3]) | 0;
      b = (b + keys[(part + 1) % 3] + part) | 0;
    }
  }
  hash[0] = a;
  hash[1] = b;
}
