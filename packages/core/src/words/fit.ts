/** How a model came about, in words: what was learned, how it was fitted and chosen, what its values stand for. */
import type { Model, ModelOutput, OutputRecord, SelectionRecord, TargetSpec, TrainingRecord } from '../model/index.ts';
import { counted, integer, numberText, percentText } from './numbers.ts';

/** That a degree and those above were not tried. */
export function skippedText({ degree, reason }: SelectionRecord['skipped'][number]): string {
  return `degree ${degree} and above were not tried: ${reason}`;
}

/** `ridge, lambda 26 on parities`; `boosting, 110 trees`; `stacking: curves and 3 products x 0.91, 40 trees x 0.2`. */
export function fitText({ method, lambda, basis, refit, roundCount, stack, products = [] }: FitDescription): string {
  if (stack !== undefined) return `stacking: ${stackText(stack, products.length, roundCount ?? 0)}`;
  if (roundCount !== undefined) return `${methodText(method)}, ${counted(roundCount, 'tree')}`;
  if (method === 'estimate') return 'one-pass means';
  if (method === 'least-squares') return 'least squares, no penalty';
  const penalised = `${methodText(method)}, lambda ${numberText(lambda)}`;
  if (method === 'lasso' || method === 'elastic-net') return `${penalised}${refit ? ', refitted' : ''}`;
  return `${penalised} on ${method === 'logistic' || basis === 'parity' ? 'parities' : 'the biased basis'}`;
}

/** What a fit is called by. */
type FitDescription = Pick<OutputRecord, 'method' | 'lambda' | 'basis' | 'refit' | 'roundCount' | 'stack' | 'products'>;

function stackText(
  { additive, trees, depth }: NonNullable<OutputRecord['stack']>,
  productCount: number,
  roundCount: number,
): string {
  const found = productCount === 0 ? '' : ` and ${counted(productCount, 'product')}`;
  const parts = [
    ...(additive > 0 ? [`curves${found} x ${numberText(additive)}`] : []),
    ...(trees > 0 ? [`${counted(roundCount, 'tree')} of depth ${depth} x ${numberText(trees)}`] : []),
  ];
  return parts.length === 0 ? 'the constant' : parts.join(', ');
}

/** A method by its name. */
export function methodText(method: string): string {
  return method === 'logistic' ? 'logistic loss with ridge' : method.replace('-', ' ');
}

/** What a squared error is of. */
export function errorUnit({ target }: Pick<Model, 'target'>): string {
  if (target.kind !== 'regression') return 'against -1/+1';
  return target.transform === 'log' ? 'of the natural logarithm' : 'in squared units of the target';
}

/** What a number is learned as. */
export function numberTargetText({ transform }: TargetSpec & { readonly kind: 'regression' }): string {
  return transform === 'log' ? 'a number, learned as its natural logarithm' : 'a number';
}

/** What the sizes of classes follow from. */
export interface Classes {
  readonly target: TargetSpec;
  readonly training: Pick<TrainingRecord, 'sampleCount' | 'weight'>;
  readonly outputs: readonly { readonly fit: Pick<OutputRecord, 'targetMean'> }[];
}

/** How many rows each class has, in the order of `targetClasses`; of rows without weights. */
export function classCounts({ target, training, outputs }: Classes): number[] {
  const counts = outputs.map(({ fit }) => Math.round(((1 - fit.targetMean) / 2) * training.sampleCount));
  return target.kind === 'binary' ? [counts[0], training.sampleCount - counts[0]] : counts;
}

/** The same in words, or where rows have weights, whose mean says what a class weighs, its share of them. */
export function classSizes(classes: Classes): string[] {
  if (classes.training.weight === undefined) return classCounts(classes).map(integer);
  const shares = classes.outputs.map(({ fit }) => (1 - fit.targetMean) / 2);
  return [...shares, ...(classes.target.kind === 'binary' ? [1 - shares[0]] : [])].map(percentText);
}

/** How values become probabilities or numbers. */
export function calibrationText({
  target,
  outputs,
}: {
  readonly target: TargetSpec;
  readonly outputs: readonly Pick<ModelOutput, 'calibration'>[];
}): string {
  const [{ calibration }] = outputs;
  if (target.kind === 'multiclass') {
    return 'probability of each class against the rest by a logistic curve from held-out rows, divided by their sum';
  }
  if (calibration.kind === 'platt') {
    const { slope, intercept, rowCount } = calibration;
    return `probability of the positive class = 1 / (1 + exp(${numberText(slope, 4)} f ${intercept > 0 ? '-' : '+'} ${numberText(Math.abs(intercept), 4)})), from ${counted(rowCount, 'held-out row')}`;
  }
  if (calibration.kind === 'smearing') {
    return `prediction = ${numberText(calibration.factor, 4)} exp(f), from ${counted(calibration.rowCount, 'held-out row')}`;
  }
  return target.kind === 'regression' ? 'prediction = f' : 'probability from the value itself';
}
