// JSON written as text. Documents are made by joining text, because building objects only to serialise them costs the
// collector as much again as reading the records. A member is `,"name":value`: a run of members becomes an object by `objectOf`.

/** True of text that is its own JSON: printable ASCII without quote and backslash. By hand: most texts are short. */
export function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

/** A JSON string. */
export function jsonText(text: string): string {
  return isPlain(text) ? `"${text}"` : JSON.stringify(text);
}

/** `,"name":"text"`, or nothing where there is no text. `name` must be plain. */
export function member(name: string, text: string | undefined): string {
  return text === undefined ? '' : `,"${name}":${jsonText(text)}`;
}

/** `,"name":NUMBER`, or nothing. */
export function numberMember(name: string, number: number | undefined): string {
  return number === undefined ? '' : `,"${name}":${number}`;
}

/** `text` in one piece: JSON that is remembered and used again must not be walked as a rope each time. */
export function flat(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** `,"name":{…}` of a run of members, or nothing where there are none. */
export function objectMember(name: string, members: string): string {
  return members === '' ? '' : `,"${name}":{${members.slice(1)}}`;
}

/** `,"name":["…","…"]`, or nothing where there are none. */
export function arrayMember(name: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `,"${name}":${jsonArray(texts)}`;
}

/** `["…","…"]` */
export function jsonArray(texts: readonly string[]): string {
  let json = '[';
  for (let at = 0; at < texts.length; at++)
    json += at === 0 ? jsonText(texts[at] ?? '') : `,${jsonText(texts[at] ?? '')}`;
  return `${json}]`;
}

/**
 * The inside of the JSON string of a latin1 text, in one piece, so that remembered texts need not be escaped again; undefined
 * where the text is more than ASCII: what its bytes mean is then a question for the whole.
 */
export function escapedAscii(latin1: string): string | undefined {
  for (let at = 0; at < latin1.length; at++) if (latin1.charCodeAt(at) > 0x7f) return undefined;
  return flat(JSON.stringify(latin1).slice(1, -1));
}
