/** The specification that tsoci implements. */
export const specVersion = '1.3.0';
