/**
 * The experiments there are, in their order. Each is loaded only when it runs: together they need most of the project.
 * A new one is one line here.
 */
import type { Experiment, ExperimentId } from './experiment.ts';

type Load = () => Promise<{ readonly experiment: Experiment }>;

const EXPERIMENTS: Readonly<Partial<Record<ExperimentId, Load>>> = {
  E1: () => import('./e1.ts'),
  E2: () => import('./e2.ts'),
  E3: () => import('./e3.ts'),
  E4: () => import('./e4.ts'),
  E5: () => import('./e5.ts'),
  E6: () => import('./e6.ts'),
  E7: () => import('./e7.ts'),
  E8: () => import('./e8.ts'),
  E9: () => import('./e9.ts'),
  E10: () => import('./e10.ts'),
};

/** Ids of the experiments there are, in order. */
export const EXPERIMENT_IDS: readonly ExperimentId[] = Object.keys(EXPERIMENTS) as ExperimentId[];

export async function loadExperiment(id: ExperimentId): Promise<Experiment> {
  const load = EXPERIMENTS[id];
  if (load === undefined) throw new Error(`there is no experiment ${id}`);
  return (await load()).experiment;
}
