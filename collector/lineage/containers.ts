// Containers with the names that people gave them: what the cgroup says, and what the runtimes left in files on this host (no
// daemon is asked). Read once per container, bounded in bytes and in reads a second; where a file is missing, odd or too long,
// the names are missing, never the container.
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerInfo } from '../../audit/event.ts';
import { type CgroupContainer, containerOfCgroup } from './cgroup.ts';

export const CONTAINERS_MAX = 1024;
/** Files and folders of runtimes that are read in one second at the most; past that, names wait. */
export const METADATA_READS_PER_SECOND_MAX = 16;
const FILE_BYTES_MAX = 1024 * 1024;
const POD_FOLDERS_MAX = 4096;
const NAME_CHARS_MAX = 253;
/** A container whose names were not found is looked for again so often, ms: they may be written a moment later. */
const RETRY_MS = 5_000;
const TRIES_MAX = 3;

export interface Containers {
  /** The container of a process by the text of its cgroup file. The same object each time. */
  ofCgroup(text: string, nowMs: number): ContainerInfo | undefined;
  size(): number;
}

interface Known {
  info: ContainerInfo;
  readonly found: CgroupContainer;
  /** Looked for again from then on; infinity where there is no need. */
  retryMs: number;
  tries: number;
}

interface Names {
  readonly name?: string | undefined;
  readonly imageName?: string | undefined;
  readonly podName?: string | undefined;
  readonly namespace?: string | undefined;
  readonly podUid?: string | undefined;
  readonly runtime?: string | undefined;
}

/** `root`: the folder under which the runtimes' own are looked for: `/` on a host, another in tests. */
export function createContainers(root = '/'): Containers {
  const known = new Map<string, Known>();
  let readsLeft = METADATA_READS_PER_SECOND_MAX;
  let readsSince = Number.NEGATIVE_INFINITY;

  function mayRead(nowMs: number): boolean {
    if (nowMs - readsSince >= 1_000 || nowMs < readsSince) {
      readsSince = nowMs;
      readsLeft = METADATA_READS_PER_SECOND_MAX;
    }
    return readsLeft-- > 0;
  }

  /** Undefined: not found, or not looked for to the end. */
  function namesOf({ id, runtime, podUid }: CgroupContainer, nowMs: number): Names | undefined {
    for (const { runtimes, read } of SOURCES) {
      if (runtime !== undefined && !runtimes.includes(runtime)) continue;
      if (!mayRead(nowMs)) return undefined;
      const names = read(root, id);
      if (names !== undefined) return names;
    }
    return podUid !== undefined && mayRead(nowMs) ? podNames(root, podUid) : undefined;
  }

  return {
    ofCgroup(text, nowMs) {
      const found = containerOfCgroup(text);
      if (found === undefined) return undefined;
      const before = known.get(found.id);
      if (before !== undefined && nowMs < before.retryMs) return before.info;
      const tries = (before?.tries ?? 0) + 1;
      const isNumbered = /^[0-9a-f]{64}$/.test(found.id);
      const names = isNumbered ? namesOf(found, nowMs) : undefined;
      const isSettled = names !== undefined || tries >= TRIES_MAX || !isNumbered;
      const info = names === undefined && before !== undefined ? before.info : infoOf(found, names);
      if (before === undefined && known.size >= CONTAINERS_MAX) known.delete(known.keys().next().value ?? '');
      known.set(found.id, { info, found, retryMs: isSettled ? Number.POSITIVE_INFINITY : nowMs + RETRY_MS, tries });
      return info;
    },
    size: () => known.size,
  };
}

function infoOf(found: CgroupContainer, names: Names | undefined): ContainerInfo {
  const podUid = found.podUid ?? names?.podUid;
  return {
    id: found.id,
    runtime: found.runtime ?? names?.runtime,
    name: names?.name ?? (/^[0-9a-f]{32}/.test(found.id) ? undefined : found.id),
    imageName: names?.imageName,
    pod: podUid === undefined ? undefined : { uid: podUid, name: names?.podName, namespace: names?.namespace },
  };
}

type Json = Readonly<Record<string, unknown>>;

const SOURCES: readonly {
  readonly runtimes: readonly string[];
  readonly read: (root: string, id: string) => Names | undefined;
}[] = [
  { runtimes: ['docker'], read: dockerNames },
  { runtimes: ['containerd'], read: containerdNames },
  { runtimes: ['cri-o', 'podman'], read: criNames },
  { runtimes: ['podman', 'cri-o'], read: podmanNames },
];

function dockerNames(root: string, id: string): Names | undefined {
  const file = jsonOf(join(root, 'var/lib/docker/containers', id, 'config.v2.json'));
  if (file === undefined) return undefined;
  const config = objectOf(file['Config']);
  const labels = objectOf(config?.['Labels']);
  return {
    runtime: 'docker',
    name: nameOf(labels?.['io.kubernetes.container.name']) ?? nameOf(file['Name'])?.replace(/^\//, ''),
    imageName: nameOf(config?.['Image']),
    ...podOf(labels),
  };
}

/** The bundle that containerd keeps while a container runs, by containerd's own namespaces. */
function containerdNames(root: string, id: string): Names | undefined {
  const tasks = join(root, 'run/containerd/io.containerd.runtime.v2.task');
  for (const namespace of ['k8s.io', 'default', 'moby']) {
    const spec = jsonOf(join(tasks, namespace, id, 'config.json'));
    if (spec === undefined) continue;
    const annotations = objectOf(spec['annotations']);
    return {
      runtime: namespace === 'moby' ? 'docker' : 'containerd',
      name:
        nameOf(annotations?.['io.kubernetes.cri.container-name']) ??
        nameOf(annotations?.['nerdctl/name']) ??
        (annotations?.['io.kubernetes.cri.container-type'] === 'sandbox' ? 'POD' : undefined),
      imageName: nameOf(annotations?.['io.kubernetes.cri.image-name']),
      podName: nameOf(annotations?.['io.kubernetes.cri.sandbox-name']),
      namespace: nameOf(annotations?.['io.kubernetes.cri.sandbox-namespace']),
      podUid: nameOf(annotations?.['io.kubernetes.cri.sandbox-uid']),
    };
  }
  return undefined;
}

/** cri-o writes its names into the container's specification. */
function criNames(root: string, id: string): Names | undefined {
  const folder = join(root, 'var/lib/containers/storage/overlay-containers', id, 'userdata');
  const annotations = objectOf(jsonOf(join(folder, 'config.json'))?.['annotations']);
  const name = nameOf(annotations?.['io.kubernetes.container.name']);
  if (name === undefined) return undefined;
  return {
    runtime: 'cri-o',
    name,
    imageName: nameOf(annotations?.['io.kubernetes.cri-o.ImageName']),
    ...podOf(annotations),
  };
}

/** podman's list of containers; `metadata` is JSON in JSON. */
function podmanNames(root: string, id: string): Names | undefined {
  const list = parsedFile(join(root, 'var/lib/containers/storage/overlay-containers/containers.json'));
  if (!Array.isArray(list)) return undefined;
  const one = list.map(objectOf).find((entry) => entry?.['id'] === id);
  if (one === undefined) return undefined;
  const metadata = typeof one['metadata'] === 'string' ? objectOf(parsed(one['metadata'])) : undefined;
  const names = Array.isArray(one['names']) ? (one['names'] as unknown[]) : [];
  return {
    runtime: 'podman',
    name: nameOf(names[0]) ?? nameOf(metadata?.['name']),
    imageName: nameOf(metadata?.['image-name']),
  };
}

/** The kubelet's logs lie in a folder for each pod: NAMESPACE_NAME_UID. */
function podNames(root: string, uid: string): Names | undefined {
  let folders: readonly string[];
  try {
    folders = readdirSync(join(root, 'var/log/pods')).slice(0, POD_FOLDERS_MAX);
  } catch {
    return undefined;
  }
  const folder = folders.find((one) => one.endsWith(`_${uid}`));
  const [namespace, podName] = folder?.split('_') ?? [];
  return folder === undefined ? undefined : { podName: nameOf(podName), namespace: nameOf(namespace) };
}

function podOf(labels: Json | undefined): Names {
  return {
    podName: nameOf(labels?.['io.kubernetes.pod.name']),
    namespace: nameOf(labels?.['io.kubernetes.pod.namespace']),
    podUid: nameOf(labels?.['io.kubernetes.pod.uid']),
  };
}

function jsonOf(path: string): Json | undefined {
  return objectOf(parsedFile(path));
}

function parsedFile(path: string): unknown {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const { size } = fstatSync(fd);
    if (size > FILE_BYTES_MAX) return undefined;
    const buffer = Buffer.alloc(size);
    return parsed(buffer.toString('utf8', 0, readSync(fd, buffer, 0, size, 0)));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= NAME_CHARS_MAX ? value : undefined;
}
