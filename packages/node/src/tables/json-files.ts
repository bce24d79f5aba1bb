/**
 * Files of JSON as the engine reads them rightly: of those that are not UTF-8, begin with a byte order mark (which it takes
 * for a value beside the records) or have an empty key (whose cells it loses), a copy is made first.
 */
import { FewfireError } from '@fewfire/core';
import { notUtf8 } from './duckdb-errors.ts';
import { encodingNote, sniffEncoding } from './encoding.ts';
import type { Engine } from './engine.ts';
import { KIND_BYTES } from './file-kind.ts';
import { type JsonShape, nameEmptyKeys, scanJson } from './json-records.ts';
import type { Source } from './source.ts';
import {
  BYTE_ORDER_MARK,
  type Digest,
  fileBytes,
  firstBytes,
  type LoadOptions,
  surveyed,
  utf8Bytes,
} from './source-bytes.ts';

export interface JsonAsRead {
  readonly source: Source;
  readonly layout: JsonShape['layout'] | 'auto';
  readonly recordCount: number;
}

/** @throws FewfireError `invalid-data` */
export async function jsonAsRead(engine: Engine, source: Source, run: LoadOptions): Promise<JsonAsRead> {
  const texts: { readonly copy: (() => AsyncIterable<Uint8Array>) | undefined; readonly shape: JsonShape }[] = [];
  for (const path of source.paths) {
    const label = source.paths.length === 1 ? run.label : path;
    const bytes = (digest?: Digest): AsyncGenerator<Uint8Array> =>
      fileBytes(path, source.gzip, label, run.signal, digest);
    const head = await firstBytes(bytes(), KIND_BYTES);
    const complete = head.length < KIND_BYTES;
    const seemed = run.encoding === 'auto' ? sniffEncoding(head, complete, label) : run.encoding;
    let shape = await shapeOf(utf8Bytes(bytes(run.digest), seemed, label));
    let encoding = seemed;
    if (!shape.isUtf8 || (seemed === 'windows-1252' && run.encoding === 'auto')) {
      if (run.encoding !== 'auto') throw notUtf8(label, undefined);
      encoding = await surveyed(bytes(), seemed, label, run);
      if (encoding !== seemed) shape = await shapeOf(utf8Bytes(bytes(), encoding, label));
    }
    // The engine takes the records it finds.
    if (!shape.isWhole) {
      throw new FewfireError(
        'invalid-data',
        `${label} ends inside of a list, a record or a text, expected complete JSON; copy or download it again`,
      );
    }
    if (seemed !== 'utf-8' && run.encoding === 'auto') run.notes.push(encodingNote(seemed, label));
    const isMarked = BYTE_ORDER_MARK.equals(head.subarray(0, BYTE_ORDER_MARK.length));
    const { emptyKeyAt } = shape;
    const isAsMeant = encoding === 'utf-8' && !isMarked && emptyKeyAt === undefined;
    const copy = (): AsyncIterable<Uint8Array> => {
      const text = utf8Bytes(bytes(), encoding, label);
      return emptyKeyAt === undefined ? text : nameEmptyKeys(text, `column${emptyKeyAt}`);
    };
    texts.push({ copy: isAsMeant ? undefined : copy, shape });
  }
  const layouts = new Set(texts.map(({ shape }) => shape.layout));
  const layout = layouts.size === 1 ? texts[0].shape.layout : 'auto';
  const recordCount = texts.reduce((sum, { shape }) => sum + shape.recordCount, 0);
  if (texts.every(({ copy }) => copy === undefined)) return { source, layout, recordCount };
  const paths: string[] = [];
  for (const [i, path] of source.paths.entries()) {
    const file = await engine.spoolFile(`${i}.json`);
    await file.write(texts[i].copy?.() ?? fileBytes(path, source.gzip, path, run.signal));
    paths.push(file.path);
  }
  return { source: { ...source, paths, gzip: false }, layout, recordCount };
}

async function shapeOf(bytes: AsyncIterable<Uint8Array>): Promise<JsonShape> {
  const scan = scanJson();
  for await (const chunk of bytes) scan.push(chunk);
  return scan.finish();
}
