// What a start takes: the data folder, its files, the event store. What cannot be had is told with a remedy.

import { chmodSync, mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { EventStore } from '../store/port.ts';
import type { SharedDocuments } from '../store/shared/shared-documents.ts';
import { failureText } from './failure-text.ts';
import { takeFolderLock } from './folder-lock.ts';
import { openSharedDocuments, openStore } from './open-store.ts';
import { type ServerOptions, ServerStartError } from './options.ts';
import { ForeignControlLog } from './shared/control-publisher.ts';
import { type ServerSharing, shareEngine } from './shared/server-sharing.ts';

export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Makes the folders, for their owner only, and takes the lock; answers how to give it back. */
export function takeFolder(dataFolder: string): () => void {
  const folder = `${dataFolder}/server`;
  let lock: ReturnType<typeof takeFolderLock>;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    lock = takeFolderLock(`${folder}/lock`);
  } catch (error) {
    const remedy = 'Choose another data folder, or give this user the right to write there.';
    throw new ServerStartError('folder-unusable', `${folder} cannot be used: ${failureText(error)}`, remedy);
  }
  if (lock.kind === 'held') return lock.release;
  const remedy = 'Stop that server first, or choose another data folder.';
  throw new ServerStartError('folder-taken', `a server with pid ${lock.pid} uses ${dataFolder} already`, remedy);
}

/** What cannot be read of the data folder is told with a remedy. */
export function orUnusable<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    const remedy = 'Stop the other process, or use the version of Vedette that wrote this folder.';
    throw new ServerStartError('folder-unusable', failureText(error), remedy);
  }
}

export async function openStoreOrSay(options: ServerOptions): Promise<EventStore> {
  try {
    return await openStore(options);
  } catch (error) {
    const remedy =
      options.store.kind === 'elasticsearch' ? 'Check the address and the credentials.' : 'Check the folder.';
    throw new ServerStartError('store-unusable', `the event store cannot be opened: ${failureText(error)}`, remedy);
  }
}

/** What takes the place of the server's own engine, where other processes evaluate the rules. */
export async function shareEngineOrSay(
  { sharing, store }: ServerOptions,
  parts: Omit<Parameters<typeof shareEngine>[0], 'documents' | 'groups'>,
): Promise<ServerSharing | undefined> {
  if (sharing === undefined) return undefined;
  let documents: SharedDocuments | undefined;
  try {
    documents = sharing.documents ?? (await openSharedDocuments(store));
    return await shareEngine({ ...parts, documents, groups: sharing.groups });
  } catch (error) {
    await documents?.close();
    const remedy =
      error instanceof ForeignControlLog
        ? 'Give the server the data folder that it had, or this cluster to one server alone.'
        : 'Check the address and the credentials, or set engine.shared to false.';
    throw new ServerStartError('sharing-unusable', `engines cannot be shared: ${failureText(error)}`, remedy);
  }
}
