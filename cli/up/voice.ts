// How `vedette up` speaks: one screen, then notices as they come, each one line with its time; as JSON lines where asked for.
// What is said before the screen stands waits for it, so that nobody has to read around it.
import { visible } from '../../rules/diagnostic.ts';
import type { Context } from '../command.ts';
import type { ChildMessage, CollectorReady, ServerReady } from './child-message.ts';

type Level = 'info' | 'warning' | 'error';

export interface Voice {
  notice(level: Level, who: string, text: string): void;
  /** Passes a child's notice on. */
  pass(who: string, message: Extract<ChildMessage, { kind: 'notice' }>): void;
  showScreen(parts: { readonly server: ServerReady; readonly collector: CollectorReady }): void;
  /** What was kept for a screen that never came. */
  flush(): void;
}

/** Notices that are kept until the screen stands; of the others the number is told. */
export const EARLY_NOTICES_MAX = 100;
/** Said by the screen itself, in more words. */
const ON_SCREEN: ReadonlySet<string> = new Set(['owned-by', 'no-permission', 'no-audit']);

interface Line {
  readonly level: Level;
  readonly who: string;
  readonly text: string;
  readonly atMs: number;
}

export function makeVoice(
  context: Context,
  options: { readonly isJson: boolean; readonly render: (server: ServerReady, collector: CollectorReady) => string },
): Voice {
  let early: Line[] | undefined = [];
  let dropped = 0;
  const say = (line: Line): void => {
    if (options.isJson) {
      const { level, who, text, atMs } = line;
      context.stdout.write(`${JSON.stringify({ kind: 'notice', level, from: who, text, atMs })}\n`);
      return;
    }
    const time = new Date(line.atMs).toISOString().slice(11, 19);
    const level = line.level === 'info' ? '' : `${line.level}: `;
    context.stderr.write(`${time}Z ${line.who}: ${level}${visible(line.text)}\n`);
  };
  const notice: Voice['notice'] = (level, who, text) => {
    const line = { level, who, text, atMs: context.now() };
    if (early === undefined) say(line);
    else if (early.length < EARLY_NOTICES_MAX) early.push(line);
    else dropped += 1;
  };
  const flush = (): void => {
    const kept = early ?? [];
    early = undefined;
    for (const line of kept) say(line);
    if (dropped > 0) notice('warning', 'up', `${dropped} more notices came before this and were not kept`);
    dropped = 0;
  };
  return {
    notice,
    pass(who, { level, code, text }) {
      // Until the screen stands, only what is wrong is worth a line beside it.
      const isCovered = early !== undefined && (level === 'info' || (code !== undefined && ON_SCREEN.has(code)));
      if (!isCovered) notice(level, who, text);
    },
    showScreen({ server, collector }) {
      if (options.isJson) context.stdout.write(`${JSON.stringify({ kind: 'ready', server, collector })}\n`);
      else context.stdout.write(options.render(server, collector));
      flush();
    },
    flush,
  };
}
