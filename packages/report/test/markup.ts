/** A small, strict reader of markup: enough to see that what we write is well formed. */
import { expect } from 'vitest';

const VOID = new Set(['meta', 'link', 'br', 'hr', 'img']);

/** Fails on tags that do not match, attributes without quotes or twice, bare & or <, and entities XML does not have. */
export function checkWellFormed(markup: string): void {
  const open: string[] = [];
  const tag = /<!doctype html>|<!--[\s\S]*?-->|<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/gy;
  let at = 0;
  while (at < markup.length) {
    const next = markup.indexOf('<', at);
    const text = markup.slice(at, next < 0 ? undefined : next);
    expect(text.replace(/&(amp|lt|gt|quot|#39|#x?[\da-f]+);/gi, '')).not.toMatch(/&/);
    if (next < 0) break;
    tag.lastIndex = next;
    const match = tag.exec(markup);
    expect(match, `at ${markup.slice(next, next + 80)}`).not.toBeNull();
    const [whole, closing, name, attributes = '', selfClosing] = match!;
    const names = Array.from(attributes.matchAll(/([\w:-]+)="/g), ([, attribute]) => attribute);
    expect(new Set(names).size).toBe(names.length);
    if (closing) expect(open.pop()).toBe(name);
    else if (name !== undefined && !selfClosing && !VOID.has(name)) open.push(name);
    at = next + whole.length;
  }
  expect(open).toEqual([]);
}

/** What <text> elements say. */
export function texts(svg: string): string[] {
  return Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), ([, text]) => text);
}
