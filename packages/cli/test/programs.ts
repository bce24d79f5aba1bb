/** Programs that documentation shows: in blocks of a page, and in the examples of docstrings. */
export interface Program {
  readonly code: string;
  /** What its comments say that it prints, a line each. */
  readonly printed: readonly string[];
}

/** The `ts` blocks of a page. */
export function programsOf(markdown: string): Program[] {
  const blocks = Array.from(markdown.matchAll(/^```ts\n([\s\S]*?)^```/gm), (match) => match[1]);
  return blocks.map((code) => ({ code, printed: printedBy(code) }));
}

// What stands behind a console.log, or in the lines of comments below a loop of them.
function printedBy(code: string): string[] {
  const printed: string[] = [];
  let isLoop = false;
  for (const line of code.split('\n')) {
    const [, loop, text] = /^\s*(for .*)?console\.log\(.*\);(?: \/\/ (.*))?$/.exec(line) ?? [];
    if (text !== undefined) printed.push(text);
    if (isLoop && line.startsWith('// ')) printed.push(line.slice(3));
    isLoop = loop !== undefined || (isLoop && line.startsWith('// '));
  }
  return printed;
}
