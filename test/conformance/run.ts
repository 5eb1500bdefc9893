import { parseArgs } from 'node:util';

import {
  crossingSubjects,
  describeScore,
  directSubjects,
  gatewaySubjects,
  isPerfect,
  runConformance,
  runningSubject,
} from './index.js';
import type { Revision, Subject } from './index.js';

const REVISIONS: Revision[] = ['2025-11-25', '2026-07-28'];

/** Scores the reference servers, by themselves and behind the gateway, or the server at --url, and prints a line per run; exits with 1 unless every check is passed or excused. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string' }, revision: { type: 'string' } } });
  const { url } = values;
  const revisions = REVISIONS.filter((revision) => values.revision === undefined || values.revision === revision);
  const subjects =
    url === undefined
      ? [...directSubjects, ...gatewaySubjects, ...crossingSubjects]
      : revisions.map((revision): Subject => runningSubject(url, revision));
  for (const subject of subjects.filter(({ revision }) => revisions.includes(revision))) await scoreSubject(subject);
}

async function scoreSubject(subject: Subject): Promise<void> {
  const server = await subject.start();
  try {
    const score = await runConformance({ url: server.url, revision: subject.revision });
    process.stdout.write(`${describeScore(subject.name, score)}\n`);
    if (!isPerfect(score, subject.excused)) process.exitCode = 1;
  } finally {
    await server.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
