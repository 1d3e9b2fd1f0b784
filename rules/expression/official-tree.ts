// The official parser's tree as far as it is read here, and where its nodes stand in the expression's text.

/** A node of the official parser's tree: only what is read here. */
export interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly position?: number;
  readonly lhs?: Node;
  readonly rhs?: Node;
  readonly expression?: Node;
  readonly expressions?: readonly Node[];
  readonly steps?: readonly Node[];
  readonly stages?: readonly { readonly type: string; readonly expr: Node; readonly position?: number }[];
  readonly predicate?: readonly { readonly type: string; readonly expr: Node; readonly position?: number }[];
  readonly group?: { readonly position?: number };
  readonly arguments?: readonly Node[];
  readonly procedure?: Node;
  readonly condition?: Node;
  readonly then?: Node;
  readonly else?: Node;
  readonly keepArray?: boolean;
  readonly keepSingletonArray?: boolean;
  readonly focus?: string;
  readonly index?: string;
}

/** How the constructs that are not compiled are called in messages. */
export const REFUSED_NODES: Readonly<Record<string, string>> = {
  wildcard: 'the wildcard `*`',
  descendant: 'the descendant wildcard `**`',
  parent: 'the parent operator `%`',
  lambda: 'a function of one’s own',
  partial: 'partial application `?`',
  apply: 'chaining `~>`',
  transform: 'the transform operator `| … |`',
  bind: 'assignment `:=`',
  sort: 'ordering `^(…)`',
};

/** The official parser tells where a token ends; people look for where it starts. */
export function startOf(node: Node, source: string): number {
  if (node.type === 'path' && node.steps?.[0] !== undefined) return startOf(node.steps[0], source);
  const end = Math.min(node.position ?? 0, source.length);
  const text = writtenForm(node.value);
  for (const written of [`$${text}`, `"${text}"`, `'${text}'`, `\`${text}\``, text]) {
    if (written !== '' && source.slice(end - written.length, end) === written) return end - written.length;
  }
  return Math.max(0, end - 1);
}

function writtenForm(value: unknown): string {
  if (value instanceof RegExp) return `/${value.source}/${value.flags.replace('g', '')}`;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
