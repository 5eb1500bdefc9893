import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { findInputRequestFault, findUndeclaredCapability } from './questions.js';

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
    expect(findUndeclaredCapability(method, params, capabilities)).toBeUndefined();
  });

  it.each<[string, JsonObject, JsonObject, 'method' | 'params']>([
    ['roots/list', {}, {}, 'method'],
    ['elicitation/create', form, { sampling: {} }, 'method'],
    ['elicitation/create', url, { elicitation: {} }, 'params'],
    ['elicitation/create', form, { elicitation: { url: {} } }, 'params'],
    ['sampling/createMessage', { tools: [] }, { sampling: {} }, 'params'],
    ['acme/guess', {}, { acme: {} }, 'method'],
  ])('%s with %j may not be put to a client with %j', (method, params, capabilities, what) => {
    expect(findUndeclaredCapability(method, params, capabilities)?.what).toBe(what);
  });
});

describe('a result that wants input', () => {
  const wanting = (request: JsonObject): JsonObject => ({
    resultType: 'input_required',
    inputRequests: { one: { method: 'roots/list', params: {} }, two: request },
  });

  it('may want what was declared', () => {
    expect(
      findInputRequestFault('tools/call', wanting({ method: 'elicitation/create', params: form }), {
        roots: {},
        elicitation: {},
      }),
    ).toBe(undefined);
    expect(
      findInputRequestFault('tools/call', { resultType: 'complete', inputRequests: { one: 1 } }, {}),
    ).toBeUndefined();
  });

  it('may not want anything else', () => {
    expect(
      findInputRequestFault('tools/call', wanting({ method: 'elicitation/create', params: form }), { roots: {} }),
    ).toMatch(/elicitation/);
    expect(findInputRequestFault('tools/call', wanting({ method: 7 }), { roots: {} })).toMatch(/malformed/);
    expect(findInputRequestFault('tools/call', { resultType: 'input_required', inputRequests: [] }, {})).toMatch(
      /malformed/,
    );
  });

  it('says what it wants, or has a state for the next attempt', () => {
    expect(findInputRequestFault('tools/call', { resultType: 'input_required' }, {})).toMatch(/neither what nor how/);
    expect(
      findInputRequestFault('tools/call', { resultType: 'input_required', requestState: 'x' }, {}),
    ).toBeUndefined();
  });

  it('answers requests that may be repeated only', () => {
    const result = { resultType: 'input_required', requestState: 'x' };
    for (const method of ['prompts/get', 'resources/read'])
      expect(findInputRequestFault(method, result, {})).toBeUndefined();
    for (const method of ['tools/list', 'completion/complete', 'server/discover']) {
      expect(findInputRequestFault(method, result, {})).toMatch(/wants input for/);
    }
  });

  it('says of a question that may not be asked what it needs', () => {
    expect(findUndeclaredCapability('sampling/createMessage', { tools: [] }, { sampling: {} })?.needs).toEqual({
      sampling: { tools: {} },
    });
    expect(findUndeclaredCapability('elicitation/create', url, {})?.needs).toEqual({ elicitation: { url: {} } });
    expect(findUndeclaredCapability('roots/list', {}, {})?.needs).toEqual({ roots: {} });
    expect(findUndeclaredCapability('acme/guess', {}, {})?.needs).toBeUndefined();
  });
});
