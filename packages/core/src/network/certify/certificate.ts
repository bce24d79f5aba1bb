/**
 * A certificate of sparsity: what is claimed of which network on which points, and
 * what another program needs to check it (check-certificate.ts is one). The file is
 * JSON with a format name, a version and a checksum over everything else.
 */
import * as z from 'zod/mini';
import { checksumOf, describeIssue, FewfireError, parseJson, sha256, shownJson } from '../../base/index.ts';
import type { CubePoints } from '../../cube/index.ts';
import type { NetworkDomain } from '../network.ts';
import type { SparsityEstimate } from './estimate.ts';

export const CERTIFICATE_FORMAT = 'fewfire-certificate';
export const CERTIFICATE_VERSION = 1;

/** Why no more than `kUpper` units are active together. */
export type Evidence =
  /** Every point of the domain was counted. */
  | {
      readonly method: 'sweep';
      /** Bits that some unit depends on which is neither dead nor always active. Counts are over their 2^sweptBits points. */
      readonly sweptBits: number;
      /** histogram[a] points have a active units. */
      readonly histogram: readonly number[];
      /** On how many points each unit is active. */
      readonly unitCounts: readonly number[];
    }
  /** A partition of the units that are not dead into classes of pairwise conflicting ones. */
  | {
      readonly method: 'conflicts';
      readonly deadUnits: readonly number[];
      readonly classes: readonly (readonly number[])[];
    }
  /** The bound of a mixed-integer solver: not independently checked. */
  | { readonly method: 'milp'; readonly solver: string; readonly status: 'optimal' | 'limit' }
  /** Every given row was counted. */
  | {
      readonly method: 'rows';
      readonly rowCount: number;
      /** SHA-256 of the points, in hexadecimal. */
      readonly pointsSha256: string;
      readonly histogram: readonly number[];
      readonly unitCounts: readonly number[];
    }
  /**
   * A share of points (Remark 3.5): of `sampleCount` samples `aboveCount` had more than `k` active units, the true
   * share is at most `shareUpperLimit`; kUpper is only the number of units that are not dead.
   */
  | ({ readonly method: 'sample'; readonly deadUnits: readonly number[] } & SparsityEstimate);

/** How a sparsity is proved, bounded or estimated. */
export type CertificateMethod = Evidence['method'];

/** How many units of a network are active at once at most, with the evidence; plain data. */
export interface SparsityCertificate {
  readonly network: { readonly sha256: string; readonly inputCount: number; readonly unitCount: number };
  readonly domain: NetworkDomain;
  /** At the witness so many units are active. */
  readonly kLower: number;
  /** At no point of the domain are there more. */
  readonly kUpper: number;
  /** Whether kLower = kUpper and the upper bound is proved: then it is the sparsity k of the network on the domain. */
  readonly exact: boolean;
  /** `proved` can be checked from the file and the network; a `solver bound` rests on the solver. */
  readonly upperBound: 'proved' | 'solver bound';
  /** Coordinates as 0 and 1 (1 is -1), of a lift the bits y; and for rows which one. null only without rows. */
  readonly witness: { readonly bits: string; readonly row: number | null } | null;
  readonly evidence: Evidence;
  /** What was not done or not reached, for people. */
  readonly notes: readonly string[];
}

const count = z.int().check(z.nonnegative());
const counts = z.array(z.number().check(z.nonnegative()));
const evidenceSchema = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('sweep'), sweptBits: count, histogram: counts, unitCounts: counts }),
  z.strictObject({ method: z.literal('conflicts'), deadUnits: z.array(count), classes: z.array(z.array(count)) }),
  z.strictObject({ method: z.literal('milp'), solver: z.string(), status: z.enum(['optimal', 'limit']) }),
  z.strictObject({
    method: z.literal('rows'),
    rowCount: count,
    pointsSha256: z.string(),
    histogram: counts,
    unitCounts: counts,
  }),
  z.strictObject({
    method: z.literal('sample'),
    deadUnits: z.array(count),
    k: count,
    choice: z.enum(['beforehand', 'threshold', 'largest-seen']),
    sampleCount: count,
    aboveCount: count,
    shareUpperLimit: z.number(),
    confidenceDelta: z.number(),
    seed: z.int(),
    histogram: counts,
  }),
]);
const certificateSchema = z.strictObject({
  format: z.literal(CERTIFICATE_FORMAT),
  version: z.literal(CERTIFICATE_VERSION),
  checksum: z.string(),
  network: z.strictObject({ sha256: z.string(), inputCount: count, unitCount: count }),
  domain: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cube') }),
    z.strictObject({ kind: z.literal('lift'), bitCount: count }),
    z.strictObject({ kind: z.literal('rows'), label: z.string() }),
  ]),
  kLower: count,
  kUpper: count,
  exact: z.boolean(),
  upperBound: z.enum(['proved', 'solver bound']),
  witness: z.nullable(z.strictObject({ bits: z.string(), row: z.nullable(count) })),
  evidence: evidenceSchema,
  notes: z.array(z.string()),
});

/**
 * The text of a certificate file.
 * @example
 * ```ts
 * import { certifySparsity, parityNetwork, serializeCertificate } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const text = await serializeCertificate(await certifySparsity(network));
 * console.log(JSON.parse(text).kUpper); // 1
 * ```
 */
export async function serializeCertificate(certificate: SparsityCertificate): Promise<string> {
  const { network, domain, kLower, kUpper, exact, upperBound, witness, evidence, notes } = certificate;
  const body = { network, domain, kLower, kUpper, exact, upperBound, witness, evidence, notes };
  const head = { format: CERTIFICATE_FORMAT, version: CERTIFICATE_VERSION, checksum: await checksumOf(body) };
  return `${JSON.stringify(certificateSchema.parse({ ...head, ...body }))}\n`;
}

/**
 * Reads a certificate file's text, to show it; `checkCertificate` is what checks its claims.
 * @throws FewfireError `invalid-data`: not JSON, another format or version, a wrong field, a wrong checksum
 * @example
 * ```ts
 * import {
 *   certifySparsity,
 *   parityNetwork,
 *   parseCertificate,
 *   serializeCertificate,
 * } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const text = await serializeCertificate(await certifySparsity(network));
 * console.log((await parseCertificate(text, 'certificate.json')).kUpper); // 1
 * ```
 */
export async function parseCertificate(text: string, label: string): Promise<SparsityCertificate> {
  const data = parseJson(
    text,
    (why, cause) =>
      new FewfireError(
        'invalid-data',
        `${label} is not a whole certificate (${why}); expected a file written by fewfire network certify: certify again or copy it again`,
        { cause },
      ),
  );
  const head = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  if (head.format !== CERTIFICATE_FORMAT || head.version !== CERTIFICATE_VERSION) {
    throw new FewfireError(
      'invalid-data',
      `${label} has format ${shownJson(head.format)}, version ${shownJson(head.version)}; expected ${CERTIFICATE_FORMAT}, version ${CERTIFICATE_VERSION}: use a file written by fewfire network certify`,
    );
  }
  const parsed = certificateSchema.safeParse(data);
  if (!parsed.success) {
    throw new FewfireError(
      'invalid-data',
      `${label} is damaged or edited: ${describeIssue(parsed.error.issues[0], data)}: certify again`,
      { cause: parsed.error },
    );
  }
  const { format: _format, version: _version, checksum, ...body } = parsed.data;
  if ((await checksumOf(body)) !== checksum) {
    throw new FewfireError(
      'invalid-data',
      `${label} was edited or damaged: its content does not have the checksum it states: certify again`,
    );
  }
  const { kLower, kUpper, network, exact, witness } = body;
  if (
    kLower > kUpper ||
    kUpper > network.unitCount ||
    (exact && kLower < kUpper) ||
    /[^01]/.test(witness?.bits ?? '')
  ) {
    throw new FewfireError(
      'invalid-data',
      `${label} is damaged or edited: k from ${kLower} to ${kUpper} of ${network.unitCount} units${exact ? ', exact,' : ''} and its point do not go together: certify again`,
    );
  }
  return body;
}

/** SHA-256 over rowCount and coordinateCount (8 bytes each, little-endian) and the planes: names the rows a certificate is about. */
export async function pointsChecksum(points: CubePoints): Promise<string> {
  const bytes = new Uint8Array(16 + points.planes.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(points.rowCount), true);
  view.setBigUint64(8, BigInt(points.coordinateCount), true);
  bytes.set(points.planes, 16);
  return Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
