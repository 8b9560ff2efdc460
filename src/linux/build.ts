// What scripts/build.ts says of the executable; undefined when tsoci runs unbuilt.

declare const TSOCI_VERSION: string | undefined;
declare const TSOCI_COMMIT: string | undefined;

export const builtVersion = typeof TSOCI_VERSION === 'string' ? TSOCI_VERSION : undefined;
export const builtCommit = typeof TSOCI_COMMIT === 'string' ? TSOCI_COMMIT : undefined;
