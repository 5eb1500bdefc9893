import { describe, expect, it } from '@jest/globals';

import { directSubjects, runConformance } from './index.js';

/** What a complete server scores; a gateway in front of it is held to the same numbers. */
const complete = {
  '2025-11-25': { scenarios: { passed: 30, total: 30 }, checks: { passed: 84, total: 84 } },
  '2026-07-28': { scenarios: { passed: 37, total: 37 }, checks: { passed: 152, total: 152 } },
};

describe('the official conformance suite', () => {
  it.each(directSubjects)(
    'passes $name at $revision',
    async ({ revision, start }) => {
      const server = await start();
      try {
        const score = await runConformance({ url: server.url, revision });
        expect(score).toMatchObject({ ...complete[revision], failed: [] });
      } finally {
        await server.close();
      }
    },
    120_000,
  );
});
