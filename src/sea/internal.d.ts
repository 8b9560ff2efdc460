// Modules of Node itself that are there while the executable is built (--expose-internals).

declare module 'internal/options' {
  /** What was read of the options is forgotten. */
  export function refreshOptions(): void;
}

declare module 'internal/v8/startup_snapshot' {
  /** What modules have to do at a start. */
  export function runDeserializeCallbacks(): void;
}

declare module 'internal/test/binding' {
  interface Bindings {
    mksnapshot: { setDeserializeMainFunction(main: () => void): void };
    /** Sets title, argv, execArgv, execPath and the like. */
    process_methods: { patchProcessObject(process: NodeJS.Process): void };
    v8: Pick<typeof import('node:v8'), 'setFlagsFromString'>;
  }
  export function internalBinding<Name extends keyof Bindings>(name: Name): Bindings[Name];
}
