/** Files of numpy's own making are read to the same numbers; damaged and hostile ones are named errors, quickly. */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { FewfireError } from '@fewfire/core';
import { halfToNumber, numberToHalf } from '@fewfire/core/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNpy, parseNpz, parseSafetensors, parseSafetensorsArrays } from '../src/index.ts';

const golden = JSON.parse(readFileSync(new URL('./goldens/numpy-files.json', import.meta.url), 'utf8')) as {
  files: { name: string; base64: string; shape: number[]; numbers: number[] }[];
  archives: { name: string; base64: string }[];
  bigIntegers: string[];
  half: { bits: number[]; numbers: string[]; rounded: [number, number][] };
};

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

describe('npy', () => {
  it.each(golden.files.map((file) => [file.name, file] as const))('%s', (_, { base64, shape, numbers }) => {
    const array = parseNpy(bytesOf(base64), 'a.npy');
    expect(array.shape).toEqual(shape);
    expect(Array.from(array.values, Number)).toEqual(numbers);
  });

  const good = bytesOf(golden.files[0].base64);
  const text = (header: string, data: Uint8Array = new Uint8Array(8)): Uint8Array => {
    const padded = header.padEnd(118);
    return Buffer.concat([good.subarray(0, 8), Uint8Array.of(118, 0), Buffer.from(padded, 'latin1'), data]);
  };
  it.each([
    ['something else', Buffer.from('PK\u0003\u0004 not numpy'), /is not an \.npy file/],
    ['nothing', new Uint8Array(0), /is not an \.npy file/],
    ['version 9', good.map((byte, i) => (i === 6 ? 9 : byte)), /version 9; expected 1, 2 or 3/],
    ['a cut header', good.subarray(0, 40), /states a header of .* cut off/],
    ['cut data', good.subarray(0, good.length - 1), /takes 48 bytes, and holds 47; it is cut off/],
    [
      'a header of lies',
      text("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999, 9999999999999), }"),
      /is cut off/,
    ],
    ['a negative length', text("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"), /damaged header/],
    ['no shape', text("{'descr': '<f8', 'fortran_order': False, }"), /damaged header/],
    ['code', text("{'descr': '<f8', 'fortran_order': __import__('os'), 'shape': (1,), }"), /damaged header/],
    ['text', text("{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }"), /type "<U2"; expected floats/],
    ['objects', text("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), /type "\|O"; expected floats/],
    ['complex', text("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), /convert it with \.astype/],
    ['records', text("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }"), /type a record/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseNpy(bytes, 'a.npy')).toThrow(message);
    expect(() => parseNpy(bytes, 'a.npy')).toThrow(FewfireError);
  });
});

describe('npz', () => {
  it('and others are refused before their numbers take more memory than allowed', () => {
    // 1,000 booleans are 8,000 bytes of numbers, twice that from Fortran order.
    const npy = (order: string): Uint8Array => {
      const header = `{'descr': '|b1', 'fortran_order': ${order}, 'shape': (10, 100), }`.padEnd(118);
      return Buffer.concat([Buffer.from(`\x93NUMPY\x01\x00v\x00${header}`, 'latin1'), Buffer.alloc(1000)]);
    };
    const refused = expect.objectContaining({
      code: 'memory-budget',
      message: expect.stringMatching(/allow more memory/),
    });
    expect(parseNpy(npy('False'), 'a.npy', 8000).shape).toEqual([10, 100]);
    expect(() => parseNpy(npy('False'), 'a.npy', 7999)).toThrow(refused);
    expect(parseNpy(npy('True'), 'a.npy', 16_000).shape).toEqual([10, 100]);
    expect(() => parseNpy(npy('True'), 'a.npy', 15_999)).toThrow(refused);
    const flags = { flags: { dtype: 'BOOL', shape: [1000], bytes: new Uint8Array(1000) } };
    expect(parseSafetensorsArrays(safetensors(flags), 'a', 8000).size).toBe(1);
    expect(() => parseSafetensorsArrays(safetensors(flags), 'a', 7999)).toThrow(refused);
    const archive = bytesOf(golden.archives[0].base64);
    expect(() => parseNpz(archive, 'a.npz', 400)).toThrow(refused);
    expect(parseNpz(archive, 'a.npz', 1000).size).toBe(2);
  });

  it.each(golden.archives.map((archive) => [archive.name, archive] as const))('%s', (_, { base64 }) => {
    const arrays = parseNpz(bytesOf(base64), 'a.npz');
    expect([...arrays.keys()]).toEqual(['tokens', 'mask']);
    expect(Array.from(arrays.get('tokens')?.values ?? [], String)).toEqual(golden.bigIntegers);
    expect(arrays.get('mask')).toEqual({ shape: [2, 2], values: Float64Array.of(1, 1, 1, 1) });
  });

  const packed = bytesOf(golden.archives[1].base64);
  const withU32 = (at: number, value: number): Uint8Array => {
    const bytes = packed.slice();
    new DataView(bytes.buffer).setUint32(at, value, true);
    return bytes;
  };
  const directory = Buffer.from(packed).indexOf(Buffer.from('PK\u0001\u0002', 'latin1'));
  it.each([
    ['no directory', packed.subarray(0, directory), 'file-unreadable', /zip without its directory/],
    ['a larger claim than allowed', withU32(directory + 24, 0xf0000000), 'memory-budget', /allow more memory/],
    ['a smaller claim than the content', withU32(directory + 24, 10), 'file-unreadable', /cannot be unpacked/],
    ['another checksum', withU32(directory + 16, 1), 'file-unreadable', /checksum/],
    ['an entry elsewhere', withU32(directory + 42, 5), 'file-unreadable', /not where the zip directory says/],
    ['an entry beyond the file', withU32(directory + 42, 0x7fffffff), 'file-unreadable', /not where/],
  ])('refuses %s', (_, bytes, code, message) => {
    expect(() => parseNpz(bytes, 'a.npz')).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

it('half precision as numpy has it, both ways', () => {
  golden.half.bits.forEach((bits, i) => {
    const number = Number(golden.half.numbers[i].replace('inf', 'Infinity'));
    expect(halfToNumber(bits)).toBe(number);
    expect(numberToHalf(number)).toBe(bits);
  });
  for (const [number, bits] of golden.half.rounded) expect(numberToHalf(number), String(number)).toBe(bits);
  expect(halfToNumber(0x7e00)).toBeNaN();
  expect(numberToHalf(Number.NaN)).toBe(0x7e00);
});

const safetensors = (entries: Record<string, { dtype: string; shape: number[]; bytes: Uint8Array }>): Uint8Array => {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(entries)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(entries).map(({ bytes }) => bytes)]);
};

const typed = safetensors({
  tokens: { dtype: 'I64', shape: [2], bytes: new Uint8Array(BigInt64Array.of(-3n, 2n ** 60n).buffer) },
  half: { dtype: 'F16', shape: [1, 1], bytes: new Uint8Array(Uint16Array.of(0x3c00).buffer) },
});

it('safetensors with whole numbers serve as inputs, and as weights they are refused', () => {
  const arrays = parseSafetensorsArrays(typed, 'a.safetensors');
  expect(arrays.get('tokens')).toEqual({ shape: [2], values: BigInt64Array.of(-3n, 2n ** 60n) });
  expect(arrays.get('half')).toEqual({ shape: [1, 1], values: Float32Array.of(1) });
  expect(() => parseSafetensors(typed, 'a.safetensors')).toThrow(
    /"tokens" is of type "I64", expected "F16", "BF16", "F32"/,
  );
  expect(parseSafetensors(typed, 'a.safetensors', { choose: () => ['half'] })).toEqual(
    new Map([['half', { shape: [1, 1], values: Float32Array.of(1) }]]),
  );
});

it('BF16 is the upper half of single precision, sign, infinity, NaN and the smallest among them', () => {
  const singles = [0, -0, 1, -1.5, 3.140625, 2 ** -126, 2 ** -133, 3.3895313892515355e38, -Infinity, Number.NaN];
  const bytes = Buffer.alloc(2 * singles.length);
  singles.forEach((single, i) => {
    const four = Buffer.alloc(4);
    four.writeFloatLE(single);
    // All of these have nothing in their lower half.
    expect(four.readUInt16LE(0)).toBe(0);
    four.copy(bytes, 2 * i, 2);
  });
  const file = safetensors({ x: { dtype: 'BF16', shape: [2, 5], bytes } });
  expect(parseSafetensorsArrays(file, 'a').get('x')).toEqual({ shape: [2, 5], values: Float32Array.from(singles) });
  expect(() => parseSafetensors(file, 'a')).toThrow(/number 8 of tensor "x" is -Infinity, expected finite/);
});

describe('an array nobody asked for', () => {
  const npyOf = (descr: string, shape: string, data: Uint8Array): Buffer => {
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(118);
    return Buffer.concat([Buffer.from(`\x93NUMPY\x01\x00v\x00${header}`, 'latin1'), data]);
  };
  const stored = (entries: Readonly<Record<string, Buffer>>): Buffer => {
    const parts: Buffer[] = [];
    const directory: Buffer[] = [];
    let at = 0;
    for (const [name, content] of Object.entries(entries)) {
      // version, flags, method, time, date, checksum, sizes, length of the name, of what follows
      const common = Buffer.alloc(26);
      common.writeUInt32LE(crc32(content), 10);
      common.writeUInt32LE(content.length, 14);
      common.writeUInt32LE(content.length, 18);
      common.writeUInt16LE(name.length, 22);
      parts.push(Buffer.from('PK\x03\x04'), common, Buffer.from(name), content);
      const rest = Buffer.alloc(14);
      rest.writeUInt32LE(at, 10);
      directory.push(Buffer.from('PK\x01\x02\x00\x00'), common, rest, Buffer.from(name));
      at += 30 + name.length + content.length;
    }
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06');
    end.writeUInt16LE(Object.keys(entries).length, 10);
    end.writeUInt32LE(at, 16);
    return Buffer.concat([...parts, ...directory, end]);
  };
  const x = npyOf('<f2', '(2,)', new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer));
  const archive = stored({
    'x.npy': x,
    'labels.npy': npyOf('<U1', '(2,)', Buffer.alloc(8)),
    'notes.txt': Buffer.from('no array'),
  });

  it('npz: it is listed and not decoded, whatever it is', () => {
    let seen: readonly string[] = [];
    const choose = (names: readonly string[]): readonly string[] => {
      seen = names;
      return ['x'];
    };
    expect(parseNpz(archive, 'a.npz', undefined, choose)).toEqual(
      new Map([['x', { shape: [2], values: Float32Array.of(1, -2) }]]),
    );
    expect(seen).toEqual(['x', 'labels', 'notes.txt']);
    expect(() => parseNpz(archive, 'a.npz', undefined, () => ['labels'])).toThrow(/array "labels", .* type "<U1"/);
    // Nor does it take memory.
    expect(parseNpz(archive, 'a.npz', 2 * x.length, () => ['x']).size).toBe(1);
    expect(() => parseNpz(archive, 'a.npz', 2 * x.length)).toThrow(/allow more memory/);
  });

  it('safetensors: the same, and its place is checked all the same', () => {
    const entries = {
      x: { dtype: 'F32', shape: [1], bytes: new Uint8Array(Float32Array.of(7).buffer) },
      eighth: { dtype: 'F8_E4M3', shape: [3], bytes: new Uint8Array(3) },
    };
    const file = safetensors(entries);
    expect([...parseSafetensorsArrays(file, 'a', undefined, () => ['x']).keys()]).toEqual(['x']);
    expect(() => parseSafetensorsArrays(file, 'a', undefined, () => ['eighth'])).toThrow(
      /"eighth" is of type "F8_E4M3"/,
    );
    expect(() => parseSafetensorsArrays(file.subarray(0, -1), 'a', undefined, () => ['x'])).toThrow(/cut off/);
    const longer = Buffer.concat([file, Buffer.alloc(1)]);
    expect(() => parseSafetensorsArrays(longer, 'a', undefined, () => ['x'])).toThrow(/1 bytes after its tensors/);
  });
});

it.each([
  ['npy', bytesOf(golden.files[5].base64), parseNpy],
  ['npz', bytesOf(golden.archives[1].base64), parseNpz],
  ['safetensors', typed, parseSafetensorsArrays],
] as const)('damaged %s: a FewfireError or numbers, nothing else', (_, good, parse) => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.option(fc.nat(), { freq: 2 }),
      (flips, cut) => {
        const bytes = good.slice(0, cut === null ? undefined : cut % good.length);
        for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
        try {
          parse(bytes, 'a file');
        } catch (error) {
          if (!(error instanceof FewfireError)) throw error;
          refused++;
        }
      },
    ),
    { numRuns: 1500, seed: 7 },
  );
  expect(refused).toBeGreaterThan(300);
});
