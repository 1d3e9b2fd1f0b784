import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileProfile,
  DEFAULT_RULES,
  KEY_PREFIX,
  parseScope,
  type RulesProfile,
  WATCHED_READS,
} from '../../collector/audit-rules/default-rules.ts';
import { machineArchitectures } from '../../collector/audit-rules/machine.ts';
import { exclusionRule } from '../../collector/audit-rules/self-exclusion.ts';
import {
  decodeMessage,
  decodeStatus,
  encodeMessage,
  encodeStatus,
  HEADER_BYTES,
} from '../../collector/netlink/message.ts';
import { decodeRule, encodeRule } from '../../collector/netlink/rule-data.ts';

const compiled = (
  options: { arch?: string; scope?: string; hasFamilyFilter?: boolean; profile?: RulesProfile } = {},
) => {
  const scope = parseScope(options.scope ?? '');
  return compileProfile({
    profile: options.profile ?? 'default',
    architectures: machineArchitectures(options.arch ?? 'x64'),
    scope: 'fields' in scope ? scope.fields : [],
    hasFamilyFilter: options.hasFamilyFilter ?? true,
    exists: () => true,
  });
};

describe('default audit rules', () => {
  it('put the scope and a key of ours on every rule', () => {
    for (const rule of compiled({ scope: 'uid=4242' })) {
      expect(rule.fields).toContainEqual({ name: 'uid', operator: '=', value: 4242 });
      expect(decodeRule(encodeRule(rule))?.keys[0]?.startsWith(KEY_PREFIX)).toBe(true);
    }
  });

  it('ask for the same on both architectures of a machine, each in its own numbers', () => {
    const execs = compiled().filter(({ fields }) => fields.some(({ value }) => value === `${KEY_PREFIX}exec`));
    expect(execs.map(({ syscalls }) => syscalls)).toEqual([
      [59, 322],
      [11, 358],
    ]);
  });

  it('know every syscall that they name on one architecture at least', () => {
    const architectures = [...machineArchitectures('x64'), ...machineArchitectures('arm64')];
    const unknown = DEFAULT_RULES.flatMap(({ syscalls }) => syscalls).filter(
      (name) => !/32$/.test(name) && architectures.every(({ syscallNumber }) => syscallNumber(name) === undefined),
    );
    expect(unknown).toEqual([]);
  });

  it('ask for more, not less, where the kernel cannot filter by address family', () => {
    const connects = (rules: ReturnType<typeof compiled>) =>
      rules.filter(
        ({ list, fields }) => list === undefined && fields.some(({ value }) => value === `${KEY_PREFIX}connect`),
      );
    expect(connects(compiled({ arch: 'arm64' })).length).toBe(2);
    const [only, ...others] = connects(compiled({ arch: 'arm64', hasFamilyFilter: false }));
    expect(others).toEqual([]);
    expect(only?.fields.map(({ name }) => name)).toEqual(['arch', 'key']);
  });

  it('are told in the documentation, each key and each watched file', () => {
    const text = readFileSync(new URL('../../docs/collector.md', import.meta.url), 'utf8');
    for (const { key, syscalls } of DEFAULT_RULES) {
      expect(text).toContain(`\`${KEY_PREFIX}${key}\``);
      const named = syscalls.filter((name) => !/(32|64)$/.test(name));
      expect(named.filter((name) => !text.includes(name))).toEqual([]);
    }
    for (const { path } of WATCHED_READS) expect(text).toContain(path);
  });
});

describe('scope of the rules', () => {
  it('is read as -F would be', () => {
    expect(parseScope('uid=4242, exe!=/usr/bin/x')).toEqual({
      fields: [
        { name: 'uid', operator: '=', value: 4242 },
        { name: 'exe', operator: '!=', value: '/usr/bin/x' },
      ],
    });
    expect(parseScope('')).toEqual({ fields: [] });
  });

  it.each(['uid=root', 'exe=relative', 'key=x', 'uid', 'arch=b64', 'uid=4242 -S all', '__proto__=1'])(
    'refuses %s',
    (text) => {
      expect(parseScope(text)).toHaveProperty('error');
    },
  );
});

describe('rules as bytes', () => {
  it('come back as they were', () => {
    const rule = decodeRule(encodeRule(exclusionRule({ pid: 4711, ppid: 47, uid: 0 })));
    expect(rule).toMatchObject({
      action: 'never',
      list: 'exit',
      syscalls: 'all',
      keys: ['vedette-exclude'],
      pid: 4711,
    });
    expect(encodeRule(exclusionRule({ pid: 1, ppid: 0, uid: 0 })).readUInt32LE(0)).toBe(4 | 0x10);
  });

  it('are refused when they are none, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
        const rule = decodeRule(Buffer.from(bytes));
        expect(rule === undefined || Array.isArray(rule.keys)).toBe(true);
      }),
    );
    const cut = encodeRule(exclusionRule({ pid: 1, ppid: 0, uid: 0 })).subarray(0, -1);
    expect(decodeRule(Buffer.from(cut))).toBeUndefined();
  });
});

describe('netlink messages', () => {
  it('set only the fields that are named', () => {
    const payload = encodeStatus({ pid: 77, backlogLimit: 8192 });
    expect(payload.readUInt32LE(0)).toBe(0x04 | 0x10);
    expect(decodeStatus(payload)).toMatchObject({ pid: 77, backlogLimit: 8192, enabled: 0 });
  });

  it('are read by the datagram’s length, and a status of an older kernel too', () => {
    const message = decodeMessage(encodeMessage(1000, 5, Buffer.alloc(32, 1)));
    expect(message).toMatchObject({ type: 1000, sequence: 5 });
    expect(message && decodeStatus(message.payload)?.backlogWaitTime).toBe(0);
    expect(decodeMessage(Buffer.alloc(HEADER_BYTES - 1))).toBeUndefined();
    expect(decodeStatus(Buffer.alloc(31))).toBeUndefined();
  });
});
