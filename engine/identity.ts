// Ids of detections and alerts: functions of what they stand for, so that any replay makes the same ones. 128 bits of SHA-256
// in 25 characters of base 36: short enough to type, and nobody finds two inputs of one id.
import { hash } from 'node:crypto';

export function detectionIdOf(ruleId: string, ruleVersion: string, eventId: string): string {
  return digest(['detection', ruleId, ruleVersion, eventId]);
}

/** Of what a rule on many events found: `identity` is mostly the event that began it (engine/kinds/kind-fold.ts). */
export function windowDetectionIdOf(
  { ruleId, ruleVersion, key }: { readonly ruleId: string; readonly ruleVersion: string; readonly key: string },
  identity: string,
): string {
  return digest(['window detection', ruleId, ruleVersion, key, identity]);
}

/** Tells whether what was found again, under the same id, rests on the same. */
export function foundDigestOf(found: object): string {
  return digest(['found', JSON.stringify(found)]);
}

/** Of what is folded together: a rule version and the values of its key. */
export function foldedKeyIdOf(ruleId: string, ruleVersion: string, key: string): string {
  return digest(['folded', ruleId, ruleVersion, key]);
}

export function alertIdOf(ruleId: string, suppressKey: string, firstDetectionId: string): string {
  return digest(['alert', ruleId, suppressKey, firstDetectionId]);
}

/** Of what suppression counts as "the same": the rule (whatever its version), the fields that make the key, their values. */
export function suppressionIdOf(ruleId: string, fields: readonly string[], suppressKey: string): string {
  return digest(['suppression', ruleId, JSON.stringify(fields), suppressKey]);
}

/** Of the alerts that share a message: the rule (whatever its version), the values of the group's key, the alert that opened it. */
export function groupIdOf(ruleId: string, keyText: string, firstAlertId: string): string {
  return digest(['group', ruleId, keyText, firstAlertId]);
}

/** Of what is grouped together. */
export function groupKeyIdOf(ruleId: string, fields: readonly string[], keyText: string): string {
  return digest(['grouping', ruleId, JSON.stringify(fields), keyText]);
}

/** The parts are told apart as JSON, so that no two lists of parts look alike. */
function digest(parts: readonly string[]): string {
  const hex = hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
  return BigInt(`0x${hex}`).toString(36).padStart(25, '0');
}
