// Which of the kernel's rules are ours. Rules of a profile carry a key of ours; rules from files keep the keys that their authors gave
// them, so a list on disk remembers them: written before they are loaded, it is right after any kill.
//
//   kernel-rules.json   {"formatVersion":1,"bootId","digests":["…"]}
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readState, removeFile, replaceFile } from '../durable-file.ts';
import { bootIdOf } from '../lineage/proc.ts';
import { decodeRule, ruleIdentity } from '../netlink/rule-data.ts';
import { KEY_PREFIX } from './default-rules.ts';
import { RULES_MAX } from './rule-set.ts';

const FORMAT_VERSION = 1;
const DIGEST_CHARACTERS = 22;
/** What a run loads, and what the run before it left. */
const DIGESTS_MAX: number = 2 * RULES_MAX;

export type OwnRule = (rule: Buffer) => boolean;

/** Tells our rules from others', by what the last run of this boot noted in the folder. */
export function ownRuleTest(folder: string): OwnRule {
  const digests = readDigests(folder);
  return (rule) => hasOwnKey(rule) || digests.has(ruleDigest(rule));
}

/** Notes the rules that are, or are about to be, ours. */
export function noteOwnRules(folder: string, rules: readonly Buffer[]): void {
  const digests = rules
    .filter((rule) => !hasOwnKey(rule))
    .map(ruleDigest)
    .slice(0, DIGESTS_MAX);
  const record = { formatVersion: FORMAT_VERSION, bootId: bootIdOf(), digests };
  replaceFile(pathIn(folder), `${JSON.stringify(record)}\n`, true);
}

/** Ours are gone: an equal rule that an administrator loads later is theirs. */
export function forgetOwnRules(folder: string): void {
  removeFile(pathIn(folder));
}

/** A short text that stands for a rule: the same for what we load and what the kernel lists. */
function ruleDigest(rule: Buffer): string {
  return createHash('sha256').update(ruleIdentity(rule), 'latin1').digest('base64url').slice(0, DIGEST_CHARACTERS);
}

function hasOwnKey(rule: Buffer): boolean {
  return decodeRule(rule)?.keys.some((key) => key.startsWith(KEY_PREFIX)) ?? false;
}

function readDigests(folder: string): ReadonlySet<string> {
  const state = readState(pathIn(folder), FORMAT_VERSION);
  const digests = state?.['digests'];
  if (state?.['bootId'] !== bootIdOf() || !Array.isArray(digests)) return new Set();
  return new Set(digests.filter((digest): digest is string => typeof digest === 'string').slice(0, DIGESTS_MAX));
}

function pathIn(folder: string): string {
  return join(folder, 'kernel-rules.json');
}
