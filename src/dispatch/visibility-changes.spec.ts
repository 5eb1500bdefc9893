import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Era, type JsonObject, type McpNotification } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { PolicyDefinition } from '../registry/index.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

const SERVERS = [remoteServer('x'), remoteServer('y')];
const WITHOUT_X: PolicyDefinition = { slug: 'p', effect: 'deny', servers: ['x'] };
const WITHOUT_B: PolicyDefinition = { slug: 'p', effect: 'deny', servers: ['x'], resources: ['file:///d/b'] };

const worlds: DispatchWorld[] = [];

async function world(era: Era = 'modern') {
  const made = await DispatchWorld.open(SERVERS, { virtualServers: [{ slug: 'desk', public: false, servers: ['x'] }] });
  worlds.push(made);
  const { connector, registry } = made;
  for (const { slug } of SERVERS) connector.eras.set(slug, era);
  connector.respond = ({ request: { method } }) => result(method === 'tools/list' ? { tools: [{ name: 't' }] } : {});
  const change = (slug: string, notification: McpNotification) => {
    for (const connection of connector.live) if (connection.server.slug === slug) connection.change(notification);
  };
  const policies = async (...rules: PolicyDefinition[]) => {
    registry.configure(SERVERS, { policies: rules });
    await later();
  };
  const asked = (slug: string) =>
    connector.live.filter(({ server }) => server.slug === slug).flatMap(({ listeners }) => listeners);
  return { made, change, policies, asked };
}

type World = Awaited<ReturnType<typeof world>>;

/** A client that listens, and what it has heard since it was asked last. */
interface Listening {
  heard(): McpNotification[];
  leave(): Promise<unknown>;
}

const told = (sink: RecordingSink) => {
  let count = 0;
  return () => {
    const events = sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
    const fresh = events.slice(count).filter(({ method }) => method !== ACKNOWLEDGED);
    count = events.length;
    return fresh;
  };
};

async function modernClient({ made }: World, notifications: JsonObject, endpoint = 'default'): Promise<Listening> {
  const sink = new RecordingSink();
  const leaving = new AbortController();
  const outcome = made.request('subscriptions/listen', { notifications }, { endpoint, sink, signal: leaving.signal });
  await later();
  const leave = () => {
    leaving.abort();
    return outcome;
  };
  return { heard: told(sink), leave };
}

async function legacyClient({ made }: World, uris: readonly string[], endpoint = 'default'): Promise<Listening> {
  const sink = new RecordingSink();
  const session = made.session(endpoint);
  await session.openStream(sink);
  for (const uri of uris) await made.request('resources/subscribe', { uri }, { endpoint, session });
  await later();
  return { heard: told(sink), leave: () => session.end() };
}

const clients: [string, (of: World, uris: readonly string[], endpoint?: string) => Promise<Listening>][] = [
  [
    'a modern client',
    (of, uris, endpoint) =>
      modernClient(of, { toolsListChanged: true, resourceSubscriptions: uris as string[] }, endpoint),
  ],
  ['a legacy session', legacyClient],
];

const later = () => jest.advanceTimersByTimeAsync(1_000);
/** So long what nobody wants any more may still be asked for. */
const tidied = () => jest.advanceTimersByTimeAsync(15_000);

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
  jest.useRealTimers();
});

describe.each(clients)('%s', (_who, open) => {
  it('hears nothing of a server that is kept from it from now on, and nobody listens there on its behalf', async () => {
    const here = await world();
    const { change, policies, asked } = here;
    const { heard } = await open(here, ['x+file:///a', 'y+file:///a']);
    for (const slug of ['x', 'y']) change(slug, updated('file:///a'));
    await later();
    expect(heard()).toEqual(expect.arrayContaining([updated('x+file:///a'), updated('y+file:///a')]));
    await policies(WITHOUT_X);
    expect(heard().map(({ method }) => method)).toContain(TOOLS.method);
    expect([asked('x').length, asked('y').length > 0]).toEqual([0, true]);
    for (const slug of ['x', 'y']) change(slug, updated('file:///a'));
    await later();
    expect(heard()).toEqual([updated('y+file:///a')]);
  });

  it('hears of it again once it may, and that it may have changed meanwhile', async () => {
    const here = await world();
    const { change, policies } = here;
    const { heard } = await open(here, ['x+file:///a']);
    await policies(WITHOUT_X);
    heard();
    await policies();
    expect(heard()).toEqual(expect.arrayContaining([updated('x+file:///a'), TOOLS]));
    change('x', updated('file:///a'));
    change('x', TOOLS);
    await later();
    expect(heard()).toHaveLength(2);
  });

  it('hears of the resources of a server that it may still see', async () => {
    const here = await world();
    const { change, policies, asked } = here;
    const { heard } = await open(here, ['x+file:///d/a', 'x+file:///d/b']);
    await policies(WITHOUT_B);
    heard();
    for (const name of ['a', 'b']) change('x', updated(`file:///d/${name}`));
    await tidied();
    expect(heard()).toEqual([updated('x+file:///d/a')]);
    expect(asked('x').flatMap(({ filter }) => filter.resourceSubscriptions ?? [])).toEqual(['file:///d/a']);
  });

  it('hears nothing of what changed just before it was kept from it', async () => {
    const here = await world();
    const { made, change } = here;
    const { heard } = await open(here, ['x+file:///a']);
    change('x', updated('file:///a'));
    made.registry.configure(SERVERS, { policies: [WITHOUT_X] });
    await later();
    expect(heard().filter(({ params }) => 'uri' in params)).toEqual([]);
  });

  it.each(['x', 'desk'])('hears nothing at the endpoint %s once that is not there for it', async (endpoint) => {
    const here = await world();
    const { made, change } = here;
    const uri = endpoint === 'x' ? 'file:///a' : 'x+file:///a';
    const { heard } = await open(here, [uri], endpoint);
    change('x', updated('file:///a'));
    await later();
    expect(heard()).toEqual([updated(uri)]);
    if (endpoint === 'x') made.registry.configure(SERVERS, { policies: [WITHOUT_X] });
    else made.registry.configure(SERVERS, { virtualServers: [] });
    await later();
    heard();
    for (const each of [TOOLS, updated('file:///a')]) change('x', each);
    await later();
    expect(heard()).toEqual([]);
    expect(here.asked('x')).toEqual([]);
  });

  it('that leaves is listened for by nobody, whatever was kept from it', async () => {
    const here = await world();
    const { policies, asked } = here;
    const { leave } = await open(here, ['x+file:///a', 'x+file:///d/b']);
    await policies(WITHOUT_B);
    await leave();
    await policies(WITHOUT_X);
    await policies();
    await tidied();
    expect([asked('x'), asked('y')]).toEqual([[], []]);
  });
});

describe('a part of a resource', () => {
  it('that is kept from the client is told of as the whole', async () => {
    const here = await world();
    await here.policies(WITHOUT_B);
    const { heard } = await modernClient(here, { resourceSubscriptions: ['x+file:///d/'] });
    here.change('x', updated('file:///d/b'));
    await later();
    expect(heard()).toEqual([updated('x+file:///d/')]);
    here.change('x', updated('file:///d/c'));
    await later();
    expect(heard()).toEqual([updated('x+file:///d/c')]);
  });
});

describe('a change of a list', () => {
  it('of a server that is only just kept from the client does not show', async () => {
    const here = await world('legacy');
    const { heard } = await modernClient(here, { toolsListChanged: true });
    const listeners = here.asked('x').slice();
    await here.policies(WITHOUT_X);
    heard();
    // It was on its way when the feed was closed.
    for (const { onChange } of listeners) onChange(TOOLS);
    await later();
    expect(heard()).toEqual([]);
  });
});
