import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { undeclared, undeclaredInput } from './questions.js';

const form: JsonObject = { message: 'Name?', requestedSchema: {} };
const url: JsonObject = { mode: 'url', url: 'https://example.com' };

describe('a question', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['roots/list', {}, { roots: {} }],
    ['elicitation/create', form, { elicitation: {} }],
    ['elicitation/create', { ...form, mode: 'form' }, { elicitation: { form: {} } }],
    ['elicitation/create', url, { elicitation: { url: {} } }],
    ['sampling/createMessage', {}, { sampling: {} }],
    ['sampling/createMessage', { tools: [] }, { sampling: { tools: {} } }],
  ])('%s with %j may be put to a client with %j', (method, params, capabilities) => {
    expect(undeclared(method, params, capabilities)).toBeUndefined();
  });

  it.each<[string, JsonObject, JsonObject, 'method' | 'params']>([
    ['roots/list', {}, {}, 'method'],
    ['elicitation/create', form, { sampling: {} }, 'method'],
    ['elicitation/create', url, { elicitation: {} }, 'params'],
    ['elicitation/create', form, { elicitation: { url: {} } }, 'params'],
    ['sampling/createMessage', { tools: [] }, { sampling: {} }, 'params'],
    ['acme/guess', {}, { acme: {} }, 'method'],
  ])('%s with %j may not be put to a client with %j', (method, params, capabilities, what) => {
    expect(undeclared(method, params, capabilities)?.what).toBe(what);
  });
});

describe('a result that wants input', () => {
  const wanting = (request: JsonObject): JsonObject => ({
    resultType: 'input_required',
    inputRequests: { one: { method: 'roots/list', params: {} }, two: request },
  });

  it('may want what was declared', () => {
    expect(
      undeclaredInput(wanting({ method: 'elicitation/create', params: form }), { roots: {}, elicitation: {} }),
    ).toBe(undefined);
    expect(undeclaredInput({ resultType: 'complete', inputRequests: { one: 1 } }, {})).toBeUndefined();
  });

  it('may not want anything else', () => {
    expect(undeclaredInput(wanting({ method: 'elicitation/create', params: form }), { roots: {} })).toMatch(
      /elicitation/,
    );
    expect(undeclaredInput(wanting({ method: 7 }), { roots: {} })).toMatch(/malformed/);
  });
});
