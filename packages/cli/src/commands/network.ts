/** `fewfire network`: make, look at, certify and sample sparsely activated networks. One file per command in network/. */
import type { Command } from 'commander';
import type { Session } from '../session.ts';
import { addCertifyCommand } from './network/certify.ts';
import { addImportCommand } from './network/import.ts';
import { addMakeCommand } from './network/make.ts';
import { addSampleCommand } from './network/sample.ts';
import { addNetworkShowCommand } from './network/show.ts';
import { addVerifyCommand } from './network/verify.ts';

export function addNetworkCommand(program: Command, session: Session): void {
  const network = program
    .command('network')
    .summary('make, show, certify and sample sparse networks')
    .description(
      'Sparsely activated networks h(x) = sum of u_j relu(<w_j,x> - b_j) over x in {+1,-1}^n of which only few units are active at any point: makes them, proves how many are, and draws samples of them.',
    )
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText(
      'after',
      `
Examples:
  fewfire network make ensemble --inputs 16 --trees 5 --depth 3 --out net.json
  fewfire network show net.json
  fewfire network certify net.json --out certificate.json
  fewfire network verify certificate.json net.json
  fewfire network sample net.json --rows 10000 --noise-sd 0.1 --out data.parquet`,
    );
  addMakeCommand(network, session);
  addNetworkShowCommand(network, session);
  addCertifyCommand(network, session);
  addVerifyCommand(network, session);
  addSampleCommand(network, session);
  addImportCommand(network, session);
}
