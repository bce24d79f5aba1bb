/** `fewfire network verify`: checks a certificate against its network with code that shares nothing with the prover. */

import type { CertificateCheck, CertificateReport } from '@fewfire/core';
import { counted } from '@fewfire/core/words';
import type { Command } from 'commander';
import { withProgress } from '../../data.ts';
import { heading, joinSections } from '../../describe.ts';
import { InputArgument, InputOption, ResultOption, tableInput } from '../../file-roles.ts';
import { layoutTable, printable, type Screen } from '../../format.ts';
import { besideNetwork, readNetwork, readRows } from '../../network-data.ts';
import { addTableOptions, addWorkOptions, type TableOptions, type WorkOptions } from '../../options.ts';
import { giveResult } from '../../result.ts';
import type { Session } from '../../session.ts';

/** How many times its size a certificate takes while it is checked: its text, its lists, and the text that is hashed. */
const CERTIFICATE_COPIES = 12;

interface VerifyOptions extends WorkOptions, TableOptions {
  readonly sweep?: boolean;
  readonly rows?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function addVerifyCommand(network: Command, session: Session): void {
  const command = network
    .command('verify')
    .summary('check a certificate against its network')
    .description(
      'Checks a certificate with a program of its own, which shares no code with the one that wrote it: that it is about this network, that so many units are active at its point, that the units of a class exclude each other, that its counts agree. Fails (exit code 1) if anything does not hold. What it cannot check it calls "not independently checked": the bound of a solver always, a sweep unless --sweep runs it again, rows without --rows.',
    )
    .addArgument(new InputArgument('<certificate.json>', 'written by fewfire network certify --out'))
    .addArgument(new InputArgument('<net.json>', 'the network file'))
    .option('--sweep', 'run a sweep again: about 10^8 additions per second')
    .addOption(new InputOption('--rows <file>', 'the rows that a certificate about rows is about', tableInput))
    .addOption(new ResultOption())
    .option('--json', 'print the checks as JSON');
  addWorkOptions(addTableOptions(command), 'no progress line and no report, only the exit code and errors', 'exit code')
    .addHelpText(
      'after',
      `
Examples:
  fewfire network verify certificate.json net.json
  fewfire network verify certificate.json net.json --sweep`,
    )
    .action(async (certificate: string, path: string, options: VerifyOptions) =>
      verify(certificate, path, options, session),
    );
}

async function verify(certificate: string, path: string, options: VerifyOptions, session: Session): Promise<void> {
  const { checkCertificate, FewfireError } = await import('@fewfire/core');
  const { checkFileSize, readTextFile } = await import('@fewfire/node');
  await checkFileSize(certificate, { memoryLimitBytes: options.memory, copies: CERTIFICATE_COPIES });
  const text = await readTextFile(certificate, { signal: session.signal });
  const network = await readNetwork(path, session, options.memory);
  const report = await withProgress(session, besideNetwork(network, options), async (work, reading) => {
    const rows = options.rows === undefined ? undefined : await readRows(options.rows, network, path, reading);
    try {
      return await checkCertificate(text, network, {
        ...work,
        points: rows?.points,
        rerunSweep: options.sweep === true,
      });
    } catch (error) {
      // Core does not know what the file is called.
      if (!(error instanceof FewfireError) || error.code !== 'invalid-data') throw error;
      throw new FewfireError(error.code, `${certificate}: ${error.message}`, { cause: error });
    }
  });
  await giveResult(
    {
      leaves: 'exit code',
      json: () => ({ certificate, network: path, ...report }),
      text: () => joinSections([reportLines(certificate, path, report, session.screen)]),
    },
    options,
    session,
  );
  const failed = report.checks.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  const [first] = failed;
  const more = failed.length > 1 ? ` (and ${counted(failed.length - 1, 'check')} more)` : '';
  throw new FewfireError(
    'invalid-data',
    `${certificate} does not hold for ${path}: ${JSON.stringify(first.what)} failed, expected: ${first.detail}${more}`,
  );
}

function reportLines(certificate: string, path: string, report: CertificateReport, screen: Screen): string[] {
  const count = (wanted: CertificateCheck['status']): number =>
    report.checks.filter(({ status }) => status === wanted).length;
  const left = count('not independently checked');
  const verdict = !report.valid
    ? `does not hold: ${counted(count('failed'), 'check')} failed`
    : report.complete
      ? `holds: ${counted(count('verified'), 'check')}, all verified`
      : `holds as far as it was checked: ${counted(count('verified'), 'check')} verified, ${left} not independently checked`;
  return [
    ...heading('Certificate', `${printable(certificate)} for ${printable(path)} ${verdict}.`, screen),
    ...layoutTable(
      report.checks.map(({ what, status, detail }) => [
        status === 'verified' ? 'ok' : status === 'failed' ? 'FAILED' : 'not checked',
        what,
        printable(detail),
      ]),
      [{}, {}, { flexible: true }],
      screen.width,
    ),
    ...(left === 0 ? [] : ['  not checked: not independently checked, taken from the certificate as it stands']),
  ];
}
