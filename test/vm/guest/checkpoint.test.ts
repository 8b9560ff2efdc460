// Checkpoint and restore where criu knows the kernel, whatever the host's is.

import '../../container/checkpoint.test.ts';
