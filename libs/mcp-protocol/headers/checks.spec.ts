import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../json.js';
import { checkMirroredHeaders, checkParameterHeaders, type Headers } from './checks.js';
import type { ParameterHeader } from './parameters.js';
import { encodeHeaderValue } from './value-codec.js';

const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
const message = (method: string, params: JsonObject = {}) =>
  ({ jsonrpc: '2.0', id: 1, method, params: { _meta: meta, ...params } }) as const;
const standard = (method: string, name?: string): Headers => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
});

describe('the standard headers of a modern request', () => {
  it.each([
    ['a list', message('tools/list'), standard('tools/list')],
    ['a call', message('tools/call', { name: 'echo' }), standard('tools/call', 'echo')],
    ['a name with blanks around', message('tools/call', { name: 'echo' }), standard('tools/call', '  echo  ')],
    ['a resource', message('resources/read', { uri: 'file:///a b' }), standard('resources/read', 'file:///a b')],
    [
      'a prompt with a non-ASCII name',
      message('prompts/get', { name: '世界' }),
      standard('prompts/get', encodeHeaderValue('世界')),
    ],
    ['a plain name that is encoded', message('tools/call', { name: 'a' }), standard('tools/call', '=?base64?YQ==?=')],
    ['a name that the method does not mirror', message('tools/list', { name: 'x' }), standard('tools/list', 'y')],
    ["a call without a name, which is the params' fault", message('tools/call'), standard('tools/call', 'x')],
    ['a call without a name in body and headers', message('tools/call'), standard('tools/call')],
    ['a method named like a built-in', message('constructor'), standard('constructor')],
  ])('match the body for %s', (_what, request, headers) => {
    expect(checkMirroredHeaders(request, headers)).toBeUndefined();
  });

  it('are not compared with a revision that the body lacks', () => {
    const request = { jsonrpc: '2.0', id: 1, method: 'tools/list' } as const;
    expect(checkMirroredHeaders(request, standard('tools/list'))).toBeUndefined();
  });

  it.each<[string, Headers]>([
    ['no revision', { 'mcp-method': 'tools/call', 'mcp-name': 'echo' }],
    ['another revision', { ...standard('tools/call', 'echo'), 'mcp-protocol-version': '2025-11-25' }],
    ['no method', { 'mcp-protocol-version': '2026-07-28', 'mcp-name': 'echo' }],
    ['another method', standard('tools/list', 'echo')],
    ['the method in another case', standard('TOOLS/CALL', 'echo')],
    ['two methods', { ...standard('tools/call', 'echo'), 'mcp-method': ['tools/call', 'tools/call'] }],
    ['no name', standard('tools/call')],
    ['another name', standard('tools/call', 'other')],
    ['a malformed name', standard('tools/call', '=?base64?ZWNobw?=')],
    ['a name beyond ASCII', standard('tools/call', '\u00e9cho')],
  ])('differ from the body with %s', (_what, headers) => {
    const error = checkMirroredHeaders(message('tools/call', { name: 'echo' }), headers);
    expect(error).toMatchObject({ code: -32020, message: expect.stringMatching(/^Header mismatch: /) });
  });
});

describe('the error for headers of a modern request', () => {
  it('names every header that does not match', () => {
    const headers = { 'mcp-protocol-version': '2025-11-25', 'mcp-name': 'other' };
    const error = checkMirroredHeaders(message('tools/call', { name: 'echo' }), headers);
    for (const name of ['MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name']) expect(error?.message).toContain(name);
  });

  it('lists the supported revisions for a revision that only the header names', () => {
    const request = { jsonrpc: '2.0', id: 1, method: 'tools/list' } as const;
    expect(checkMirroredHeaders(request, { 'mcp-protocol-version': '2027-01-01' })).toMatchObject({
      code: -32022,
      message: expect.stringMatching(/"2027-01-01".*2026-07-28, 2025-11-25/),
      data: { requested: '2027-01-01', supported: expect.arrayContaining(['2026-07-28']) },
    });
  });
});

describe('the headers of tool parameters', () => {
  const expected: ParameterHeader[] = [
    { header: 'Mcp-Param-Text', path: ['text'], type: 'string' },
    { header: 'Mcp-Param-Count', path: ['in', 'count'], type: 'integer' },
    { header: 'Mcp-Param-Sure', path: ['sure'], type: 'boolean' },
  ];

  it.each<[string, JsonObject, Headers]>([
    ['no argument', {}, {}],
    ['a null argument', { text: null }, {}],
    ['a header without a value', {}, { 'mcp-param-text': 'x' }],
    [
      'all arguments',
      { text: 'x', in: { count: 42 }, sure: true },
      { 'mcp-param-text': 'x', 'mcp-param-count': '42', 'mcp-param-sure': 'true' },
    ],
    ['a number spelled differently', { in: { count: 42 } }, { 'mcp-param-count': '42.0' }],
    ['an encoded text', { text: '世界' }, { 'mcp-param-text': '=?base64?5LiW55WM?=' }],
    ['a lone surrogate', { text: '\ud800' }, { 'mcp-param-text': encodeHeaderValue('\ud800') }],
    ['an empty text', { text: '' }, { 'mcp-param-text': '' }],
    ['a value that no header can carry', { text: ['x'] }, {}],
  ])('match the arguments with %s', (_what, args, headers) => {
    expect(checkParameterHeaders(expected, args, headers)).toBeUndefined();
  });

  it.each<[string, JsonObject, Headers]>([
    ['a missing header', { text: 'x' }, {}],
    ['another text', { text: 'x' }, { 'mcp-param-text': 'y' }],
    ['another number', { in: { count: 42 } }, { 'mcp-param-count': '43' }],
    ['a number in a loose form', { in: { count: 42 } }, { 'mcp-param-count': '0x2a' }],
    ['another boolean', { sure: true }, { 'mcp-param-sure': 'false' }],
    ['a boolean in another case', { sure: true }, { 'mcp-param-sure': 'True' }],
    ['malformed Base64', { text: 'Hello' }, { 'mcp-param-text': '=?base64?SGVsbG8?=' }],
    ['a control character', { text: 'x' }, { 'mcp-param-text': 'x\u0001' }],
    ['two values', { text: 'x' }, { 'mcp-param-text': ['x', 'x'] }],
  ])('differ from the arguments with %s', (_what, args, headers) => {
    expect(checkParameterHeaders(expected, args, headers)).toMatchObject({ code: -32020 });
  });

  it('are all named if several differ from the arguments', () => {
    const error = checkParameterHeaders(expected, { text: 'x', sure: true }, { 'mcp-param-text': 'y' });
    expect(error?.message).toMatch(/Mcp-Param-Text does not match.*Mcp-Param-Sure is missing/);
  });
});
