import { defineConfig } from 'vitest/config';

const serial = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['**/*.test.ts'], exclude: ['node_modules', '**/*.int.test.ts', '**/*.fault.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'integration', include: ['**/*.int.test.ts'], globalSetup: ['infra/testing/shared-stack.ts'], ...serial } },
      { test: { name: 'faults', include: ['**/*.fault.test.ts'], ...serial, testTimeout: 240_000 } },
    ],
  },
});
