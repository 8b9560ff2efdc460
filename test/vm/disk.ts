// A file with an ext4 filesystem, made from a directory without mounting anything.

import { run } from './process.ts';

export function makeDisk(directory: string, image: string, size: string): void {
  const features = ['-t', 'ext4', '-O', '^has_journal', '-m', '0', '-E', 'lazy_itable_init=1,root_owner=0:0'];
  run('mke2fs', ['-q', ...features, '-d', directory, image, size]);
}
