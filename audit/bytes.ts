// Bytes to text, reversibly: audit values are bytes, documents are text. Valid UTF-8 becomes what it says; in a value that is
// not valid UTF-8 (or holds a NUL) the odd bytes become `%XX`, and its `%` become `%25`, so that nothing is lost.

const REPLACEMENT = '\ufffd';

/** True when `text` is an even number of upper-case hexadecimal digits, as kernel and libaudit write encoded values. */
export function isHex(text: string): boolean {
  const length = text.length;
  if (length === 0 || (length & 1) === 1) return false;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 70 || (code > 57 && code < 65)) return false;
  }
  return true;
}

/** The text of hex-encoded bytes. */
export function textOfHex(hex: string): string {
  return textOfBytes(Buffer.from(hex, 'hex'));
}

/** The text of bytes that stand as latin1, one character a byte. */
export function textOfLatin1(latin1: string): string {
  for (let at = 0; at < latin1.length; at++) {
    const code = latin1.charCodeAt(at);
    if (code > 0x7e || code === 0) return textOfBytes(Buffer.from(latin1, 'latin1'));
  }
  return latin1;
}

/** The text of bytes; see the head of this file. */
export function textOfBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\0') && (!text.includes(REPLACEMENT) || isUtf8(bytes))) return text;
  return percentEncoded(bytes);
}

/** True when `bytes` are valid UTF-8. */
export function isUtf8(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) return false;
    at += length;
  }
  return true;
}

function percentEncoded(bytes: Buffer): string {
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    const length = byte === 0 || byte === 0x25 ? 0 : sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += `${bytes.toString('utf8', from, at)}%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    from = ++at;
  }
  return text + bytes.toString('utf8', from);
}

/** Length of the well-formed UTF-8 sequence at `at`, or 0 (Unicode standard, table 3-7). */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let next = 2; next < length; next++) {
    if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}
