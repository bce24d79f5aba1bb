/** Imported trees in words: where they come from, which columns they read, what they predict, and what averages are over. */

import type { TreeModel, TreeNetwork, TreeScore } from '@fewfire/core';
import { counted, integer, numberText, shareText } from '@fewfire/core/words';
import { heading, type Section } from './describe.ts';
import { withFlags } from './flags.ts';
import { layoutTable, listSome, printable, quoted, type Screen, wrapText } from './format.ts';

/** `XGBoost 1.7.4, binary:logistic, 6 features, 3 outputs`. */
export function modelText({ source, objective, features, outputs }: TreeModel): string {
  const several = outputs.length > 1 ? `, ${outputs.length} outputs` : '';
  return `${printable(source)}, ${printable(objective)}, ${counted(features.length, 'feature')}${several}`;
}

/** Why averages over the cube are not averages over rows of a table. */
export const AVERAGES_TEXT =
  'over uniform points: each question is answered yes or no with equal chances, whatever the others say, even where thresholds of one column imply each other. They are not over your rows: fewfire network certify --domain rows:<file> counts those.';

/** How often the trees ask for a feature. */
export interface AskedColumn {
  readonly column: string;
  /** Different questions: inputs of the network. */
  readonly questionCount: number;
  /** Nodes of all trees that ask one of them. */
  readonly splitCount: number;
}

/** By decreasing number of splits. */
export function askedColumns({ model, part }: TreeNetwork): AskedColumn[] {
  const splits = new Map<number, number>();
  for (const { questions } of part.trees) {
    for (const q of questions) if (q >= 0) splits.set(q, (splits.get(q) ?? 0) + 1);
  }
  const columns = new Map<number, AskedColumn>();
  model.coordinates.forEach(({ feature }, q) => {
    const { questionCount = 0, splitCount = 0 } = columns.get(feature) ?? {};
    columns.set(feature, {
      column: model.features[feature].name,
      questionCount: questionCount + 1,
      splitCount: splitCount + (splits.get(q) ?? 0),
    });
  });
  return [...columns.values()].sort((a, b) => b.splitCount - a.splitCount);
}

/** Name and text of every line about the model. */
export function treeFacts(network: TreeNetwork): [string, string][] {
  const { model } = network;
  const asked = askedColumns(network).map(({ column }) => quoted(column));
  return [
    ['Model', modelText(model)],
    ['Reads', `${counted(asked.length, 'column')} of a table: ${listSome(asked, 6)}`],
    ['Predicts', predictsText(model)],
    ...model.notes.map((note): [string, string] => ['Note', printable(withFlags(note))]),
  ];
}

function predictsText({ classes, link, outputs }: TreeModel): string {
  const means = {
    identity: 'the margin itself',
    logistic: 'a probability, 1 / (1 + exp(-margin))',
    exponential: 'exp(margin)',
    softmax: 'probabilities, exp(margin) of each over their sum',
  }[link];
  const of =
    classes !== null
      ? `one of ${counted(classes.labels.length, 'class', 'classes')}, ${listSome(classes.labels.map(quoted), 6)}, with `
      : outputs.length > 1
        ? `${outputs.length} numbers, each `
        : '';
  return `${of}${means}, as the original does`;
}

/** A table of the columns. */
export function askedSection(network: TreeNetwork, most: number, screen: Screen): Section {
  const all = askedColumns(network);
  const rows = all
    .slice(0, most)
    .map(({ column, questionCount, splitCount }) => [printable(column), integer(splitCount), integer(questionCount)]);
  const right = { align: 'right' as const };
  return [
    ...heading(
      `Columns (${rows.length} of ${all.length})`,
      'how many nodes of the trees ask for them, and how many different questions these are',
      screen,
    ),
    ...layoutTable([['', 'nodes', 'questions'], ...rows], [{ flexible: true }, right, right], screen.width),
  ];
}

/** A score in sentences, beside the best constant. */
export function scoreLines(score: Omit<TreeScore, 'columns'>, where: string, screen: Screen): string[] {
  const { baseline } = score;
  const sentences =
    score.task === 'regression'
      ? [
          `mean squared error ${numberText(score.mse ?? Number.NaN)} on ${where} (the best constant for them: ${numberText(baseline.mse ?? Number.NaN)}); R2 ${score.r2 === null || score.r2 === undefined ? 'none (the targets do not vary)' : shareText(score.r2)}`,
        ]
      : [
          `accuracy ${shareText(score.accuracy ?? Number.NaN)} on ${where}; always saying their most frequent class: ${shareText(baseline.accuracy ?? Number.NaN)}`,
          [
            ...(score.auc === null || score.auc === undefined ? [] : [`AUC ${shareText(score.auc)} (guessing: 0.5)`]),
            score.logLoss === null || score.logLoss === undefined
              ? 'log-loss none (the model gives no probabilities)'
              : `log-loss ${numberText(score.logLoss)} (the best constant for them: ${numberText(baseline.logLoss ?? Number.NaN)})`,
          ].join('; '),
        ];
  return sentences.flatMap((sentence) => wrapText(sentence, screen.width - 2, '  '));
}
