/** A model's attributions in tables: how much is where, in which unit, of which game. */

import type { Model, ModelAttributions } from '@fewfire/core';
import { alignedTexts, shareText } from '@fewfire/core/words';
import { combination, heading, outputText, type Section, unitOfEffects } from './describe.ts';
import { bar, layoutTable, printable, type Screen } from './format.ts';

const BAR_COLUMNS = 20;
const right = { align: 'right' as const };

/** Level weights, coordinates and interactions of one output. */
export function attributionSections(
  model: Model,
  output: number,
  attributions: ModelAttributions,
  most: number,
  screen: Screen,
): Section[] {
  const of = outputText(model, output);
  return [
    levelSection(attributions.levelWeights, of, screen),
    coordinateSection(model, attributions, of, most, screen),
    interactionSection(model, attributions, of, screen),
  ];
}

function levelSection(weights: readonly number[], of: string, screen: Screen): Section {
  const varied = weights.slice(1);
  const total = varied.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return [];
  const rows = varied.map((weight, level) => [
    `degree ${level + 1}`,
    bar(weight / Math.max(...varied), BAR_COLUMNS),
    shareText(weight / total),
  ]);
  return [
    ...heading(
      `Level weights${of}`,
      'share of the squared coefficients by degree, the constant apart (exact, of the fitted polynomial on the uniform cube)',
      screen,
    ),
    ...layoutTable(rows, [{}, { style: screen.good }, right], screen.width),
  ];
}

function coordinateSection(
  model: Model,
  { coordinates }: ModelAttributions,
  of: string,
  most: number,
  screen: Screen,
): Section {
  const shown = coordinates.filter(({ influence }) => influence > 0).slice(0, most);
  if (shown.length === 0) return [];
  const [influence, shapley, banzhaf] = (['influence', 'shapley', 'banzhaf'] as const).map((key) =>
    alignedTexts(shown.map((entry) => entry[key])),
  );
  const rows = [
    ['', 'influence', 'Shapley', 'Banzhaf'],
    ...shown.map(({ coordinate }, i) => [`${printable(coordinate)} yes`, influence[i], shapley[i], banzhaf[i]]),
  ];
  const [head, ...body] = layoutTable(rows, [{ flexible: true }, right, right, right], screen.width);
  return [
    ...heading(
      `Yes/no coordinates${of} (${shown.length} of ${coordinates.length})`,
      `influence: the sum of squared coefficients of the terms with it; Shapley: its share of f(all yes) - f(all no), ${unitOfEffects(model)}; Banzhaf: what its yes adds, averaged over all other answers. Exact, of the fitted polynomial`,
      screen,
    ),
    screen.dim(head),
    ...body,
  ];
}

function interactionSection(model: Model, { interactions }: ModelAttributions, of: string, screen: Screen): Section {
  if (interactions.length === 0) return [];
  const banzhaf = alignedTexts(interactions.map((entry) => entry.banzhaf));
  const shapley = alignedTexts(interactions.map((entry) => entry.shapley));
  const rows = [
    ['', 'Banzhaf', 'Shapley'],
    ...interactions.map(({ coordinates }, i) => [combination(coordinates), banzhaf[i], shapley[i]]),
  ];
  const [head, ...body] = layoutTable(rows, [{ flexible: true }, right, right], screen.width);
  return [
    ...heading(
      `Interactions${of} (leading ${interactions.length})`,
      `what all of these being yes adds beyond the parts, ${unitOfEffects(model)}; Banzhaf: averaged over all other answers; Shapley: the interaction index, averaged over the orders of joining`,
      screen,
    ),
    screen.dim(head),
    ...body,
  ];
}
