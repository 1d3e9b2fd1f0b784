// What the answers of security modules and filters mean beyond their records' words: seccomp's, fanotify's, the file that a policy
// speaks of, the names of capabilities.
import { capabilityNames } from './capabilities.ts';
import { addData, type Draft } from './draft.ts';
import { pathMembers } from './ecs-file.ts';
import { member } from './json.ts';

const FANOTIFY_RESPONSES: ReadonlyMap<string, string> = new Map([
  ['1', 'FAN_ALLOW'],
  ['2', 'FAN_DENY'],
]);

/** `FAN_DENY` for 2. */
export function fanotifyResponse(value: string): string {
  return FANOTIFY_RESPONSES.get(value) ?? value;
}

/** What seccomp did, by the return value's upper half (linux/seccomp.h). */
const SECCOMP_ACTIONS: ReadonlyMap<number, string> = new Map([
  [0x8000, 'kill_process'],
  [0x0000, 'kill_thread'],
  [0x0003, 'trap'],
  [0x0005, 'errno'],
  [0x7fc0, 'user_notif'],
  [0x7ff0, 'trace'],
  [0x7ffc, 'log'],
  [0x7fff, 'allow'],
]);

/** `auditd.data.seccomp_action` of a SECCOMP record. */
export function writeSeccomp(draft: Draft, kernel: ReadonlyMap<string, string>): void {
  const code = kernel.get('code');
  if (code === undefined || !/^0x[0-9a-f]{1,8}$/.test(code)) return;
  const action = SECCOMP_ACTIONS.get(Number.parseInt(code, 16) >>> 16);
  if (action !== undefined) addData(draft, 'seccomp_action', action);
}

/** Where a record names a file by its full path, which no PATH record tells: policies, integrity, suspicious links. */
const FILE_FIELDS: ReadonlyMap<number, readonly string[]> = new Map([
  [1400, ['path', 'name']],
  [1420, ['path']],
  [1423, ['path']],
  [1502, ['name']],
  [1503, ['name']],
  [1702, ['path']],
  [1703, ['path']],
  [1800, ['name']],
  [1801, ['name']],
  [1803, ['name']],
  [1805, ['file']],
]);

/** `file` of a record that names one by its full path, where nothing else has told it. */
export function writeNamedFile(draft: Draft, type: number, kernel: ReadonlyMap<string, string>): void {
  if (draft.file !== '' || kernel.get('apparmor') === 'STATUS') return;
  for (const name of FILE_FIELDS.get(type) ?? []) {
    const path = kernel.get(name);
    if (path?.startsWith('/') !== true) continue;
    draft.file = pathMembers(path) + member('inode', kernel.get('ino'));
    return;
  }
}

/** Sets of capabilities that are told by name too: what a process asks for itself, and what a file gives its program. */
const CAPABILITY_FIELDS: ReadonlyMap<number, ReadonlyMap<string, string>> = new Map([
  [
    1322,
    new Map([
      ['cap_pi', 'inheritable_capabilities'],
      ['cap_pp', 'permitted_capabilities'],
      ['cap_pe', 'effective_capabilities'],
      ['cap_pa', 'ambient_capabilities'],
    ]),
  ],
  [1321, new Map([['fp', 'file_capabilities']])],
]);

/** Capabilities by name, each a value of the field that tells them; none for fields that are no sets of capabilities. */
export function capabilityPairs(type: number, name: string, value: string): readonly (readonly [string, string])[] {
  const told = CAPABILITY_FIELDS.get(type)?.get(name);
  return told === undefined ? [] : capabilityNames(value).map((capability) => [told, capability]);
}
