import { describe, expect, it } from 'vitest';
import {
  absolutePath,
  actedOnPath,
  baseName,
  fileType,
  modeText,
  oldAndNewPath,
  pathOfText,
} from '../../audit/path.ts';
import { socketAddressOf } from '../../audit/socket-address.ts';

const base = (cwd: string | undefined, isRelativeToCwd = true, parent?: string) => ({ cwd, isRelativeToCwd, parent });

describe('absolutePath', () => {
  it.each([
    ['/etc/passwd', '/x', '/etc/passwd'],
    ['passwd', '/etc', '/etc/passwd'],
    ['./a/../b', '/tmp', '/tmp/b'],
    ['/etc//./shadow', '/', '/etc/shadow'],
    ['/etc/../etc/shadow', '/', '/etc/shadow'],
    ['/../..', '/', '/'],
    ['/etc/', '/', '/etc'],
    ['/..', '/', '/'],
    ['..hidden', '/tmp', '/tmp/..hidden'],
    ['a', '/', '/a'],
  ])('%s in %s is %s', (name, cwd, expected) => {
    expect(absolutePath(name, base(cwd))).toBe(expected);
  });

  it('of a name relative to a descriptor is not guessed from the current directory', () => {
    expect(absolutePath('shadow', base('/tmp', false, '/tmp'))).toBeUndefined();
    expect(absolutePath('shadow', base('/tmp', false, undefined))).toBeUndefined();
    expect(absolutePath('shadow', base('/tmp', false, 'sub/'))).toBeUndefined();
  });

  it('of such a name is told by a PARENT record that gives another directory', () => {
    expect(absolutePath('shadow', base('/tmp', false, '/etc'))).toBe('/etc/shadow');
  });

  it('of a name without a current directory, or without a name, is not told', () => {
    expect(absolutePath('x', base(undefined))).toBeUndefined();
    expect(absolutePath('', base('/tmp'))).toBeUndefined();
  });
});

describe('the path acted on', () => {
  const path = (nametype: string, name = 'x') =>
    pathOfText(`name="${name}" inode=1 dev=08:01 mode=0100644 ouid=0 ogid=0 nametype=${nametype}`);

  it('is never the PARENT', () => {
    expect(actedOnPath([path('PARENT')], false)).toBeUndefined();
    expect(actedOnPath([path('PARENT', 'd'), path('CREATE', 'f')], false)?.path.name).toBe('f');
    expect(actedOnPath([path('PARENT', 'd'), path('NORMAL', 'f')], false)?.path.name).toBe('f');
  });

  it('is UNKNOWN only for a failed call', () => {
    expect(actedOnPath([path('UNKNOWN', 'a'), path('NORMAL', 'b')], false)?.path.name).toBe('b');
    expect(actedOnPath([path('UNKNOWN', 'a')], false)).toBeUndefined();
    expect(actedOnPath([path('UNKNOWN', 'a')], true)?.path.name).toBe('a');
  });

  it('of a rename is the new name, the first deleted one the old, also where the target existed', () => {
    const paths = [path('PARENT'), path('PARENT'), path('DELETE', 'old'), path('DELETE', 'new'), path('CREATE', 'new')];
    const { old, now } = oldAndNewPath(paths, false);
    expect([old?.path.name, now?.path.name, now?.path.attributes.nametype]).toEqual(['old', 'new', 'CREATE']);
  });

  it('is read from records of RHEL 7 (objtype) and older ones (neither)', () => {
    expect(pathOfText('name="x" inode=1 objtype=CREATE').attributes.nametype).toBe('CREATE');
    expect(actedOnPath([pathOfText('name="x" inode=1')], false)?.path.name).toBe('x');
  });

  it('is the one with a name where an overlay file system did the same again below, without names', () => {
    const inner = (nametype: string) => pathOfText(`name=(null) inode=2 dev=00:27 mode=040755 nametype=${nametype}`);
    const below = [inner('PARENT'), inner('CREATE'), inner('DELETE'), inner('CREATE')];
    for (const nametype of ['CREATE', 'DELETE', 'NORMAL']) {
      expect(actedOnPath([path('PARENT', 'd/'), path(nametype, 'f'), ...below], false)?.path.name).toBe('f');
    }
    const renamed = [path('PARENT', 'd/'), path('DELETE', 'old'), path('CREATE', 'new'), ...below];
    const { old, now } = oldAndNewPath(renamed, false);
    expect([old?.path.name, now?.path.name]).toEqual(['old', 'new']);
    expect(actedOnPath([inner('PARENT'), inner('CREATE')], false)?.path.inode).toBe('2');
  });

  it('may have no name: a descriptor was given', () => {
    expect(pathOfText('name=(null) inode=5 nametype=NORMAL')).toMatchObject({ name: undefined, inode: '5' });
    expect(pathOfText('name="(null)" inode=5 nametype=NORMAL').name).toBe('(null)');
  });
});

describe('parts of a file', () => {
  it.each([
    [0o104755, '4755', 'file'],
    [0o041777, '1777', 'dir'],
    [0o120777, '0777', 'symlink'],
    [0o020600, '0600', 'device'],
  ])('mode %i', (mode, text, type) => {
    expect([modeText(mode), fileType(mode)]).toEqual([text, type]);
  });

  it('baseName leaves a final slash out', () => {
    expect(['/a/b', '/a/b/', '/', 'x'].map(baseName)).toEqual(['b', 'b', '', 'x']);
  });
});

describe('socketAddressOf', () => {
  it.each([
    ['0200115C7F0000010000000000000000', { family: 'ipv4', ip: '127.0.0.1', port: 4444 }],
    ['0A00003500000000000000000000000000000000000000010000', { family: 'ipv6', ip: '::1', port: 53 }],
    ['0A0001BB0000000020010DB800000000000000000001000200000000', { family: 'ipv6', ip: '2001:db8::1:2', port: 443 }],
    [
      '0A0001BB00000000000000000000000000000000FFFFC000020A00000000'.replace(
        '000000000000000000000000FFFF',
        '00000000000000000000FFFF',
      ),
      { family: 'ipv6', ip: '192.0.2.10', port: 443 },
    ],
    ['01002F7661722F72756E2F780000', { family: 'unix', path: '/var/run/x' }],
    ['01000061627374726163742D6E616D65', { family: 'unix', path: '@abstract-name' }],
    ['0100', { family: 'unix', path: undefined }],
    ['100000000000000000000000', { family: 'netlink', port: 0 }],
    ['2800000039300000020000000000000000', { family: 'vsock', port: 12_345, path: 'cid:2' }],
    ['1100000002000000', { family: 'packet', path: 'ifindex:2' }],
    ['0002115C7F000001', { family: 'ipv4', ip: '127.0.0.1', port: 4444 }],
    ['0200', { family: 'ipv4', ip: undefined }],
  ])('%s', (hex, expected) => {
    expect(socketAddressOf(hex)).toMatchObject(expected);
  });

  it.each(['', '02', '0', 'xyz0', 'ABC', 'AB'.repeat(300)])('refuses %j', (hex) => {
    expect(socketAddressOf(hex)).toBeUndefined();
  });
});
