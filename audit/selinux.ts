// SELinux labels taken apart, `user:role:domain:level[:category]`, as Auditbeat's documents have them. What other security modules
// write into the same fields (`unconfined`, an AppArmor profile's path) is no such label and stays whole.
import { member } from './json.ts';

const LABEL =
  /^([A-Za-z0-9_.-]{1,128}):([A-Za-z0-9_.-]{1,128}):([A-Za-z0-9_.-]{1,128}):([^:]{1,128})(?::(.{1,512}))?$/s;
const PARTS = ['user', 'role', 'domain', 'level', 'category'] as const;

/** `,"user":"system_u","role":…`, each name with `prefix` before it; nothing where `label` is no SELinux label. */
export function labelMembers(label: string | undefined, prefix = ''): string {
  const match = label === undefined ? null : LABEL.exec(label);
  if (match === null) return '';
  let members = '';
  for (const [index, part] of PARTS.entries()) members += member(`${prefix}${part}`, match[index + 1]);
  return members;
}
