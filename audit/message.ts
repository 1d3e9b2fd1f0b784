// `message`: the event as one sentence for people, who did what to what, by which program, and whether it worked:
//
//   alice as root opened file /etc/shadow using /usr/bin/cat: failed, EACCES
//
// It repeats fields of the document and is never the place to search; it is cut where names are longer than a line may be.
import type { Draft } from './draft.ts';
import { flat, isPlain } from './json.ts';
import { createMemo, type Memo } from './memo.ts';

/** Longer sentences are cut here, characters. */
export const MESSAGE_CHARS_MAX = 1024;
/** Names up to this length need no cutting. */
const OBJECT_CHARS_MAX = 384;
const ACTION_ENTRIES = 1024;
/** What would move a terminal's cursor, or show a name the wrong way round. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Writes `,"message":"…"` of drafts. */
export function createMessageWriter(): (draft: Draft) => string {
  const phraseOf: Memo<Phrase> = createMemo(ACTION_ENTRIES, phraseOfAction);
  const usingOf: Memo<string> = createMemo(ACTION_ENTRIES, (how) => jsonInside(` using ${how}`));
  // A call's sentence begins as the last one of its kind did, mostly: only its object is new.
  const leadOf = (draft: Draft, phrase: Phrase): string => {
    const { actor, actorAs } = draft;
    if (phrase.actor !== actor || phrase.actorAs !== actorAs || phrase.lead === '') {
      phrase.actor = actor;
      phrase.actorAs = actorAs;
      phrase.lead = flat(`,"message":"${jsonInside((whoOf(draft) ?? 'system') + phrase.withObject)}`);
    }
    return phrase.lead;
  };
  return (draft) => {
    const { object, how, objectAs, outcome } = draft;
    const phrase = phraseOf(draft.action);
    const isShort =
      object !== undefined && objectAs === undefined && draft.said === undefined && object.length <= OBJECT_CHARS_MAX;
    if (draft.call === undefined || !isShort || how === undefined || how.length > OBJECT_CHARS_MAX || !isPlain(object))
      return `,"message":"${jsonInside(sentenceOf(draft, phrase))}"`;
    const text = leadOf(draft, phrase) + object + (how === object ? '' : usingOf(how));
    return outcome === 'failure' ? `${text}${endOf(draft)}"` : `${text}"`;
  };
}

function sentenceOf(draft: Draft, phrase: Phrase): string {
  const { object, objectAs, objectType, how, said } = draft;
  const who = whoOf(draft);
  const account = changedAccount(draft);
  let text = who ?? how ?? 'system';
  if (said !== undefined) text += ` ${said}`;
  else if (account !== undefined) text += `${phrase.alone} of ${account}`;
  else if (object === undefined) text += phrase.alone;
  else if (objectType === 'user-session' && !phrase.isOpen) text += `${phrase.alone} on ${object}`;
  else text += phrase.withObject + object;
  if (said === undefined && objectAs !== undefined) {
    if (objectType === 'socket') text += ` port ${objectAs}`;
    // Tools that change accounts write their own host's name there.
    else if (objectType === 'user-session' || draft.source !== '') text += ` from ${objectAs}`;
  }
  const isNamed = said === undefined ? how === object : how !== undefined && said.includes(how);
  if (how !== undefined && who !== undefined && !isNamed) text += ` using ${how}`;
  text += endOf(draft);
  return text.length <= MESSAGE_CHARS_MAX ? text : `${text.slice(0, MESSAGE_CHARS_MAX - 1)}…`;
}

function endOf({ outcome, errno }: Draft): string {
  if (outcome !== 'failure') return '';
  return errno === undefined ? ': failed' : `: failed, ${errno}`;
}

/** The inside of a JSON string of what can be shown. */
function jsonInside(text: string): string {
  return isPlain(text) ? text : JSON.stringify(text.replaceAll(INVISIBLE, '\ufffd')).slice(1, -1);
}

interface Phrase {
  readonly alone: string;
  readonly withObject: string;
  /** True of `changed-login-id-to`: it asks for what it was changed to. */
  readonly isOpen: boolean;
  /** Whose sentence began with it last, and how. */
  actor: string | undefined;
  actorAs: string | undefined;
  lead: string;
}

/** Actions whose words make no sentence. */
const SPOKEN: ReadonlyMap<string, string> = new Map([
  ['added-group-account-to', 'added group account'],
  ['deleted-group-account-from', 'deleted group account'],
  ['listen-for-connections', 'listened for connections'],
  ['error', 'met an error'],
  ['audit-error', 'met an audit error'],
  ['shutdown-system', 'shut down system'],
  ['aborted-audit', 'aborted audit because of'],
  ['failed-log-in-too-many-times-to', 'failed to log in too many times to'],
  ['crypto-officer-logged-in', 'logged in as crypto officer'],
  ['crypto-officer-logged-out', 'logged out as crypto officer'],
  ['violated-seccomp-policy', 'violated seccomp policy with'],
  ['violated-landlock-policy', 'violated landlock policy on'],
  ['violated-ipe-policy', 'violated ipe policy on'],
  ['violated-file-integrity', 'violated file integrity of'],
  ['caused-mac-policy-error', 'caused mac policy error of'],
  ['killed-pid', 'sent a signal to'],
]);

/** `connected-to` reads ` connected to X`, and ` connected` where nothing is known of X. */
function phraseOfAction(action: string): Phrase {
  const words = SPOKEN.get(action) ?? action.replaceAll('-', ' ');
  const alone = words.replace(/ (?:to|of|from|with|on|because of|on device)$/, '');
  return {
    alone: ` ${alone}`,
    withObject: ` ${words} `,
    isOpen: alone !== words,
    actor: undefined,
    actorAs: undefined,
    lead: '',
  };
}

/** Who logged in, and as whom they acted; undefined where nobody did, and where the account is the one that is changed. */
function whoOf({ actor, actorAs, category }: Draft): string | undefined {
  const as = actorAs === undefined || actorAs === 'unset' || category[0] === 'iam' ? undefined : nameOf(actorAs);
  if (actor === undefined || actor === 'unset') return as;
  return as === undefined || actorAs === actor ? nameOf(actor) : `${nameOf(actor)} as ${as}`;
}

/** The account of a change that does not name it as its object: of a password. */
function changedAccount({ actorAs, category, objectType }: Draft): string | undefined {
  return category[0] !== 'iam' || objectType !== 'user-session' || actorAs === undefined || actorAs === 'unset'
    ? undefined
    : nameOf(actorAs);
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;

/** An account without a name is told by its number. */
function nameOf(account: string): string {
  const code = account.charCodeAt(0);
  return code >= DIGIT_0 && code <= DIGIT_9 ? `uid ${account}` : account;
}
