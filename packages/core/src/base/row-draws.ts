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
} as const;

/** A draw: draws of another purpose, or by another seed, have nothing to do with it. */
export interface Draw {
  readonly purpose: keyof typeof SALTS;
  readonly seed: number;
}

/** As many leading bits of the hash as fit a cache: what they leave open is sorted. */
const BUCKET_BITS = 12;

/**
 * Divides rows at random into parts of exactly these sizes: the part of each row.
 * @param sizes their sum is how many rows there are
 * @param keys the rows' names; without them a row's name is its place
 */
export function drawParts(draw: Draw, sizes: ArrayLike<number>, keys?: RowKeys): Uint32Array {
  const ends = new Float64Array(sizes.length);
  let count = 0;
  for (let k = 0; k < ends.length; k++) {
    count += sizes[k];
    ends[k] = count;
  }
  const hash = hasher(draw, keys);
  const bucketOf = new Uint16Array(count);
  const starts = new Uint32Array(2 ** BUCKET_BITS + 1);
  for (let row = 0; row < count; row++) {
    bucketOf[row] = hash(row)[0] >>> (32 - BUCKET_BITS);
    starts[bucketOf[row] + 1]++;
  }
  // The rows of most buckets all go to one part, whatever their order.
  const wholly = new Uint32Array(2 ** BUCKET_BITS);
  const isSplit = new Uint8Array(2 ** BUCKET_BITS);
  let part = 0;
  for (let bucket = 0; bucket < wholly.length; bucket++) {
    starts[bucket + 1] += starts[bucket];
    while (part < ends.length - 1 && starts[bucket] >= ends[part]) part++;
    wholly[bucket] = part;
    isSplit[bucket] = Number(starts[bucket + 1] > ends[part]);
  }
  const partOf = new Uint32Array(count);
  const open: number[] = [];
  for (let row = 0; row < count; row++) {
    if (isSplit[bucketOf[row]] === 1) open.push(row);
    else partOf[row] = wholly[bucketOf[row]];
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

/** The places of these names in random order. Of equal names the first comes first. */
export function drawOrder(draw: Draw, keys: RowKeys): Uint32Array {
  return sortedByHash(keys.keys(), hasher(draw, keys));
}

/** A seed for samples that are drawn with replacement, one after the other. */
export function sampleSeed({ purpose, seed }: Draw): number {
  const words = new Uint32Array(2);
  threefry(words, seed, SALTS[purpose], 0, 0);
  return words[0];
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

/** Makes the third word of the key. */
const KEY_PARITY = 0x1bd11bda;

/**
 * The hash of two words under two words of key. Numbers beyond a word count as what is left of them in one.
 * @param hash is written to
 */
export function threefry(hash: Uint32Array, key0: number, key1: number, word0: number, word1: number): void {
  let k = key0 | 0;
  let next = key1 | 0;
  let third = k ^ next ^ KEY_PARITY;
  let a = ((word0 | 0) + k) | 0;
  let b = ((word1 | 0) + next) | 0;
  for (let part = 1; part <= 5; part++) {
    const odd = (part & 1) === 1;
    a = (a + b) | 0;
    b = a ^ (odd ? rotate(b, 13) : rotate(b, 17));
    a = (a + b) | 0;
    b = a ^ (odd ? rotate(b, 15) : rotate(b, 29));
    a = (a + b) | 0;
    b = a ^ (odd ? rotate(b, 26) : rotate(b, 16));
    a = (a + b) | 0;
    b = a ^ (odd ? rotate(b, 6) : rotate(b, 24));
    a = (a + next) | 0;
    b = (b + third + part) | 0;
    [k, next, third] = [next, third, k];
  }
  hash[0] = a;
  hash[1] = b;
}

function rotate(word: number, turn: number): number {
  return (word << turn) | (word >>> (32 - turn));
}
