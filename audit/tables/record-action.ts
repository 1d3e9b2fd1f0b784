// What each record type that leads an event says, in ECS words. A type that is not here is decoded generically: its name in
// lower case with dashes is the action.
import { recordTypeNumber } from './record-type.ts';

export interface RecordAction {
  readonly action: string;
  readonly category: readonly string[];
  readonly type: readonly string[];
  /** `auditd.summary.object.type`. */
  readonly object: string;
  /** Fields, best first, that name the object. */
  readonly primary: readonly string[];
  /** True where `acct` or `id` is an account that is changed, not one that acts. */
  readonly hasTarget: boolean;
}

type Row = readonly [types: string, action: string, category: string, type: string, object: string, primary?: string];

const ROWS: readonly Row[] = [
  ['USER_AUTH', 'authenticated', 'authentication', 'info', 'user-session', 'terminal'],
  ['USER_ACCT', 'was-authorized', 'authentication', 'info', 'user-session', 'terminal'],
  ['USER_LOGIN', 'logged-in', 'authentication', 'start', 'user-session', 'terminal'],
  ['USER_LOGOUT', 'logged-out', 'authentication', 'end', 'user-session', 'terminal'],
  ['USER_START', 'started-session', 'session', 'start', 'user-session', 'terminal'],
  ['USER_END', 'ended-session', 'session', 'end', 'user-session', 'terminal'],
  ['USER_ERR', 'error', 'authentication', 'info', 'user-session', 'terminal'],
  ['CRED_ACQ', 'acquired-credentials', 'authentication', 'info', 'user-session', 'terminal'],
  ['CRED_DISP', 'disposed-credentials', 'authentication', 'info', 'user-session', 'terminal'],
  ['CRED_REFR', 'refreshed-credentials', 'authentication', 'info', 'user-session', 'terminal'],
  ['GRP_AUTH', 'authenticated-to-group', 'authentication', 'info', 'user-session', 'terminal'],
  ['CHGRP_ID', 'changed-group', 'authentication', 'change', 'user-session', 'terminal'],
  ['CHUSER_ID', 'changed-user-id', 'authentication', 'change', 'user-session', 'terminal'],
  ['LOGIN', 'changed-login-id-to', 'authentication', 'start', 'user-session', 'auid'],
  ['USER_CHAUTHTOK', 'changed-password', 'iam', 'user change', 'user-session', 'terminal'],
  ['GRP_CHAUTHTOK', 'changed-group-password', 'iam', 'group change', 'account', 'grp acct'],
  ['ADD_USER', 'added-user-account', 'iam', 'user creation', 'account', 'acct id'],
  ['DEL_USER', 'deleted-user-account', 'iam', 'user deletion', 'account', 'acct id'],
  ['USER_MGMT', 'modified-user-account', 'iam', 'user change', 'account', 'acct id'],
  ['ADD_GROUP', 'added-group-account-to', 'iam', 'group creation', 'account', 'acct grp id'],
  ['DEL_GROUP', 'deleted-group-account-from', 'iam', 'group deletion', 'account', 'acct grp id'],
  ['GRP_MGMT', 'modified-group-account', 'iam', 'group change', 'account', 'acct grp id'],
  ['ACCT_LOCK', 'locked-account', 'iam', 'user change', 'account', 'acct id'],
  ['ACCT_UNLOCK', 'unlocked-account', 'iam', 'user change', 'account', 'acct id'],
  ['ROLE_ASSIGN', 'assigned-user-role-to', 'iam', 'user change', 'account', 'acct id'],
  ['ROLE_REMOVE', 'removed-user-role-from', 'iam', 'user change', 'account', 'acct id'],
  ['USER_ROLE_CHANGE', 'changed-role-to', 'iam', 'user change', 'user-session', 'selected-context terminal'],
  ['USER_CMD', 'ran-command', 'process', 'start', 'process', 'cmd'],
  ['USER_TTY', 'typed', 'process', 'info', 'keystrokes', 'data'],
  ['TTY', 'typed', 'process', 'info', 'keystrokes', 'data'],
  ['USER USYS_CONFIG TRUSTED_APP', 'sent-message', 'process', 'info', 'process', 'exe'],
  ['USER_AVC', 'accessed-policy-controlled-file', 'process', 'info', 'mac-config', 'tclass'],
  ['USER_DEVICE', 'changed-device', 'host', 'change', 'device', 'device'],
  ['SOFTWARE_UPDATE', 'installed-software', 'package', 'installation', 'software', 'sw'],
  ['SERVICE_START', 'started-service', 'process', 'start', 'service', 'unit'],
  ['SERVICE_STOP', 'stopped-service', 'process', 'end', 'service', 'unit'],
  ['SYSTEM_BOOT', 'booted-system', 'host', 'start', 'system'],
  ['SYSTEM_SHUTDOWN', 'shutdown-system', 'host', 'end', 'system'],
  ['SYSTEM_RUNLEVEL', 'changed-runlevel-to', 'host', 'change', 'system', 'new-level'],
  ['DAEMON_START', 'started-audit', 'process', 'start', 'service', 'op'],
  ['DAEMON_END', 'shutdown-audit', 'process', 'end', 'service', 'op'],
  ['DAEMON_ABORT', 'aborted-audit', 'process', 'end', 'service', 'op'],
  ['DAEMON_CONFIG DAEMON_RECONFIG', 'changed-auditd-configuration', 'process configuration', 'change', 'service', 'op'],
  ['DAEMON_ROTATE', 'rotated-audit-logs', 'process', 'change', 'service', 'op'],
  ['DAEMON_RESUME', 'resumed-audit-logging', 'process', 'change', 'service', 'op'],
  ['DAEMON_ACCEPT', 'remote-audit-connected', 'network', 'connection start', 'service', 'addr'],
  ['DAEMON_CLOSE', 'remote-audit-disconnected', 'network', 'connection end', 'service', 'addr'],
  ['DAEMON_ERR', 'audit-error', 'process', 'info', 'service', 'op'],
  [
    'CONFIG_CHANGE',
    'changed-audit-configuration',
    'process configuration',
    'change',
    'audit-config',
    'op audit_enabled audit_pid audit_backlog_limit audit_failure audit_rate_limit audit_backlog_wait_time lost',
  ],
  ['FEATURE_CHANGE', 'changed-audit-feature', 'process configuration', 'change', 'audit-config', 'feature'],
  ['REPLACE', 'replaced-audit-daemon', 'process configuration', 'change', 'audit-config'],
  ['EVENT_LISTENER', 'listened-to-audit-events', 'process configuration', 'access', 'audit-config', 'op'],
  ['ANOM_PROMISCUOUS', 'changed-promiscuous-mode-on-device', 'network', 'change', 'network-device', 'dev'],
  ['ANOM_ABEND', 'crashed-program', 'process', 'end', 'process', 'exe comm'],
  ['ANOM_LINK', 'used-suspicious-link', 'file', 'access', 'file', 'path name'],
  ['ANOM_CREAT', 'created-suspicious-file', 'file', 'creation', 'file', 'path name'],
  ['SECCOMP', 'violated-seccomp-policy', 'process', 'info', 'process', 'syscall'],
  ['AVC', 'violated-access-policy', 'process', 'access', 'mac-config', 'path name'],
  ['SELINUX_ERR USER_SELINUX_ERR', 'caused-mac-policy-error', 'process', 'info', 'mac-config', 'op'],
  ['MAC_POLICY_LOAD USER_MAC_POLICY_LOAD', 'loaded-mac-policy', 'configuration', 'change', 'mac-config', 'lsm'],
  ['MAC_STATUS USER_MAC_STATUS', 'changed-mac-enforcement', 'configuration', 'change', 'mac-config', 'enforcing'],
  [
    'MAC_CONFIG_CHANGE USER_MAC_CONFIG_CHANGE',
    'changed-mac-configuration',
    'configuration',
    'change',
    'mac-config',
    'bool',
  ],
  ['LANDLOCK_ACCESS', 'violated-landlock-policy', 'process', 'access', 'mac-config', 'path blockers'],
  ['IPE_ACCESS', 'violated-ipe-policy', 'process', 'access', 'mac-config', 'path'],
  ['IPE_POLICY_LOAD IPE_CONFIG_CHANGE', 'changed-ipe-policy', 'configuration', 'change', 'mac-config', 'policy_name'],
  ['NETFILTER_CFG', 'loaded-firewall-rule-to', 'configuration', 'change', 'firewall', 'table'],
  ['NETFILTER_PKT', 'packet-filtered', 'network', 'info', 'firewall', 'daddr'],
  ['BPF', 'changed-bpf-program', 'process', 'change', 'bpf-program', 'prog-id'],
  ['KERN_MODULE', 'loaded-kernel-module', 'driver', 'start', 'module', 'name'],
  ['FANOTIFY', 'decided-file-access', 'file', 'access', 'file', 'resp'],
  ['TIME_INJOFFSET TIME_ADJNTPVAL', 'changed-system-time', 'host', 'change', 'system', 'op'],
  ['DM_CTRL DM_EVENT', 'changed-device-mapper', 'host', 'change', 'device', 'dev'],
  ['INTEGRITY_DATA INTEGRITY_METADATA', 'violated-file-integrity', 'file', 'info', 'file', 'name'],
  ['INTEGRITY_RULE INTEGRITY_POLICY_RULE', 'measured-file', 'file', 'info', 'file', 'file'],
  ['CRYPTO_KEY_USER', 'negotiated-crypto-key', 'process', 'info', 'user-session', 'fp'],
  ['CRYPTO_SESSION', 'started-crypto-session', 'process', 'info', 'user-session', 'addr'],
  ['CRYPTO_LOGIN', 'crypto-officer-logged-in', 'authentication', 'start', 'user-session', 'terminal'],
  ['CRYPTO_LOGOUT', 'crypto-officer-logged-out', 'authentication', 'end', 'user-session', 'terminal'],
  ['VIRT_CONTROL', 'controlled-vm', 'host', 'change', 'virtual-machine', 'vm'],
  ['VIRT_RESOURCE', 'assigned-vm-resource', 'host', 'change', 'virtual-machine', 'vm'],
  ['VIRT_MACHINE_ID', 'assigned-vm-id', 'host', 'change', 'virtual-machine', 'vm'],
  ['ANOM_LOGIN_FAILURES', 'failed-log-in-too-many-times-to', 'authentication', 'info', 'user-session', 'terminal'],
  [
    'ANOM_LOGIN_LOCATION',
    'attempted-log-in-from-unusual-place-to',
    'authentication',
    'info',
    'user-session',
    'terminal',
  ],
];

const HAS_TARGET: ReadonlySet<string> = new Set(
  'USER_CHAUTHTOK GRP_CHAUTHTOK ADD_USER DEL_USER USER_MGMT ADD_GROUP DEL_GROUP GRP_MGMT ACCT_LOCK ACCT_UNLOCK ROLE_ASSIGN ROLE_REMOVE USER_ROLE_CHANGE'.split(
    ' ',
  ),
);

const ACTIONS: ReadonlyMap<number, RecordAction> = new Map(
  ROWS.flatMap(([types, action, category, type, object, primary]) =>
    types.split(' ').map((name): readonly [number, RecordAction] => [
      recordTypeNumber(name) ?? 0,
      {
        action,
        category: category.split(' '),
        type: type.split(' '),
        object,
        primary: primary?.split(' ') ?? [],
        hasTarget: HAS_TARGET.has(name),
      },
    ]),
  ),
);

/** What a record type says; undefined for one that is decoded generically. */
export function recordAction(type: number): RecordAction | undefined {
  return ACTIONS.get(type);
}
