/** Pipes, sockets and devices where files are expected: a pipe waited for a writer for ever, and no signal ended it. */
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { FewfireError } from '@fewfire/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable, readFileBytes, readFileChunks, readInputArrays, readTextFile, sha256File } from '../src/index.ts';
import { temporaryDirectory } from './table-files.ts';

const root = temporaryDirectory();
afterAll(() => root.remove());

const readers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  openTable,
  readInputArrays,
  readTextFile,
  sha256File,
  readFileBytes: (path) => readFileBytes(path, { memoryLimitBytes: 1e6 }),
  readFileChunks: (path) => readFileChunks(path).next(),
};

async function failure(reading: Promise<unknown>): Promise<FewfireError> {
  const error: unknown = await reading.then(
    () => new Error('it was read'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FewfireError);
  expect((error as FewfireError).message).not.toContain('\n');
  return error as FewfireError;
}

describe.each(Object.entries(readers))('%s', (_, read) => {
  it('refuses a pipe, which nobody writes to', async () => {
    if (process.platform === 'win32') return;
    const path = join(root.path, 'pipe.csv');
    execFileSync('mkfifo', ['-m', '600', '--', path]);
    try {
      expect(await failure(read(path))).toMatchObject({
        code: 'file-unreadable',
        message: `${path} is a pipe, expected a file; give a table through standard input (program | fewfire fit -), and put anything else into a file first`,
      });
    } finally {
      execFileSync('rm', ['--', path]);
    }
  });

  it('refuses a device and a socket', async () => {
    if (process.platform === 'win32') return;
    expect((await failure(read('/dev/zero'))).message).toContain('/dev/zero is a device, expected a file');
    const path = join(root.path, 'socket.csv');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      expect((await failure(read(path))).message).toContain('socket.csv is a socket, expected a file');
    } finally {
      server.close();
    }
  });

  it('refuses a folder', async () => {
    expect((await failure(read(root.path))).message).toContain('is a directory, expected a file');
  });

  it('says what is odd about a path that no system takes', async () => {
    expect((await failure(read('a\0b.csv'))).message).toMatch(/^cannot read a/);
  });
});

it('a text larger than texts can be is refused before it is read', async () => {
  const path = join(root.path, 'huge.json');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 31 + 10); // a hole
  expect(await failure(readTextFile(path))).toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/has 2,147,483,658 bytes; expected a text of at most 5\d\d,\d{3},\d{3}$/),
  });
});
