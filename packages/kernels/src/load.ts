/**
 * Compiles the embedded binaries, each once (the only module state of the package), and instantiates them over a memory of
 * the caller's.
 */
import type { KernelGroup } from './groups.ts';
import type { KernelVariant } from './kernels.ts';
import { unpack } from './unpack.ts';

export type BinaryVariant = Exclude<KernelVariant, 'reference'>;

/** A compiled binary that knows the type of its exports. */
export interface KernelModule<Exports> extends WebAssembly.Module {
  /** Never there: carries the type. */
  readonly exports?: Exports;
}

const PAGE_BYTES = 65536;
const compiled = new Map<string, Promise<WebAssembly.Module>>();
const binaries = new Map<string, Uint8Array<ArrayBuffer>>();
const variants = new Map<string, BinaryVariant>();

/** `simd` where the engine accepts the real SIMD binary, else `scalar`. */
export function bestVariant(group: KernelGroup<unknown>): BinaryVariant {
  // Asked for every operator; validating takes longer than many a small fit.
  let variant = variants.get(group.name);
  if (variant === undefined) {
    variant = WebAssembly.validate(binary(group, 'simd')) ? 'simd' : 'scalar';
    variants.set(group.name, variant);
  }
  return variant;
}

/** The compiled module; `shared` for memories shared between threads. */
export function compileKernels<Exports>(
  group: KernelGroup<Exports>,
  variant: BinaryVariant,
  shared: boolean,
): Promise<KernelModule<Exports>> {
  const key = `${group.name} ${variant} ${shared}`;
  let module = compiled.get(key);
  if (module === undefined) {
    const bytes = binary(group, variant);
    module = WebAssembly.compile(shared ? withSharedMemory(bytes) : bytes);
    compiled.set(key, module);
  }
  return module;
}

/** A memory of at least `bytes`. Growing one detaches every view, so only learning/columns.ts does. @throws RangeError beyond 4 GiB or when the system has no room */
export function createMemory(bytes: number, shared: boolean): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  if (pages > 65536) throw new RangeError(`a kernel needs ${bytes} bytes; WebAssembly memory ends at 4 GiB`);
  return new WebAssembly.Memory({ initial: pages, maximum: shared ? pages : 65536, shared });
}

export async function instantiateKernels<Exports>(
  module: KernelModule<Exports>,
  memory: WebAssembly.Memory,
): Promise<Exports> {
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as unknown as Exports;
}

function binary(group: KernelGroup<unknown>, variant: BinaryVariant): Uint8Array<ArrayBuffer> {
  const key = `${group.name} ${variant}`;
  let bytes = binaries.get(key);
  if (bytes === undefined) {
    bytes = unpack(group[variant]);
    binaries.set(key, bytes);
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
