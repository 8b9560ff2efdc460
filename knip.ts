// What nobody uses: files, dependencies and exports. `knip` looks at all of the project, where a name that is exported only
// for the file that has it is a fault; `knip --production` at src/ alone, where what only tests use is one.

const production = process.argv.includes('--production');

/** A KnipConfig. */
export default {
  entry: [
    'src/main.ts!',
    // Published.
    'src/library/{index,bin}.ts!',
    // Decoded by no command yet; the image is for scripts/.
    'src/launcher/*.ts!',
    // Executed by others by their paths.
    'scripts/test-by-name.ts',
    'test/{cgroups/systemd-fake,launcher/{echo,failing-runtime},races/{coverer,exchanger,hostile,run}}.ts',
    'test/{library/abandoned,library/program,network/worker}.ts',
    'test/fuzz/{targets/*,containers/run}.ts',
    'test/**/*.test.ts',
    'conformance/*.ts',
    'bench/*.ts',
    'examples/*.ts',
    'scripts/library/*.ts',
  ],
  project: ['src/**/*.ts!', '{scripts,test,conformance,bench,examples}/**/*.ts'],
  ignore: ['src/config/generated/**'],
  // Executed by its path, since Node has to be started with another C library for it.
  ignoreDependencies: ['@jazzer.js/core'],
  ignoreExportsUsedInFile: production || { interface: true, type: true },
  exclude: ['binaries', 'duplicates', ...(production ? (['dependencies'] as const) : [])],
};
