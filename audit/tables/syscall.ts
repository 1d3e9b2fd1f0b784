// Syscall names by architecture and number, and the architecture names themselves (AUDIT_ARCH_* of linux/audit.h).
import { AARCH64_SYSCALLS, I386_SYSCALLS, X32_SYSCALLS, X86_64_SYSCALLS } from './syscall-names.ts';
import { URING_OPS } from './uring-op-names.ts';

const words = (list: string): readonly string[] => list.split(' ');

const SYSCALLS: ReadonlyMap<string, readonly string[]> = new Map([
  ['c000003e', words(X86_64_SYSCALLS)],
  ['40000003', words(I386_SYSCALLS)],
  ['c00000b7', words(AARCH64_SYSCALLS)],
]);
const OPS = words(URING_OPS);

const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['c000003e', 'x86_64'],
  ['40000003', 'i386'],
  ['c00000b7', 'aarch64'],
  ['40000028', 'arm'],
  ['28', 'armeb'],
  ['c00000f3', 'riscv64'],
  ['400000f3', 'riscv32'],
  ['80000016', 's390x'],
  ['16', 's390'],
  ['80000015', 'ppc64'],
  ['c0000015', 'ppc64le'],
  ['14', 'ppc'],
  ['c0000102', 'loongarch64'],
  ['80000008', 'mips64'],
  ['c0000008', 'mipsel64'],
  ['8', 'mips'],
  ['40000008', 'mipsel'],
]);

/** x32 calls on x86_64 carry this bit. */
const X32_BIT = 0x40000000;
/** From here on x32 has calls of its own (the kernel's syscall_64.tbl); below they are those of x86_64. */
const X32_FIRST = 512;
const X32_OWN = words(X32_SYSCALLS);

/** `execve` for (`c000003e`, 59); undefined where the architecture or the number is not known. */
export function syscallName(arch: string, number: number): string | undefined {
  const isX32 = arch === 'c000003e' && number >= X32_BIT;
  const index = isX32 ? number - X32_BIT : number;
  const name = isX32 && index >= X32_FIRST ? X32_OWN[index - X32_FIRST] : SYSCALLS.get(arch)?.[index];
  return name === '-' ? undefined : name;
}

/** `x86_64` for `c000003e`; the hexadecimal digits themselves where they have no name. */
export function architectureName(arch: string): string {
  return ARCHITECTURES.get(arch) ?? arch;
}

/** `openat` for 18: the name of an io_uring operation. */
export function uringOpName(op: number): string | undefined {
  return OPS[op];
}
