/**
 * Rows of a table through an imported network: by the columns its trees were trained on, to what the original predicts.
 * A class has the name that the model gives it; what stands beside is what the model's link makes of the margins.
 */

import type { CubePoints, RunOptions, TreeColumns, TreeModel, TreeNetwork, TreePredictions } from '@fewfire/core';
import { counted } from '@fewfire/core/words';
import type { FileTable, OutputColumn } from '@fewfire/node';
import { listSome, quoted } from './format.ts';
import { checkKept, checkNames, type Predicted, type PredictedColumns } from './prediction-columns.ts';

/** @param path the file of the network, for messages */
export async function predictTreeTable(
  { model }: TreeNetwork,
  path: string,
  table: FileTable,
  { keep = [], attributions }: PredictedColumns,
  work: RunOptions,
): Promise<Predicted> {
  const { attributeTreeRows, encodeTreeTable, predictTrees, rowRanges, treeColumns } = await import(
    '@fewfire/core/internal'
  );
  const heads = predictionNames(model);
  const columns = treeColumns(model, table, path);
  const attributionHeads = attributions === undefined ? [] : attributionNames(model, columns);
  await checkKept(keep, table);
  await checkNames(keep, [...heads, ...attributionHeads]);
  const { onProgress, ...quiet } = work;
  // An average is over all rows, so they are there at once.
  const background =
    attributions === 'average' ? await encodeTreeTable(model, table, columns, { ...work, onProgress }) : undefined;
  const parts = async function* (): AsyncGenerator<readonly OutputColumn[]> {
    for (const range of rowRanges(table.rowCount)) {
      const points = await encodeTreeTable(model, table, columns, { ...quiet, range });
      const part: OutputColumn[] = [];
      for (const name of keep) {
        part.push({ name, values: await table.texts(name, { ...quiet, range, spelling: 'source' }) });
      }
      const values = predictionColumns(model, await predictTrees(model, points, quiet));
      part.push(...values.map((each, k) => ({ name: heads[k], values: each })));
      if (attributions !== undefined) {
        const { features, outputs } = await attributeTreeRows(model, points, {
          ...{ ...quiet, baseline: attributions },
          ...(background && { background }),
        });
        const vectors = outputs.flatMap(({ base, values: shares }) => [
          new Float64Array(points.rowCount).fill(base),
          ...features.map((_, f) => everyNth(shares, f, features.length)),
        ]);
        part.push(...vectors.map((each, k) => ({ name: attributionHeads[k], values: each })));
      }
      yield part;
      onProgress?.({ phase: 'predicting', done: range.endRow, total: table.rowCount, unit: 'rows' });
    }
  };
  return { parts: parts(), messages: () => orderLines(columns) };
}

function everyNth(values: Float64Array, first: number, step: number): Float64Array {
  return Float64Array.from({ length: values.length / step }, (_, i) => values[i * step + first]);
}

/** What is to be said where columns were taken in their order. */
export function orderLines({ columns, isByOrder }: TreeColumns): string[] {
  if (!isByOrder) return [];
  const pairs = columns.flatMap((name, f) => (name === undefined ? [] : [`f${f} is ${quoted(name)}`]));
  return [
    `the model has no names of its ${counted(columns.length, 'feature')}; the columns were taken in their order: ${listSome(pairs, 6)}`,
  ];
}

/** A class with what the link makes of its margins, or a number for each output. */
function predictionNames({ outputs, classes, link }: TreeModel): string[] {
  if (classes === null) {
    return outputs.length === 1 ? ['prediction'] : outputs.map(({ name }) => `prediction_${name}`);
  }
  const what = link === 'identity' ? 'margin' : 'probability';
  if (outputs.length > 1) return ['prediction', ...classes.labels.map((label) => `${what}_${label}`)];
  return link === 'logistic'
    ? ['prediction', ...classes.labels.map((label) => `probability_${label}`)]
    : ['prediction', 'margin'];
}

// In the order of the names.
function predictionColumns(model: TreeModel, predicted: TreePredictions): (Float64Array | string[])[] {
  const { classes, values } = predicted;
  if (model.classes === null || classes === null) return [...values];
  const { labels } = model.classes;
  const named = Array.from(classes, (c) => labels[c]);
  if (values.length > 1 || model.link !== 'logistic') return [named, ...values];
  return [named, values[0].map((p) => 1 - p), values[0]];
}

// Of the margins: the baseline's, then one for each feature that is asked for.
function attributionNames({ outputs }: TreeModel, { columns }: TreeColumns): string[] {
  return outputs.flatMap(({ name }) => {
    const of = outputs.length === 1 ? '' : `_${name}`;
    return [
      `baseline${of}`,
      ...columns.flatMap((column) => (column === undefined ? [] : [`attribution${of}_${column}`])),
    ];
  });
}

/** All rows of a table as points of a network. */
export async function treeTablePoints(
  { model }: TreeNetwork,
  path: string,
  table: FileTable,
  work: RunOptions,
): Promise<{ readonly points: CubePoints; readonly messages: readonly string[] }> {
  const { encodeTreeTable, treeColumns } = await import('@fewfire/core/internal');
  const columns = treeColumns(model, table, path);
  return { points: await encodeTreeTable(model, table, columns, work), messages: orderLines(columns) };
}
