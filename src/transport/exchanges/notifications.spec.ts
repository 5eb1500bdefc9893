import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { failure, result, type JsonObject } from '#lib/mcp-protocol';
import { remoteServer } from '../../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../../test/support/http-world.js';
import { sessionLost } from '../../upstream/testing.js';

const NOTE = { jsonrpc: '2.0', method: 'acme/note', params: {} };
const { message, headers } = modern(0, NOTE.method);
const { id: _id, ...MODERN_NOTE } = message;
const REFUSED = failure({ code: -31004, message: 'No', data: { outcome: 'unknown', retriable: false } }, 502);

let world: HttpWorld;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a', { allowUnknownMethods: true })]);
});

afterEach(() => world.close());

type Sender = () => Promise<readonly [string, JsonObject, Record<string, string>]>;
const WITHOUT_SESSION: [string, Sender][] = [
  ['a modern client', async () => ['/servers/a/mcp', MODERN_NOTE, headers]],
  ['a script', async () => ['/servers/a/rpc', NOTE, {}]],
];
const SENDERS: [string, Sender][] = [
  ...WITHOUT_SESSION,
  ['a legacy client', async () => ['/servers/a/mcp', NOTE, await world.session('/servers/a/mcp')]],
];

const sent = () => world.connector.opened.map(({ sentNotifications }) => sentNotifications.length);

describe.each(SENDERS)('a notification of %s to one server', (_who, sender) => {
  async function post() {
    const [path, note, own] = await sender();
    return world.post(path, note, { headers: own });
  }

  it('is accepted when the server has received it', async () => {
    expect(await post()).toMatchObject({ status: 202, json: {} });
    expect(sent()).toEqual([1]);
  });

  it('is answered with the error of a server that refuses it', async () => {
    world.connector.receive = () => REFUSED;
    expect(await post()).toMatchObject({ status: 502, json: { error: { code: -31004 } } });
    expect(sent()).toEqual([1]);
  });

  it('is sent once more when the server lost the session', async () => {
    world.connector.receive = (_notification, connection) => {
      if (world.connector.opened.length > 1) return result({});
      connection.breakOff();
      return sessionLost('a');
    };
    expect(await post()).toMatchObject({ status: 202, json: {} });
    expect(sent()).toEqual([1, 1]);
  });
});

it.each(WITHOUT_SESSION)('a notification of %s that has left meanwhile is not sent', async (_who, sender) => {
  const opening = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  world.connector.beforeOpening = () => {
    began.resolve();
    return opening.promise;
  };
  const [path, note, own] = await sender();
  const leave = new AbortController();
  const posting = world.request('POST', path, { headers: own, signal: leave.signal }, note).catch(() => undefined);
  await began.promise;
  leave.abort();
  await Promise.all([posting, world.idle()]);
  opening.resolve();
  await world.until(() => world.connector.opened.length > 0);
  // What would be sent now is sent before the gateway has closed.
  await world.drain();
  expect(sent()).toEqual([0]);
});
