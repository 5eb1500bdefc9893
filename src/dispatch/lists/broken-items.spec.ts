import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  isTooDeep,
  parseServerMessage,
  result,
  type JsonObject,
  type JsonValue,
  type ListMethod,
} from '#lib/mcp-protocol';
import { BrokenItems, warningsOf } from './broken-items.js';

const GOOD = { name: 'good', inputSchema: { type: 'object' } };
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

let logged: string[];

beforeEach(() => {
  logged = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void logged.push(String(message)));
});

afterEach(() => {
  jest.restoreAllMocks();
});

function listed(method: ListMethod, member: string, items: JsonValue[]): JsonObject {
  const outcome = new BrokenItems().remove('files', method, result({ [member]: items }));
  if (outcome.kind === 'error') throw new Error('The list failed.');
  return outcome.result;
}

describe('a list with a broken item', () => {
  it.each<[string, JsonValue]>([
    ['no object', 'bad'],
    ['null', null],
    ['no name', { inputSchema: { type: 'object' } }],
    ['a number as its name', { name: 7, inputSchema: { type: 'object' } }],
    ['an empty name', { name: '', inputSchema: { type: 'object' } }],
    ['an inputSchema that is null', { name: 'bad', inputSchema: null }],
    ['an inputSchema that is a list', { name: 'bad', inputSchema: [] }],
    ['an inputSchema of another type', { name: 'bad', inputSchema: { type: 'string' } }],
    ['the name of an earlier one', { ...GOOD }],
    ['an x-mcp-header that is no name', { name: 'bad', inputSchema: { properties: { a: { 'x-mcp-header': 'a b' } } } }],
    ['an x-mcp-header at the root', { name: 'bad', inputSchema: { type: 'object', 'x-mcp-header': 'A' } }],
  ])('keeps the others and warns of a tool with %s', (_what, bad) => {
    const page = listed('tools/list', 'tools', [GOOD, bad, { ...GOOD, name: 'last' }]);
    expect(page['tools']).toEqual([GOOD, { ...GOOD, name: 'last' }]);
    expect(warningsOf(page)).toEqual([
      { server: 'files', code: -31_005, message: expect.stringMatching(/^The tool .+ was left out: .+\.$/) },
    ]);
  });

  it.each<[ListMethod, string, string, JsonObject]>([
    ['prompts/list', 'prompts', 'name', { name: 'bad', arguments: [{ description: 'no name' }] }],
    ['resources/list', 'resources', 'uri', { name: 'bad' }],
    ['resources/templates/list', 'resourceTemplates', 'uriTemplate', { uriTemplate: 7 }],
  ])('keeps the others in %s', (method, member, id, bad) => {
    const page = listed(method, member, [bad, { [id]: 'good' }]);
    expect(page[member]).toEqual([{ [id]: 'good' }]);
    expect(warningsOf(page)).toHaveLength(1);
  });

  it('names at most 20 items and logs each warning once', () => {
    const items = new BrokenItems();
    const page = result({
      tools: Array.from({ length: 50 }, (_, index) => ({ name: `t${index}`, inputSchema: null })),
    });
    const outcome = items.remove('files', 'tools/list', page);
    items.remove('files', 'tools/list', page);
    expect(outcome.kind === 'result' && warningsOf(outcome.result)).toHaveLength(21);
    expect(logged).toHaveLength(50);
  });

  it('is the same object when no item is broken', () => {
    const page = result({ tools: [GOOD, { name: 'without-schema' }] });
    expect(new BrokenItems().remove('files', 'tools/list', page)).toBe(page);
  });
});

describe('an item that is nested too deeply', () => {
  it.each([70, 300, 900])('is left out at %i levels, and the others are kept', (depth) => {
    const bad = `{"name":"deep","inputSchema":{"type":"object","properties":${nested(depth)}}}`;
    const text = `{"jsonrpc":"2.0","id":1,"result":{"tools":[${bad},${JSON.stringify(GOOD)}]}}`;
    const message = parseServerMessage(text) as { result: { tools: JsonObject[] } };
    expect(message.result.tools.map(isTooDeep)).toEqual([true, false]);
    const page = listed('tools/list', 'tools', JSON.parse(JSON.stringify(message.result.tools)) as JsonValue[]);
    expect(page['tools']).toEqual([GOOD]);
    expect(warningsOf(page)).toMatchObject([{ message: expect.stringContaining('"deep"') }]);
  });

  it.each([
    ['in a list of another method', `{"result":{"content":[${nested(70)}]}}`],
    ['beside a list', `{"result":{"tools":[],"more":${nested(70)}}}`],
    ['beyond every bound', `{"result":{"tools":[${nested(2_000)}]}}`],
  ])('is a fault of the message %s', (_what, text) => {
    expect(() => parseServerMessage(text)).toThrow(/nested deeper/);
  });
});
