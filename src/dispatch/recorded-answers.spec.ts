import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { LocalSession } from '../affinity/index.js';

const FILE = 'file:///a.txt';
const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const LINK: JsonObject = { type: 'resource_link', uri: FILE, name: 'a' };
const TOOLS = ['keep', 'drop'].map((name): JsonObject => ({ name, inputSchema: { type: 'object' } }));

let world: DispatchWorld;

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(() => world.close());

/** Opens a world whose server sends an event before each answer, so that streams can be resumed. */
async function open(answer: JsonObject, more: Parameters<typeof DispatchWorld.open>[1] = {}, era?: 'modern') {
  world = await DispatchWorld.open([remoteServer('a')], { defaultEndpoint: { public: true }, ...more });
  if (era) world.connector.eras.set('a', era);
  world.connector.respond = async ({ request, reply }) => {
    if (request.method === 'tools/list' && answer['tools'] === undefined)
      return result({ tools: [{ ...TOOLS[0], outputSchema: { type: ['object', 'null'] } }] });
    await reply.notify(PROGRESS);
    return result(answer);
  };
}

/** Sends a request, and returns its answer and what a client receives that resumes the stream after its first event. */
async function replay(session: LocalSession, endpoint: string, method: string, params: JsonObject) {
  const sink = new RecordingSink();
  const live = await world.request(method, params, { endpoint, session, sink });
  const resumed = new RecordingSink();
  await session.openStream(
    resumed,
    sink.eventIds.find((id) => id !== undefined),
  );
  const replayed = resumed.events.flatMap((event) => (event.kind === 'answer' ? [event.outcome] : []));
  return { live: withoutEventId(live), replayed };
}

const withoutEventId = ({ eventId: _id, ...outcome }: Outcome) => outcome;

describe('an answer that a client receives again', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['tools/call', { name: 'a__keep' }, { content: [LINK, { type: 'resource', resource: { uri: FILE, text: '' } }] }],
    ['resources/read', { uri: 'a+file:///a.txt' }, { contents: [{ uri: FILE, text: '' }] }],
    ['prompts/get', { name: 'a__keep' }, { messages: [{ role: 'user', content: LINK }] }],
  ])('to %s has the URIs of an endpoint of several servers', async (method, params, answer) => {
    await open(answer);
    const { live, replayed } = await replay(world.session(), 'default', method, params);
    expect(JSON.stringify(live)).toContain('a+file:///a.txt');
    expect(replayed).toEqual([live]);
  });

  it('to tools/call has the envelope of a result that need not be an object', async () => {
    await open({ content: [], structuredContent: { hit: 1 } }, {}, 'modern');
    const { live, replayed } = await replay(world.session(), 'default', 'tools/call', { name: 'a__keep' });
    expect(live).toMatchObject({ result: { structuredContent: { result: { hit: 1 } } } });
    expect(replayed).toEqual([live]);
  });

  it('to tools/list lacks the tools that the caller may not use', async () => {
    const policies = [{ slug: 'no-drop', effect: 'deny' as const, tools: ['drop'] }];
    await open({ tools: [...TOOLS, { name: 7 }] }, { policies });
    const { live, replayed } = await replay(world.session('a'), 'a', 'tools/list', {});
    expect(live).toMatchObject({ result: { tools: [TOOLS[0]] } });
    expect(replayed).toMatchObject([{ result: { tools: [TOOLS[0]] } }]);
    expect(JSON.stringify(replayed)).not.toContain('drop');
  });
});
