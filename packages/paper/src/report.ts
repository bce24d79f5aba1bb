/** The page of a reproduction: what it says of the paper and of the run, around the sections of the experiments. */
import type { Report, ReportSection } from '@fewfire/report';
import type { ExperimentScale } from './experiment.ts';
import { REPORT_TITLE } from './made.ts';

/** The run that a page is about. */
export interface ReportedRun {
  /** Of fewfire. */
  readonly version: string;
  /** What makes it again. */
  readonly command: string;
  readonly scale: ExperimentScale;
  readonly seed: number;
}

export async function reproductionReport(
  sections: readonly ReportSection[],
  { version, command, scale, seed }: ReportedRun,
): Promise<Report> {
  const { publishedSlips } = await import('./slips.ts');
  return {
    title: REPORT_TITLE,
    introduction: [
      'Each statement of Awasthi, Dikkala, Kamath and Meka (COLT 2024, arXiv 2406.17989) is measured and compared with its bounds: published (the paper’s O() with constant 1: a scale, not a bound), explicit (the paper’s proof with its constants) and new (of this project, proved, not peer reviewed).',
      'A verdict is computed from the numbers. “Holds” means that no measured value exceeded its bound; it is not a proof. Statements that no measurement can prove are at best “consistent with” what was measured.',
      `${verdictCounts(sections)}.`,
    ],
    sections,
    slips: await publishedSlips(),
    facts: [
      ['Made by', `fewfire ${version}, Node ${process.versions.node}`],
      ['Command', command],
      ['Scale', scale],
      ['Seed', String(seed)],
    ],
  };
}

/** `42 claims; holds: 26, consistent with: 16`. */
export function verdictCounts(sections: readonly ReportSection[]): string {
  const verdicts = sections.flatMap(({ claims }) => claims.map(({ verdict }) => verdict));
  const kinds = ['holds', 'consistent with', 'does not hold', 'not consistent with'] as const;
  const counts = kinds.map((kind) => [kind, verdicts.filter((verdict) => verdict === kind).length] as const);
  const parts = counts.filter(([, count]) => count > 0).map(([kind, count]) => `${kind}: ${count}`);
  return `${verdicts.length} ${verdicts.length === 1 ? 'claim' : 'claims'}; ${parts.join(', ')}`;
}
