import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONTAINERS_MAX, createContainers, METADATA_READS_PER_SECOND_MAX } from '../../collector/lineage/containers.ts';

const ID = '5f0c3b1de2a94c7f8b6d1e0f3a2c4b5d6e7f8091a2b3c4d5e6f708192a3b4c5d';
const UID = '2c48913c-b29f-11e7-9350-020968147796';
const SLICE = `kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice`;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vedette-containers-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, value: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof value === 'string' ? value : JSON.stringify(value));
}

describe('the names of a container', () => {
  it('come from docker’s own file', () => {
    put(`var/lib/docker/containers/${ID}/config.v2.json`, {
      Name: '/web',
      Config: { Image: 'nginx:1.27', Labels: {} },
    });
    expect(createContainers(root).ofCgroup(`0::/system.slice/docker-${ID}.scope`, 0)).toEqual({
      id: ID,
      runtime: 'docker',
      name: 'web',
      imageName: 'nginx:1.27',
      pod: undefined,
    });
  });

  it('come from containerd’s bundle, with the pod’s', () => {
    put(`run/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`, {
      annotations: {
        'io.kubernetes.cri.container-name': 'app',
        'io.kubernetes.cri.image-name': 'registry.example/app:2',
        'io.kubernetes.cri.sandbox-name': 'app-7c9f',
        'io.kubernetes.cri.sandbox-namespace': 'shop',
        'io.kubernetes.cri.sandbox-uid': UID,
      },
    });
    expect(createContainers(root).ofCgroup(`0::/${SLICE}/cri-containerd-${ID}.scope`, 0)).toEqual({
      id: ID,
      runtime: 'containerd',
      name: 'app',
      imageName: 'registry.example/app:2',
      pod: { uid: UID, name: 'app-7c9f', namespace: 'shop' },
    });
  });

  it('come from cri-o’s specification and from podman’s list', () => {
    put(`var/lib/containers/storage/overlay-containers/${ID}/userdata/config.json`, {
      annotations: {
        'io.kubernetes.container.name': 'db',
        'io.kubernetes.pod.name': 'db-0',
        'io.kubernetes.pod.namespace': 'shop',
      },
    });
    expect(createContainers(root).ofCgroup(`0::/${SLICE}/crio-${ID}.scope`, 0)).toMatchObject({
      name: 'db',
      pod: { uid: UID, name: 'db-0', namespace: 'shop' },
    });
    const other = 'b'.repeat(64);
    put('var/lib/containers/storage/overlay-containers/containers.json', [
      { id: other, names: ['cache'], metadata: JSON.stringify({ 'image-name': 'docker.io/library/redis' }) },
    ]);
    expect(createContainers(root).ofCgroup(`0::/machine.slice/libpod-${other}.scope`, 0)).toMatchObject({
      runtime: 'podman',
      name: 'cache',
      imageName: 'docker.io/library/redis',
    });
  });

  it('fall back on the folder of the pod’s logs', () => {
    put(`var/log/pods/shop_web-1_${UID}/web/0.log`, '');
    expect(createContainers(root).ofCgroup(`0::/kubepods/pod${UID}/${ID}`, 0)?.pod).toEqual({
      uid: UID,
      name: 'web-1',
      namespace: 'shop',
    });
  });

  it('are missing where the files are missing, odd, too long or hostile; the container is not', () => {
    const path = `var/lib/docker/containers/${ID}/config.v2.json`;
    for (const text of [
      '',
      '{',
      '[]',
      'null',
      '{"Name":5,"Config":7}',
      JSON.stringify({ Name: 'x'.repeat(300) }),
      ' '.repeat(2 ** 21),
    ]) {
      put(path, text);
      expect(createContainers(root).ofCgroup(`0::/docker/${ID}`, 0)).toMatchObject({
        id: ID,
        runtime: 'docker',
        name: undefined,
      });
    }
  });

  it('are looked for again a few times, for they may be written a moment later', () => {
    const containers = createContainers(root);
    const text = `0::/docker/${ID}`;
    const first = containers.ofCgroup(text, 0);
    expect(first?.name).toBeUndefined();
    put(`var/lib/docker/containers/${ID}/config.v2.json`, { Name: '/web' });
    expect(containers.ofCgroup(text, 1_000)).toBe(first);
    expect(containers.ofCgroup(text, 6_000)?.name).toBe('web');
  });

  it('cost a bounded number of reads a second and a bounded memory', () => {
    const containers = createContainers(root);
    const ids = Array.from({ length: CONTAINERS_MAX + 50 }, (_, index) => index.toString(16).padStart(64, '0'));
    for (const id of ids) put(`var/lib/docker/containers/${id}/config.v2.json`, { Name: '/web' });
    const named = ids.filter((id) => containers.ofCgroup(`0::/docker/${id}`, 0)?.name !== undefined);
    expect(named).toHaveLength(METADATA_READS_PER_SECOND_MAX);
    expect(containers.size()).toBe(CONTAINERS_MAX);
  });
});
