import { describe, expect, it } from '@jest/globals';
import {
  allowsBatches,
  eraOfRevision,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
  LEGACY_REVISIONS,
  MODERN_REVISIONS,
  SSE_REVISION,
} from './revisions.js';

describe('revisions', () => {
  it('have an era if they are supported', () => {
    for (const revision of LEGACY_REVISIONS) expect(eraOfRevision(revision)).toBe('legacy');
    for (const revision of MODERN_REVISIONS) expect(eraOfRevision(revision)).toBe('modern');
    for (const other of ['', '2024-10-07', '2027-01-01', 'toString']) expect(eraOfRevision(other)).toBeUndefined();
  });

  it('are listed newest first', () => {
    expect(LEGACY_REVISIONS).toStrictEqual([...LEGACY_REVISIONS].toSorted().toReversed());
    expect([LEGACY_REVISIONS[0], MODERN_REVISIONS[0]]).toStrictEqual([LATEST_LEGACY_REVISION, LATEST_MODERN_REVISION]);
    expect(LEGACY_REVISIONS).toContain(SSE_REVISION);
  });

  it('allow batches only in 2025-03-26', () => {
    expect([...LEGACY_REVISIONS, ...MODERN_REVISIONS].filter(allowsBatches)).toStrictEqual(['2025-03-26']);
  });
});
