/** The result of a command that reports: JSON in a file, JSON on standard output, or a text. */
import { byteSize } from '@fewfire/core/words';
import { printable } from './format.ts';
import type { QuietOption } from './options.ts';
import type { Session } from './session.ts';

export interface ResultOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface Result {
  /** Asked for only where it is wanted: it may take long. */
  readonly json: () => object | Promise<object>;
  readonly text: () => string | Promise<string>;
  /** As the command's `--quiet` says. */
  readonly leaves: QuietOption['leaves'];
}

/** Writes the result where --out says, and prints it: as JSON with --json, else as a text that --quiet may leave out. */
export async function giveResult(
  { json, text, leaves }: Result,
  { out, json: isJson, quiet }: ResultOptions,
  session: Session,
): Promise<void> {
  const content = out !== undefined || isJson === true ? `${JSON.stringify(await json())}\n` : '';
  if (out !== undefined) await session.files.write([{ path: out, content }]);
  if (isJson === true) await session.print(content);
  else if (quiet !== true || (leaves === 'data' && out === undefined)) await session.print(await text());
  if (out !== undefined && quiet !== true) {
    session.tell(`wrote ${printable(out)} (${byteSize(Buffer.byteLength(content))})`);
  }
}
