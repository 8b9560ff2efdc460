// A job runner: each job in a container of its own, two at a time, with limits and a time-out. Nothing of a job stays.

import { type ConfigBuilder, config, type RunResult, Runtime, TsociError } from 'tsoci';

const jobs: Record<string, string> = {
  'a sum': 'echo $((6 * 7))',
  'a failure': 'echo "no such input" >&2; exit 3',
  'an endless loop': 'while :; do :; done',
  'a flood of output': 'yes',
  'a write to the host': 'echo harm > /etc/passwd',
};

const runtime = new Runtime();
// The host's own programs, read-only, and a place to write that goes with the job.
const plain = config('/').user(65534).tmpfs('/tmp', { size: 16e6 }).cwd('/tmp');
const base = await limited(plain);

const queue = Object.entries(jobs);
await Promise.all([work(), work()]);

async function work(): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [name, script] = next;
    console.log(`${name}: ${await outcome(script)}`);
  }
}

async function outcome(script: string): Promise<string> {
  try {
    const job = base.args('sh', '-c', script);
    return told(await runtime.run(job, { timeout: 3_000, maxOutput: 100_000 }));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return 'took too long';
    if (error instanceof TsociError) return error.message;
    throw error;
  }
}

function told({ code, reason, stdout, stderr }: RunResult): string {
  if (code === 0) return stdout.trim();
  return `exit status ${code}: ${reason ?? stderr.trim()}`;
}

/** With limits, where this host's cgroups have them. */
async function limited(config: ConfigBuilder): Promise<ConfigBuilder> {
  const limited = config.limits({ memory: 128e6, cpus: 0.5, pids: 32 });
  try {
    await runtime.run(limited.args('true'));
    return limited;
  } catch (error) {
    if (!(error instanceof TsociError && error.property?.startsWith('linux.resources'))) throw error;
    console.log(
      `without limits: ${error.property} needs a controller of cgroup v2 that this host does not have`,
    );
    return config;
  }
}
