import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { readTools } from './read-tools.js';
import type { Fault } from './registry.errors.js';

const tools = (count: number, tool: JsonObject): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_tool, index) => [`t${index}`, { path: '/', ...tool }]));

const faultsOf = (value: JsonObject): string[] => {
  const faults: Fault[] = [];
  readTools(value, 'tools', faults);
  return faults.map(({ path, message }) => `${path}: ${message}`);
};

const withText = (length: number): JsonObject => ({ inputSchema: { type: 'object', description: 'x'.repeat(length) } });

describe('readTools', () => {
  it('rejects more than 2,000 tools', () => {
    expect(faultsOf(tools(2_000, {}))).toEqual([]);
    expect(faultsOf(tools(2_001, {}))).toEqual([
      'tools: has 2001 tools. A server may have at most 2000: distribute them over several servers.',
    ]);
  });

  it('rejects a schema above 64 KiB', () => {
    expect(faultsOf(tools(1, withText(65_000)))).toEqual([]);
    expect(faultsOf(tools(1, withText(65_536)))).toEqual([
      'tools.t0.inputSchema: is too large. A schema may have at most 64 KiB.',
    ]);
  });

  it('rejects more than 24 MiB of schemas', () => {
    expect(faultsOf(tools(420, withText(60_000)))).toEqual([
      'tools: has more than 24 MiB of input schemas: distribute the tools over several servers.',
    ]);
  });

  it('rejects tools at more than 16 origins', () => {
    const at = (count: number): JsonObject =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `t${index}`,
          { path: '/', url: `https://h${index}.example.com/v1` },
        ]),
      );
    expect(faultsOf(at(16))).toEqual([]);
    expect(faultsOf(at(17))).toEqual(['tools: has tools at 17 origins. A server may have at most 16.']);
  });

  it('reads the parameters and the body of a tool', () => {
    const parameters = {
      id: { in: 'path', style: 'label', explode: true },
      page_size: { in: 'query', name: 'page[size]', allowReserved: null },
      key: { in: 'header', name: 'X-Key' },
    };
    const requestBody = { contentType: 'multipart/form-data', required: true, fields: { 'file[0]': { file: true } } };
    const tool = {
      method: 'DELETE',
      path: '/{id}',
      url: 'https://a.example.com/v2',
      parameters,
      requestBody,
      accept: '*/*',
    };
    const faults: Fault[] = [];
    const [read] = readTools({ t: tool }, 'tools', faults);
    expect(faults).toEqual([]);
    const page_size = { in: 'query', name: 'page[size]' };
    expect(read).toEqual({
      ...tool,
      name: 't',
      inputSchema: { type: 'object' },
      parameters: { ...parameters, page_size },
    });
  });

  it.each<[JsonObject, RegExp]>([
    [{ parameters: [] }, /^tools.t0.parameters: must be a mapping/],
    [{ parameters: { a: { in: 'nowhere' } } }, /^tools.t0.parameters.a.in: must be one of/],
    [{ parameters: { a: { in: 'query', style: 'matrix' } } }, /^tools.t0.parameters.a: The style of a query parameter/],
    [{ parameters: { a: { in: 'body', style: 'form' } } }, /A member of the body has no style/],
    [{ parameters: { a: { in: 'path' } } }, /The path of the tool must contain \{a\}/],
    [{ parameters: { a: { in: 'header', name: 'Content-Type' } } }, /which the gateway does not set itself/],
    [{ parameters: { a: { in: 'cookie', name: 'a=b' } } }, /cannot be the name of a cookie/],
    [{ parameters: { a: { in: 'query', colour: 1 } } }, /^tools.t0.parameters.a.colour: Unknown key/],
    [{ requestBody: { contentType: 'json' } }, /^tools.t0.requestBody.contentType: must be a media type/],
    [{ requestBody: { fields: { a: { file: 1 } } } }, /^tools.t0.requestBody.fields.a.file: must be/],
    [{ method: 'HEAD', requestBody: {} }, /A HEAD request cannot have a body/],
    [{ method: 'POST', body: {}, requestBody: {} }, /either body or requestBody/],
    [{ url: 'https://a.example.com/?key=1' }, /^tools.t0.url: must be an http or https URL/],
    [{ accept: 'a' }, /^tools.t0.accept: must be a list of media types/],
  ])('rejects the tool %j', (tool, fault) => {
    expect(faultsOf(tools(1, tool))).toEqual([expect.stringMatching(fault)]);
  });
});
