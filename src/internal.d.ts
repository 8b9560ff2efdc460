// Node's own modules that src/sea.ts takes, when the executable is built (scripts/executable/sea.ts).

declare module 'internal/v8/startup_snapshot' {
  export { startupSnapshot as namespace } from 'node:v8';
}
