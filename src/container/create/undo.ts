// What to take back when a step fails: the last done is undone first.

export class Undo {
  readonly #steps: (() => void)[] = [];

  /** Remembers how to take back what was just done. */
  add(step: () => void): void {
    this.#steps.push(step);
  }

  /** Takes everything back; one that cannot be taken back does not keep the others from it. */
  run(failed: (error: unknown) => void): void {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        step();
      } catch (error) {
        failed(error);
      }
    }
  }
}
