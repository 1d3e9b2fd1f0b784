// The package's changelog: what Debian's tools read of it, by their own grammar.
import { describe, expect, it } from 'vitest';
import { debianChangelog } from '../../packaging/debian-changelog.ts';

const ENTRY = {
  packageName: 'vedette-collector',
  version: '0.1.0',
  maintainer: 'Somebody <somebody@example.org>',
  now: Date.UTC(2026, 2, 4, 5, 6, 7),
};

describe('the changelog of the package', () => {
  it('is the newest part of CHANGELOG.md, without its markup, at most 78 columns wide', () => {
    const long = 'word '.repeat(30).trim();
    const text = debianChangelog(
      `# Changelog\n\n## Unreleased\n- One \`key\`.\n- ${long}\n  and more.\n\n## 0.0.1\n- Old.\n`,
      ENTRY,
    );
    expect(text).toMatch(/^vedette-collector \(0\.1\.0\) unstable; urgency=medium\n\n {2}\* One key\.\n {2}\* word /);
    expect(text.split('\n').every((line) => line.length <= 78)).toBe(true);
    expect(text.match(/word/g)).toHaveLength(30);
    expect(text).toContain('and more.');
    expect(text).not.toContain('Old');
    expect(text.endsWith('\n\n -- Somebody <somebody@example.org>  Wed, 04 Mar 2026 05:06:07 +0000\n')).toBe(true);
  });

  it('goes on over a word that is wider than a line', () => {
    const word = 'w'.repeat(200);
    expect(debianChangelog(`## Unreleased\n- ${word}\n`, ENTRY)).toContain(`\n  * ${word}\n`);
  });

  it('is well formed where nothing is told', () => {
    expect(debianChangelog('# Changelog\n', ENTRY)).toContain('\n\n  * Version 0.1.0\n\n -- ');
  });
});
