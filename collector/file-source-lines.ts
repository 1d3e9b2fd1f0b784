// Bytes of a file into lines, each with the offset after it. What stands before the next newline is held, up to a bound; a line
// beyond it is passed over and counted. A line that a rotation cut is finished by the next file, unless that begins with a record.

/** The longest line: laurel and go-audit write whole events into one. */
const LINE_BYTES_MAX: number = 16 * 1024 * 1024;

export interface LineSplitter {
  /** Takes bytes that end at `endOffset`. `onLine` gets the line in latin1, undefined for one that is too long, and the offset after it. */
  push(bytes: Buffer, endOffset: number, onLine: (line: string | undefined, offset: number) => void): void;
  /** The file is over, another begins: what is held may go on there. */
  nextFile(): void;
  /** What is held is all that will come of it. */
  take(): string | undefined;
  readonly heldBytes: number;
}

const NEWLINE = 0x0a;
/** What a line of a log begins with. */
const BEGINS = /^(?:type=|node=|\{)/;

export function createLineSplitter(lineBytesMax: number = LINE_BYTES_MAX): LineSplitter {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isTooLong = false;
  let isCut = false;

  function hold(part: Buffer): void {
    heldBytes += part.length;
    isTooLong ||= heldBytes > lineBytesMax;
    if (isTooLong) held = [];
    else held.push(Buffer.from(part));
  }

  function take(): string | undefined {
    const line = isTooLong ? undefined : Buffer.concat(held).toString('latin1');
    [held, heldBytes, isTooLong] = [[], 0, false];
    return line;
  }

  return {
    push(bytes, endOffset, onLine) {
      const start = endOffset - bytes.length;
      if (isCut && bytes.length > 0) {
        isCut = false;
        if (heldBytes > 0 && BEGINS.test(bytes.toString('latin1', 0, 8))) onLine(take(), start);
      }
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        if (heldBytes === 0 && end - from <= lineBytesMax) onLine(bytes.toString('latin1', from, end), start + end + 1);
        else {
          hold(bytes.subarray(from, end));
          onLine(take(), start + end + 1);
        }
        from = end + 1;
      }
      if (from < bytes.length) hold(bytes.subarray(from));
    },
    nextFile() {
      isCut = heldBytes > 0;
    },
    take,
    get heldBytes() {
      return heldBytes;
    },
  };
}
