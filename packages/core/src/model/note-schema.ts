/** Notes as a model file has them. */
import * as z from 'zod/mini';
import type { Note, NoteFields, NoteKind } from './notes.ts';

const text = z.string();
const finite = z.number();
const count = z.int().check(z.nonnegative());
const someRows = { count, rowCount: count };
const sharedRows = { sharedCount: count, testCount: count };
const ofClass = { class: z.optional(text) };

type Schemas<Fields> = { readonly [Name in keyof Fields]-?: z.ZodMiniType<Fields[Name]> };

const FIELDS: { readonly [K in NoteKind]: Schemas<NoteFields[K]> } = {
  'missing-targets': { column: text, ...someRows },
  'rows-dropped': { count },
  'zero-weights': { column: text, ...someRows },
  'unequal-weights': { column: text, rowCount: count, effectiveCount: finite },
  'large-group': { column: text, group: text, ...someRows },
  'uneven-test': { column: text, ...someRows, share: finite },
  'missing-texts': {
    columns: z.array(z.strictObject({ column: text, texts: z.array(z.strictObject({ value: text, count })) })),
  },
  'mostly-numbers': { column: text, numberCount: count, cellCount: count, others: z.array(text), otherCount: count },
  identifier: { column: text, distinctCount: finite, rowCount: count },
  'many-values': { column: text, distinctCount: finite, keptCount: count, otherRowCount: count },
  'chosen-on-some-rows': {
    ...{ rowCount: count, trainingRowCount: count, fewerFor: z.enum(['time', 'memory']), budgetSeconds: finite },
    ...ofClass,
  },
  'degree-lowered': { asked: count, degree: count, ...ofClass },
  'path-ended': { degree: count, budgetSeconds: finite, ...ofClass },
  'degree-not-tried': { degree: count, reason: text, ...ofClass },
  'not-converged': {
    ...{ iterations: count, relativeGradient: finite, tolerance: finite, dualityGap: z.nullable(finite) },
    ...ofClass,
  },
  'few-smearing-rows': { column: text, support: finite, rowCount: count },
  'no-intervals-few-rows': { rowCount: count, inGroups: z.boolean() },
  'no-intervals-one-class': {},
  'no-intervals-failed': { message: text },
  leak: {
    name: text,
    relation: z.enum(['equals', 'opposite', 'tells', 'never-falls', 'never-rises', 'ranges']),
    ofClass: z.optional(text),
    rowCount: z.optional(count),
  },
  'test-overlap': { ...sharedRows, chanceCount: count, columns: z.enum(['all', 'learned']) },
  'test-copies': { ...sharedRows, column: text, distinctCount: finite },
  'test-unseen': { column: text, rowCount: count, values: z.array(text), valueCount: count },
  'test-missing': someRows,
  'test-zero-weights': someRows,
  'no-weight-column': { table: text, column: text },
  'no-group-column': { table: text, column: text },
  text: { text },
};

export const NOTE_KINDS: readonly NoteKind[] = Object.keys(FIELDS) as NoteKind[];

const [first, ...others] = NOTE_KINDS.map((kind) => z.strictObject({ kind: z.literal(kind), ...FIELDS[kind] }));

export const noteSchema: z.ZodMiniType<Note> = z.discriminatedUnion('kind', [
  first,
  ...others,
]) as unknown as z.ZodMiniType<Note>;
