// How long tests wait for what must come.

/** How many times longer than usual everything takes here: the virtual machine tells it by its boot (vm/boot/session.sh). */
const slowness = Number(process.env.TSOCI_TEST_SLOWNESS ?? 1);

/** A limit for a machine of usual speed, in milliseconds, as one for this machine. */
export function patience(limit: number): number {
  return limit * slowness;
}
