// Configurations to test with.

import type { Config, Features, State } from '../../src/config/generated/types.ts';

/** Valid, with every property that the schemas know. */
export function fullConfig(): Config {
  const hook = () => [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }];
  const mapping = () => [{ containerID: 0, hostID: 1000, size: 65536 }];
  const throttle = () => [{ major: 8, minor: 0, rate: 1_000_000 }];
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs', readonly: true },
    mounts: [
      {
        destination: '/data',
        source: '/srv/data',
        type: 'none',
        options: ['rbind', 'ridmap'],
        uidMappings: mapping(),
        gidMappings: mapping(),
      },
    ],
    process: {
      terminal: true,
      consoleSize: { height: 25, width: 80 },
      user: { uid: 1, gid: 1, umask: 63, additionalGids: [5, 6], username: 'someone' },
      args: ['sh', '-c', 'true'],
      commandLine: 'sh',
      env: ['PATH=/bin', 'EMPTY='],
      cwd: '/root',
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 18446744073709551615n }],
      apparmorProfile: 'profile',
      selinuxLabel: 'system_u:system_r:svirt_lxc_net_t:s0',
      capabilities: {
        bounding: ['CAP_KILL'],
        effective: ['CAP_KILL'],
        inheritable: ['CAP_KILL'],
        permitted: ['CAP_KILL'],
        ambient: ['CAP_KILL'],
      },
      noNewPrivileges: true,
      oomScoreAdj: -500,
      scheduler: {
        policy: 'SCHED_DEADLINE',
        nice: 0,
        priority: 0,
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
        runtime: 1_000_000,
        deadline: 2_000_000,
        period: 3_000_000,
      },
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
      execCPUAffinity: { initial: '0-3', final: '0-3,7' },
    },
    hostname: 'host',
    domainname: 'domain',
    hooks: {
      prestart: hook(),
      createRuntime: hook(),
      createContainer: hook(),
      startContainer: hook(),
      poststart: hook(),
      poststop: hook(),
    },
    annotations: { 'com.example.key': 'value' },
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'pid' },
        { type: 'network', path: '/proc/self/ns/net' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'user' },
        { type: 'cgroup' },
        { type: 'time' },
      ],
      uidMappings: mapping(),
      gidMappings: mapping(),
      timeOffsets: { monotonic: { secs: 5, nanosecs: 6 }, boottime: { secs: -5, nanosecs: 6 } },
      devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
      netDevices: { eth0: { name: 'container%d' } },
      cgroupsPath: '/group/container',
      resources: {
        devices: [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }],
        memory: {
          limit: 9223372036854771712n,
          reservation: 536870912,
          swap: -1,
          kernel: -1,
          kernelTCP: -1,
          swappiness: 0,
          disableOOMKiller: false,
          useHierarchy: true,
          checkBeforeUpdate: true,
        },
        cpu: {
          shares: 1024,
          quota: 1_000_000,
          burst: 1000,
          period: 500_000,
          realtimeRuntime: 950_000,
          realtimePeriod: 1_000_000,
          cpus: '2-3',
          mems: '0-7',
          idle: 1,
        },
        pids: { limit: 32771 },
        blockIO: {
          weight: 10,
          leafWeight: 10,
          weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 300 }],
          throttleReadBpsDevice: throttle(),
          throttleWriteBpsDevice: throttle(),
          throttleReadIOPSDevice: throttle(),
          throttleWriteIOPSDevice: throttle(),
        },
        hugepageLimits: [{ pageSize: '2MB', limit: 18446744073709551615n }],
        network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] },
        rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } },
        unified: { 'memory.high': '1073741824' },
      },
      intelRdt: {
        closID: 'group',
        schemata: ['L2:0=f'],
        l3CacheSchema: 'L3:0=7f0',
        memBwSchema: 'MB:0=20',
        enableMonitoring: true,
      },
      memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '2-3', flags: ['MPOL_F_STATIC_NODES'] },
      sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shm_rmid_forced': '1' },
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 1,
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
        flags: ['SECCOMP_FILTER_FLAG_LOG'],
        listenerPath: '/run/listener.sock',
        listenerMetadata: 'metadata',
        syscalls: [
          {
            names: ['personality'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 38,
            args: [{ index: 0, value: 18446744073709551615n, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
          },
          {
            names: ['execve', 'brk', 'mmap', 'mprotect', 'openat', 'read', 'close', 'exit_group'],
            action: 'SCMP_ACT_ALLOW',
          },
        ],
      },
      rootfsPropagation: 'slave',
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      mountLabel: 'system_u:object_r:svirt_sandbox_file_t:s0',
      personality: { domain: 'LINUX', flags: [] },
    },
    freebsd: {},
    solaris: {},
    vm: {},
    windows: {},
    zos: {},
  };
}

/** Valid, and with nothing that is not required on Linux. */
export function minimalConfig(): Config {
  return { ociVersion: '1.0.0', root: { path: 'rootfs' } };
}

export function fullState(): State {
  return {
    ociVersion: '1.3.0',
    id: 'container',
    status: 'running',
    pid: 4422,
    bundle: '/containers/redis',
    annotations: { key: 'value' },
  };
}

export function fullFeatures(): Features {
  const enabled = () => ({ enabled: true });
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.3.0',
    hooks: ['prestart'],
    mountOptions: ['ro'],
    annotations: { key: 'value' },
    potentiallyUnsafeConfigAnnotations: ['com.example.'],
    linux: {
      namespaces: ['mount'],
      capabilities: ['CAP_CHOWN'],
      cgroup: { v1: false, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: {
        enabled: true,
        actions: ['SCMP_ACT_ALLOW'],
        operators: ['SCMP_CMP_NE'],
        archs: ['SCMP_ARCH_X86_64'],
        knownFlags: ['SECCOMP_FILTER_FLAG_LOG'],
        supportedFlags: ['SECCOMP_FILTER_FLAG_LOG'],
      },
      apparmor: enabled(),
      selinux: enabled(),
      memoryPolicy: { modes: ['MPOL_BIND'], flags: ['MPOL_F_STATIC_NODES'] },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      mountExtensions: { idmap: enabled() },
      netDevices: enabled(),
    },
  };
}
