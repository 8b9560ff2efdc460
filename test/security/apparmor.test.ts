// A profile of AppArmor's entered at execve. The test machine has it: npm run test:vm -- test/security/apparmor.test.ts

import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { processStatus } from '../../src/linux/procfs.ts';
import { capabilitiesIn, planCapabilities } from '../../src/security/capabilities.ts';
import { openProcfs } from '../../src/security/checked-procfs.ts';
import { setCredentials } from '../../src/security/credentials.ts';
import { enabledLsms, setExecLabels } from '../../src/security/lsm.ts';
import { execute } from './stub.ts';

const test = suite('AppArmor');
const enabled = enabledLsms();
const withAppArmor = enabled.apparmor ? test : test.skip;
if (!enabled.apparmor) console.log('skipped: this kernel has no AppArmor');

const name = 'tsoci-test';
const profile = `profile ${name} flags=(attach_disconnected) { file, capability, deny /etc/passwd r, }\n`;

/** What a command prints that is executed under the profile. */
function confined(
  uid: number,
  noNewPrivileges: boolean,
  args: readonly string[],
  apparmorProfile = name,
): string {
  const own = { procfs: -1, pid: -1 };
  return execute(
    (program) => {
      setExecLabels(program, { apparmorProfile }, enabled, own);
      const capabilities = planCapabilities(undefined, capabilitiesIn(processStatus('self')));
      setCredentials(program, { uid, gid: uid, noNewPrivileges, capabilities });
    },
    {
      args,
      prepare: (stub) => {
        own.procfs = openProcfs(stub);
        own.pid = stub.pid;
      },
    },
  );
}

withAppArmor('execve enters the profile, as root and as a user, with no_new_privs and without', () => {
  execFileSync('apparmor_parser', ['--replace', '--skip-cache'], { input: profile });
  for (const uid of [0, 1000]) {
    for (const noNewPrivileges of [false, true]) {
      const label = confined(uid, noNewPrivileges, ['/bin/cat', '/proc/self/attr/current']);
      assert.is(label.trim(), `${name} (enforce)`);
      assert.is(confined(uid, noNewPrivileges, ['/bin/cat', '/etc/passwd']), '', 'the profile denies it');
      assert.is.not(confined(uid, noNewPrivileges, ['/bin/cat', '/etc/group']), '');
    }
  }
});

withAppArmor('a profile that is not loaded is an error that names it', () => {
  assert.throws(
    () => confined(0, false, ['/bin/true'], 'no-such-profile'),
    /change to AppArmor profile no-such-profile \(is it loaded\?\): ENOENT/,
  );
});

withAppArmor('unconfined is a profile too', () => {
  const label = confined(0, false, ['/bin/cat', '/proc/self/attr/current'], 'unconfined');
  assert.is(label.trim(), 'unconfined');
});

test.run();
