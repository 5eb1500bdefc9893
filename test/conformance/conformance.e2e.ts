import { describe, expect, it } from '@jest/globals';

import { scaleDeadline } from '#lib/testing/machine-speed';
import {
  crossingSubjects,
  describeScore,
  directSubjects,
  gatewaySubjects,
  checkName,
  runConformance,
} from './index.js';

/** The score of a complete server; the gateway in front of it must reach the same numbers. */
const COMPLETE = {
  '2025-11-25': { scenarios: { passed: 30, total: 30 }, checks: { passed: 84, total: 84 } },
  '2026-07-28': { scenarios: { passed: 37, total: 37 }, checks: { passed: 152, total: 152 } },
};

/** A child process has no stream that it could close during a call, so the four checks of that do not apply. */
const OVER_STDIO = { checks: { passed: 80, total: 80 } };

/** A modern server closes no stream during a call either; all other missing checks are excused by name. */
const OTHER_ERA = {
  '2025-11-25': { scenarios: { passed: 30, total: 30 }, checks: { passed: 80, total: 80 } },
  '2026-07-28': { scenarios: { passed: 36, total: 37 }, checks: { passed: 149, total: 150 } },
};

describe('the official conformance suite', () => {
  // Up to 13 s each: the whole suite runs, in a process of its own, against each subject.
  it.each([...directSubjects, ...gatewaySubjects])(
    'passes revision $revision against $name',
    async ({ name, revision, start }) => {
      const subject = await start();
      try {
        const score = await runConformance({ url: subject.url, revision });
        process.stdout.write(`${describeScore(name, score)}\n`);
        const isPipe = revision === '2025-11-25' && name.endsWith('stdio');
        expect(score).toMatchObject({ ...COMPLETE[revision], ...(isPipe && OVER_STDIO), failed: [], warnings: [] });
      } finally {
        await subject.close();
      }
    },
    scaleDeadline(120_000),
  );

  it.each(crossingSubjects)(
    'passes revision $revision, but for the excused checks, against $name, whose server is of the other era',
    async ({ name, revision, excused, start }) => {
      const subject = await start();
      try {
        const score = await runConformance({ url: subject.url, revision });
        process.stdout.write(`${describeScore(name, score)}\n`);
        expect(score).toMatchObject(OTHER_ERA[revision]);
        const missed = [...score.failed, ...score.warnings].map(checkName);
        expect(missed).toEqual(Object.keys(excused ?? {}));
      } finally {
        await subject.close();
      }
    },
    scaleDeadline(120_000),
  );
});
