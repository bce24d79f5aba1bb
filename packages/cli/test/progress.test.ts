import { describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import { openProgress, progressText } from '../src/progress.ts';

function terminal(columns = 80): { isTTY: true; columns: number; written: string[]; write(text: string): void } {
  const written: string[] = [];
  return { isTTY: true, columns, written, write: (text) => void written.push(text) };
}

const fits = (done: number) => ({ phase: 'choosing', done, total: 10, unit: 'fits' as const });

describe('openProgress', () => {
  it('draws one line, throttled and not for short work, and removes it', () => {
    const stream = terminal();
    let time = 0;
    const line = openProgress({}, stream, () => time);
    for (; time <= 1000; time += 10) line.report(fits(time / 100));
    line.close();
    line.report(fits(10));
    expect(stream.written.length).toBeGreaterThan(3);
    expect(stream.written.length).toBeLessThanOrEqual(9);
    expect(stream.written.every((text) => text.startsWith('\r\x1b[2K') && !text.includes('\n'))).toBe(true);
    expect(stream.written.at(-1)).toBe('\r\x1b[2K');
  });

  it('draws nothing when quiet, without a terminal, or when work was short', () => {
    const quiet = terminal();
    openProgress({ quiet: true }, quiet, () => 1e6).report(fits(1));
    const pipe = { ...terminal(), isTTY: false };
    openProgress({}, pipe, () => 1e6).report(fits(1));
    const short = terminal();
    const line = openProgress({}, short, () => 5);
    line.report(fits(1));
    line.close();
    expect([quiet.written, pipe.written, short.written]).toEqual([[], [], []]);
  });
});

describe('progressText', () => {
  it('fits any width', () => {
    for (let width = 8; width < 100; width++) {
      expect(displayWidth(progressText(fits(4), width))).toBeLessThanOrEqual(width);
      expect(displayWidth(progressText({ ...fits(4), total: 0 }, width))).toBeLessThanOrEqual(width);
    }
  });

  it('says what is done, of how much', () => {
    expect(progressText(fits(4), 80)).toBe('choosing  ████████░░░░░░░░░░░░  40 %  4 of 10 fits');
    expect(progressText({ phase: 'reading', done: 2.5e6, total: 0, unit: 'bytes' }, 80)).toBe('reading  2.5 MB');
  });
});
