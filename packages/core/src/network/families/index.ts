export * from './dense.ts';
export type { FamilyClaims, FamilyMember, Leaf, LeafForm, LeafOptions, Literal } from './family.ts';
export { leafUnit, networkFromUnits, type SparseUnit, type UnitNetworkOptions } from './family.ts';
export * from './indexing.ts';
export * from './junta.ts';
export * from './tree.ts';
