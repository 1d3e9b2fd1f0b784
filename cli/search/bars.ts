// Bars and sparklines of text; in ASCII where the terminal has no more.

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const LEVELS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const ASCII_LEVELS = [' ', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

/** A bar of a share (0 to 1) of the width. Whatever is more than nothing can be seen. */
export function barOf(share: number, width: number, isUnicode: boolean): string {
  if (!(share > 0)) return '';
  if (!isUnicode) return '#'.repeat(Math.max(1, Math.round(share * width)));
  const eighths = Math.max(1, Math.round(Math.min(share, 1) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/** One character for each count, up to `most`; a count above 0 is never blank. */
export function sparklineOf(counts: readonly number[], most: number, isUnicode: boolean): string {
  const levels = isUnicode ? LEVELS : ASCII_LEVELS;
  const top = levels.length - 1;
  return counts
    .map((count) => levels[count <= 0 ? 0 : Math.max(1, Math.min(top, Math.ceil((count / most) * top)))] ?? ' ')
    .join('');
}
