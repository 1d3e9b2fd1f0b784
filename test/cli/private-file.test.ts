import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivateFolder, writePrivateFile } from '../../cli/private-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-private-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('private files', () => {
  it('stand in folders that only their owner enters, made as far as they are missing', async () => {
    await writePrivateFile(join(folder, 'a/b/c'), 'text');
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'a/b/c')).mode & 0o777).toBe(0o600);
    await makePrivateFolder(join(folder, 'a/b'));
  });

  it('end with an error where no folder can be made: below /proc, below a file', async () => {
    await expect(makePrivateFolder('/proc/vedette/data')).rejects.toMatchObject({ code: 'ENOENT' });
    writeFileSync(join(folder, 'file'), '');
    await expect(makePrivateFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makePrivateFolder(join(folder, 'file/data'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
