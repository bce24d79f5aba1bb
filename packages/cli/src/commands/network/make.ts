/** `fewfire network make <family>`: a member of a family with stated parameters, as a network file. */

import type { FamilyMember } from '@fewfire/core';
import { byteSize, counted } from '@fewfire/core/words';
import { type Command, Option } from 'commander';
import { joinSections } from '../../describe.ts';
import { OutputOption } from '../../file-roles.ts';
import { printable, quoteArgument } from '../../format.ts';
import { NETWORK_ENDING, writeNetwork } from '../../network-data.ts';
import { domainText, facts, familyText, scaleText, sizeText } from '../../network-describe.ts';
import { parseMemory, QuietOption } from '../../options.ts';
import type { Session } from '../../session.ts';
import { FAMILIES, type FamilyCommand, type FamilyValues } from './families.ts';

interface MakeOptions extends FamilyValues {
  readonly out?: string;
  readonly memory: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function addMakeCommand(network: Command, session: Session): void {
  const make = network
    .command('make')
    .summary('make a network of a family')
    .usage('<family> [options] --out <file>')
    .description(
      'Makes a member of a family of sparse networks. Every family has its own flags: fewfire network make <family> --help lists them.',
    )
    .helpCommand('help [family]', 'print the help of a family')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .commandsGroup('Families:')
    .addHelpText(
      'after',
      `
Examples:
${FAMILIES.slice(-2, -1)
  .concat(FAMILIES.slice(0, 2))
  .map((family) => exampleText(family))
  .join('\n')}`,
    );
  make.configureOutput({
    outputError: (text, write) => write(`${familyError(text)}\n`),
  });
  for (const family of FAMILIES) addFamily(make, family, session);
}

// What commander calls a command is a family here.
function familyError(text: string): string {
  return printable(
    text
      .trim()
      .replace(/\s*\n\s*/g, ' ')
      .replace('unknown command', 'unknown family'),
  );
}

// Broken before --out where it would not fit, so that it can be copied all the same.
function exampleText({ example }: FamilyCommand): string {
  const line = `  fewfire ${example}`;
  return line.length <= 80 ? line : line.replace(/ (--out .*)$/, ' \\\n    $1');
}

function addFamily(make: Command, family: FamilyCommand, session: Session): void {
  const command = make.command(family.name).summary(family.summary).description(family.description);
  for (const option of family.options()) command.addOption(option);
  command
    .addOption(
      new OutputOption('-o, --out <file>', 'write the network here, .json or .safetensors (required)', {
        ending: NETWORK_ENDING,
      }),
    )
    .addOption(
      new Option('--memory <size>', 'refuse a network that needs more memory than this')
        .argParser(parseMemory)
        .default(4e9, '4GB'),
    )
    .option('--json', 'print the result as JSON')
    .addOption(new QuietOption('no report', 'files'))
    .addHelpText('after', `\nExample:\n${exampleText(family)}`)
    .action(async (options: MakeOptions) => {
      const missing = [...family.required, 'out'].find((name) => options[name] === undefined);
      if (missing !== undefined) {
        command.error(`error: ${flagOf(missing)} is missing; for example: fewfire ${family.example}`);
      }
      await makeNetwork(family, options as MakeOptions & { readonly out: string }, session);
    });
}

async function makeNetwork(
  family: FamilyCommand,
  options: MakeOptions & { readonly out: string },
  session: Session,
): Promise<void> {
  const { networkChecksum, networkScale } = await import('@fewfire/core/internal');
  const { out } = options;
  const { network, claims } = await makeMember(family, options);
  const byteCount = await writeNetwork(network, out, session, options.memory);
  const scale = networkScale(network);
  if (options.json === true) {
    const { inputCount, unitCount, domain, provenance } = network;
    const json = { ...provenance, inputCount, unitCount, claimedSparsity: claims.k, scale, domain };
    await session.print(
      `${JSON.stringify({ ...json, checksum: await networkChecksum(network), file: out, byteCount })}\n`,
    );
    return;
  }
  if (options.quiet === true) return;
  const { screen } = session;
  const k =
    claims.k === null
      ? 'not known of this family: certify measures it'
      : `k = ${claims.k} (claimed by the family, not checked: certify proves it)`;
  await session.print(
    joinSections([
      facts(
        [
          ['Family', familyText(network.provenance)],
          ['Size', sizeText(network)],
          ['Domain', domainText(network.domain, network.inputCount)],
          ['Sparsity', k],
          ['Scale', scaleText(scale)],
          ['Saved', `${printable(out)}, ${byteSize(byteCount)}. Next:`],
        ],
        screen,
      ).concat([
        `  fewfire network show ${printable(quoteArgument(out))}`,
        `  fewfire network certify ${printable(quoteArgument(out))} --out certificate.json`,
      ]),
    ]),
  );
}

async function makeMember(family: FamilyCommand, options: MakeOptions): Promise<FamilyMember> {
  const core = await import('@fewfire/core/internal');
  const weightCount = family.weightCount(options);
  // The weights, their copy on the way, and their text in the file.
  const bytes = 8 * 4 * weightCount;
  try {
    if (bytes <= options.memory) return family.make(core, options);
    // Flags out of their range say more than the size they lead to.
    throw new core.FewfireError(
      'memory-budget',
      `${counted(weightCount, 'weight')} need ${byteSize(bytes)}, more than the ${byteSize(options.memory)} allowed; make a smaller network or raise --memory`,
    );
  } catch (error) {
    if (!(error instanceof core.FewfireError) || error.code !== 'invalid-argument') throw error;
    throw new core.FewfireError(error.code, withFlags(error.message), { cause: error });
  }
}

/** What core calls its parameters, where the flag has another name. */
const FLAGS: Readonly<Record<string, string>> = {
  inputCount: 'inputs',
  unitCount: 'units',
  addressBits: 'addressBits',
  dataCount: 'dataBits',
  firingRate: 'firingRate',
  treeCount: 'trees',
  depth: 'depth',
  bitCount: 'bits',
  subsetSize: 'subsetSize',
  subset: 'subset',
  dimension: 'dimension',
  modulus: 'modulus',
  roundedModulus: 'roundedModulus',
  alpha: 'alpha',
  copies: 'copies',
};

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

// `bitCount is 0` as `--bits is 0`.
function withFlags(message: string): string {
  if (message.startsWith('neither subset nor')) return 'expected either --subset-size, how many, or --subset, the bits';
  return message.replace(/\b([a-z]+[A-Z]\w*|depth|dimension|modulus|alpha|copies)(?= is )/g, (name) =>
    name in FLAGS ? flagOf(FLAGS[name]) : name,
  );
}
