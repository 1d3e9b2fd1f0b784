// Names of foreign rules as ids of ours.

const LENGTH_MAX = 100;

/** What is no letter or digit becomes `-`; several texts are one id. Empty where nothing is left of them. */
export function idFrom(...texts: readonly string[]): string {
  const slugs = texts.map((text) =>
    text
      .toLowerCase()
      .normalize('NFKD')
      .replace(/[^a-z0-9_]+/g, '-')
      .replace(/^[-_]+|-+$/g, ''),
  );
  return slugs
    .filter((slug) => slug !== '')
    .join('-')
    .slice(0, LENGTH_MAX)
    .replace(/-+$/, '');
}
