// Work that may take long, for who shows how far it has come: a person at a terminal.

/** Shows how far work has come, in words; undefined: it has ended. */
type Show = (text: string | undefined) => void;

let show: Show | undefined;

/** From here on `told` is called; undefined: nobody is told. */
export function watchProgress(told: Show | undefined): void {
  show = told;
}

/** Work that has begun. Where it is within other work, that goes on to be shown when it ends. */
export class Work implements Disposable {
  readonly #doing: string;

  constructor(doing: string) {
    this.#doing = doing;
  }

  /** How far it is, worded only where somebody is told: `120 files`. */
  at(place: () => string): void {
    show?.(`${this.#doing}: ${place()}`);
  }

  [Symbol.dispose](): void {
    show?.(undefined);
  }
}
