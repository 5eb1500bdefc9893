import { describe, expect, it } from '@jest/globals';
import type { GuardrailSubject, JsonObject } from '#lib/extension-kit';
import { createSubject } from '../subject-fixture.js';
import { SchemaCheck } from './index.js';

const check = new SchemaCheck();
const DEFINITION = {
  name: 'run',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string', pattern: '^[A-Z]' }, days: { $ref: '#/$defs/days' } },
    required: ['city'],
    $defs: { days: { type: 'integer', maximum: 14 } },
  },
  outputSchema: { type: 'object', properties: { celsius: { type: 'number' } }, required: ['celsius'] },
};
const judge = (phase: GuardrailSubject['phase'], value: JsonObject, definition: JsonObject | undefined = DEFINITION) =>
  check.check(createSubject(value, { phase, definition }));

describe('the check schema', () => {
  it.each<[GuardrailSubject['phase'], JsonObject]>([
    ['arguments', { city: 'Bern', days: 14 }],
    ['arguments', { city: 'Bern', other: true }],
    ['results', { content: [], structuredContent: { celsius: 7.5 } }],
    ['results', { content: [], isError: true }],
    ['results', { resultType: 'input_required', inputRequests: {} }],
  ])('passes %s that match: %j', (phase, value) => {
    expect(judge(phase, value)).toEqual({ action: 'pass' });
  });

  it.each<[GuardrailSubject['phase'], JsonObject, RegExp]>([
    ['arguments', {}, /^The argument city is missing\.$/],
    ['arguments', { city: 7 }, /city must be a string/],
    ['arguments', { city: 'bern' }, /city must match the pattern/],
    ['arguments', { city: 'Bern', days: 15 }, /days must be at most 14/],
    ['results', { content: [] }, /lacks the structured content/],
    ['results', { content: [], structuredContent: { celsius: 'CANARY' } }, /does not match the output schema/],
    ['results', { content: [], structuredContent: [] as never }, /does not match the output schema/],
  ])('refuses %s that do not match, and repeats no value: %j', (phase, value, reason) => {
    const verdict = judge(phase, value);
    expect(verdict).toMatchObject({ action: 'refuse', reason: expect.stringMatching(reason) });
    expect(JSON.stringify(verdict)).not.toContain('CANARY');
  });

  it('passes items without schemas', () => {
    expect(judge('results', { content: [] }, { name: 'run', inputSchema: { type: 'object' } })).toEqual({
      action: 'pass',
    });
    const prompt = createSubject({}, { item: { server: { slug: 'files' }, kind: 'prompts', name: 'p' } });
    expect(check.check(prompt)).toEqual({ action: 'pass' });
  });

  it('fails while the definition of a tool is unknown', () => {
    expect(() => check.check(createSubject({}, { phase: 'arguments' }))).toThrow(/not known yet/);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['a schema elsewhere', { $ref: 'https://example.org/schema.json' }, /refers to .*which it does not contain/],
    ['a pattern that needs backtracking', { pattern: '(?=a)b' }, /look-around/],
    ['an invalid schema', { type: 'objekt' }, /not a valid JSON Schema/],
    ['a schema of more than 64 KiB', { description: 'x'.repeat(70_000) }, /too large/],
  ])('fails for %s, without fetching anything', (_name, inputSchema, message) => {
    expect(() => judge('arguments', {}, { inputSchema })).toThrow(message);
  });

  it('refuses arguments whose validation takes too long', () => {
    const inputSchema = { properties: { a: { pattern: '^(a|a?)+$' } } };
    const verdict = judge('arguments', { a: 'a'.repeat(1_000_000) }, { inputSchema });
    expect(verdict).toMatchObject({
      action: 'refuse',
      reason: 'The arguments are too large for the schema of this tool.',
    });
  });
});
