// Who this host is. Its id is a digest of machine-id, so it exists before enrolment and says nothing about the machine; where
// there is no machine-id, a random one is kept in the collector's folder.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces, release } from 'node:os';
import { join } from 'node:path';
import type { HostIdentity } from '../audit/event.ts';
import { readState, replaceFile } from './durable-file.ts';

const FORMAT_VERSION = 1;
/** Fixed for good: another salt would be another host. */
const SALT = 'vedette host id 1';
const ADDRESSES_MAX = 16;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

export const AGENT_VERSION = '0.1.0';

/** This host, as it stands in every document. */
export function hostIdentity(folder: string, bootId: string): HostIdentity {
  const id = hostIdOf(machineId() ?? keptId(folder));
  const name = hostname().slice(0, 255);
  const release_ = osRelease();
  return {
    id,
    name,
    bootId,
    host: {
      hostname: name,
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      ip: addresses(),
      os: { type: 'linux', kernel: release(), ...release_ },
    },
    agent: { id, type: 'vedette', version: AGENT_VERSION },
  };
}

/** The first 16 hex digits of the salted digest. */
export function hostIdOf(machineIdText: string): string {
  return createHash('sha256').update(`${SALT}\0${machineIdText}`).digest('hex').slice(0, 16);
}

function machineId(): string | undefined {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      const text = readFileSync(path, 'latin1').trim();
      if (/^[0-9a-f]{32}$/.test(text)) return text;
    } catch {
      // Not there: the next one, or none.
    }
  }
  return undefined;
}

function keptId(folder: string): string {
  const path = join(folder, 'host.json');
  const kept = readState(path, FORMAT_VERSION)?.['machineId'];
  if (typeof kept === 'string' && kept !== '') return kept;
  const machineIdText = randomUUID();
  replaceFile(path, `${JSON.stringify({ formatVersion: FORMAT_VERSION, machineId: machineIdText })}\n`, true);
  return machineIdText;
}

function addresses(): readonly string[] {
  const found = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address !== undefined && !address.internal)
    .map((address) => (address?.address ?? '').replace(/%.*$/, ''));
  return [...new Set(found)].slice(0, ADDRESSES_MAX);
}

function osRelease(): { readonly name?: string; readonly version?: string } {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    const value = (key: string): string | undefined => new RegExp(`^${key}="?([^"\n]{1,100})"?$`, 'm').exec(text)?.[1];
    const name = value('NAME');
    const version = value('VERSION_ID');
    return { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) };
  } catch {
    return {};
  }
}
