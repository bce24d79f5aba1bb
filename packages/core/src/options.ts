/** What options are, without the code that uses them: for command lines, which are to start at once. */
export { FIT_HELP, FIT_OPTIONS, type FitOptionValues } from './base/fit-options.ts';
export { closestName } from './base/nearest-names.ts';
export { expectedOf, type OptionHelp, type OptionSpec, type OptionSpecs } from './base/option-specs.ts';
