// Values that fields are known to take, for lints: where a field has only these, any other is a slip; where it has more (`event.action`),
// one that is nearly one of these is.

/** Fields whose values ECS, or the kernel, leaves no choice in. */
export const CLOSED_VALUES: Readonly<Record<string, readonly string[]>> = {
  'event.kind': ['alert', 'asset', 'enrichment', 'event', 'metric', 'state', 'pipeline_error', 'signal'],
  'event.category': [
    ...[
      'api',
      'authentication',
      'configuration',
      'database',
      'driver',
      'email',
      'file',
      'host',
      'iam',
      'intrusion_detection',
    ],
    ...['library', 'malware', 'network', 'package', 'process', 'registry', 'session', 'threat', 'vulnerability', 'web'],
  ],
  'event.type': [
    ...[
      'access',
      'admin',
      'allowed',
      'change',
      'connection',
      'creation',
      'deletion',
      'denied',
      'device',
      'end',
      'error',
    ],
    ...['group', 'indicator', 'info', 'installation', 'protocol', 'start', 'user'],
  ],
  'event.outcome': ['success', 'failure', 'unknown'],
  'network.direction': ['egress', 'ingress', 'inbound', 'outbound', 'internal', 'external', 'unknown'],
  'network.type': ['ipv4', 'ipv6', 'ipsec', 'pim'],
  'file.type': ['file', 'dir', 'symlink', 'device', 'fifo', 'socket'],
  'auditd.result': ['success', 'fail'],
};

/** What `event.action` says of the calls and records that have a name of their own; others are named after the call or the record. */
export const ACTIONS: readonly string[] = `
aborted-audit accepted-connection-from accessed-policy-controlled-file acquired-credentials
added-group-account-to added-ipsec-policy added-network-label-mapping added-network-label-protocol
added-static-network-label added-user-account adjusted-scheduling-policy-of advised-memory allocated-device
answered-anomaly asked-for-message-notification assigned-user-role-to assigned-vm-id assigned-vm-resource
attached-shared-memory attempted-forbidden-log-in-to attempted-log-in-during-unusual-hour-to
attempted-log-in-from-unusual-place-to audit-backlog-full audit-disabled audit-enabled-again audit-error
audit-exclusion-added audit-locked audit-owner-left audit-rule-deleted audit-rules-mended audit-settings-changed
audit-socket-regained audit-socket-take-attempted audit-socket-taken authenticated authenticated-to-group
became-root booted-system bound-socket called-bpf called-ipc called-socket caused-integrity-error
caused-mac-policy-error changed-apparmor-policy changed-audit-configuration changed-audit-feature
changed-auditd-configuration changed-blocked-address changed-bpf-program changed-capabilities-of
changed-crypto-parameter changed-device changed-device-mapper changed-directory-of changed-file-attributes-of
changed-file-ownership-of changed-file-permissions-of changed-group changed-group-password changed-identity-of
changed-integrity-attributes changed-integrity-status changed-io-privileges-of changed-ipe-policy
changed-ipsec-policy changed-kernel-module changed-landlock-domain changed-login-id-to changed-mac-configuration
changed-mac-enforcement changed-mac-label changed-memory-protection changed-message-queue changed-password
changed-personality-of changed-process-accounting changed-process-group-of changed-promiscuous-mode-on-device
changed-quota changed-resource-limit changed-role changed-role-to changed-root-filesystem changed-root-of
changed-runlevel-to changed-seccomp-of changed-security-attributes-of changed-segment-table-of
changed-system-name changed-system-time changed-timestamp-of changed-umask-of changed-unlabeled-packet-policy
changed-user-id changed-vpn-connection checked-access checked-filesystem-metadata-of checked-metadata-of
checked-resource-limit checked-socket checked-vm-integrity clock-stepped-back clock-stepped-forward
collector-was-killed collector-was-stopped connected-to controlled-descriptor controlled-device
controlled-ipc-object controlled-process controlled-vm copied-file-content crashed-program created-directory
created-memory-file created-pipe created-secret-memory created-socket created-socket-pair
created-suspicious-file created-userfault-handler created-vm crypto-officer-logged-in crypto-officer-logged-out
decided-file-access deleted deleted-group-account-from deleted-message-queue deleted-user-account destroyed-vm
detected-replayed-message disabled-swap disposed-credentials enabled-swap ended ended-session
ended-session-of-anomaly entered-io-uring entered-namespace error events-dropped executed executed-response
executed-watched-program exported-file failed-crypto-operation failed-integrity-test
failed-log-in-too-many-times-to failed-log-in-too-often-from forked-process hold-added hold-released
host-came-back host-name-changed host-went-silent hung-up-terminal initialized-audit installed-software
killed-pid killed-process-of-anomaly linked listed-directory listen-for-connections listened-to-audit-events
loaded-firewall-rule-to loaded-kernel loaded-kernel-module loaded-mac-policy locked-account
locked-account-against-remote locked-terminal logged-in logged-out lost-events made-executable made-file-handle
make-device mapped-memory measured-file modified-group-account modified-user-account mounted
negotiated-crypto-key opened-file opened-ipc-object opened-message-queue opened-performance-event
opened-process-descriptor opened-too-many-sessions-to opened-unusual-session own-file-changed own-file-removed
packet-filtered ran-command reached-limit-of-denials read-file read-file-attributes-of read-link
read-process-memory rebooted-system received-from received-message received-vm refreshed-credentials
registered-io-uring relabeled-filesystem released-device released-memory-of-process remote-audit-connected
remote-audit-disconnected removed-ipsec-policy removed-network-label-mapping removed-network-label-protocol
removed-static-network-label removed-user-role-from renamed replaced-audit-daemon reported-status
restricted-itself resumed-audit-logging rotated-audit-logs sent-message sent-to sent-vm-away set-socket-option
set-up-io-uring shut-down-connection shutdown-audit shutdown-system spool-cut-short started-audit
started-crypto-session started-process-session started-service started-session stopped-service symlinked
tested-audit tested-crypto took-descriptor-of-process traced-process truncated-file typed unloaded-kernel-module
unlocked-account unmounted unshared-namespace used-kernel-keyring used-kernel-log used-suspicious-link
used-watched-file violated-access-policy violated-apparmor-policy violated-file-integrity violated-ipe-policy
violated-landlock-policy violated-seccomp-policy was-authorized watched-file wrote-process-memory wrote-to-file
`
  .trim()
  .split(/\s+/);
