// What each key of a rule or a list is for, in one sentence: shown by editors that use the schema. Keys stand under the path that leads
// to them; `by` and `match` mean the same wherever they stand.

export const KEY_WORDS: Readonly<Record<string, string>> = {
  id: 'Lower-case letters, digits, `-`, `_`. Stable: suppression and alerts go by it. The file is named after it.',
  name: 'One line for people.',
  description: 'What it means and where to look.',
  severity: 'How bad it is when the rule is right.',
  risk: '0 to 100.',
  tags: 'Words to find the rule by.',
  mitre: 'Techniques (T1059.004) or tactics (TA0002) of MITRE ATT&CK.',
  author: 'Who wrote it.',
  references: 'Web addresses to read on.',
  false_positives: 'What else makes it alert, and is harmless.',
  status: '`stable` (the default); `test`: evaluated, nothing is sent; `off`.',
  match: 'JSONata on one event: true where it matches. Fields by their dotted names, lists as $name.',
  by: 'Fields that make the key.',
  except: 'What matches and is no detection all the same: data with a reason, an owner and an end.',
  'except.reason': 'Why it is no detection.',
  'except.owner': 'Who answers for it.',
  'except.expires': 'Until when it holds: a day such as 2027-03-01, from its start in UTC.',
  alert: 'What the alert says, and when it does not come again.',
  'alert.title': 'Plain text with {{field}} in it; else the rule’s name.',
  'alert.include': 'Fields that the message shows.',
  'alert.suppress': 'Further detections of the same key join the open alert.',
  'alert.suppress.for': 'How long, from its opening: 30s, 5m, 1h, 7d.',
  'alert.suppress.by': 'Fields whose values make “the same”; else the rule’s `by`.',
  'alert.suppress.grow': 'The span doubles, up to this, each time the key alerts again soon.',
  'alert.to': 'Channels by name; else the terminal and all that are configured.',
  'alert.runbook': 'Web address of what to do.',
  tests: 'Events, and how many alerts they make: one that must alert, one near miss that must not.',
  'tests.name': 'What is shown when it fails.',
  'tests.events': 'Events in order; fields flat (`process.name: sh`) or nested.',
  'tests.alerts': 'How many alerts they make, suppression and exceptions included.',
};

export const LIST_WORDS: Readonly<Record<string, string>> = {
  name: 'Rules name the list by it: `shells` is $shells.',
  description: 'What is in it.',
  owner: 'Who answers for it.',
  reason: 'Why these values.',
  values: 'Texts and numbers.',
};
