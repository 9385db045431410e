import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'direct', include: ['src/**/*.test.ts', 'test/**/*.test.ts'] } },
      {
        extends: true,
        // What clients see must not depend on the way to the target: the same suites with every resource behind a connector.
        test: {
          name: 'connector',
          include: ['test/e2e/{clients,wire,json-paths,ssh*}.test.ts', 'test/faults/ends.test.ts'],
          env: { SLUICE_THROUGH: 'connector' },
        },
      },
    ],
  },
})
