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
    const isShort = object !== undefined && objectAs === undefined && object.length <= OBJECT_CHARS_MAX;
    if (draft.call === undefined || !isShort || how === undefined || how.length > OBJECT_CHARS_MAX || !isPlain(object))
      return `,"message":"${jsonInside(sentenceOf(draft, phrase))}"`;
    const text = leadOf(draft, phrase) + object + (how === object ? '' : usingOf(how));
    return outcome === 'failure' ? `${text}${endOf(draft)}"` : `${text}"`;
  };
}

function sentenceOf(draft: Draft, phrase: Phrase): string {
  const { object, objectAs, objectType, how } = draft;
  const who = whoOf(draft);
  const account = changedAccount(draft);
  let text = who ?? how ?? 'system';
  if (account !== undefined) text += `${phrase.alone} of ${account}`;
  else if (object === undefined) text += phrase.alone;
  else if (objectType === 'user-session' && !phrase.isOpen) text += `${phrase.alone} on ${object}`;
  else text += phrase.withObject + object;
  if (objectAs !== undefined) text += (objectType === 'socket' ? ' port ' : ' from ') + objectAs;
  if (how !== undefined && how !== object && who !== undefined) text += ` using ${how}`;
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

/** `connected-to` reads ` connected to X`, and ` connected` where nothing is known of X. */
function phraseOfAction(action: string): Phrase {
  const words = action.replaceAll('-', ' ');
  const alone = words.replace(/ (?:to|of|from|on device)$/, '');
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
  return category[0] !== 'iam' || objectType !== 'user-session' || actorAs === undefined ? undefined : nameOf(actorAs);
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;

/** An account without a name is told by its number. */
function nameOf(account: string): string {
  const code = account.charCodeAt(0);
  return code >= DIGIT_0 && code <= DIGIT_9 ? `uid ${account}` : account;
}
