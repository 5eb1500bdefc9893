import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { result } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { callerOf, remoteServer } from '../../../test/support/fake-upstream.js';
import { RecordingSink } from '../../../test/support/recording-sink.js';
import type { PolicyDefinition } from '../../registry/index.js';

const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

const SERVERS = [remoteServer('x'), remoteServer('y')];
const X_FOR_USERS: PolicyDefinition = { slug: 'p', effect: 'allow', servers: ['x'], roles: ['user'] };
const NO_SECRETS: PolicyDefinition = { slug: 'p', effect: 'deny', servers: ['x'], tools: ['secret'] };

let world: DispatchWorld | undefined;

const later = () => jest.advanceTimersByTimeAsync(1_000);

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  await world?.close();
  world = undefined;
  jest.useRealTimers();
});

/** A legacy session with a stream, of a caller without roles. */
async function openSession(policy: PolicyDefinition) {
  const made = await DispatchWorld.open(SERVERS, { policies: [policy] });
  world = made;
  made.connector.respond = () =>
    result({
      tools: [{ name: 't', inputSchema: { type: 'object' } }],
      prompts: [],
      resources: [],
      resourceTemplates: [],
    });
  const sink = new RecordingSink();
  const session = made.session();
  await session.openStream(sink);
  await later();
  /** Sends a request with another token of the principal. */
  const useToken = async (more: Partial<Caller>) => {
    await made.locate(session, { ...callerOf('me'), ...more });
    await later();
  };
  let count = 0;
  const received = () => {
    const all = sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
    const fresh = all.slice(count);
    count = all.length;
    return fresh;
  };
  const touch = async (slug: string) => {
    for (const connection of made.connector.live)
      if (connection.server.slug === slug) connection.emitChange(updated('file:///a'));
    await later();
  };
  return { made, session, useToken, received, touch };
}

describe('a legacy session whose client sends another token', () => {
  it('is notified of what the new token may see, and subscribes to it', async () => {
    const { made, session, useToken, received, touch } = await openSession(X_FOR_USERS);
    const caller = { ...callerOf('me'), roles: ['user'] };
    await useToken({ roles: ['user'] });
    expect(received()).toContainEqual(TOOLS);
    const located = await made.locate(session, caller);
    const subscribed = made.request('resources/subscribe', { uri: 'x+file:///a' }, { session: located, caller });
    expect(await subscribed).toEqual(result({}));
    await touch('x');
    expect(received()).toEqual([updated('x+file:///a')]);
  });

  it('is no longer notified of what the new token may not see', async () => {
    const { made, session, useToken, received, touch } = await openSession(X_FOR_USERS);
    const caller = { ...callerOf('me'), roles: ['user'] };
    const located = await made.locate(session, caller);
    for (const uri of ['x+file:///a', 'y+file:///a'])
      await made.request('resources/subscribe', { uri }, { session: located, caller });
    await later();
    received();
    await useToken({ roles: [] });
    expect(received()).toContainEqual(TOOLS);
    for (const slug of ['x', 'y']) await touch(slug);
    expect(received()).toEqual([updated('y+file:///a')]);
  });

  it('receives no messages of a server that the new token may not see', async () => {
    const { made, session, useToken, received } = await openSession(X_FOR_USERS);
    const caller = { ...callerOf('me'), roles: ['user'] };
    const located = await made.locate(session, caller);
    for (const name of ['x__t', 'y__t'])
      await made.request('tools/call', { name }, { session: located, caller, endpoint: 'default' });
    await later();
    const log = (data: string) => ({ method: 'notifications/message', params: { level: 'error', data } });
    const emit = () => {
      for (const connection of made.connector.live) connection.emitNotification(log(connection.server.slug));
    };
    received();
    emit();
    expect(received()).toEqual(expect.arrayContaining([log('x'), log('y')]));
    await useToken({ roles: [] });
    received();
    emit();
    const messages = received().filter(({ method }) => method === log('').method);
    expect(new Set(messages.map(({ params }) => params['data']))).toEqual(new Set(['y']));
  });

  it.each([
    ['that sees a part of a server', NO_SECRETS],
    ['that sees every server', { ...NO_SECRETS, servers: ['z'] }],
  ])('receives no notification when it only renews its token: a client %s', async (_what, policy) => {
    const { useToken, received } = await openSession(policy);
    received();
    for (const iat of [1, 2, 3]) await useToken({ claims: { iat }, acceptedUntilMs: iat });
    expect(received()).toEqual([]);
  });
});
