import { describe, expect, it } from 'vitest';
import { effectiveCapabilities, findingsOf, type HostFacts, readHostFacts } from '../../collector/host-check.ts';

const EPERM = -1;
const ECONNREFUSED = -111;
const AUDITD = { pid: 612, name: 'auditd' };
/** A host where everything is as one would wish. */
const GOOD: HostFacts = {
  kernelRelease: '6.1.0',
  capabilities: new Set(['AUDIT_CONTROL', 'AUDIT_READ', 'NET_ADMIN', 'SYS_PTRACE'] as const),
  audit: { kind: 'status', enabled: 1, owner: undefined },
  proc: { seesProcesses: true, seesPrograms: true },
  queueBytesMax: 212_992,
};
const onlyAudit = new Set(['AUDIT_CONTROL', 'AUDIT_READ'] as const);
const none = new Set<never>();

describe('checking a host', () => {
  const table: readonly [claim: string, facts: Partial<HostFacts>, codes: readonly string[]][] = [
    ['finds nothing wrong where nothing is', {}, ['fine audit', 'fine proc']],
    [
      'tells what the service of the package lacks, and that it can watch',
      { capabilities: onlyAudit, proc: { seesProcesses: true, seesPrograms: false } },
      ['fine audit', 'limit programs-hidden', 'limit small-queue'],
    ],
    [
      'does not ask for a bigger queue where it is big enough',
      { capabilities: onlyAudit, queueBytesMax: 16 * 1024 ** 2 },
      ['fine audit', 'fine proc'],
    ],
    [
      'says that another owns the socket, and that it would listen',
      { audit: { kind: 'status', enabled: 1, owner: AUDITD } },
      ['limit owned-by', 'fine proc'],
    ],
    [
      'says that a collector of ours is there already',
      { audit: { kind: 'status', enabled: 1, owner: { pid: 42, name: 'vedette-collect' } } },
      ['limit watched-already', 'fine proc'],
    ],
    [
      'cannot listen beside another without CAP_AUDIT_READ',
      {
        capabilities: new Set(['AUDIT_CONTROL', 'NET_ADMIN'] as const),
        audit: { kind: 'status', enabled: 1, owner: AUDITD },
      },
      ['problem owned-by', 'fine proc'],
    ],
    [
      'can only listen with CAP_AUDIT_READ alone',
      { capabilities: new Set(['AUDIT_READ', 'NET_ADMIN'] as const), audit: { kind: 'errno', errno: EPERM } },
      ['limit listen-only', 'fine proc'],
    ],
    [
      'can do nothing without either',
      { capabilities: none, audit: { kind: 'errno', errno: EPERM }, queueBytesMax: undefined },
      ['problem no-permission', 'fine proc'],
    ],
    [
      'can do nothing where the kernel has no audit',
      { audit: { kind: 'errno', errno: ECONNREFUSED } },
      ['problem no-audit', 'fine proc'],
    ],
    [
      'says that the rules are locked',
      { audit: { kind: 'status', enabled: 2, owner: undefined } },
      ['limit locked', 'fine proc'],
    ],
    [
      'says that /proc hides others',
      { proc: { seesProcesses: false, seesPrograms: false } },
      ['fine audit', 'limit proc-hidden'],
    ],
  ];
  it.each(table)('%s', (_claim, facts, expected) => {
    const findings = findingsOf({ ...GOOD, ...facts });
    expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual(expected);
    for (const { text } of findings) expect(text).toMatch(/^.{20,300}[.]$/s);
  });

  it('reads the capabilities that matter from the bits of /proc/PID/status', () => {
    expect([...effectiveCapabilities('CapPrm:\tffffffffffffffff\nCapEff:\t0000002040000000\n')].sort()).toEqual([
      'AUDIT_CONTROL',
      'AUDIT_READ',
    ]);
    expect(effectiveCapabilities('CapEff:\t000001ffffffffff\n').size).toBe(4);
    expect(effectiveCapabilities('CapEff:\t0000000000000000\n').size).toBe(0);
    for (const text of [undefined, '', 'CapEff:', 'CapEff:\tzz']) expect(effectiveCapabilities(text).size).toBe(0);
  });

  it('asks this very machine without failing, whatever it may', () => {
    const facts = readHostFacts();
    expect(facts.proc.seesProcesses).toBe(true);
    expect(findingsOf(facts).length).toBeGreaterThanOrEqual(2);
  });
});
