import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { failure, result } from '#lib/mcp-protocol';
import { sessionLost } from '../upstream/testing.js';
import { BINDING, SERVER, WorkerCluster, type TestWorker } from './worker-cluster-fixture.js';

const NOTE = { method: 'acme/note', params: {} };
const REFUSED = failure({ code: -31004, message: 'Upstream answered HTTP 500', data: { outcome: 'unknown' } }, 502);

let cluster: WorkerCluster;
let owner: TestWorker;
let other: TestWorker;

beforeEach(async () => {
  Logger.overrideLogger(false);
  cluster = new WorkerCluster();
  owner = await cluster.start();
  other = await cluster.start();
});

afterEach(async () => {
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const received = () => owner.connector.opened.map(({ sentNotifications }) => sentNotifications.length);

describe.each([
  ['its owner', () => owner],
  ['another worker', () => other],
])('a notification of a session to one server, sent at %s', (_where, worker) => {
  /** The session, as the worker that the client visits locates it. */
  const open = async () => worker().router.locate(owner.open().id, BINDING);

  it('is sent once more over a new connection when the server lost the session', async () => {
    owner.connector.receive = (_notification, connection) => {
      if (owner.connector.opened.length > 1) return result({});
      connection.breakOff();
      return sessionLost(SERVER.slug);
    };
    await (await open()).notify(NOTE, SERVER);
    expect(received()).toEqual([1, 1]);
  });

  it('is rejected when the server refuses it, and is not sent again', async () => {
    owner.connector.receive = () => REFUSED;
    await expect((await open()).notify(NOTE, SERVER)).rejects.toMatchObject({ code: -31004, httpStatus: 502 });
    expect(received()).toEqual([1]);
  });
});
