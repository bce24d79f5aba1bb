/**
 * Makes the host's side of the structs that kernels and host share, from the kernels' side: the `@unmanaged` classes of an
 * assembly file are the one list of fields. A field is where C would put it, which is also where asc puts it (a test asks asc).
 */

/** What the host writes for each type of a field. usize is 32 bits: kernels are compiled for wasm32. */
const TYPES = { usize: 'u32', u32: 'u32', f32: 'f32', f64: 'f64' };
const BYTES = { u32: 4, f32: 4, f64: 8 };

/**
 * The structs of an assembly source, in its order.
 * @returns {{ name: string, bytes: number, fields: { name: string, type: 'u32' | 'f32' | 'f64', at: number }[] }[]}
 * @throws Error for a line of a class that is not a field or a comment, an unknown type, a field or a class twice
 */
export function readStructs(source) {
  const structs = [];
  for (const [, name, body] of source.matchAll(/^@unmanaged\nexport class (\w+) \{\n(.*?)^\}/gms)) {
    if (structs.some((other) => other.name === name)) throw new Error(`struct ${name} stands twice`);
    structs.push(layOut(name, body.split('\n')));
  }
  const classes = source.match(/\bclass \w/g)?.length ?? 0;
  if (structs.length !== classes) {
    throw new Error(
      `${classes} classes, ${structs.length} of them read; expected "@unmanaged" and "export class Name {" on lines`,
    );
  }
  return structs;
}

function layOut(struct, lines) {
  const fields = [];
  let bytes = 0;
  for (const line of lines) {
    if (/^\s*(\/\/.*)?$/.test(line)) continue;
    const [, name, declared] = /^ {2}(\w+): (\w+);( \/\/.*)?$/.exec(line) ?? [];
    const type = TYPES[declared];
    if (type === undefined)
      throw new Error(`${struct}: "${line.trim()}" is no field; expected "name: ${Object.keys(TYPES).join(' | ')};"`);
    if (fields.some((field) => field.name === name)) throw new Error(`${struct}: field ${name} stands twice`);
    const at = Math.ceil(bytes / BYTES[type]) * BYTES[type];
    fields.push({ name, type, at });
    bytes = at + BYTES[type];
  }
  return { name: struct, bytes, fields };
}

/** The module of the host: a constant for each struct, with its bytes and for each field its type and place. */
export function structsModule(structs) {
  const constants = structs.map(({ name, bytes, fields }) => {
    const lines = fields.map((field) => `    ${field.name}: { type: '${field.type}', at: ${field.at} },\n`);
    return `export const ${name} = {\n  name: '${name}',\n  bytes: ${bytes},\n  fields: {\n${lines.join('')}  },\n} as const;\n`;
  });
  return `// Made by scripts/structs.mjs from assembly/mlp-plan.ts; not to be edited.\n${constants.join('')}`;
}
