import { describe, expect, it } from '@jest/globals';
import { headerValue, toolHeaders } from './tool-headers.js';

describe('headers that mirror the arguments of a tool', () => {
  const schema = {
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      count: { type: 'integer', 'x-mcp-header': 'Count' },
      filter: { type: 'object', properties: { dry: { type: 'boolean', 'x-mcp-header': 'Dry' } } },
      note: { type: 'string' },
    },
  };

  it('contain texts, numbers and nested members, and no other argument', () => {
    expect(toolHeaders(schema, { region: 'eu', count: 3, filter: { dry: true }, note: 'private' })).toEqual({
      'mcp-param-Region': 'eu',
      'mcp-param-Count': '3',
      'mcp-param-Dry': 'true',
    });
  });

  it('leave out arguments that are absent or null', () => {
    expect(toolHeaders(schema, { region: null, filter: undefined })).toEqual({});
  });

  it.each([undefined, null, 'text', [], {}, { properties: [] }, { properties: { a: true } }])(
    'are empty for the schema %j',
    (other) => expect(toolHeaders(other, { a: 1 })).toEqual({}),
  );

  it.each([
    ['plain text', 'two words', 'two words'],
    ['an empty text', '', '=?base64??='],
    ['text with a space at its end', 'a ', '=?base64?YSA=?='],
    ['text beyond ASCII', 'Zürich', '=?base64?WsO8cmljaA==?='],
    ['text with a line end', 'a\r\nx-evil: 1', '=?base64?YQ0KeC1ldmlsOiAx?='],
    ['text that looks encoded', '=?base64?YQ==?=', '=?base64?PT9iYXNlNjQ/WVE9PT89?='],
  ])('carry %s so that it can be read back', (_what, text, sent) => expect(headerValue(text)).toBe(sent));
});
