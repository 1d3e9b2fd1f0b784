// Flags of open(2) by name. Four of them have other numbers on ARM than on x86 (the kernel's asm/fcntl.h).

export const O_CREAT = 0x40;
export const O_TMPFILE = 0x400000;

type Flags = readonly (readonly [number, string])[];

const COMMON: Flags = [
  [O_CREAT, 'O_CREAT'],
  [0x80, 'O_EXCL'],
  [0x100, 'O_NOCTTY'],
  [0x200, 'O_TRUNC'],
  [0x400, 'O_APPEND'],
  [0x800, 'O_NONBLOCK'],
  [0x1000, 'O_DSYNC'],
  [0x2000, 'O_ASYNC'],
  [0x40000, 'O_NOATIME'],
  [0x80000, 'O_CLOEXEC'],
  [0x100000, 'O_SYNC'],
  [0x200000, 'O_PATH'],
  [O_TMPFILE, 'O_TMPFILE'],
];
const X86: Flags = [
  ...COMMON,
  [0x4000, 'O_DIRECT'],
  [0x8000, 'O_LARGEFILE'],
  [0x10000, 'O_DIRECTORY'],
  [0x20000, 'O_NOFOLLOW'],
];
const ARM: Flags = [
  ...COMMON,
  [0x4000, 'O_DIRECTORY'],
  [0x8000, 'O_NOFOLLOW'],
  [0x10000, 'O_DIRECT'],
  [0x20000, 'O_LARGEFILE'],
];
const ACCESS: readonly string[] = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'];

/** `["O_WRONLY","O_CREAT"]`: how a file is opened, first what for. `architecture` as `auditd.data.arch` has it. */
export function openFlagsJson(flags: number, architecture: string | undefined): string {
  if (architecture === 'aarch64' || architecture === 'arm') return jsonOf(flags, ARM);
  return USUAL.get(flags) ?? jsonOf(flags, X86);
}

function jsonOf(flags: number, names: Flags): string {
  let text = `["${ACCESS[flags & 3]}"`;
  for (const [bit, name] of names) if ((flags & bit) !== 0) text += `,"${name}"`;
  return `${text}]`;
}

/** The flags that nearly every open has. */
const USUAL: ReadonlyMap<number, string> = new Map(
  [0, 0x80000, 0x241, 0x90800, 0x98800].map((flags) => [flags, jsonOf(flags, X86)]),
);
