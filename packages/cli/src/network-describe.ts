/** A network in words: its domain, family and size. Lines fit the screen; every number says what it is. */

import type { AnyNetwork, NetworkDomain, NetworkProvenance, SparsityCertificate } from '@fewfire/core';
import type { Scale } from '@fewfire/core/internal';
import { counted, integer, numberText } from '@fewfire/core/words';
import { labelled, type Section } from './describe.ts';
import { printable, type Screen } from './format.ts';

/** `the whole cube {+1,-1}^10`. */
export function domainText(domain: NetworkDomain, inputCount: number): string {
  if (domain.kind === 'cube') return `the whole cube {+1,-1}^${inputCount}`;
  if (domain.kind === 'rows') return `rows of ${printable(domain.label)}`;
  return `the lift of ${counted(domain.bitCount, 'bit')}: y0 .. y${domain.bitCount - 1} and their products in pairs`;
}

/** `lifted-parity (bitCount 8, subset 0 1 4, ..., seed 3)`, long lists cut. */
export function familyText({ family, parameters, seed }: NetworkProvenance): string {
  const parts = Object.entries(parameters).map(([name, value]) => `${name} ${parameterText(value)}`);
  if (seed !== null) parts.push(`seed ${seed}`);
  return printable(parts.length === 0 ? family : `${family} (${parts.join(', ')})`);
}

const ITEMS_SHOWN = 12;

function parameterText(value: unknown): string {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : JSON.stringify(value);
  const most = typeof value[0] === 'string' ? 4 : ITEMS_SHOWN;
  const shown = value.slice(0, most).map((item) => JSON.stringify(item));
  return value.length === 0 ? 'none' : shown.join(' ') + (value.length > most ? ` … (${integer(value.length)})` : '');
}

/** `n = 36 inputs, s = 7 units`. */
export function sizeText({ inputCount, unitCount }: AnyNetwork): string {
  return `n = ${counted(inputCount, 'input')}, s = ${counted(unitCount, 'unit')}`;
}

/** `W = 6.5, B = 8.5 (exact)`. */
export function scaleText({ weight, bias }: Scale): string {
  return `W = ${numberText(weight, 4)}, B = ${numberText(bias, 4)} (exact: largest |u| ||w|| and |u b|)`;
}

/** Name and text of every line, aligned. */
export function facts(pairs: readonly (readonly [name: string, text: string])[], screen: Screen): Section {
  return pairs.flatMap(([name, text]) => labelled(name, text, screen, 10));
}

/** `k = 1 (exact: all 256 points of the lift of 8 bits were counted)`. */
export function sparsityText(certificate: SparsityCertificate): string {
  const { kLower, kUpper, exact, upperBound } = certificate;
  const why = evidenceText(certificate);
  if (exact) return `k = ${kLower} (exact: ${why})`;
  const kind = upperBound === 'proved' ? 'bound' : 'solver bound, not independently checked';
  const few = kLower === kUpper ? `k = ${kUpper}` : `k from ${kLower} to ${kUpper}`;
  return `${few} (${kLower} at a point that was counted: exact; at most ${kUpper}: ${kind}: ${why})`;
}

function evidenceText(certificate: SparsityCertificate): string {
  const { evidence, domain } = certificate;
  switch (evidence.method) {
    case 'sweep': {
      const where = domain.kind === 'lift' ? `the lift of ${counted(domain.bitCount, 'bit')}` : 'the cube';
      return `a sweep counted every point of ${where}; ${counted(evidence.sweptBits, 'bit')} matter`;
    }
    case 'conflicts':
      return `the units that can be active split into ${counted(evidence.classes.length, 'class', 'classes')} that never fire together anywhere on the cube`;
    case 'milp':
      return `${printable(evidence.solver)}, ${evidence.status === 'optimal' ? 'which calls it optimal' : 'stopped at its limit'}`;
    case 'rows':
      return `all ${counted(evidence.rowCount, 'row')} were counted`;
    case 'sample':
      return 'the units that are not dead';
  }
}

/** The bits of a point, long ones cut. */
export function witnessText({ witness, domain, kLower }: SparsityCertificate): string {
  if (witness === null) return 'none: there are no rows';
  const { bits, row } = witness;
  const shown = bits.length > 48 ? `${bits.slice(0, 47)}… (${bits.length} bits)` : bits;
  const name = domain.kind === 'lift' ? 'y' : 'x';
  const where = row === null ? '' : `row ${row + 1}, `;
  return `${where}${name} = ${shown} (1 is -1): ${counted(kLower, 'unit')} active there (exact)`;
}
