import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Era, type JsonObject, type McpNotification } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { remoteServer } from '../../../test/support/fake-upstream.js';
import { RecordingSink } from '../../../test/support/recording-sink.js';
import type { PolicyDefinition } from '../../registry/index.js';

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
    for (const connection of connector.live) if (connection.server.slug === slug) connection.emitChange(notification);
  };
  const policies = async (...rules: PolicyDefinition[]) => {
    registry.configure(SERVERS, { policies: rules });
    await later();
  };
  const upstreamListeners = (slug: string) =>
    connector.live.filter(({ server }) => server.slug === slug).flatMap(({ listeners }) => listeners);
  return { made, change, policies, upstreamListeners };
}

type World = Awaited<ReturnType<typeof world>>;

/** A client with an open subscription. `received` returns the notifications since its previous call. */
interface Subscriber {
  received(): McpNotification[];
  leave(): Promise<unknown>;
}

const unreadNotifications = (sink: RecordingSink) => {
  let count = 0;
  return () => {
    const events = sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
    const fresh = events.slice(count).filter(({ method }) => method !== ACKNOWLEDGED);
    count = events.length;
    return fresh;
  };
};

async function modernClient({ made }: World, notifications: JsonObject, endpoint = 'default'): Promise<Subscriber> {
  const sink = new RecordingSink();
  const leaving = new AbortController();
  const outcome = made.request('subscriptions/listen', { notifications }, { endpoint, sink, signal: leaving.signal });
  await later();
  const leave = () => {
    leaving.abort();
    return outcome;
  };
  return { received: unreadNotifications(sink), leave };
}

async function legacyClient({ made }: World, uris: readonly string[], endpoint = 'default'): Promise<Subscriber> {
  const sink = new RecordingSink();
  const session = made.session(endpoint);
  await session.openStream(sink);
  for (const uri of uris) await made.request('resources/subscribe', { uri }, { endpoint, session });
  await later();
  return { received: unreadNotifications(sink), leave: () => session.end() };
}

const clients: [string, (of: World, uris: readonly string[], endpoint?: string) => Promise<Subscriber>][] = [
  [
    'a modern client',
    (of, uris, endpoint) =>
      modernClient(of, { toolsListChanged: true, resourceSubscriptions: uris as string[] }, endpoint),
  ],
  ['a legacy session', legacyClient],
];

const later = () => jest.advanceTimersByTimeAsync(1_000);
/** The gateway narrows an upstream filter at the latest after this time. */
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
  it('receives no more changes of a server that a policy hides from it, and its upstream subscription there ends', async () => {
    const here = await world();
    const { change, policies, upstreamListeners } = here;
    const { received } = await open(here, ['x+file:///a', 'y+file:///a']);
    for (const slug of ['x', 'y']) change(slug, updated('file:///a'));
    await later();
    expect(received()).toEqual(expect.arrayContaining([updated('x+file:///a'), updated('y+file:///a')]));
    await policies(WITHOUT_X);
    expect(received().map(({ method }) => method)).toContain(TOOLS.method);
    expect([upstreamListeners('x').length, upstreamListeners('y').length > 0]).toEqual([0, true]);
    for (const slug of ['x', 'y']) change(slug, updated('file:///a'));
    await later();
    expect(received()).toEqual([updated('y+file:///a')]);
  });

  it('receives changes of a server again once the policy is removed, beginning with one for the time in between', async () => {
    const here = await world();
    const { change, policies } = here;
    const { received } = await open(here, ['x+file:///a']);
    await policies(WITHOUT_X);
    received();
    await policies();
    expect(received()).toEqual(expect.arrayContaining([updated('x+file:///a'), TOOLS]));
    change('x', updated('file:///a'));
    change('x', TOOLS);
    await later();
    expect(received()).toHaveLength(2);
  });

  it('receives changes of the resources that a policy still lets it see at a server', async () => {
    const here = await world();
    const { change, policies, upstreamListeners } = here;
    const { received } = await open(here, ['x+file:///d/a', 'x+file:///d/b']);
    await policies(WITHOUT_B);
    received();
    for (const name of ['a', 'b']) change('x', updated(`file:///d/${name}`));
    await tidied();
    expect(received()).toEqual([updated('x+file:///d/a')]);
    expect(upstreamListeners('x').flatMap(({ filter }) => filter.resourceSubscriptions ?? [])).toEqual(['file:///d/a']);
  });

  it('does not receive a pending change of a resource that a policy has hidden since', async () => {
    const here = await world();
    const { made, change } = here;
    const { received } = await open(here, ['x+file:///a']);
    change('x', updated('file:///a'));
    made.registry.configure(SERVERS, { policies: [WITHOUT_X] });
    await later();
    expect(received().filter(({ params }) => 'uri' in params)).toEqual([]);
  });

  it.each(['x', 'desk'])(
    'receives no more changes at the endpoint %s once it cannot reach that endpoint',
    async (endpoint) => {
      const here = await world();
      const { made, change } = here;
      const uri = endpoint === 'x' ? 'file:///a' : 'x+file:///a';
      const { received } = await open(here, [uri], endpoint);
      change('x', updated('file:///a'));
      await later();
      expect(received()).toEqual([updated(uri)]);
      if (endpoint === 'x') made.registry.configure(SERVERS, { policies: [WITHOUT_X] });
      else made.registry.configure(SERVERS, { virtualServers: [] });
      await later();
      received();
      for (const each of [TOOLS, updated('file:///a')]) change('x', each);
      await later();
      expect(received()).toEqual([]);
      expect(here.upstreamListeners('x')).toEqual([]);
    },
  );

  it('leaves no upstream subscription behind when it disconnects after policies changed', async () => {
    const here = await world();
    const { policies, upstreamListeners } = here;
    const { leave } = await open(here, ['x+file:///a', 'x+file:///d/b']);
    await policies(WITHOUT_B);
    await leave();
    await policies(WITHOUT_X);
    await policies();
    await tidied();
    expect([upstreamListeners('x'), upstreamListeners('y')]).toEqual([[], []]);
  });
});

describe('a change of a sub-resource', () => {
  it('is reported under the URI of the subscribed resource when a policy hides the sub-resource', async () => {
    const here = await world();
    await here.policies(WITHOUT_B);
    const { received } = await modernClient(here, { resourceSubscriptions: ['x+file:///d/'] });
    here.change('x', updated('file:///d/b'));
    await later();
    expect(received()).toEqual([updated('x+file:///d/')]);
    here.change('x', updated('file:///d/c'));
    await later();
    expect(received()).toEqual([updated('x+file:///d/c')]);
  });
});

describe('a list change of a hidden server', () => {
  it('is not forwarded when it arrives after a policy has hidden the server', async () => {
    const here = await world('legacy');
    const { received } = await modernClient(here, { toolsListChanged: true });
    const listeners = here.upstreamListeners('x').slice();
    await here.policies(WITHOUT_X);
    received();
    // The notification was in transit when the upstream subscription was closed.
    for (const { onChange } of listeners) onChange(TOOLS);
    await later();
    expect(received()).toEqual([]);
  });
});
