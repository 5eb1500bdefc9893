import { startReferenceServer } from '#lib/testing/reference-server';

import type { Revision } from './suite.js';

/** Something that the suite can be pointed at. */
export interface Subject {
  name: string;
  revision: Revision;
  start(): Promise<{ url: string; close(): Promise<void> }>;
}

/** The reference servers by themselves: the score that a gateway in front of them has to reach. */
export const directSubjects: Subject[] = [
  {
    name: 'reference server, direct',
    revision: '2025-11-25',
    start: () => startReferenceServer({ era: 'legacy', transport: 'http' }),
  },
  {
    name: 'reference server, direct',
    revision: '2026-07-28',
    start: () => startReferenceServer({ era: 'modern', transport: 'http' }),
  },
];

/** A server that runs already. */
export function runningSubject(url: string, revision: Revision): Subject {
  return { name: url, revision, start: () => Promise.resolve({ url, close: () => Promise.resolve() }) };
}
