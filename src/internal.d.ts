declare module 'internal/v8/startup_snapshot' {
  export { startupSnapshot as namespace } from 'node:v8';
}
