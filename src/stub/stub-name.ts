/** The name that a waiting init shows in ps: argv[0] and comm. */
export const STUB_NAME = 'tsoci-init';
