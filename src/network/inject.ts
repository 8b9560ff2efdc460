// `--network`: the hooks that attach a container and detach it, added to its config.

import type { Config, Hook, Namespace } from '../config/generated/types.ts';
import { parseSettings, readOptions, type Settings } from './network-options.ts';

/** Seconds that a hook may take: it waits while other containers are attached. */
const TIMEOUT = 60;

/**
 * The config with hooks that run `tsoci network attach` and `detach` with the settings of `spec`
 * (`bridge=tsoci0,subnet=10.89.0.0/24,publish=8080:80`), and with a network namespace of its own if it names none.
 * `tsoci` is the path of the executable.
 */
export function injectNetwork(config: Config, spec: string, tsoci: string): Config {
  const settings = parseSettings(spec);
  readOptions(settings);
  const { hooks = {} } = config;
  return {
    ...config,
    hooks: {
      ...hooks,
      createRuntime: [...(hooks.createRuntime ?? []), hook('attach', settings, tsoci)],
      poststop: [...(hooks.poststop ?? []), hook('detach', settings, tsoci)],
    },
    linux: { ...config.linux, namespaces: withNetworkNamespace(config.linux?.namespaces ?? []) },
  };
}

function hook(action: string, settings: Settings, path: string): Hook {
  const options = settings.map(([name, value]) => `--${name}=${value}`);
  return { path, args: [path, 'network', action, ...options], timeout: TIMEOUT };
}

function withNetworkNamespace(namespaces: readonly Namespace[]): Namespace[] {
  const present = namespaces.some(({ type }) => type === 'network');
  return present ? [...namespaces] : [...namespaces, { type: 'network' }];
}
