import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { findInputRequestFault, findUndeclaredCapability } from './questions.js';

const form: JsonObject = { message: 'Name?', requestedSchema: {} };
const url: JsonObject = { mode: 'url', url: 'https://example.com' };

describe('findUndeclaredCapability', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['roots/list', {}, { roots: {} }],
    ['elicitation/create', form, { elicitation: {} }],
    ['elicitation/create', { ...form, mode: 'form' }, { elicitation: { form: {} } }],
    ['elicitation/create', url, { elicitation: { url: {} } }],
    ['sampling/createMessage', {}, { sampling: {} }],
    ['sampling/createMessage', { tools: [] }, { sampling: { tools: {} } }],
  ])('allows the question %s with params %j for a client with capabilities %j', (method, params, capabilities) => {
    expect(findUndeclaredCapability(method, params, capabilities)).toBeUndefined();
  });

  it.each<[string, JsonObject, JsonObject, 'method' | 'params']>([
    ['roots/list', {}, {}, 'method'],
    ['elicitation/create', form, { sampling: {} }, 'method'],
    ['elicitation/create', url, { elicitation: {} }, 'params'],
    ['elicitation/create', form, { elicitation: { url: {} } }, 'params'],
    ['sampling/createMessage', { tools: [] }, { sampling: {} }, 'params'],
    ['acme/guess', {}, { acme: {} }, 'method'],
  ])(
    'rejects the question %s with params %j for a client with capabilities %j',
    (method, params, capabilities, what) => {
      expect(findUndeclaredCapability(method, params, capabilities)?.what).toBe(what);
    },
  );
});

describe('findInputRequestFault', () => {
  const inputRequired = (request: JsonObject): JsonObject => ({
    resultType: 'input_required',
    inputRequests: { one: { method: 'roots/list', params: {} }, two: request },
  });

  it('accepts input requests that the client declared', () => {
    expect(
      findInputRequestFault('tools/call', inputRequired({ method: 'elicitation/create', params: form }), {
        roots: {},
        elicitation: {},
      }),
    ).toBe(undefined);
    expect(
      findInputRequestFault('tools/call', { resultType: 'complete', inputRequests: { one: 1 } }, {}),
    ).toBeUndefined();
  });

  it('rejects undeclared and malformed input requests', () => {
    expect(
      findInputRequestFault('tools/call', inputRequired({ method: 'elicitation/create', params: form }), { roots: {} }),
    ).toMatch(/elicitation/);
    expect(findInputRequestFault('tools/call', inputRequired({ method: 7 }), { roots: {} })).toMatch(/malformed/);
    expect(findInputRequestFault('tools/call', { resultType: 'input_required', inputRequests: [] }, {})).toMatch(
      /malformed/,
    );
  });

  it('rejects a result that has neither input requests nor a request state', () => {
    expect(findInputRequestFault('tools/call', { resultType: 'input_required' }, {})).toMatch(
      /neither inputRequests nor/,
    );
    expect(
      findInputRequestFault('tools/call', { resultType: 'input_required', requestState: 'x' }, {}),
    ).toBeUndefined();
  });

  it('rejects an input_required result for a method that cannot be repeated', () => {
    const result = { resultType: 'input_required', requestState: 'x' };
    for (const method of ['prompts/get', 'resources/read'])
      expect(findInputRequestFault(method, result, {})).toBeUndefined();
    for (const method of ['tools/list', 'completion/complete', 'server/discover']) {
      expect(findInputRequestFault(method, result, {})).toMatch(/requires input for/);
    }
  });

  it('findUndeclaredCapability returns the capabilities that a rejected question requires', () => {
    expect(findUndeclaredCapability('sampling/createMessage', { tools: [] }, { sampling: {} })?.needs).toEqual({
      sampling: { tools: {} },
    });
    expect(findUndeclaredCapability('elicitation/create', url, {})?.needs).toEqual({ elicitation: { url: {} } });
    expect(findUndeclaredCapability('roots/list', {}, {})?.needs).toEqual({ roots: {} });
    expect(findUndeclaredCapability('acme/guess', {}, {})?.needs).toBeUndefined();
  });
});
