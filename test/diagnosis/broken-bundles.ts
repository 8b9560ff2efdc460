// Bundles that do not run, as people make them: what is wrong, and what must be said of it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchy } from '../../src/cgroups/hierarchy.ts';
import type { Config } from '../../src/config/generated/types.ts';
import { enabledLsms } from '../../src/security/lsm.ts';
import type { Change } from '../container/harness.ts';
import { ET_REL, elf, otherMachine, type Root } from './fixtures.ts';

export interface Broken {
  /** Breaks a configuration that would run, or the root filesystem of its bundle. */
  breaks: (config: Parameters<Change>[0], root: Root) => void;
  /** The cause, in the words that a person reads. */
  cause: RegExp;
  /** Who tells it first: `validate --host`, or `run` where only a try can tell. */
  by?: 'run';
  /** It is a warning of validate's, since it may be meant. Or plan does without it. */
  except?: 'warning' | 'plan';
  /** Why this machine cannot show it. */
  skip?: string | false;
}

/** With another text in place of the configuration. */
export const brokenTexts: Record<string, { text: (good: string) => string; cause: RegExp }> = {
  'a comma too many': {
    text: (good) => good.replace(/}$/, ',}'),
    cause: /config\.json:1:\d+: error: .*comma/,
  },
  'a comment': {
    text: (good) => good.replace('{', '{ // mine\n'),
    cause: /config\.json:1:3: error: .*a comment/,
  },
  'cut off': { text: (good) => good.slice(0, 200), cause: /config\.json:1:\d+: error: .*is not JSON/ },
  'a byte order mark': { text: (good) => `\ufeff${good}`, cause: /byte order mark/ },
  'an array': { text: () => '[]', cause: /is an array; expected an object/ },
  empty: { text: () => '', cause: /the end of the text/ },
};

const controllers = findHierarchy()?.controllers ?? [];
const { apparmor, selinux } = enabledLsms();

export const brokenBundles: Record<string, Broken> = {
  // What the configuration alone decides.
  'no ociVersion': {
    breaks: (config) => Object.assign(config, { ociVersion: undefined }),
    cause: /ociVersion is required/,
  },
  'ociVersion of a later major version': {
    breaks: (config) => Object.assign(config, { ociVersion: '9.0.0' }),
    cause: /ociVersion is 9\.0\.0/,
  },
  'process misspelt': {
    breaks: (config) => Object.assign(config, { proces: config.process, process: undefined }),
    cause: /\/proces is not known.*expected process/,
    except: 'warning',
  },
  'args as one text': {
    breaks: ({ process }) => Object.assign(process, { args: 'sh -c true' }),
    cause: /process\/args is "sh -c true"; expected an array/,
  },
  'no args': { breaks: program(), cause: /process\/args names no program/ },
  'a negative uid': {
    breaks: ({ process }) => Object.assign(process, { user: { uid: -1, gid: 0 } }),
    cause: /process\/user\/uid is -1/,
  },
  'a relative cwd': { breaks: cwd('app'), cause: /process\/cwd is "app"; expected an absolute path/ },
  'a host name without uts namespace': {
    breaks: (config) => {
      without(config, 'uts');
      config.hostname = 'mine';
    },
    cause: /hostname would be the runtime's; expected a namespace of type uts/,
  },
  'a host name that is too long': {
    breaks: (config) => Object.assign(config, { hostname: 'x'.repeat(65) }),
    cause: /hostname has 65 bytes/,
  },
  'a namespace by the name of ip(8)': {
    breaks: ({ linux }) => linux.namespaces?.push({ type: 'net' as never }),
    cause: /namespaces\/\d+\/type is "net"; expected .*network/,
  },
  'a namespace twice': {
    breaks: ({ linux }) => linux.namespaces?.push({ type: 'pid' }),
    cause: /is pid once more/,
  },
  'a soft limit above the hard one': {
    breaks: rlimit('RLIMIT_CORE', 2, 1),
    cause: /rlimits\/0\/soft is 2; expected at most the hard limit, 1/,
  },
  'an rlimit that Linux does not have': {
    breaks: rlimit('RLIMIT_FILES', 1, 1),
    cause: /rlimits\/0\/type is "RLIMIT_FILES"/,
  },
  'an unknown action of a filter': {
    breaks: ({ linux }) => {
      linux.seccomp = { defaultAction: 'SCMP_ACT_DENY' as never };
    },
    cause: /seccomp\/defaultAction is "SCMP_ACT_DENY"/,
  },
  'a filter that forbids execve': {
    breaks: ({ linux }) => {
      linux.seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] };
    },
    cause: /seccomp\/syscalls does not allow execve/,
  },
  "a sysctl of the host's": {
    breaks: sysctl('vm.swappiness', '1'),
    cause: /vm\.swappiness is not isolated by any namespace/,
  },
  'a user that is not mapped': {
    breaks: (config) => {
      mapped(config, 1);
      config.process.user = { uid: 5, gid: 0 };
    },
    cause: /user\/uid is 5, which the user namespace does not have/,
  },
  'mappings that overlap': {
    breaks: (config) => {
      mapped(config, 10);
      config.linux.uidMappings?.push({ containerID: 5, hostID: 200_000, size: 10 });
    },
    cause: /uidMappings\/1\/containerID overlaps entry 0/,
  },
  'a user namespace without mappings': {
    breaks: ({ linux }) => linux.namespaces?.push({ type: 'user' }),
    cause: /uidMappings is missing/,
  },
  'a hook with a relative path': {
    breaks: hook('createRuntime', 'hook.sh'),
    cause: /path is "hook\.sh"; expected an absolute path/,
  },
  'a device without numbers': {
    breaks: ({ linux }) => {
      linux.devices = [{ type: 'c', path: '/dev/x' }];
    },
    cause: /devices\/0\/major is missing/,
  },
  'a NUL in a path': { breaks: cwd('/a\0b'), cause: /process\/cwd contains a NUL/ },
  'a bind mount without source': { breaks: mount({ options: ['bind'] }), cause: /source is missing/ },
  'a mount without type': { breaks: mount({}), cause: /type is missing/ },
  'a cgroupsPath that leads out': {
    breaks: ({ linux }) => Object.assign(linux, { cgroupsPath: '/../../x' }),
    cause: /cgroupsPath is "\/\.\.\/\.\.\/x"/,
  },

  // Files of the bundle and of the host.
  'no root filesystem': { breaks: rootPath('nowhere'), cause: /root\/path does not exist: \S+\/nowhere/ },
  'a file as root filesystem': {
    breaks: rootPath('config.json'),
    cause: /root\/path is not a directory/,
  },
  'a root filesystem of symlinks in a circle': {
    breaks: (config, root) => {
      root.link('tmp/one', 'two');
      root.link('tmp/two', 'one');
      rootPath('rootfs/tmp/one')(config);
    },
    cause: /root\/path cannot be found: .*ELOOP/,
  },
  'a bind source that is missing': {
    breaks: mount({ source: '/no/such', options: ['bind'] }),
    cause: /bind \/no\/such on \/mnt: ENOENT/,
  },
  'a file bound on a directory': {
    breaks: mount({ source: '/etc/passwd', destination: '/tmp', options: ['bind'] }),
    cause: /the source is a file, and what is at the destination a directory/,
  },
  'a directory bound on a file': {
    breaks: mount({ source: '/etc', destination: '/etc/passwd', options: ['rbind'] }),
    cause: /the source is a directory, and what is at the destination a file/,
  },
  'a tmpfs on a file': {
    breaks: mount({ type: 'tmpfs', destination: '/etc/passwd' }),
    cause: /a tmpfs is a directory, and what is at the destination a file/,
  },
  'a filesystem that the kernel does not know': {
    breaks: mount({ type: 'nosuchfs' }),
    cause: /mount nosuchfs on \/mnt: ENODEV/,
  },
  'a bind mount by its type alone': {
    breaks: mount({ type: 'none', source: '/etc' }),
    cause: /mount none on \/mnt: ENODEV/,
  },
  'a mount option with a bad value': {
    breaks: mount({ type: 'tmpfs', options: ['size=much'] }),
    cause: /option size=much: EINVAL/,
    by: 'run',
  },
  'a mount option that nobody knows': {
    breaks: mount({ type: 'tmpfs', options: ['mood=good'] }),
    cause: /option mood=good: EINVAL .*Unknown parameter/,
    by: 'run',
  },
  'a target below a file': {
    breaks: mount({ type: 'tmpfs', destination: '/etc/passwd/x' }),
    cause: /mounts\/7 .*\/etc\/passwd\/x.*ENOTDIR/,
  },
  'a target that would have to be made on a read-only mount': {
    breaks: (config, root) => {
      root.directory('srv/readonly');
      mount({ source: join(root.path, 'srv/readonly'), options: ['rbind', 'ro'] })(config);
      mount({ type: 'tmpfs', destination: '/mnt/a/b' })(config);
    },
    cause:
      /mounts\/8 .*create directory \/mnt\/a in the root filesystem: EROFS .*; to .* on \/mnt\/a\S* takes this place, and what it lies in is read-only/,
  },
  'a target that would have to be made in procfs': {
    breaks: mount({ type: 'tmpfs', destination: '/proc/mine' }),
    cause:
      /mounts\/7 .*create directory \/proc\/mine in the root filesystem: ENOENT .*; to .* on \/proc\/mine takes this place, and nothing can be made in/,
  },
  'a target that would have to be made in sysfs': {
    breaks: (config) => {
      config.mounts = config.mounts?.filter(({ destination }) => !destination.startsWith('/sys')) ?? [];
      mount({ type: 'sysfs', destination: '/sys' })(config);
      mount({ type: 'tmpfs', destination: '/sys/mine' })(config);
    },
    cause:
      /mounts\/6 .*create directory \/sys\/mine in the root filesystem: EPERM .*; to .* on \/sys\/mine takes this place, and nothing can be made in/,
  },
  'a cwd that is a file': { breaks: cwd('/etc/passwd'), cause: /process\/cwd .*\/etc\/passwd: ENOTDIR/ },
  'a cwd below a file': { breaks: cwd('/etc/passwd/x'), cause: /process\/cwd .*ENOTDIR/ },
  'a namespace that is missing': {
    breaks: joins('/no/such/namespace'),
    cause: /open network namespace \/no\/such\/namespace: ENOENT|path does not exist/,
  },
  'a namespace of another type': {
    breaks: joins('/proc/self/ns/uts'),
    cause: /is a namespace of type uts; expected one of type network/,
  },
  'a plain file as namespace': { breaks: joins('/etc/passwd'), cause: /not a namespace/ },
  'a device where a file is': {
    breaks: ({ linux }) => {
      linux.devices = [{ type: 'c', path: '/etc/passwd', major: 1, minor: 3 }];
    },
    cause: /\/etc\/passwd: a file that is not this device/,
  },

  // Hooks.
  'a hook that is missing': {
    breaks: hook('createRuntime', '/opt/none/hook'),
    cause: /createRuntime\/0 .*\/opt\/none\/hook: ENOENT/,
  },
  'a hook that is not executable': {
    breaks: (config, root) => {
      root.put('tmp/plain-hook', '#!/bin/sh\n', 0o644);
      hook('prestart', join(root.path, 'tmp/plain-hook'))(config);
    },
    cause: /plain-hook is not executable \(mode 0644/,
  },
  'a hook whose interpreter is missing': {
    breaks: (config, root) => {
      root.put('tmp/snake-hook', '#!/usr/bin/python9\n');
      hook('createRuntime', join(root.path, 'tmp/snake-hook'))(config);
    },
    cause: /needs the interpreter \/usr\/bin\/python9/,
  },
  'a hook written on Windows': {
    breaks: (config, root) => {
      root.put('tmp/crlf-hook', '#!/bin/sh\r\nexit 0\r\n');
      hook('createContainer', join(root.path, 'tmp/crlf-hook'))(config);
    },
    cause: /crlf-hook ends in \\r\\n/,
  },
  'a hook for another machine': {
    breaks: (config, root) => {
      root.put('tmp/other-hook', elf({ machine: otherMachine }));
      hook('createRuntime', join(root.path, 'tmp/other-hook'))(config);
    },
    cause: /other-hook is for (arm64|x86-64), this machine is/,
  },
  'a startContainer hook that the image does not have': {
    breaks: hook('startContainer', '/opt/hook'),
    cause: /startContainer\/0 .*\/opt does not exist/,
  },
  'a hook that fails': {
    breaks: hook('createRuntime', '/bin/false'),
    cause: /createRuntime hook 0 \(\/bin\/false\): exit status 1/,
    by: 'run',
  },
  'a hook that takes too long': {
    breaks: (config) => {
      config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '60'], timeout: 1 }] };
    },
    cause: /createRuntime hook 0 .*killed after its timeout of 1 s/,
    by: 'run',
  },

  // The program.
  'a program that is nowhere': {
    breaks: program('nosuch'),
    cause: /"nosuch": executable file not found in \$PATH/,
  },
  'a program that is not in PATH': {
    breaks: (config, root) => {
      root.put('usr/sbin/away', elf());
      program('away')(config);
    },
    cause: /not found in \$PATH \(\/bin\); it is at \/usr\/sbin\/away/,
  },
  'a program that is missing': { breaks: program('/bin/none'), cause: /"\/bin\/none": no such file/ },
  'a program that is missing because a mount is': {
    breaks: (config, root) => {
      root.directory('nix');
      program('/nix/store/app')(config);
    },
    cause: /\/nix is empty: is a mount missing\?/,
  },
  'a program that is a dangling symlink': {
    breaks: (config, root) => {
      root.link('bin/dangling', '/opt/app/bin');
      program('/bin/dangling')(config);
    },
    cause: /\/bin\/dangling is a symlink to \/opt\/app\/bin, and \/opt does not exist/,
  },
  'a program of symlinks in a circle': {
    breaks: (config, root) => {
      root.link('bin/this', 'that');
      root.link('bin/that', 'this');
      program('/bin/this')(config);
    },
    cause: /symlinks that lead in a circle/,
  },
  'a program below a file': {
    breaks: program('/etc/passwd/x'),
    cause: /\/etc\/passwd is a file, not a directory/,
  },
  'a program that is not executable': file(
    'closed',
    elf(),
    /\/bin\/closed is not executable \(mode 0644/,
    0o644,
  ),
  'a directory as program': { breaks: program('/etc'), cause: /"\/etc": is a directory/ },
  'an empty program': file('empty', '', /\/bin\/empty is empty/),
  'a script without #!': file('plain', 'echo hello\n', /\/bin\/plain is text without a #! line/),
  'a script written on Windows': file('crlf', '#!/bin/sh\r\necho\r\n', /\/bin\/crlf ends in \\r\\n/),
  'a script with a byte order mark': file('bom', '\ufeff#!/bin/sh\n', /byte order mark/),
  'a script whose interpreter is missing': file(
    'snake',
    '#!/usr/bin/python9\n',
    /the interpreter \/usr\/bin\/python9/,
  ),
  'a script whose interpreter is a directory': file('odd', '#!/etc\n', /\/etc is a directory/),
  'a program without its loader': file(
    'dynamic',
    elf({ loader: '/lib64/ld-linux-x86-64.so.2' }),
    /needs the loader \/lib64\/ld-linux-x86-64\.so\.2, .*glibc/,
  ),
  'a program of Alpine without its loader': file(
    'alpine',
    elf({ loader: '/lib/ld-musl-x86_64.so.1' }),
    /needs the loader \/lib\/ld-musl-x86_64\.so\.1, .*musl/,
  ),
  'a program of Nix without its store': file(
    'nixed',
    elf({ loader: '/nix/store/x/ld.so' }),
    /needs the loader \/nix\/store\/x\/ld\.so, .*mount \/nix\/store/,
  ),
  'a loader that is not executable': {
    breaks: (config, root) => {
      root.put('lib/ld.so', elf(), 0o644);
      root.put('bin/loaded', elf({ loader: '/lib/ld.so' }));
      program('/bin/loaded')(config);
    },
    cause: /needs the loader \/lib\/ld\.so, and \/lib\/ld\.so is not executable/,
  },
  'a program for another machine': file(
    'foreign',
    elf({ machine: otherMachine }),
    /\/bin\/foreign is for (arm64|x86-64), this machine is/,
  ),
  'an object file': file('object', elf({ type: ET_REL }), /is an object file/),
  'a program that is cut off': file('cut', elf({ loader: '/lib/ld.so' }).subarray(0, 90), /is cut off/),
  'a program for Windows': file('windows', 'MZ\x90\0\x03\0\0\0', /is a program for Windows/),
  'a program that is still compressed': file(
    'packed',
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]),
    /is compressed \(gzip\)/,
  ),
  'a program on a mount without exec': {
    breaks: (config, root) => {
      root.put('srv/volume/app', '#!/bin/sh\nexit 0\n');
      const source = join(root.path, 'srv/volume');
      mount({ source, options: ['bind', 'noexec'] })(config);
      program('/mnt/app')(config);
    },
    cause: /\/mnt\/app is on a mount with the option noexec/,
  },
  "a program that is its owner's alone": {
    breaks: (config, root) => {
      root.put('bin/owned', elf(), 0o700);
      program('/bin/owned')(config);
      config.process.user = { uid: 1000, gid: 1000 };
    },
    cause: /\/bin\/owned may not be executed by user 1000 \(mode 0700, owner 0:0\)/,
  },
  'a program in a directory that is closed to its user': {
    breaks: (config, root) => {
      root.put('private/app', elf());
      root.directory('private', 0o700);
      program('/private/app')(config);
      config.process.user = { uid: 1000, gid: 1000 };
    },
    cause: /user 1000 may not enter \/private \(mode 0700/,
  },
  'a program that the filter ends': {
    breaks: ({ process, linux }) => {
      process.args = ['/bin/sh', '-c', 'exec chmod 700 /tmp'];
      const names = ['chmod', 'fchmodat', 'fchmodat2'];
      linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names, action: 'SCMP_ACT_KILL_PROCESS' }],
      };
    },
    cause: /killed by SIGSYS: linux\.seccomp does not allow/,
    by: 'run',
  },
  'arguments that are too long': {
    breaks: program('/bin/true', 'x'.repeat(200_000)),
    cause: /E2BIG .*arguments and environment are more than the kernel takes/,
    by: 'run',
  },

  // What the host has not got, or does not allow.
  'a limit without its controller': {
    breaks: ({ linux }) => {
      linux.resources = { memory: { limit: 64 * 1024 * 1024 } };
    },
    cause: /memory\.limit .*needs the cgroup v2 controller memory/,
    skip: controllers.includes('memory') && 'this host has the memory controller in cgroup v2',
  },
  'a cgroup file that does not exist': {
    breaks: ({ linux }) => {
      linux.resources = { unified: { 'nosuch.max': '1' } };
    },
    cause: /needs the cgroup v2 controller nosuch/,
  },
  'an AppArmor profile without AppArmor': {
    breaks: ({ process }) => Object.assign(process, { apparmorProfile: 'mine' }),
    cause: /AppArmor is not enabled on this kernel/,
    skip: apparmor && 'this host has AppArmor',
  },
  'an SELinux label without SELinux': {
    breaks: ({ process }) => Object.assign(process, { selinuxLabel: 'a:b:c:s0' }),
    cause: /SELinux is not enabled on this kernel/,
    skip: selinux !== undefined && Boolean(selinux) && 'this host has SELinux',
  },
  'more descriptors than the kernel allows': {
    breaks: rlimit('RLIMIT_NOFILE', 10, Number(readFileSync('/proc/sys/fs/nr_open', 'utf8')) + 1),
    cause: /rlimits\/0 .*EPERM .*fs\.nr_open allows no more than/,
  },
  'a network device that is missing': {
    breaks: ({ linux }) => Object.assign(linux, { netDevices: { eth99: {} } }),
    cause: /netDevices\/eth99 .*the host has none of this name/,
  },
  'a seccomp agent that does not listen': {
    breaks: ({ linux }) => {
      linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: '/run/no-such-agent.sock',
        syscalls: [{ names: ['chroot'], action: 'SCMP_ACT_NOTIFY' }],
      };
    },
    cause: /listenerPath .*\/run\/no-such-agent\.sock does not exist/,
    except: 'plan',
  },
  'a sysctl that this kernel does not have': {
    breaks: sysctl('net.no.such', '1'),
    cause: /sysctl\/net\.no\.such .*this kernel has no such parameter/,
  },
};

function program(...args: string[]): (config: Config) => void {
  return ({ process }) => Object.assign(process ?? {}, { args });
}

/** A program of this content. */
function file(name: string, content: string | Buffer, cause: RegExp, mode = 0o755): Broken {
  return {
    breaks: (config, root) => {
      root.put(`bin/${name}`, content, mode);
      program(`/bin/${name}`)(config);
    },
    cause,
  };
}

function cwd(path: string): (config: Config) => void {
  return ({ process }) => Object.assign(process ?? {}, { cwd: path });
}

function rootPath(path: string): (config: Config) => void {
  return (config) => {
    config.root = { path };
  };
}

function mount(entry: Partial<NonNullable<Config['mounts']>[number]>): (config: Config) => void {
  return ({ mounts }) => mounts?.push({ destination: '/mnt', ...entry });
}

function rlimit(type: string, soft: number, hard: number): (config: Config) => void {
  return ({ process }) => Object.assign(process ?? {}, { rlimits: [{ type, soft, hard }] });
}

function sysctl(name: string, value: string): (config: Config) => void {
  return ({ linux }) => Object.assign(linux ?? {}, { sysctl: { [name]: value } });
}

function hook(kind: keyof NonNullable<Config['hooks']>, path: string): (config: Config) => void {
  return (config) => {
    config.hooks = { [kind]: [{ path }] };
  };
}

function without(config: Config, type: string): void {
  Object.assign(config.linux ?? {}, {
    namespaces: config.linux?.namespaces?.filter((namespace) => namespace.type !== type),
  });
}

function joins(path: string): (config: Config) => void {
  return (config) => {
    without(config, 'network');
    config.linux?.namespaces?.push({ type: 'network', path });
  };
}

function mapped(config: Config, size: number): void {
  const mapping = () => [{ containerID: 0, hostID: 100_000, size }];
  config.linux?.namespaces?.push({ type: 'user' });
  Object.assign(config.linux ?? {}, { uidMappings: mapping(), gidMappings: mapping() });
}
