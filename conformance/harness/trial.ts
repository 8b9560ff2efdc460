// The room in which one check works: a directory of its own, and every trace removed afterwards.

import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { baseConfig, type Config } from './config.ts';
import { type Bundle, Container, type RuntimeOptions } from './container.ts';
import { expect, expectError, expectSuccess } from './expect.ts';
import type { Host } from './host.ts';
import { printJson } from './json.ts';
import { makeRootfs } from './rootfs.ts';
import type { Runtime } from './runtime.ts';
import { removeTraces } from './traces.ts';

/** Changes the base configuration, and the root filesystem with it, into what a check is about. */
export type Edit = (config: Config, bundle: Bundle) => void;

/** Long enough for any check, short enough to be gone soon should the harness be killed. */
export const WAIT = 'exec sleep 120';

export class Trial {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly directory: string;
  readonly #name: string;
  readonly #busybox: string;
  readonly #containers: Container[] = [];
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #cgroups: string[] = [];
  #bundles = 0;

  /** `directory` is made; `name` is unique on this host. The shared copy of busybox is beside it. */
  constructor(runtime: Runtime, host: Host, directory: string, name: string) {
    this.runtime = runtime;
    this.host = host;
    this.directory = directory;
    this.#name = name;
    this.#busybox = join(dirname(directory), 'busybox');
    mkdirSync(join(directory, 'state'), { recursive: true });
    // A container in a user namespace must be able to walk to its root filesystem.
    chmodSync(directory, 0o711);
  }

  /** Makes a bundle whose process is `sh -c SCRIPT`, in a cgroup named like the bundle. */
  bundle(script: string, edit?: Edit): Bundle {
    const id = `${this.#name}-${++this.#bundles}`;
    const directory = join(this.directory, id);
    const bundle = { id, directory, rootfs: join(directory, 'rootfs'), config: baseConfig(script) };
    makeRootfs(bundle.rootfs, this.#busybox);
    bundle.config.linux.cgroupsPath = `/${id}`;
    edit?.(bundle.config, bundle);
    this.writeConfig(bundle);
    return bundle;
  }

  writeConfig(bundle: Bundle): void {
    writeFileSync(join(bundle.directory, 'config.json'), printJson(bundle.config));
  }

  /** A container that is not created yet. */
  container(bundle: Bundle, runtimeOptions: RuntimeOptions = {}, id = bundle.id): Container {
    const container = new Container(this.runtime, this.directory, bundle, id, runtimeOptions);
    this.#containers.push(container);
    return container;
  }

  /** A container after a `create` that must have succeeded. */
  async created(script: string, edit?: Edit, runtimeOptions?: RuntimeOptions): Promise<Container> {
    const container = this.container(this.bundle(script, edit), runtimeOptions);
    const result = await container.create();
    expectSuccess({ ...result, stderr: container.errors });
    return container;
  }

  /** A container after `start`. The script runs, or has ended already. */
  async started(script: string, edit?: Edit, runtimeOptions?: RuntimeOptions): Promise<Container> {
    const container = await this.created(script, edit, runtimeOptions);
    expectSuccess(await container.start());
    return container;
  }

  /** A container whose process waits, after what the script does first is done. */
  async running(script = '', edit?: Edit, runtimeOptions?: RuntimeOptions): Promise<Container> {
    const container = await this.started(`${script}\necho ready; ${WAIT}`, edit, runtimeOptions);
    await container.printed('ready');
    return container;
  }

  /** A container whose process has exited. */
  async stopped(script: string, edit?: Edit, runtimeOptions?: RuntimeOptions): Promise<Container> {
    const container = await this.started(script, edit, runtimeOptions);
    await container.exited();
    return container;
  }

  /** What a script prints in a container, from create to exit; without the last newline. */
  async output(script: string, edit?: Edit, runtimeOptions?: RuntimeOptions): Promise<string> {
    return (await this.stopped(script, edit, runtimeOptions)).output.trimEnd();
  }

  /** `create` must generate an error, and no container may come of it: runtime.md#create. */
  async refused(reason: string, edit: Edit, runtimeOptions?: RuntimeOptions): Promise<Container> {
    const container = this.container(this.bundle('true', edit), runtimeOptions);
    expectError(await container.create(), reason);
    expect(!(await container.exists()), 'there is a container although create failed');
    return container;
  }

  /** A path for a file on the host, outside of every bundle. */
  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string, mode = 0o644): string {
    const file = this.path(name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  }

  makeDirectory(name: string): string {
    const directory = this.path(name);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  /** Makes a cgroup that exists before a container does, named by the container's ID. */
  makeCgroup(hierarchyMountPoint: string, id: string): string {
    const directory = join(hierarchyMountPoint, id);
    mkdirSync(directory);
    this.#cgroups.push(directory);
    return directory;
  }

  /** Registers what must be undone when the check is over, last first. */
  defer(undo: () => void | Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Removes all traces, and tells what the runtime had not removed itself. */
  async close(): Promise<string[]> {
    const left = await removeTraces(this.directory, this.#name, this.#containers, this.#cgroups);
    for (const undo of this.#undo.reverse()) await undo();
    rmSync(this.directory, { recursive: true, force: true });
    return left;
  }
}
