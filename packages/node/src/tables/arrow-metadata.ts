/**
 * Looks through the metadata of an Arrow file or stream before the reader does. The metadata are flatbuffers: tables
 * that point to each other and to lists, whose lengths the reader believes. One changed byte in a file of a kilobyte
 * makes it decode millions of columns, with gigabytes of memory and for a minute, before it stumbles. So every list is
 * checked to lie within its flatbuffer, columns are counted, a batch claims no more rows than its file has bits, and
 * messages are of the kind that belongs where they are: a file's reader waits for ever for a batch that is none.
 * A pointer that leads outside is a `RangeError` of `DataView`.
 */

const MAGIC = Buffer.from('ARROW1');
const CONTINUATION = -1;
const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;
const OFFSET_BYTES = 4;
const BLOCK_BYTES = 24;
/** Of a node (rows, nulls) and of a buffer (offset, length). */
const PAIR_BYTES = 16;

/** @throws Error that says what is wrong (of whatever kind; messages are for people) */
export function checkArrowMetadata(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) {
    let at = checkMessage(view, 0, [SCHEMA]);
    while (at !== undefined) at = checkMessage(view, at, [DICTIONARY_BATCH, RECORD_BATCH]);
    return;
  }
  if (!MAGIC.equals(bytes.subarray(-MAGIC.length))) throw new Error('it ends without a footer');
  const end = view.byteLength - MAGIC.length - 4;
  const footer = part(view, end - view.getInt32(end, true), end);
  const table = footer.indirect(0);
  checkSchema(footer, footer.table(table, 1));
  for (const [index, kind] of [
    [2, DICTIONARY_BATCH],
    [3, RECORD_BATCH],
  ]) {
    const { start, count } = footer.list(table, index, BLOCK_BYTES);
    for (let i = 0; i < count; i++) {
      const at = Number(footer.view.getBigInt64(start + i * BLOCK_BYTES, true));
      if (checkMessage(view, at, [kind]) === undefined) throw new Error('its footer names a batch where there is none');
    }
  }
  footer.list(table, 4, OFFSET_BYTES);
}

/** Checks the message at a position, of one of the kinds, and gives that of the next; undefined where the stream ends. */
function checkMessage(view: DataView, at: number, kinds: readonly number[]): number | undefined {
  if (view.byteLength - at < 4) return undefined;
  let start = at + 4;
  let length = view.getInt32(at, true);
  if (length === CONTINUATION) {
    if (view.byteLength - start < 4) return undefined;
    length = view.getInt32(start, true);
    start += 4;
  }
  if (length === 0) return undefined;
  const message = part(view, start, start + length);
  const table = message.indirect(0);
  const kindAt = message.field(table, 1);
  const kind = kindAt === 0 ? 0 : message.view.getUint8(kindAt);
  const header = message.table(table, 2);
  if (!kinds.includes(kind) || header === 0) throw new Error('it has another message where its columns or rows belong');
  message.list(table, 4, OFFSET_BYTES);
  if (kind === SCHEMA) checkSchema(message, header);
  if (kind === RECORD_BATCH) checkBatch(message, header, view.byteLength);
  if (kind === DICTIONARY_BATCH) checkBatch(message, message.table(header, 1), view.byteLength);
  const body = message.field(table, 3);
  const bodyBytes = body === 0 ? 0 : Number(message.view.getBigInt64(body, true));
  const next = start + length + bodyBytes;
  if (bodyBytes < 0 || next > view.byteLength) throw new Error('it ends in the middle of a batch');
  return next;
}

function checkSchema(flat: Flatbuffer, schema: number): void {
  if (schema === 0) return;
  // Each column takes a place in a list of columns, unless lists overlap or hold themselves.
  let left = flat.view.byteLength / OFFSET_BYTES;
  const visit = (table: number, columnsAt: number, metadataAt: number): void => {
    flat.list(table, metadataAt, OFFSET_BYTES);
    const { start, count } = flat.list(table, columnsAt, OFFSET_BYTES);
    left -= count;
    if (left < 0) throw new Error('it has columns within columns without end');
    for (let i = 0; i < count; i++) visit(flat.indirect(start + i * OFFSET_BYTES), 5, 6);
  };
  visit(schema, 1, 2);
}

function checkBatch(flat: Flatbuffer, batch: number, fileBytes: number): void {
  if (batch === 0) return;
  const nodes = flat.list(batch, 1, PAIR_BYTES);
  flat.list(batch, 2, PAIR_BYTES);
  flat.list(batch, 4, 8);
  const isCompressed = flat.field(batch, 3) !== 0;
  const rows = flat.field(batch, 0);
  const claims = rows === 0 ? [] : [rows];
  for (let i = 0; i < nodes.count; i++) claims.push(nodes.start + i * PAIR_BYTES);
  for (const at of claims) {
    const count = flat.view.getBigInt64(at, true);
    // A column of nulls takes no bytes, anything else at least a bit per row.
    if (count < 0n || (!isCompressed && count > 8n * BigInt(fileBytes))) {
      throw new Error(`a batch claims ${count} rows`);
    }
  }
}

/** A flatbuffer. Positions count from its start; 0 stands for a field that is left out. */
interface Flatbuffer {
  readonly view: DataView;
  /** Where the offset at a position leads. */
  indirect(position: number): number;
  field(table: number, index: number): number;
  /** The table that a field points to. */
  table(table: number, index: number): number;
  /** The list that a field points to, within the flatbuffer; empty where it is left out. */
  list(table: number, index: number, itemBytes: number): { readonly start: number; readonly count: number };
}

function part(whole: DataView, start: number, end: number): Flatbuffer {
  if (start < 0 || end < start || end > whole.byteLength) throw new Error('it ends in the middle of its metadata');
  const view = new DataView(whole.buffer, whole.byteOffset + start, end - start);
  const indirect = (position: number): number => position + view.getUint32(position, true);
  const field = (table: number, index: number): number => {
    const slots = table - view.getInt32(table, true);
    const slot = 4 + 2 * index;
    const offset = slot < view.getUint16(slots, true) ? view.getUint16(slots + slot, true) : 0;
    return offset === 0 ? 0 : table + offset;
  };
  return {
    view,
    indirect,
    field,
    table(table, index) {
      const at = field(table, index);
      return at === 0 ? 0 : indirect(at);
    },
    list(table, index, itemBytes) {
      const at = field(table, index);
      if (at === 0) return { start: 0, count: 0 };
      const start = indirect(at) + 4;
      const count = view.getUint32(start - 4, true);
      if (count * itemBytes > view.byteLength - start) throw new Error(`a list claims ${count} items`);
      return { start, count };
    },
  };
}
