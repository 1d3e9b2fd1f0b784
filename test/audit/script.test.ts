import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import { type ExecFacts, isInterpreter, scriptOf } from '../../audit/script.ts';
import { fieldOf } from '../../event/document.ts';
import { HOST, sampleEvents } from './samples.ts';

function exec(line: string, more: Partial<ExecFacts> = {}): string | undefined {
  const args = line.split(' ');
  const executable = `/usr/bin/${(args[0] ?? '').split('/').at(-1)}`;
  return scriptOf({ comm: args[0], executable, args, cwd: '/home/anna', paths: [{ name: executable }], ...more });
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
    'php -l x.php',
    'fish --command=id x.fish',
    'node --eval=1 x.js',
    'ls x.sh',
    'python3 -',
  ])('is none where the program stands elsewhere: %s', (line) => {
    expect(exec(line)).toBeUndefined();
  });

  it('is the file with the #! that was asked for, whatever its interpreter', () => {
    const executable = '/opt/odd/interpreter';
    const args = ['/opt/odd/interpreter', '-f', './tool', 'x'];
    const opened = (script: string | undefined, ...others: string[]) => [script, ...others].map((name) => ({ name }));
    const paths = opened('./tool', executable);
    expect(scriptOf({ comm: 'tool', executable, args, cwd: '/srv', paths })).toBe('/srv/tool');
    const long = ['/bin/sh', '/srv/a-name-beyond-fifteen-bytes', 'x'];
    const facts = { executable: '/usr/bin/dash', cwd: undefined, paths: opened(long[1], '/bin/sh', '/lib/ld.so') };
    expect(scriptOf({ ...facts, comm: 'a-name-beyond-f', args: long })).toBe(long[1]);
    expect(scriptOf({ ...facts, executable, comm: 'other', args: long })).toBeUndefined();
  });

  it('whose interpreter is a script too is the one that was asked for', () => {
    const paths = ['./x', '/srv/outer', '/bin/sh', '/lib/ld.so'].map((name) => ({ name }));
    const args = ['/bin/sh', '/srv/outer', './x', 'a'];
    expect(scriptOf({ comm: 'x', executable: '/usr/bin/dash', args, cwd: '/srv', paths })).toBe('/srv/x');
  });

  it.each([
    ['/usr/bin/cat', ['/bin/cat', '/bin/cat']],
    ['/usr/bin/cat', ['cat', '/bin/cat']],
    ['/usr/bin/mawk', ['awk', '-f', '/bin/awk']],
    ['/usr/bin/sha256sum', ['/bin/sha256sum', '/bin/sha256sum', 'x']],
  ])('is none of a program that is given its own name (%s %j)', (executable, args) => {
    const path = args.find((arg) => arg.startsWith('/'));
    const paths = [{ name: path }, { name: '/lib64/ld-linux-x86-64.so.2' }];
    const comm = path?.split('/').at(-1);
    expect(scriptOf({ comm, executable, args, cwd: '/', paths })).toBeUndefined();
  });

  it('is what a shell took over itself after the kernel refused it (dash runs a file without #! as /bin/sh FILE)', () => {
    const scripts = sampleEvents('execve_user').map((event) => [
      event.serial,
      fieldOf(createEcsMapper(HOST).toDocument(event), 'process.Ext.script.path'),
    ]);
    expect(scripts.filter(([, script]) => script !== undefined)).toEqual([[2_713_792, '/etc/hostname']]);
  });

  it.each([
    [['sh', '-x', 'x.sh'], '/home/anna/x.sh'],
    [['-sh'], undefined],
    [['ls', 'x.sh'], undefined],
  ])('of a program that is many in one is told by the name that it was called by (%j)', (args, script) => {
    const facts = { comm: args[0], args, cwd: '/home/anna', paths: [{ name: '/bin/sh' }] };
    expect(scriptOf({ ...facts, executable: '/bin/busybox' })).toBe(script);
    expect(isInterpreter('/bin/busybox')).toBe(true);
  });

  it('stays relative where the directory is not known', () => {
    expect(exec('bash x.sh', { cwd: undefined })).toBe('x.sh');
  });
});
