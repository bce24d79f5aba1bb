/**
 * Compiles the embedded binaries once (the only module state of the package)
 * and instantiates them over a memory of the caller's.
 */
import { scalarBase64, simdBase64 } from './generated.ts';
import type { KernelVariant } from './kernels.ts';

export interface KernelExports {
  walshHadamardF64(data: number, logSize: number): void;
  walshHadamardF32(data: number, logSize: number): void;
  adjointItem(plan: number, item: number, scratch: number): void;
  forwardItem(plan: number, item: number, scratch: number, sums: number, row0: number, row1: number): void;
  networkItem(plan: number, chunk: number, scratch: number, block0: number, block1: number): void;
  grayItems(plan: number, scratch: number, item0: number, item1: number): void;
  addRows(from: number, to: number, narrow: number, wide: number, list: number, added: number, taken: number): void;
  readState(plan: number): void;
  mlpItem(plan: number, item: number): void;
  mlpQuantise(plan: number, input: number): void;
  mlpFinishProjection(plan: number, input: number): void;
  mlpScreenCalibrated(plan: number): number;
  cutBlock(low: number, high: number, out: number, shift: number, g: number, rowCount: number): void;
  cubeScatter(codes: number, values: number, table: number, rowCount: number): void;
  cubeGather(codes: number, values: number, table: number, rowCount: number): void;
  columnsOfPlane(plane: number, panel: number, wordCount: number): void;
  columnXor(list: number, listCount: number, column: number, wordCount: number): void;
  columnXorWords(bits: number, column: number, out: number, wordCount: number): void;
  columnCopy(from: number, to: number, wordCount: number): void;
  columnDifferences(
    column: number,
    step: number,
    mask: number,
    panels: number,
    panelBytes: number,
    panelCount: number,
    wordCount: number,
    counts: number,
  ): void;
  columnSigned(column: number, values: number, out: number, wordCount: number): void;
  columnCorrelations(
    values: number,
    panels: number,
    panelCount: number,
    wordCount: number,
    sums: number,
    tables: number,
  ): void;
  columnCombination(
    coefficients: number,
    panels: number,
    panelCount: number,
    wordCount: number,
    out: number,
    tables: number,
  ): void;
}

export type BinaryVariant = Exclude<KernelVariant, 'reference'>;

const PAGE_BYTES = 65536;
const compiled = new Map<string, Promise<WebAssembly.Module>>();
const binaries = new Map<BinaryVariant, Uint8Array<ArrayBuffer>>();

/** `simd` where the engine accepts the real SIMD binary, else `scalar`. */
export function bestVariant(): BinaryVariant {
  return WebAssembly.validate(binary('simd')) ? 'simd' : 'scalar';
}

/** The compiled module; `shared` for memories shared between threads. */
export function compileKernels(variant: BinaryVariant, shared: boolean): Promise<WebAssembly.Module> {
  const key = `${variant} ${shared}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = WebAssembly.compile(shared ? withSharedMemory(binary(variant)) : binary(variant));
    compiled.set(key, module);
  }
  return module;
}

/** A memory of at least `bytes`. Growing one detaches every view, so only columns.ts does. @throws RangeError beyond 4 GiB or when the system has no room */
export function createMemory(bytes: number, shared: boolean): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (pages > 65536) throw new RangeError(`a kernel needs ${bytes} bytes; WebAssembly memory ends at 4 GiB`);
  return new WebAssembly.Memory({ initial: pages, maximum: shared ? pages : 65536, shared });
}

export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<KernelExports> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as KernelExports;
}

function binary(variant: BinaryVariant): Uint8Array<ArrayBuffer> {
  let bytes = binaries.get(variant);
  if (bytes === undefined) {
    bytes = Uint8Array.from(atob(variant === 'simd' ? simdBase64 : scalarBase64), (c) => c.charCodeAt(0));
    binaries.set(variant, bytes);
  }
  return bytes;
}

// The binaries import an unshared memory. Whether a memory is shared is one flag of the import and changes no
// instruction, so the shared variant is the same binary with that flag set.
function withSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const pattern = [3, ...ascii('env'), 6, ...ascii('memory'), 2, 1];
  const at = bytes.findIndex((_, i) => pattern.every((byte, j) => bytes[i + j] === byte));
  if (at < 0) throw new Error('the kernel binary does not import env.memory with a maximum');
  const copy = bytes.slice();
  copy[at + pattern.length - 1] = 3;
  return copy;
}

function ascii(text: string): number[] {
  return [...text].map((c) => c.charCodeAt(0));
}
