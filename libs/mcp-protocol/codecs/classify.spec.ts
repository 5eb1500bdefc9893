import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json.js';
import { classifyEra } from './classify.js';
import { LEGACY_REVISIONS, MODERN_REVISIONS } from './revisions.js';

const withRevision = (revision: unknown): JsonObject => ({
  _meta: { 'io.modelcontextprotocol/protocolVersion': revision } as JsonObject,
});

describe('the classifier', () => {
  it.each<[string, string, JsonObject | undefined, string | undefined, 'legacy' | 'modern']>([
    ['a handshake', 'initialize', undefined, undefined, 'legacy'],
    ['a handshake with a modern header', 'initialize', {}, '2026-07-28', 'legacy'],
    ['a removed method that names its revision', 'initialize', withRevision('2026-07-28'), '2026-07-28', 'modern'],
    ['discovery', 'server/discover', undefined, undefined, 'modern'],
    ['a subscription', 'subscriptions/listen', {}, '2025-11-25', 'modern'],
    ['a revision in _meta', 'tools/list', withRevision('2026-07-28'), undefined, 'modern'],
    ['an unknown revision in _meta', 'tools/list', withRevision('1900-01-01'), undefined, 'modern'],
    ['a revision in _meta that is not a string', 'tools/list', withRevision(null), undefined, 'modern'],
    ['a modern header', 'tools/list', {}, '2026-07-28', 'modern'],
    ['a header with a future revision', 'tools/list', {}, '2031-01-01', 'modern'],
    ['a header with a modern draft', 'tools/list', {}, '2026-01-01', 'modern'],
    ['a legacy header', 'tools/list', {}, '2025-11-25', 'legacy'],
    ['a header with an unknown revision of the legacy years', 'tools/list', {}, '2025-12-31', 'legacy'],
    ['a header that is not a date', 'tools/list', {}, 'latest', 'legacy'],
    ['a message without params and header', 'tools/list', undefined, undefined, 'legacy'],
    ['a method named like a built-in', 'constructor', { _meta: {} }, undefined, 'legacy'],
  ])('determines the era of %s', (_what, method, params, header, era) => {
    expect(classifyEra(params === undefined ? { method } : { method, params }, header)).toBe(era);
  });

  it('returns an era for every message, always the same, and changes nothing', () => {
    const revision = fc.oneof(fc.string(), fc.constantFrom(...LEGACY_REVISIONS, ...MODERN_REVISIONS, '9999-99-99'));
    const meta = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      revision.map((value) => withRevision(value)['_meta']),
    );
    const message = fc.record({
      method: fc.oneof(fc.string(), fc.constantFrom('initialize', 'server/discover', 'tools/call', '__proto__')),
      params: fc.record({ _meta: meta }),
    });
    fc.assert(
      fc.property(message, fc.option(revision, { nil: undefined }), (subject, header) => {
        const before = JSON.stringify(subject);
        const given = subject as { method: string; params: JsonObject };
        const era = classifyEra(given, header);
        expect(['legacy', 'modern']).toContain(era);
        expect(classifyEra(JSON.parse(before) as typeof given, header)).toBe(era);
        expect(JSON.stringify(subject)).toBe(before);
      }),
      { numRuns: 1000 },
    );
  });

  it('assigns every request that names a revision to the era of that revision', () => {
    for (const revision of LEGACY_REVISIONS) expect(classifyEra({ method: 'tools/list' }, revision)).toBe('legacy');
    for (const revision of MODERN_REVISIONS) expect(classifyEra({ method: 'tools/list' }, revision)).toBe('modern');
  });
});
