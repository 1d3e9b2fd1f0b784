// What the collector watches, and why not more, in words for people. Promises that every way of falling short has a sentence
// that says what to do about it.
import type { Refusal } from '../collector/options.ts';
import type { CollectorReady } from './up/child-message.ts';

/** Why the audit stream cannot be had, and what to do. */
export function refusalInWords(refusal: Refusal): { readonly message: string; readonly remedy: string } {
  switch (refusal.kind) {
    case 'owned-by':
      return {
        message: `${refusal.name} (pid ${refusal.pid}) owns the kernel’s audit socket`,
        remedy: `Stop ${refusal.name} if Vedette shall load its own rules; beside it, Vedette sees what its rules ask for.`,
      };
    case 'no-permission':
      return {
        message: 'this user may not read the kernel’s audit stream',
        remedy: 'Run as root (`sudo npm start`), or grant CAP_AUDIT_CONTROL and CAP_AUDIT_READ.',
      };
    case 'no-audit':
      return {
        message: 'the kernel has no audit here',
        remedy:
          'A container does not see it, and a kernel may be built or booted without (audit=0): run on the host itself.',
      };
    case 'folder-in-use':
      return {
        message: 'another collector uses this data folder',
        remedy: 'Stop it, or give this one another folder (--data FOLDER).',
      };
    case 'failed':
      return {
        message: `the kernel’s audit stream cannot be read: ${refusal.reason}`,
        remedy: 'See docs/operations.md.',
      };
  }
}

/** One line on what is watched, and one for each thing that was tried before. */
export function modeInWords(ready: CollectorReady): readonly string[] {
  const reasons = ready.refused.map(({ source, refusal }) => {
    const { message, remedy } = refusalInWords(refusal);
    return { source, text: `not by ${source}: ${message}. ${remedy}` };
  });
  const distinct = reasons.filter(
    ({ text }, index) => reasons.findIndex((other) => sameReason(other.text, text)) === index,
  );
  return [watched(ready), ...distinct.map(({ text }) => text)];
}

/** True when two reasons differ in the source alone: said once. */
function sameReason(a: string, b: string): boolean {
  return a.slice(a.indexOf(':')) === b.slice(b.indexOf(':'));
}

function watched({ mode, hostName }: CollectorReady): string {
  switch (mode.kind) {
    case 'kernel': {
      const rules = mode.isLocked
        ? 'its audit rules are locked (-e 2), so those that are loaded hold'
        : `${mode.rules} audit rules loaded, taken out again at the end`;
      return `watches this host (${hostName}) by the kernel’s audit socket; ${rules}`;
    }
    case 'multicast': {
      const owner =
        mode.owner === undefined
          ? 'the multicast group'
          : `multicast beside ${mode.owner.name} (pid ${mode.owner.pid})`;
      return `watches this host (${hostName}) by ${owner}; no rule loaded, no setting changed`;
    }
    case 'file':
      return `follows ${mode.files.join(', ')} of ${hostName}; the kernel is not listened to`;
    case 'recording':
      return `plays a recorded host (${hostName}): this machine is NOT watched`;
  }
}
