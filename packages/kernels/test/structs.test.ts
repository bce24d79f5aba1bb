/** The structs that host and kernels share: one list of fields makes both sides, and every field is written and read by its name. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readStructs } from '../scripts/structs.mjs';
import * as structs from '../src/generated/structs.ts';
import { boundRows, createMlpKernel, mlpKernelBytes, quantiseRows, referenceMlp } from '../src/index.ts';
import { type StructLayout, wordPlace, writeStruct } from '../src/layers/structs.ts';
import { createStream, drawInput, makeLayer } from './mlp-cases.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const layouts = Object.values<StructLayout>(structs);

function sources(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => pattern.test(name));
  return names.map((name) => readFileSync(join(root, folder, name), 'utf8'));
}

const kernelSources = sources('assembly', /^mlp-(?!plan)/);
const hostSources = sources('src/layers', /^mlp/);

// Accesses to a struct by number: words of it, or a load or store of a record or plan at a place of its own.
const BY_NUMBER =
  /\b(?:plan|record|counts|own)\[\d|\bword\(|\b(?:load|store)<\w+>\((?:plan|record|counts|own|input)\b(?!\.)/g;

describe('structs that host and kernels share', () => {
  it('have their fields where asc puts them', async () => {
    const { default: asc } = await import('assemblyscript/asc');
    const names = layouts.map((layout) => layout.name);
    const places = layouts.flatMap(({ name, fields }) =>
      Object.keys(fields).map((field) => `store<u32>(at, <u32>offsetof<${name}>("${field}")); at += 4;`),
    );
    const sizes = names.map((name) => `store<u32>(at, <u32>offsetof<${name}>()); at += 4;`);
    const source = `import { ${names.join(', ')} } from "./mlp-plan";
      export function places(at: usize): void { ${places.join('\n')} ${sizes.join('\n')} }`;
    let binary: Uint8Array<ArrayBuffer> | undefined;
    const files: Record<string, string> = {
      'entry.ts': source,
      'mlp-plan.ts': readFileSync(join(root, 'assembly', 'mlp-plan.ts'), 'utf8'),
    };
    const { error, stderr } = await asc.main(
      ['entry.ts', '--runtime', 'stub', '--noAssert', '--outFile', 'out.wasm', '--initialMemory', '1'],
      {
        readFile: (name: string) => files[name] ?? null,
        writeFile: (name: string, contents: string | Uint8Array) => {
          if (name === 'out.wasm') binary = new Uint8Array(contents as Uint8Array);
        },
        listFiles: () => [],
      },
    );
    expect(error, stderr.toString()).toBeNull();
    const { instance } = await WebAssembly.instantiate(binary ?? new Uint8Array());
    const { places: write, memory } = instance.exports as { places(at: number): void; memory: WebAssembly.Memory };
    write(1024);
    const told = layouts.flatMap(({ fields }) => Object.values(fields).map(({ at }) => at));
    told.push(...layouts.map(({ bytes }) => bytes));
    expect(told.length).toBeGreaterThan(80);
    expect([...new Uint32Array(memory.buffer, 1024, told.length)]).toEqual(told);
  });

  it('have every field read by a kernel, and every one of a plan written by the host, by name', () => {
    for (const { name, fields } of layouts) {
      const written = hostSources.filter((source) => source.includes(`writeStruct(buffer, layout.plan, ${name}, {`));
      expect(written.length, name).toBe(name.endsWith('Plan') ? 1 : 0);
      for (const field of Object.keys(fields)) {
        const isRead = [...kernelSources, ...hostSources].some((source) =>
          new RegExp(`\\.${field}\\b(?! =[^=])|'${field}'`).test(source),
        );
        expect(isRead, `${name}.${field} is read`).toBe(true);
      }
    }
  });

  it('are never accessed by number', () => {
    expect([...kernelSources, ...hostSources].flatMap((source) => source.match(BY_NUMBER) ?? [])).toEqual([]);
    // The check sees what it is for.
    for (const fault of ['plan[6] = unitStep', 'load<u32>(record, 12)', 'word(plan, 3)', 'store<f32>(record, t)']) {
      expect(fault.match(BY_NUMBER), fault).not.toBeNull();
    }
  });
});

describe('writing a struct', () => {
  const layout = {
    name: 'Example',
    bytes: 16,
    fields: { count: { type: 'u32', at: 0 }, share: { type: 'f32', at: 4 }, limit: { type: 'f64', at: 8 } },
  } as const;

  it('puts every field in its place', () => {
    const buffer = new ArrayBuffer(64);
    writeStruct(buffer, 16, layout, { share: 0.5, limit: Infinity, count: 2 ** 32 - 1 });
    expect(new Uint32Array(buffer)[wordPlace(layout, 16, 'count')]).toBe(2 ** 32 - 1);
    expect(new Float32Array(buffer)[5]).toBe(0.5);
    expect(new Float64Array(buffer)[3]).toBe(Infinity);
    expect([...new Uint32Array(buffer, 0, 4), ...new Uint32Array(buffer, 32)].every((word) => word === 0)).toBe(true);
  });

  it('refuses a field that is left out, one too many, and a number that is no u32', () => {
    const write = (values: Record<string, number>): void =>
      writeStruct(new ArrayBuffer(16), 0, layout as StructLayout, values);
    expect(() => write({ count: 1, share: 1 })).toThrow(/Example.limit is undefined/);
    expect(() => write({ count: 1, share: 1, limit: 1, other: 1 })).toThrow(/no field other/);
    for (const count of [-1, 0.5, Number.NaN, 2 ** 32]) {
      expect(() => write({ count, share: 1, limit: 1 })).toThrow(/Example.count is .*expected a u32/);
    }
  });
});

it('a layer whose memory goes beyond 2 GiB is not written before its beginning', async () => {
  // Room for so many inputs comes before everything else; memory that is never touched takes none.
  const inputCapacity = 360_000;
  const layer = makeLayer({ inputWidth: 1024, unitCount: 8, outputWidth: 3, squared: false, gated: false }, 1);
  expect(mlpKernelBytes({ ...layer, isGated: false }, { inputCapacity })).toBeGreaterThan(2 ** 31);
  const screen = boundRows(quantiseRows(layer.up, 1024, 8), layer.up, layer.upBias, 1024);
  const kernel = await createMlpKernel(layer, screen, { inputCapacity });
  const input = new Float32Array(1024);
  drawInput(0, createStream(2), input);
  const expected = referenceMlp(layer, input);
  for (const method of ['sparse', 'dense'] as const) {
    const output = new Float32Array(3);
    kernel.run(method, input, 0, 1, output, 0);
    expect(output).toEqual(expected.output);
    expect(kernel.activeUnits(0)).toEqual(expected.activeUnits);
  }
});

describe('the list of fields', () => {
  const list = (...fields: string[]): string =>
    `// @ts-ignore: decorator\n@unmanaged\nexport class Plan {\n${fields.join('\n')}\n}\n`;

  it('is read from the class, each field where C would put it', () => {
    expect(
      readStructs(list('  count: usize; // of things', '  // a pair', '', '  limit: f64;', '  share: f32;')),
    ).toEqual([
      {
        name: 'Plan',
        bytes: 20,
        fields: [
          { name: 'count', type: 'u32', at: 0 },
          { name: 'limit', type: 'f64', at: 8 },
          { name: 'share', type: 'f32', at: 16 },
        ],
      },
    ]);
  });

  it('is refused where a field stands twice, or a line is no field', () => {
    expect(() => readStructs(list('  count: usize;', '  count: u32;'))).toThrow('Plan: field count stands twice');
    expect(() => readStructs(list('  count: u16;'))).toThrow('"count: u16;" is no field');
    expect(() => readStructs(list('  a: u32; b: u32;'))).toThrow('is no field');
    expect(() => readStructs(list('  a: u32;') + list('  b: u32;'))).toThrow('struct Plan stands twice');
    expect(() => readStructs('export class Plan {\n  a: u32;\n}\n')).toThrow('1 classes, 0 of them read');
  });
});
