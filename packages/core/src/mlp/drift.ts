/**
 * Whether the inputs of a calibrated block are still like those it was calibrated on. Two things are watched:
 *
 * - the share of units that survive the screen, on every input, against the calibration's;
 * - the missed mass of inputs drawn at random (seeded), for which the exact result is computed too, against the target.
 *
 * Both are alarms of betting.ts, which may be looked at after every input: the chance that one of them ever rings while
 * nothing changed is at most `falseAlarm`, if inputs are independent. Inputs that come in runs of similar ones (tokens of
 * one text) are covered as far as `tolerance` goes and no further.
 */
import { checkOptions, createRandom, FewfireError, type Interval } from '../base/index.ts';
import { bettingInterval, createMeanAlarm } from './betting.ts';
import { type DriftOptions, type MlpCalibration, SURVIVOR_DELTA } from './calibration.ts';

/** Whether inputs have drifted, and by which sign. */
export interface DriftStatus {
  readonly state: 'ok' | 'drifted';
  readonly cause: 'more survivors' | 'fewer survivors' | 'missed mass' | null;
  /** The input, counted from 1, at which drift was found; up to 31 later ones were not yet run as drifted. */
  readonly foundAt: number | null;
  /** Inputs run through the screen. */
  readonly inputCount: number;
  readonly survivorRate: {
    /** null before the first input. */
    readonly mean: number | null;
    readonly calibrated: number;
    /** Means in here are no drift. */
    readonly expected: Interval;
  };
  readonly missedMass: {
    readonly target: number;
    readonly checkCount: number;
    /** Of the checks, null without any. */
    readonly mean: number | null;
    /** Of the last 4096 checks, at the calibration's confidence; for a look at a time chosen beforehand. */
    readonly interval: Interval | null;
  };
  readonly falseAlarm: number;
}

export interface DriftWatch {
  /** Whether to check the next input; each has the same chance. */
  drawCheck(): boolean;
  addSurvivors(share: number): void;
  addMissed(share: number): void;
  /** As of the last look: after every `SURVIVORS_TOGETHER` inputs, and after every check. */
  isDrifted(): boolean;
  status(): DriftStatus;
}

const KEPT_CHECKS = 4096;
/** Shares are written down, and looked at so many together: a layer takes microseconds, and its watch has to cost less. */
const SURVIVORS_TOGETHER = 32;

/** @throws FewfireError `invalid-argument` for options out of range */
export function createDriftWatch(
  { survivorRate, missedMass }: Pick<MlpCalibration, 'survivorRate' | 'missedMass'>,
  options: DriftOptions = {},
): DriftWatch {
  checkOptions('drift', options, {
    falseAlarm: 'number',
    checkEvery: 'number',
    tolerance: 'number',
    onDrift: ['exact', 'report'],
    seed: 'number',
  });
  const { falseAlarm = 0.01, checkEvery = 256, tolerance = 0.25 } = options;
  if (!(falseAlarm > SURVIVOR_DELTA && falseAlarm < 1)) {
    throw new FewfireError(
      'invalid-argument',
      `falseAlarm is ${falseAlarm}; expected above ${SURVIVOR_DELTA}, below 1`,
    );
  }
  if (!(checkEvery >= 1)) throw new FewfireError('invalid-argument', `checkEvery is ${checkEvery}; expected 1 or more`);
  if (!(tolerance >= 0)) throw new FewfireError('invalid-argument', `tolerance is ${tolerance}; expected 0 or more`);
  const random = createRandom(options.seed ?? 1);
  const expected: Interval = [
    survivorRate.interval[0] / (1 + tolerance),
    Math.min(1, survivorRate.interval[1] * (1 + tolerance)),
  ];
  // Half to the checks, a quarter to each side of the survivors.
  const delta = falseAlarm - SURVIVOR_DELTA;
  const alarms = {
    'more survivors': createMeanAlarm(expected[1], 'above', delta / 4),
    'fewer survivors': createMeanAlarm(expected[0], 'below', delta / 4),
    'missed mass': createMeanAlarm(missedMass.target, 'above', delta / 2),
  };
  const checks: number[] = [];
  const pending = new Float64Array(SURVIVORS_TOGETHER);
  let pendingCount = 0;
  let inputCount = 0;
  let survivorSum = 0;
  let checkCount = 0;
  let missedSum = 0;
  let cause: DriftStatus['cause'] = null;
  let foundAt: number | null = null;
  const tell = (name: keyof typeof alarms, value: number): void => {
    if (!alarms[name].add(value) || cause !== null) return;
    cause = name;
    foundAt = inputCount;
  };
  const lookAtPending = (): void => {
    const count = pendingCount;
    pendingCount = 0;
    for (const share of pending.subarray(0, count)) {
      inputCount++;
      survivorSum += share;
      tell('more survivors', share);
      tell('fewer survivors', share);
    }
  };
  // The number of inputs until the next check, drawn at once (geometric), so that most inputs only count down.
  const drawGap = (): number => {
    if (checkEvery === Infinity) return Infinity;
    return 1 + Math.floor(Math.log1p(-random.uniform()) / Math.log1p(-1 / checkEvery));
  };
  let untilCheck = drawGap();
  return {
    drawCheck() {
      untilCheck--;
      if (untilCheck > 0) return false;
      untilCheck = drawGap();
      return true;
    },
    addSurvivors(share) {
      pending[pendingCount++] = share;
      if (pendingCount === SURVIVORS_TOGETHER) lookAtPending();
    },
    addMissed(share) {
      lookAtPending();
      checks[checkCount % KEPT_CHECKS] = share;
      checkCount++;
      missedSum += share;
      tell('missed mass', share);
    },
    isDrifted: () => cause !== null,
    // Looks at nothing new, so that nothing depends on who asks.
    status() {
      const sum = pending.subarray(0, pendingCount).reduce((total, share) => total + share, survivorSum);
      const count = inputCount + pendingCount;
      return {
        state: cause === null ? 'ok' : 'drifted',
        cause,
        foundAt,
        inputCount: count,
        survivorRate: {
          mean: count === 0 ? null : sum / count,
          calibrated: survivorRate.mean,
          expected,
        },
        missedMass: {
          target: missedMass.target,
          checkCount,
          mean: checkCount === 0 ? null : missedSum / checkCount,
          interval: checkCount === 0 ? null : bettingInterval(checks, 1 - missedMass.confidence),
        },
        falseAlarm,
      };
    },
  };
}
