import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../cli/command-table.ts';
import { runHere, runProcess } from './terminal.ts';

describe('the command line', () => {
  it('tells in one line, and by its exit code, that its output found no room', () => {
    const full = openSync('/dev/full', 'w');
    const main = new URL('../../cli/main.ts', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, [main, '--help'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(stderr).toBe('vedette: what was printed is not all: ENOSPC: no space left on device, write\n');
    expect(status).toBe(3);
  });

  it.each([
    [['serach'], 'vedette: unknown command `serach` [cli/unknown-command]\n  Did you mean `search`?\n'],
    [['rules', 'lnt'], 'vedette: unknown command `rules lnt` [cli/unknown-command]\n  Did you mean `rules lint`?\n'],
    [
      ['alerts', 'frobnicate'],
      'vedette: unknown command `alerts frobnicate` [cli/unknown-command]\n  Known: alerts list, alerts show, alerts ack, alerts close.\n',
    ],
    [
      ['frobnicate'],
      'vedette: unknown command `frobnicate` [cli/unknown-command]\n  `vedette --help` lists the commands.\n',
    ],
    [
      ['search', 'x', '--sinse', '1h'],
      'vedette: search: unknown option `--sinse` [cli/usage]\n  Did you mean `--since`? `vedette search --help` shows examples.\n',
    ],
    [
      ['search', 'x', '--since'],
      'vedette: search: --since needs a value [cli/usage]\n  Write `--since TIME`. `vedette search --help` shows examples.\n',
    ],
    [
      ['search', 'x', '--json=1'],
      'vedette: search: --json takes no value [cli/usage]\n  Write `--json` alone. `vedette search --help` shows examples.\n',
    ],
    [
      ['search', 'x', '--since', 'yesterday'],
      'vedette: --since: `yesterday` is not a time [cli/usage]\n  Write how long ago (30m, 24h, 7d), or a time (2026-05-01T10:00Z).\n',
    ],
    [
      ['search', 'x', '--limit', '0'],
      'vedette: --limit: `0` is out of range [cli/usage]\n  Write a whole number from 1 to 10000.\n',
    ],
  ])('says what is wrong with %j and what was probably meant', async (words, expected) => {
    expect(await runHere(words)).toEqual({ code: 2, stdout: '', stderr: expected });
  });

  it('asks for what is missing', async () => {
    const said = await runHere(['search']);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('Write `vedette search QUERY');
  });

  it('says that a query of several words needs quotes', async () => {
    const said = await runHere(['search', 'a', 'AND', 'b']);
    expect(said.stderr).toContain('`AND` is one word too many');
    expect(said.stderr).toContain('go in quotes');
  });

  it('prints failures as JSON where JSON was asked for', async () => {
    const said = await runHere(['search', 'x', '--sinse', '--json']);
    expect(said.stderr).toBe('');
    expect(JSON.parse(said.stdout)).toEqual({
      error: {
        code: 'cli/usage',
        message: expect.stringContaining('--sinse'),
        remedy: expect.stringContaining('--since'),
      },
    });
  });

  it('does not send control characters of its arguments to the terminal', async () => {
    expect((await runHere(['\u001b[2J'])).stderr).not.toContain('\u001b');
  });

  it('prints its version and its overview', async () => {
    expect((await runHere(['--version'])).stdout).toMatch(/^vedette \d+\.\d+\.\d+\n$/);
    const help = await runHere(['--help']);
    expect(help.code).toBe(0);
    for (const { name } of COMMANDS) expect(help.stdout).toContain(`  ${name}`);
    expect(await runHere([])).toEqual({ code: 2, stdout: '', stderr: help.stdout });
  });
});

describe('the help of every command', () => {
  it.each(COMMANDS.map(({ name }) => [name] as const))(
    '%s: names itself, shows examples, fits 120 columns',
    async (name) => {
      const said = await runHere([...name.split(' '), '--help']);
      expect(said.code).toBe(0);
      expect(said.stdout).toContain(`Usage: vedette ${name}`);
      expect(said.stdout).toContain('--json');
      expect(said.stdout).toMatch(/\nExamples:\n {2}(sudo )?vedette /);
      expect(Math.max(...said.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
      expect(said.stdout).not.toContain('--supervised');
    },
  );

  it('is what `vedette hosts revoke --help` looks like', async () => {
    expect((await runHere(['hosts', 'revoke', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: vedette hosts revoke ID

      Takes a host’s token away: from then on the server refuses what it sends. What it sent stays.
      Only an admin can enrol it again. Needs the admin token.

      Options:
        --server URL       The server to ask, instead of the configured one.
        --token-file FILE  File with the token for it, instead of the one in the data folder.
        --config FILE      The configuration (else $VEDETTE_CONFIG, ./vedette.yaml,
                           /etc/vedette/vedette.yaml).
        --data FOLDER      The data folder, instead of the configured one (./data).
        --json             Print JSON, in a stable shape.
        --help             Print this.

      Examples:
        vedette hosts revoke HOST-ID
            The id is the one that \`vedette hosts\` shows.
      "
    `);
  });

  it('leaves no command without its file, and no file without its command', () => {
    const files = readdirSync(new URL('../../cli/commands', import.meta.url));
    // `alerts ack` and `alerts close` share a file, and so do the three of `hold`.
    expect(files.length).toBe(COMMANDS.length - 3);
  });
});

describe('the process', () => {
  it('ends with the exit code, and says it on stderr', async () => {
    const said = await runProcess(['serach']);
    expect(said).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining('Did you mean `search`?') });
  });
});
