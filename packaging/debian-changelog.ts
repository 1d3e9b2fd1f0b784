// The package's changelog in the form that Debian's tools read, made of the newest part of CHANGELOG.md.

const COLUMNS = 78;

export interface ChangelogEntry {
  readonly packageName: string;
  readonly version: string;
  /** `Name <address>` of who builds the package. */
  readonly maintainer: string;
  readonly now: number;
}

/** One entry, with a bullet for each of the newest part's. A text without any gives one that says only the version. */
export function debianChangelog(markdown: string, entry: ChangelogEntry): string {
  const { packageName, version, maintainer, now } = entry;
  const newest = markdown.split(/^## .*$/m)[1] ?? '';
  const bullets = newest
    .split(/^- /m)
    .slice(1)
    .map((text) => text.replaceAll('`', '').split(/\s+/).filter(Boolean));
  const lines = (bullets.length === 0 ? [['Version', version]] : bullets).map(bullet).join('\n');
  return `${packageName} (${version}) unstable; urgency=medium\n\n${lines}\n\n -- ${maintainer}  ${rfc2822(now)}\n`;
}

function bullet(words: readonly string[]): string {
  const lines: string[] = [];
  let line = '  *';
  for (const word of words) {
    if (line.length + 1 + word.length > COLUMNS && line.trim() !== '*') {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** `Sun, 22 Nov 2026 01:35:30 +0000`. */
function rfc2822(now: number): string {
  return new Date(now).toUTCString().replace('GMT', '+0000');
}
