import { describe, expect, it } from 'vitest';
import { type ExecFacts, scriptOf } from '../../audit/script.ts';

function exec(line: string, more: Partial<ExecFacts> = {}): string | undefined {
  const args = line.split(' ');
  const executable = `/usr/bin/${(args[0] ?? '').split('/').at(-1)}`;
  return scriptOf({ comm: args[0], executable, args, cwd: '/home/anna', path: executable, ...more });
}

describe('the script of an exec', () => {
  it.each([
    ['bash x.sh a b', '/home/anna/x.sh'],
    ['bash -x ../x.sh', '/home/x.sh'],
    ['bash -eo pipefail -- -odd.sh', '/home/anna/-odd.sh'],
    ['bash --norc --rcfile f /srv//x.sh', '/srv/x.sh'],
    ['python3.11 -u -W error x.py -c', '/home/anna/x.py'],
    ['perl -w -I lib x.pl', '/home/anna/x.pl'],
    ['node --require ./hook.js server.js', '/home/anna/server.js'],
    ['php -f x.php', '/home/anna/x.php'],
    ['php8.2 x.php', '/home/anna/x.php'],
    ['ruby2.7 x.rb', '/home/anna/x.rb'],
  ])('is the first word that is no option: %s', (line, script) => {
    expect(exec(line)).toBe(script);
  });

  it.each([
    'bash',
    'bash -c id x.sh',
    'bash -lc id',
    'sh -s x',
    'python3 -m http.server',
    'python3 -Ic 1',
    'perl -lane print x',
    'node -e 1 x.js',
    'php -r 1',
    'ls x.sh',
    'python3 -',
  ])('is none where the program stands elsewhere: %s', (line) => {
    expect(exec(line)).toBeUndefined();
  });

  it('is the file with the #! that was asked for, whatever its interpreter', () => {
    const executable = '/opt/odd/interpreter';
    const args = ['/opt/odd/interpreter', '-f', './tool', 'x'];
    expect(scriptOf({ comm: 'tool', executable, args, cwd: '/srv', path: './tool' })).toBe('/srv/tool');
    const long = ['/bin/sh', '/srv/a-name-beyond-fifteen-bytes', 'x'];
    const facts = { executable: '/usr/bin/dash', cwd: undefined, path: long[1] };
    expect(scriptOf({ ...facts, comm: 'a-name-beyond-f', args: long })).toBe(long[1]);
    expect(scriptOf({ ...facts, executable, comm: 'other', args: long })).toBeUndefined();
  });

  it('stays relative where the directory is not known', () => {
    expect(exec('bash x.sh', { cwd: undefined })).toBe('x.sh');
  });
});
