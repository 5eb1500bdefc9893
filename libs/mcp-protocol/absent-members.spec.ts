import { describe, expect, it } from '@jest/globals';
import { withoutNullMembers } from './absent-members.js';
import { META } from './codecs/index.js';
import type { JsonObject, JsonValue } from './json.js';
import { readMessage } from './read-message.js';

const request = (method: string, params: JsonValue) => ({ jsonrpc: '2.0', id: 1, method, params });
const paramsOf = (method: string, params: JsonValue) =>
  (withoutNullMembers(request(method, params)) as JsonObject)['params'];

describe('a member that a client sends as null', () => {
  it.each<[string, string, JsonValue, JsonValue | undefined]>([
    ['params', 'tools/list', null, undefined],
    ['params of an unknown method', 'vendor/x', null, undefined],
    ['a cursor', 'tools/list', { cursor: null }, {}],
    ['_meta', 'tools/list', { _meta: null }, {}],
    ['_meta of an unknown method', 'vendor/x', { _meta: null, a: null }, { a: null }],
    ['a progress token', 'ping', { _meta: { progressToken: null, 'x/y': null } }, { _meta: { 'x/y': null } }],
    ['the arguments', 'tools/call', { name: 'a', arguments: null }, { name: 'a' }],
    ['a task', 'tools/call', { name: 'a', task: { ttl: null } }, { name: 'a', task: {} }],
    ['state of a repeated call', 'tools/call', { name: 'a', requestState: null, inputResponses: null }, { name: 'a' }],
    [
      'an argument of a prompt',
      'prompts/get',
      { name: 'a', arguments: { b: null, c: '1' } },
      { name: 'a', arguments: { c: '1' } },
    ],
    [
      'a capability',
      'initialize',
      {
        capabilities: { sampling: null, roots: { listChanged: null }, experimental: { a: { b: null }, c: null } },
        clientInfo: { name: 'a', title: null, icons: [{ src: 'b', sizes: null }] },
      },
      {
        capabilities: { roots: {}, experimental: { a: { b: null } } },
        clientInfo: { name: 'a', icons: [{ src: 'b' }] },
      },
    ],
    [
      'a member of a completion',
      'completion/complete',
      {
        ref: { type: 'ref/prompt', name: 'a', uri: null },
        argument: { name: 'b', value: '' },
        context: { arguments: null },
      },
      { ref: { type: 'ref/prompt', name: 'a' }, argument: { name: 'b', value: '' }, context: {} },
    ],
    [
      'a declaration of a modern client',
      'tools/list',
      { _meta: { [META.clientInfo]: null, [META.logLevel]: null, [META.clientCapabilities]: { elicitation: null } } },
      { _meta: { [META.clientCapabilities]: {} } },
    ],
    [
      'a total of progress',
      'notifications/progress',
      { progressToken: 1, progress: 1, total: null },
      { progressToken: 1, progress: 1 },
    ],
  ])('is absent: %s', (_what, method, params, known) => {
    expect(paramsOf(method, params)).toEqual(known);
  });

  it.each<[string, string, JsonObject]>([
    ['an argument of a tool', 'tools/call', { name: 'a', arguments: { b: null, c: { d: null } } }],
    ['a member of an unknown method', 'vendor/x', { a: null }],
    ['a member of a vendor in _meta', 'ping', { _meta: { 'x/y': null } }],
    ['nothing', 'tools/call', { name: 'a', arguments: {}, _meta: { progressToken: 1 } }],
  ])('is kept: %s', (_what, method, params) => {
    const message = request(method, params);
    expect(withoutNullMembers(message)).toBe(message);
  });

  it('is absent in the answer to a question', () => {
    const declined = { action: 'decline', content: null, _meta: null };
    const accepted = { action: 'accept', content: { name: null } };
    expect(withoutNullMembers({ jsonrpc: '2.0', id: 1, result: declined })).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { action: 'decline' },
    });
    expect(paramsOf('tools/call', { name: 'a', inputResponses: { a: declined, b: accepted } })).toEqual({
      name: 'a',
      inputResponses: { a: { action: 'decline' }, b: accepted },
    });
  });

  it('does not change the message that was given', () => {
    const message = request('tools/list', { cursor: null, _meta: { progressToken: null } });
    const text = JSON.stringify(message);
    withoutNullMembers(message);
    expect(JSON.stringify(message)).toBe(text);
  });

  it('does not make a notification of a request with a null id', () => {
    expect(readMessage(withoutNullMembers({ jsonrpc: '2.0', id: null, method: 'ping' }))).toMatchObject({
      kind: 'invalid',
    });
  });

  it('leaves an answer with the other of its two members', () => {
    for (const answer of [
      { result: {}, error: null },
      { result: null, error: { code: 1, message: 'x' } },
    ])
      expect(readMessage(withoutNullMembers({ jsonrpc: '2.0', id: 1, ...answer }))).toMatchObject({ kind: 'response' });
  });
});
