// Errors that no code catches: of callbacks, and of promises that nobody waits for.

const events = ['uncaughtException', 'unhandledRejection'] as const;

/** Rejects with the first that comes until it is disposed of. Otherwise the engine would end the process, and tell of its source. */
export function watchUncaught(): { readonly error: Promise<never> } & Disposable {
  const { promise, reject } = Promise.withResolvers<never>();
  // Nobody need be waiting for it.
  promise.catch(() => {});
  for (const event of events) process.on(event, reject);
  return {
    error: promise,
    [Symbol.dispose]: () => {
      for (const event of events) process.off(event, reject);
    },
  };
}

/** Lets callbacks run that are due, and those errors be told of. */
export function takeTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
