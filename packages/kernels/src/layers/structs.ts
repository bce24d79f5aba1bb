/**
 * Writes and reads the structs that host and kernels share in memory by the names of their fields. What fields there are and
 * where comes from the kernels' own source, by scripts/structs.mjs.
 */
interface StructField {
  readonly type: 'u32' | 'f32' | 'f64';
  /** Bytes from the start of the struct. */
  readonly at: number;
}

export interface StructLayout<Field extends string = string> {
  readonly name: string;
  readonly bytes: number;
  readonly fields: Readonly<Record<Field, StructField>>;
}

/**
 * Writes a whole struct at byte offset `at`.
 * @throws RangeError for a field that is left out, one that the struct does not have, or a number that is no u32 where one is wanted
 */
export function writeStruct<Field extends string>(
  buffer: ArrayBufferLike,
  at: number,
  layout: StructLayout<Field>,
  values: Readonly<Record<Field, number>>,
): void {
  const view = new DataView(buffer, at, layout.bytes);
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(layout.fields, name)) throw new RangeError(`${layout.name} has no field ${name}`);
  }
  for (const [name, { type, at: place }] of Object.entries<StructField>(layout.fields)) {
    const value: number | undefined = values[name as Field];
    if (value === undefined || (type === 'u32' && value >>> 0 !== value)) {
      throw new RangeError(`${layout.name}.${name} is ${value}; expected a ${type}`);
    }
    if (type === 'u32') view.setUint32(place, value, true);
    else if (type === 'f32') view.setFloat32(place, value, true);
    else view.setFloat64(place, value, true);
  }
}

/** Where a field of u32 stands among the words of the memory, for a struct at byte offset `at`. */
export function wordPlace<Field extends string>(layout: StructLayout<Field>, at: number, field: Field): number {
  return (at + layout.fields[field].at) >>> 2;
}
