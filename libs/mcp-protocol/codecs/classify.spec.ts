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
    ['listening', 'subscriptions/listen', {}, '2025-11-25', 'modern'],
    ['a revision in _meta', 'tools/list', withRevision('2026-07-28'), undefined, 'modern'],
    ['a revision in _meta that nobody speaks', 'tools/list', withRevision('1900-01-01'), undefined, 'modern'],
    ['a revision in _meta that is no text', 'tools/list', withRevision(null), undefined, 'modern'],
    ['a modern header', 'tools/list', {}, '2026-07-28', 'modern'],
    ['a header of the future', 'tools/list', {}, '2031-01-01', 'modern'],
    ['a header of a draft of the modern kind', 'tools/list', {}, '2026-01-01', 'modern'],
    ['a legacy header', 'tools/list', {}, '2025-11-25', 'legacy'],
    ['an unknown header of legacy times', 'tools/list', {}, '2025-12-31', 'legacy'],
    ['a header that is no date', 'tools/list', {}, 'latest', 'legacy'],
    ['nothing at all', 'tools/list', undefined, undefined, 'legacy'],
    ['an inherited name', 'constructor', { _meta: {} }, undefined, 'legacy'],
  ])('knows the era of %s', (_what, method, params, header, era) => {
    expect(classifyEra(params === undefined ? { method } : { method, params }, header)).toBe(era);
  });

  it('has an era for everything, always the same, and changes nothing', () => {
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

  it('sends every request that names a revision of an era to that era', () => {
    for (const revision of LEGACY_REVISIONS) expect(classifyEra({ method: 'tools/list' }, revision)).toBe('legacy');
    for (const revision of MODERN_REVISIONS) expect(classifyEra({ method: 'tools/list' }, revision)).toBe('modern');
  });
});
