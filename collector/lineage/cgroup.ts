// The container that a cgroup path names: a pure reading of /proc/PID/cgroup, of cgroup v1 and v2, by systemd's and by plain
// folders, as docker, containerd, cri-o, podman, Kubernetes, Amazon ECS, LXC and systemd-nspawn lay them out. What a runtime
// keeps beside the container (conmon, lxc.monitor, nspawn's supervisor) is not in it. Where containers are nested, the innermost.
//
//   0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2c48….slice/cri-containerd-5f0c….scope

/** What the path alone says. */
export interface CgroupContainer {
  readonly id: string;
  readonly runtime: string | undefined;
  /** The Kubernetes pod's uid, with hyphens. */
  readonly podUid: string | undefined;
}

/** A path's parts that are looked at: deeper nesting is not a container runtime's. */
const PARTS_MAX = 32;
const LINES_MAX = 32;
const NAME_CHARS_MAX = 128;

const SCOPE =
  /^(docker|cri-containerd|crio|libpod|libpod-payload|nerdctl|containerd|podman)-([0-9a-f]{64})(?:\.scope)?$/;
const COLON = /^.*:(cri-containerd|docker|crio|libpod|nerdctl|containerd):([0-9a-f]{64})$/;
const HEX = /^[0-9a-f]{64}$/;
/** A task of Amazon ECS on Fargate. */
const ECS_TASK = /^[0-9a-f]{32}-[0-9]{1,12}$/;
const POD =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice|:|$)/;

const RUNTIME_OF: Readonly<Record<string, string>> = {
  docker: 'docker',
  'cri-containerd': 'containerd',
  containerd: 'containerd',
  nerdctl: 'containerd',
  crio: 'cri-o',
  libpod: 'podman',
  'libpod-payload': 'podman',
  podman: 'podman',
};

/** The container of a process by the text of its /proc/PID/cgroup, or undefined where it is in none. */
export function containerOfCgroup(text: string): CgroupContainer | undefined {
  for (const line of text.split('\n', LINES_MAX)) {
    // hierarchy:controllers:path; the path may hold colons itself.
    const path = line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1);
    if (!path.startsWith('/') || path.length < 2) continue;
    const found = containerOfPath(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function containerOfPath(path: string): CgroupContainer | undefined {
  const parts = path.split('/', PARTS_MAX).slice(1);
  let found: CgroupContainer | undefined;
  let podUid: string | undefined;
  for (const [at, part] of parts.entries()) {
    const pod = POD.exec(part)?.[1];
    if (pod !== undefined) podUid = pod.replaceAll('_', '-');
    const named = containerOfPart(part, parts[at - 1] ?? '', parts[at + 1] ?? '');
    if (named === undefined) continue;
    const runtime = named.runtime ?? (podUid === undefined ? runtimeOfFolders(parts.slice(0, at)) : undefined);
    found = { id: named.id, runtime, podUid };
  }
  return found;
}

function containerOfPart(
  part: string,
  above: string,
  below: string,
): { readonly id: string; readonly runtime: string | undefined } | undefined {
  const match = SCOPE.exec(part) ?? COLON.exec(part);
  const [, kind, id] = match ?? [];
  if (kind !== undefined && id !== undefined) return { id, runtime: RUNTIME_OF[kind] };
  if (HEX.test(part)) return isPlainFolderOf(above) ? { id: part, runtime: undefined } : undefined;
  if (ECS_TASK.test(part) && (above === 'ecs' || HEX.test(above) || /^[0-9a-f]{32}$/.test(above)))
    return { id: part, runtime: undefined };
  return machineOf(part, above, below);
}

/** `/docker/ID`, `/kubepods/burstable/podUID/ID`, `/ecs/TASK/ID`, `/libpod_parent/ID`, `/default/ID` of containerd. */
function isPlainFolderOf(above: string): boolean {
  return (
    /^(?:docker|libpod_parent|default|moby|k8s\.io|actions_job|garden|buildkit)$/.test(above) ||
    POD.test(above) ||
    /^[0-9a-f-]{32,36}$/.test(above)
  );
}

function runtimeOfFolders(above: readonly string[]): string | undefined {
  const folder = above.findLast((part) => /^(?:docker|moby|libpod_parent|default|k8s\.io|ecs)$/.test(part));
  if (folder === undefined) return undefined;
  if (folder === 'libpod_parent') return 'podman';
  return folder === 'docker' || folder === 'moby' || folder === 'ecs' ? 'docker' : 'containerd';
}

/** LXC and systemd-nspawn name their containers instead of numbering them. */
function machineOf(part: string, above: string, below: string): ReturnType<typeof containerOfPart> {
  const payload = /^lxc\.payload\.(.+)$/.exec(part)?.[1];
  if (payload !== undefined) return machine(payload, 'lxc');
  if (above === 'lxc' && part !== '') return machine(part, 'lxc');
  if (above !== 'machine.slice' || below === 'supervisor') return undefined;
  const scope = /^machine-(.+)\.scope$/.exec(part)?.[1];
  const service = /^systemd-nspawn@(.+)\.service$/.exec(part)?.[1];
  const name = unescaped(scope ?? service ?? '');
  // libvirt's machines lie in the same slice; its virtual machines are no containers.
  if (name === '' || name.startsWith('qemu-')) return undefined;
  return name.startsWith('lxc-') ? machine(name, 'lxc') : machine(name, 'systemd-nspawn');
}

function machine(name: string, runtime: string): ReturnType<typeof containerOfPart> {
  return name.length > NAME_CHARS_MAX ? undefined : { id: name, runtime };
}

/** systemd writes `-` inside a name as `\x2d`. */
function unescaped(name: string): string {
  return name.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
