// npm run api: makes docs/api/index.html of the docstrings of the public names. Whatever is not documented, or names what
// is not public, fails. `--check` writes nothing.
import { fileURLToPath } from 'node:url';
import { Application, TSConfigReader, TypeDocReader } from 'typedoc';

const isCheck = process.argv.includes('--check');
const app = await Application.bootstrapWithPlugins(
  { options: fileURLToPath(new URL('typedoc.json', import.meta.url)) },
  [new TypeDocReader(), new TSConfigReader()],
);
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
if (!isCheck) await app.generateOutputs(project);
process.exit(app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0);
