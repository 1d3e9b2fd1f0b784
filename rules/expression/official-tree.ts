// The official parser's tree as far as it is read here, where its nodes stand in the expression's text, and which names it binds.

/** A node of the official parser's tree: only what is read here. */
export interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly position?: number;
  readonly lhs?: Node | readonly (readonly [Node, Node])[];
  readonly rhs?: Node;
  readonly expression?: Node;
  readonly expressions?: readonly Node[];
  readonly steps?: readonly Node[];
  readonly stages?: readonly OfficialStage[];
  readonly predicate?: readonly OfficialStage[];
  readonly group?: { readonly lhs: readonly (readonly [Node, Node])[]; readonly position?: number };
  readonly arguments?: readonly Node[];
  readonly procedure?: Node;
  readonly body?: Node;
  readonly signature?: { readonly definition: string };
  readonly thunk?: boolean;
  readonly condition?: Node;
  readonly then?: Node;
  readonly else?: Node;
  readonly pattern?: Node;
  readonly update?: Node;
  readonly delete?: Node;
  readonly terms?: readonly { readonly descending: boolean; readonly expression: Node }[];
  readonly keepArray?: boolean;
  readonly keepSingletonArray?: boolean;
  readonly consarray?: boolean;
  readonly tuple?: boolean;
  readonly focus?: string;
  readonly index?: string;
  readonly ancestor?: { readonly label: string };
  readonly slot?: { readonly label: string };
}

export interface OfficialStage {
  readonly type: string;
  readonly expr?: Node;
  readonly value?: unknown;
  readonly position?: number;
}

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

/** The names that the expression binds anywhere: by `:=`, as parameters, by `@` and `#`; and `known`. */
export function boundNames(tree: Node, known: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set(known);
  // No recursion: a chain of operators is a level for each of them.
  const waiting: unknown[] = [tree];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== 'object' || node === null || node instanceof RegExp) continue;
    if (!Array.isArray(node)) addNames(node as Node, found);
    for (const inner of Object.values(node)) if (typeof inner === 'object') waiting.push(inner);
  }
  return found;
}

function addNames({ type, lhs, arguments: parameters, focus, index, value }: Node, found: Set<string>): void {
  if (type === 'bind' && lhs !== undefined) found.add(String((lhs as Node).value));
  if (type === 'lambda') for (const parameter of parameters ?? []) found.add(String(parameter.value));
  if (type === 'index') found.add(String(value));
  if (typeof focus === 'string') found.add(focus);
  if (typeof index === 'string') found.add(index);
}
