// How far a long search is, on the terminal's own line; nothing where there is no terminal, and nothing for what is quick.
import type { Output } from './command.ts';

const SHOWN_AFTER_MS = 700;
const REDRAWN_EVERY_MS = 150;
const WIDTH = 30;

export interface ProgressBar {
  /** 0 to 1. */
  told(part: number): void;
  /** Takes it off the screen; it comes back at the next redraw. */
  hide(): void;
  end(): void;
}

const NONE: ProgressBar = { told: () => undefined, hide: () => undefined, end: () => undefined };

export function startProgressBar(output: Output, isUnicode: boolean): ProgressBar {
  if (!output.isTTY) return NONE;
  const startedMs = performance.now();
  let part: number | undefined;
  let isShown = false;
  const hide = (): void => {
    if (isShown) output.write('\r\u001b[K');
    isShown = false;
  };
  const draw = (): void => {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs < SHOWN_AFTER_MS) return;
    output.write(`\r${barText(part, elapsedMs, isUnicode)}\u001b[K`);
    isShown = true;
  };
  const timer = setInterval(draw, REDRAWN_EVERY_MS).unref();
  return {
    told(now) {
      part = now;
    },
    hide,
    end() {
      clearInterval(timer);
      hide();
    },
  };
}

/** `██████────────  45%  3 s, about 4 s left`; without a share only the time. */
export function barText(part: number | undefined, elapsedMs: number, isUnicode: boolean): string {
  const seconds = `${Math.round(elapsedMs / 1_000)} s`;
  if (part === undefined || part <= 0) return `searching, ${seconds} (Ctrl-C calls it off)`;
  const [full, empty] = isUnicode ? ['█', '─'] : ['#', '-'];
  const done = Math.round(Math.min(part, 1) * WIDTH);
  const leftMs = (elapsedMs / part) * (1 - part);
  const left = part < 1 ? `, about ${Math.ceil(leftMs / 1_000)} s left` : '';
  return `${full.repeat(done)}${empty.repeat(WIDTH - done)} ${String(Math.floor(Math.min(part, 1) * 100)).padStart(3)}%  ${seconds}${left}`;
}
