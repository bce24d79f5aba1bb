/**
 * What a file is by its first bytes. Names lie: a gzip file without .gz, a workbook or web page saved as .csv, a Parquet
 * file without a name for it. Tables are read whatever they are called; what is no table is named, with what to do.
 */
import { gunzipSync, constants as zlib } from 'node:zlib';
import { FewfireError } from '@fewfire/core';
import { unmarkedUtf16 } from './encoding.ts';

/** How much of a file its kind is told by. */
export const KIND_BYTES: number = 1 << 16;

export interface FileKind {
  readonly gzip: boolean;
  /** By marks that no text has, or that JSON has; undefined for any other text. */
  readonly format: 'parquet' | 'arrow' | 'duckdb' | 'json' | undefined;
  /** Bytes that no text has. */
  readonly isBinary: boolean;
}

/**
 * @param head the first bytes of the file, `KIND_BYTES` of them if it has as many
 * @throws FewfireError `unsupported` for what is known not to be a table that is read here
 */
export function fileKind(head: Uint8Array, label: string): FileKind {
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  const bytes = gzip ? unpackedHead(head.subarray(0, PACKED_BYTES)) : head;
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const isText = !/[^\t\n\r\x20-\x7e]/.test(latin1.slice(0, 64));
  if (latin1.startsWith('PAR1') && !isText) return { gzip, format: 'parquet', isBinary: true };
  const isArrow = latin1.startsWith('ARROW1\0\0') || latin1.startsWith('\xff\xff\xff\xff');
  if (isArrow) return { gzip, format: 'arrow', isBinary: true };
  if (latin1.slice(8, 12) === 'DUCK' && !isText) return { gzip, format: 'duckdb', isBinary: true };
  refuseOthers(latin1, label);
  // Without the mark of UTF-8, and the mark and zeros of UTF-16.
  const isWide = /^(?:\xff\xfe|\xfe\xff)/.test(latin1) || unmarkedUtf16(bytes.subarray(0, 4096)) !== undefined;
  const start = latin1.slice(0, 4096).replace(/^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '');
  const text = isWide ? start.replaceAll('\0', '') : start;
  refuseMarkup(text, label);
  const isJson = /^\s*(?:\[\s*)?\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})/.test(text);
  return { gzip, format: isJson ? 'json' : undefined, isBinary: !isWide && start.includes('\0') };
}

/** These come to 4 MB at most. */
const PACKED_BYTES = 4096;

// What can be unpacked of the beginning; damage is found when all is read.
function unpackedHead(head: Uint8Array): Uint8Array {
  try {
    return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0);
  }
}

const AS_CSV = 'save the table as CSV or Parquet';

// What a file of another kind begins with, what it holds besides near its beginning, what it is, and what to do.
const OTHERS: readonly (readonly [starts: readonly string[], holds: string, what: string, advice: string])[] = [
  [['PK\x03\x04'], '[Content_Types].xml', 'an Excel workbook (.xlsx)', 'save the sheet as "CSV UTF-8"'],
  [['PK\x03\x04'], 'opendocument.spreadsheet', 'an OpenDocument spreadsheet', 'save the sheet as CSV'],
  [['PK\x03\x04'], '.npy', 'a NumPy archive (.npz)', AS_CSV],
  [['PK\x03\x04', 'PK\x05\x06'], '', 'a zip archive', 'unpack it and name the file inside'],
  [['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'], '', 'an old Excel workbook (.xls)', 'save the sheet as "CSV UTF-8"'],
  [['SQLite format 3\0'], '', 'a SQLite database', "write the table with sqlite3 -csv -header FILE 'SELECT * FROM t'"],
  [['X\n\0\0\0', 'RDX2\n', 'RDX3\n', 'RDA2\n', 'RDA3\n'], '', 'an R data file', 'write it with write.csv'],
  [['\x93NUMPY'], '', 'a NumPy array (.npy)', AS_CSV],
  [
    ['\x80\x02', '\x80\x03', '\x80\x04\x95', '\x80\x05\x95'],
    '',
    'a Python pickle',
    'write it with to_csv or to_parquet',
  ],
  [['\x89HDF\r\n\x1a\n'], '', 'an HDF5 file', AS_CSV],
  [['MATLAB 5.0 MAT-file', 'MATLAB 7.3 MAT-file'], '', 'a MATLAB file', AS_CSV],
  [['$FL2@(#)', '$FL3@(#)'], '', 'an SPSS file', AS_CSV],
  [['<stata_dta>', 'q\x02\x01\0', 'r\x02\x01\0', 's\x02\x01\0'], '', 'a Stata file', AS_CSV],
  [['\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60'], '', 'a SAS data set', AS_CSV],
  [['FEA1\0'], '', 'a Feather file of version 1', 'write it as version 2, or as Parquet'],
  [['ORC\x08', 'ORC\n'], '\0', 'an ORC file', 'save the table as Parquet'],
  [['Obj\x01'], '', 'an Avro file', 'save the table as Parquet'],
  [['BZh91AY', 'BZh61AY', 'BZh11AY'], '', 'packed by bzip2', 'unpack it with bunzip2, or pack it with gzip'],
  [['\xfd7zXZ\0'], '', 'packed by xz', 'unpack it with unxz, or pack it with gzip'],
  [['\x28\xb5\x2f\xfd'], '', 'packed by zstd', 'unpack it with unzstd, or pack it with gzip'],
  [['\x04\x22\x4d\x18'], '', 'packed by lz4', 'unpack it with unlz4, or pack it with gzip'],
  [['7z\xbc\xaf\x27\x1c', 'Rar!\x1a\x07'], '', 'an archive (7z or RAR)', 'unpack it and name the file inside'],
  [['\x1f\x8b'], '', 'packed by gzip twice', 'unpack it once with gunzip'],
  [['%PDF-'], '', 'a PDF document', 'look for the table in another form'],
  [['version https://git-lfs'], '', 'a pointer of Git LFS, not the data', 'fetch the data with git lfs pull'],
];

function refuseOthers(text: string, label: string): void {
  for (const [starts, holds, what, advice] of OTHERS) {
    if (starts.some((mark) => text.startsWith(mark)) && text.includes(holds)) throw otherKind(label, what, advice);
  }
}

function refuseMarkup(text: string, label: string): void {
  const start = text.trimStart().slice(0, 200).toLowerCase();
  if (/^<!doctype html|^<html|^<head|^<body|^<table/.test(start) || /^<\?xml[^>]*>\s*<(?:!doctype )?html/.test(start)) {
    throw otherKind(
      label,
      'a web page (HTML)',
      'download the data itself: a page often stands for a login or an error',
    );
  }
  if (/^<\?xml/.test(start)) throw otherKind(label, 'an XML file', AS_CSV);
  if (/^(?:%[^\n]*\n\s*)*@relation\s/.test(text.trimStart().toLowerCase()))
    throw otherKind(label, 'an ARFF file', AS_CSV);
}

function otherKind(label: string, what: string, advice: string): FewfireError {
  return new FewfireError(
    'unsupported',
    `${label} is ${what}, expected a table as CSV, JSON, Parquet or Arrow; ${advice}`,
  );
}
