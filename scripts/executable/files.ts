// The files of a built tsoci, which find one another in one directory.

export const launcher = 'tsoci';
export const runtime = 'tsoci-runtime';
export const addon = 'tsoci.node';
export const files = [launcher, runtime, addon];
