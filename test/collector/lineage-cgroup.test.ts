import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerOfCgroup } from '../../collector/lineage/cgroup.ts';

const ID = '5f0c3b1de2a94c7f8b6d1e0f3a2c4b5d6e7f8091a2b3c4d5e6f708192a3b4c5d';
const OUTER = 'aaaabbbbccccddddeeeeffff0000111122223333444455556666777788889999';
const UID = '2c48913c-b29f-11e7-9350-020968147796';
const UID_ = UID.replaceAll('-', '_');

describe('the container of a cgroup path', () => {
  it.each([
    ['docker, v2, systemd', `0::/system.slice/docker-${ID}.scope`, 'docker', undefined],
    ['docker, v2, folders', `0::/docker/${ID}`, 'docker', undefined],
    [
      'docker, v1',
      `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n0::/system.slice/containerd.service`,
      'docker',
      undefined,
    ],
    ['docker with a process below', `0::/system.slice/docker-${ID}.scope/init`, 'docker', undefined],
    ['docker of Kubernetes, folders', `4:memory:/kubepods/burstable/pod${UID}/${ID}`, undefined, UID],
    ['guaranteed pod, folders', `0::/kubepods/pod${UID}/${ID}`, undefined, UID],
    [
      'docker of Kubernetes, systemd',
      `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/docker-${ID}.scope`,
      'docker',
      UID,
    ],
    [
      'containerd of Kubernetes',
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
      'containerd',
      UID,
    ],
    [
      'containerd, guaranteed pod',
      `0::/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`,
      'containerd',
      UID,
    ],
    [
      'containerd with colons',
      `0::/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
      'containerd',
      UID,
    ],
    [
      'cri-o',
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-${ID}.scope/container`,
      'cri-o',
      UID,
    ],
    [
      'a static pod',
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podf4a1d8ee6b7c4f2a9d3e5b6c7d8e9f01.slice/cri-containerd-${ID}.scope`,
      'containerd',
      'f4a1d8ee6b7c4f2a9d3e5b6c7d8e9f01',
    ],
    [
      'kind: Kubernetes inside docker',
      `0::/system.slice/docker-${OUTER}.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`,
      'containerd',
      UID,
    ],
    ['docker in docker', `0::/docker/${OUTER}/docker/${ID}`, 'docker', undefined],
    ['podman as root', `0::/machine.slice/libpod-${ID}.scope/container`, 'podman', undefined],
    [
      'podman without root',
      `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
      'podman',
      undefined,
    ],
    ['podman split', `0::/system.slice/web.service/libpod-payload-${ID}`, 'podman', undefined],
    ['podman, folders', `9:cpu:/libpod_parent/libpod-${ID}`, 'podman', undefined],
    ['nerdctl', `0::/system.slice/nerdctl-${ID}.scope`, 'containerd', undefined],
    ['containerd, folders', `0::/default/${ID}`, 'containerd', undefined],
    ['Amazon ECS on EC2', `9:perf_event:/ecs/task-cluster/0123456789abcdef0123456789abcdef/${ID}`, 'docker', undefined],
  ])('%s', (_, text, runtime, podUid) => {
    expect(containerOfCgroup(`${text}\n`)).toEqual({ id: ID, runtime, podUid });
  });

  it.each([
    ['0::/lxc.payload.web1/system.slice/nginx.service', 'web1', 'lxc'],
    ['3:cpuset:/lxc/web1', 'web1', 'lxc'],
    ['0::/machine.slice/machine-build\\x2dbox.scope/payload/init.scope', 'build-box', 'systemd-nspawn'],
    ['0::/machine.slice/systemd-nspawn@debian.service/payload', 'debian', 'systemd-nspawn'],
    [
      '0::/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-1234567890',
      '0123456789abcdef0123456789abcdef-1234567890',
      'docker',
    ],
  ])('by name: %s', (text, id, runtime) => {
    expect(containerOfCgroup(text)).toEqual({ id, runtime, podUid: undefined });
  });

  it.each([
    '0::/',
    '0::/init.scope',
    '0::/system.slice/docker.service',
    '0::/system.slice/containerd.service',
    '0::/user.slice/user-1000.slice/session-3.scope',
    `0::/machine.slice/libpod-conmon-${ID}.scope`,
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/crio-conmon-${ID}.scope`,
    '0::/lxc.monitor.web1',
    '0::/machine.slice/systemd-nspawn@debian.service/supervisor',
    '0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator',
    `0::/system.slice/docker-${ID.slice(1)}.scope`,
    `0::/home/${ID}`,
    `0::/kubepods.slice/kubepods-burstable-pod${UID_}.slice`,
    '',
    'x',
  ])('is none: %s', (text) => {
    expect(containerOfCgroup(text)).toBeUndefined();
  });

  it('never throws, and names nothing longer than a name may be', () => {
    const part = fc.oneof(
      fc.constantFrom('docker', 'lxc', 'machine.slice', 'ecs', `docker-${ID}.scope`, `pod${UID}`, ID, '..', ''),
      fc.string({ maxLength: 300 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 50 }), (parts) => {
        const found = containerOfCgroup(`0::/${parts.join('/')}`);
        if (found !== undefined) expect(found.id.length).toBeLessThanOrEqual(128);
      }),
    );
  });
});
