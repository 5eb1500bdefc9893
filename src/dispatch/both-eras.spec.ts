import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';

const HITS: JsonObject = { type: 'array', items: { $ref: '#/$defs/hit' }, $defs: { hit: { type: 'object' } } };
/** The form in which official servers list the same schema to legacy clients. */
const ENVELOPE: JsonObject = {
  type: 'object',
  properties: { result: { ...HITS, items: { $ref: '#/properties/result/$defs/hit' } } },
  required: ['result'],
};

let world: DispatchWorld;
let description: string;

beforeEach(async () => {
  Logger.overrideLogger(false);
  description = 'Finds.';
  world = await DispatchWorld.open([remoteServer('a', { toolChanges: 'quarantine' })]);
  world.connector.bothEras.add('a');
  world.connector.respond = ({ request }, { profile }) => {
    if (request.method !== 'tools/list') return result({ content: [], structuredContent: { hit: 1 } });
    const outputSchema = profile.era === 'legacy' ? ENVELOPE : HITS;
    return result({ tools: [{ name: 'find', description, inputSchema: { type: 'object' }, outputSchema }] });
  };
});

afterEach(() => world.close());

const toolsIn = (outcome: Outcome) =>
  outcome.kind === 'result' ? (outcome.result['tools'] as JsonObject[]).map(({ name }) => name) : [];

describe('a quarantining server of both eras', () => {
  it.each(['legacy', 'modern'] as const)('shows a tool in each era whose list was %s first', async (first) => {
    const session = world.session('a');
    const list = (era: 'legacy' | 'modern') =>
      world.request('tools/list', {}, { endpoint: 'a', ...(era === 'legacy' && { session }) });
    const second = first === 'legacy' ? 'modern' : 'legacy';
    for (const era of [first, second, first, second] as const) expect(toolsIn(await list(era))).toEqual(['find']);
    expect(await world.request('tools/call', { name: 'find' }, { endpoint: 'a' })).toMatchObject({ kind: 'result' });
    description = 'Finds something else.';
    for (const era of [first, second] as const) expect(toolsIn(await list(era))).toEqual([]);
  });
});

it('results of a server of both eras are in an envelope for a legacy client of several servers after its legacy list', async () => {
  await world.request('tools/list', {}, { endpoint: 'a', session: world.session('a') });
  const called = await world.request('tools/call', { name: 'a__find' }, { session: world.session() });
  expect(called).toMatchObject({ result: { structuredContent: { result: { hit: 1 } } } });
});
