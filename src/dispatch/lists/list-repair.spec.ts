import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { parseServerMessage, result, type JsonObject, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import { FakeRegistry, remoteServer } from '../../../test/support/fake-upstream.js';
import { ServerHealth } from '../../connections/index.js';
import { toDefinition } from '../../items/index.js';
import { ListRepair } from './list-repair.js';
import { warningsOf } from './list-warnings.js';

const SERVER = remoteServer('files');
const GOOD = { name: 'good', inputSchema: { type: 'object' } };

let logged: string[];
let health: ServerHealth;
let repair: ListRepair;

beforeEach(() => {
  logged = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void logged.push(String(message)));
  health = new ServerHealth(new FakeRegistry([SERVER]), new SystemClock());
  repair = new ListRepair(health);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const run = (outcome: Outcome, cursor?: string): Outcome =>
  repair.run(
    { server: SERVER, request: { method: 'tools/list', params: cursor === undefined ? {} : { cursor } } },
    outcome.kind === 'result' ? { ...outcome, serverEra: 'legacy' } : outcome,
  );

function pageOf(members: JsonObject, cursor?: string): JsonObject {
  const outcome = run(result(members), cursor);
  if (outcome.kind === 'error') throw new Error('The list failed.');
  return outcome.result;
}

describe('a page with an item that clients cannot read', () => {
  it('keeps the other items, and names the item in its warnings, in the log and in the health of the server', () => {
    const page = pageOf({ tools: [{ name: 'bad', inputSchema: [1] }, GOOD, { name: 'unfinished' }] });
    expect(page['tools']).toEqual([GOOD, { name: 'unfinished', inputSchema: { type: 'object' } }]);
    const messages = [
      'The tool "bad" was left out: its inputSchema is not an object.',
      'The tool "unfinished" was repaired: its inputSchema was missing.',
    ];
    expect(warningsOf(page)).toEqual(messages.map((message) => ({ server: 'files', code: -31_005, message })));
    expect(logged).toEqual(messages.map((message) => `files: ${message}`));
    expect(health.get('files').warnings).toEqual(messages);
  });

  it('names at most 20 items, and logs each warning once', () => {
    const tools = Array.from({ length: 50 }, (_, index) => ({ name: `t${index}`, inputSchema: 7 }));
    expect(warningsOf(pageOf({ tools }))).toHaveLength(21);
    pageOf({ tools });
    expect(logged).toHaveLength(21);
  });

  it('is pinned as the server lists it', () => {
    const original = { name: 'bad', description: null };
    const [item] = pageOf({ tools: [original] })['tools'] as JsonValue[];
    expect(toDefinition('tools', item ?? null)).toMatchObject({ definition: original });
  });

  it('is no longer reported once the server lists it correctly', () => {
    pageOf({ tools: [{ name: 'bad' }] });
    pageOf({ tools: [GOOD] });
    expect(health.get('files')).not.toHaveProperty('warnings.0');
  });
});

it('a page without faults is the same object', () => {
  const page = {
    ...result({ tools: [GOOD], nextCursor: '', ttlMs: 5, cacheScope: 'public' }),
    serverEra: 'legacy',
  } as const;
  expect(repair.run({ server: SERVER, request: { method: 'tools/list', params: {} } }, page)).toBe(page);
});

describe('a page whose cursor leads nowhere', () => {
  it.each<[string, JsonValue, string | undefined, number]>([
    ['is null', null, undefined, 0],
    ['is a number', 2, undefined, 1],
    ['is the cursor of the page itself', 'again', 'again', 1],
    ['is empty, as the cursor of the page', '', '', 1],
  ])('because it %s is the last one', (_what, nextCursor, cursor, warnings) => {
    const page = pageOf({ tools: [GOOD], nextCursor }, cursor);
    expect(page['tools']).toEqual([GOOD]);
    expect(page).not.toHaveProperty('nextCursor');
    expect(warningsOf(page)).toHaveLength(warnings);
  });

  it.each([null, 'x', []])('and whose _meta is %j has no _meta', (meta) => {
    expect(pageOf({ tools: [], _meta: meta, ttlMs: 'x', cacheScope: 7 })).toEqual({ tools: [] });
  });
});

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('an item that is nested too deeply', () => {
  it.each([70, 300, 900])('is left out at %i levels, and the others are kept', (depth) => {
    const bad = `{"name":"deep","inputSchema":{"type":"object","properties":${nested(depth)}}}`;
    const text = `{"jsonrpc":"2.0","id":1,"result":{"tools":[${bad},${JSON.stringify(GOOD)}]}}`;
    const message = parseServerMessage(text) as { result: { tools: JsonObject[] } };
    const page = pageOf({ tools: JSON.parse(JSON.stringify(message.result.tools)) as JsonValue[] });
    expect(page['tools']).toEqual([GOOD]);
    expect(warningsOf(page)).toMatchObject([{ message: expect.stringContaining('"deep"') }]);
  });

  it('is left out like one with an object of more than 10,000 members', () => {
    const properties = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`p${index}`, {}]));
    const bad = { name: 'large', inputSchema: { type: 'object', properties } };
    const message = parseServerMessage(JSON.stringify({ result: { tools: [bad, GOOD] } })) as { result: JsonObject };
    const page = pageOf(message.result);
    expect(page['tools']).toEqual([GOOD]);
    expect(warningsOf(page)).toMatchObject([
      { message: 'The tool "large" was left out: its definition is too large.' },
    ]);
    expect(() => parseServerMessage(JSON.stringify({ result: { content: [properties] } }))).toThrow(/10,000 members/);
  });

  it.each([
    ['in a list of another method', `{"result":{"content":[${nested(70)}]}}`],
    ['beside a list', `{"result":{"tools":[],"more":${nested(70)}}}`],
    ['beyond every bound', `{"result":{"tools":[${nested(2_000)}]}}`],
  ])('is a fault of the message %s', (_what, text) => {
    expect(() => parseServerMessage(text)).toThrow(/nested deeper/);
  });
});
