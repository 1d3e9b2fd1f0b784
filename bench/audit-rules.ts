// What each profile of audit rules costs the programs of a host: the kernel's time for a call that no rule asks for, and for one that
// is recorded, with the records read and thrown away. Needs root and an audit socket that nobody owns; every rule is scoped to a uid
// that nobody has, so nothing else is slowed.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RULES_PROFILES, type RulesProfile } from '../collector/audit-rules/default-rules.ts';
import { openKernelSource } from '../collector/kernel-source.ts';

const UID = 64242;
const DRAIN_MS = 5;

interface Cost {
  readonly rules: number;
  readonly callNs: number;
  readonly openNs: number;
}

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  const program = join(folder, 'audit-rules');
  try {
    execFileSync('cc', ['-O2', '-o', program, fileURLToPath(new URL('./audit-rules.c', import.meta.url))]);
    for (const path of [folder, program]) chmodSync(path, 0o755);
    const counts = isShort ? ['20000', '500'] : ['200000', '2000'];
    const without = await costOf(program, counts);
    const lines = [`no audit: ${without.callNs} ns a call, ${without.openNs} ns an open`];
    for (const profile of ['none', ...RULES_PROFILES.filter((name) => name !== 'none')] as const) {
      const cost = await costUnder(profile, join(folder, profile), () => costOf(program, counts));
      lines.push(
        `${profile} (${cost.rules} rules): ${cost.callNs} ns a call (${ratio(cost.callNs, without.callNs)}×), ` +
          `${cost.openNs} ns an open and close (${ratio(cost.openNs, without.openNs)}×)`,
      );
    }
    return lines;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ratio(one: number, other: number): string {
  return (one / other).toFixed(2);
}

async function costUnder(profile: RulesProfile, folder: string, measure: () => Promise<Cost>): Promise<Cost> {
  mkdirSync(folder);
  const opened = openKernelSource({
    folder,
    rulesProfile: profile,
    rulesFiles: [],
    rulesScope: `uid=${UID}`,
    excludePids: [],
    inheritedSocket: undefined,
    notifySocket: undefined,
    mendsRules: false,
    now: Date.now,
  });
  if (opened.kind === 'refused') throw new Error(`the audit socket cannot be had: ${JSON.stringify(opened.refusal)}`);
  const { source } = opened;
  let isDone = false;
  const draining = (async () => {
    while (!isDone) {
      const { hasMore } = source.drain(() => {});
      if (!hasMore) await delay(DRAIN_MS);
    }
  })();
  try {
    const cost = await measure();
    return { ...cost, rules: source.mode.kind === 'kernel' ? source.mode.rules : 0 };
  } finally {
    isDone = true;
    await draining;
    source.quiesce();
    source.close();
  }
}

function costOf(program: string, counts: readonly string[]): Promise<Cost> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, counts, { uid: UID, gid: UID, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString('latin1');
    });
    child.on('error', reject);
    child.on('close', () => {
      const [callNs, openNs] = said.trim().split(' ').map(Number);
      if (callNs === undefined || openNs === undefined) reject(new Error(`the load said: ${said}`));
      else resolve({ rules: 0, callNs, openNs });
    });
  });
}
