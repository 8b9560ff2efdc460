// A file of options for criu, which go before those that it is asked for (criu.org/Configuration_files).

import { existsSync } from 'node:fs';

/** Names the file for one container; an empty one asks for none. runc knows the annotation, too. */
export const ANNOTATION = 'org.criu.config';
/** For all containers: the first that is there. */
const FILES = ['/etc/criu/tsoci.conf', '/etc/criu/runc.conf'];

/** The file for a container with these annotations. */
export function configFile(annotations: Readonly<Record<string, string>>): string | undefined {
  const named = annotations[ANNOTATION];
  return named === undefined ? FILES.find((path) => existsSync(path)) : named || undefined;
}
