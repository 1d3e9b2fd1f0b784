// Hostile text on its way to people: control characters made visible, lengths bounded, characters never cut in half.

/** One line: control characters, zero-width characters and direction overrides shown as escapes. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => {
      const code = character.charCodeAt(0);
      return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    });
}

/** At most `lengthMax` UTF-16 code units; an ellipsis stands for what is cut off. */
export function shorten(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** For HTML text and quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** `11-21 21:43:44`: for lists whose span is told elsewhere. */
export function clockUtc(timeMs: number): string {
  return formatUtc(timeMs).slice(5, 19);
}

/** `2026-11-21 21:43:44.120 UTC`; what no calendar holds is shown as the number it is. */
export function formatUtc(timeMs: number): string {
  const date = new Date(timeMs);
  if (Number.isNaN(date.getTime())) return `${timeMs} ms`;
  return `${date.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}
