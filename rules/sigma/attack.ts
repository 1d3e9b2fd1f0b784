// Tags of Sigma that name MITRE ATT&CK: techniques by number, tactics by name. All other tags stay as they are.

const TACTICS: Readonly<Record<string, string>> = {
  reconnaissance: 'TA0043',
  'resource-development': 'TA0042',
  'initial-access': 'TA0001',
  execution: 'TA0002',
  persistence: 'TA0003',
  'privilege-escalation': 'TA0004',
  'defense-evasion': 'TA0005',
  'defense-impairment': 'TA0112',
  stealth: 'TA0005',
  'credential-access': 'TA0006',
  discovery: 'TA0007',
  'lateral-movement': 'TA0008',
  collection: 'TA0009',
  'command-and-control': 'TA0011',
  exfiltration: 'TA0010',
  impact: 'TA0040',
};

/** The technique or tactic that a tag names (`attack.t1059.004`, `attack.command_and_control`), else undefined. */
export function attackOf(tag: string): string | undefined {
  const word = /^attack\.(.+)$/i.exec(tag)?.[1]?.toLowerCase();
  if (word === undefined) return undefined;
  if (/^(?:t[0-9]{4}(?:\.[0-9]{3})?|ta[0-9]{4})$/.test(word)) return word.toUpperCase();
  const name = word.replaceAll('_', '-');
  return Object.hasOwn(TACTICS, name) ? TACTICS[name] : undefined;
}
