// The config of a command that is debugged, as far as it is known: from the file, and once that was read and found valid from
// what will be made of it.

import { extentIn, pointerOf } from '../config/places.ts';
import type { Creation } from '../container/create/creation.ts';
import { TsociError } from '../linux/errors.ts';
import { readTextFile } from '../linux/text-file.ts';
import { editConfig, type Progress } from './edit.ts';

export class DebuggedConfig {
  readonly #file: string | undefined;
  #creation: Creation | undefined;
  #root = '';

  constructor(file: string | undefined) {
    this.#file = file;
  }

  prepared(creation: Creation, root: string): void {
    this.#creation = creation;
    this.#root = root;
  }

  get isPrepared(): boolean {
    return this.#creation !== undefined;
  }

  get source(): { file: string; text: string } | undefined {
    return this.#creation?.bundle.source ?? readSource(this.#file);
  }

  /** Where the root filesystem is on the host. */
  get rootfs(): string | undefined {
    return this.#creation?.bundle.rootfs;
  }

  /**
   * Reads it again. The names of the values that differ.
   *
   * @throws TsociError where nothing differs, or what differs cannot be taken in any more
   */
  edit(progress: Omit<Progress, 'root'>, failed: boolean): string[] {
    if (!this.#creation)
      throw new TsociError(failed ? 'it is read again with retry' : 'config.json was not read yet');
    const changed = editConfig(this.#creation, { ...progress, root: this.#root });
    if (changed.length === 0) throw new TsociError('config.json has not changed');
    return changed;
  }

  /** Whether the config has a value of that name, as far as it is known. */
  has(property: string): boolean {
    const text = this.source?.text;
    return text === undefined || (extentIn(text, pointerOf(property))?.exact ?? true);
  }
}

function readSource(file: string | undefined): { file: string; text: string } | undefined {
  if (file === undefined) return undefined;
  try {
    return { file, text: readTextFile(file) };
  } catch {
    // Whoever needs it tells why it cannot be read.
    return undefined;
  }
}
