/** The one way in which long loops let others run. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createReportingTurn, createTurn } from '../src/base/index.ts';

let now = 0;

afterEach(() => {
  vi.restoreAllMocks();
});

function clock(): void {
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
}

describe('a turn', () => {
  it('is nothing to wait for until it is time, and is due again only as much later', async () => {
    clock();
    const turn = createTurn(undefined);
    now = 11.9;
    expect(turn()).toBeUndefined();
    now = 12;
    const wait = turn();
    expect(wait).toBeInstanceOf(Promise);
    now = 30;
    await wait;
    now = 41.9;
    expect(turn()).toBeUndefined();
    now = 42;
    expect(turn()).toBeInstanceOf(Promise);
  });

  it('lets through what waits in the event loop', async () => {
    clock();
    const turn = createTurn(undefined);
    let others = 0;
    setImmediate(() => others++);
    await Promise.resolve();
    expect(others).toBe(0);
    now = 12;
    await turn();
    expect(others).toBe(1);
  });

  it('notices an abort during the turn', async () => {
    clock();
    const controller = new AbortController();
    const turn = createTurn(controller.signal);
    now = 12;
    const wait = turn();
    controller.abort(new Error('enough'));
    await expect(wait).rejects.toThrow('enough');
  });

  it('notices an abort at the next call, whether or not it is time', () => {
    clock();
    const controller = new AbortController();
    const turn = createTurn(controller.signal);
    expect(turn()).toBeUndefined();
    controller.abort(new Error('enough'));
    expect(turn).toThrow('enough');
    expect(() => createTurn(controller.signal)).toThrow('enough');
  });

  it('says how far the loop is when it has let others run, and only then', async () => {
    clock();
    const onProgress = vi.fn();
    const turn = createReportingTurn('counting', { onProgress }, 'rows');
    expect(turn(1, 9)).toBeUndefined();
    expect(onProgress).not.toHaveBeenCalled();
    now = 12;
    await turn(2, 9);
    expect(onProgress.mock.calls).toEqual([[{ phase: 'counting', done: 2, total: 9, unit: 'rows' }]]);
  });

  it('says nothing after an abort', async () => {
    clock();
    const controller = new AbortController();
    const onProgress = vi.fn();
    const turn = createReportingTurn('counting', { onProgress, signal: controller.signal });
    now = 12;
    const wait = turn(1, 2);
    controller.abort();
    await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
    expect(onProgress).not.toHaveBeenCalled();
  });
});
