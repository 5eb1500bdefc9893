import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { needsNewConnection } from '../upstream.errors.js';
import { ConnectorHarness, httpServer } from './connector-fixture.js';
import {
  answerDiscovery,
  answerLegacyHandshake,
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

const NOTE = { method: 'acme/note', params: {} };
const isNote = ({ message }: ReceivedRequest): boolean => message['method'] === NOTE.method;

let server: ScriptedServer;
let bench: ConnectorHarness;

/** Opens a connection to a server of one era, which answers notifications with this status. */
function open(era: 'legacy' | 'modern', status: number) {
  const answer = era === 'legacy' ? answerLegacyHandshake : answerDiscovery;
  server.setScript((visit) => void (isNote(visit) ? visit.empty(status) : answer(visit) || visit.empty(202)));
  return bench.open(httpServer(server.url));
}

beforeEach(async () => {
  bench = new ConnectorHarness();
  server = await startScriptedServer((visit) => visit.empty(500));
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

describe.each(['legacy', 'modern'] as const)('a notification to a %s server', (era) => {
  it('is delivered when the server accepts it', async () => {
    const connection = await open(era, 202);
    expect(await connection.notify(NOTE)).toEqual({ kind: 'result', result: {} });
    expect(server.requests.filter(isNote)).toHaveLength(1);
  });

  it('is reported as not delivered when the server refuses it', async () => {
    const connection = await open(era, 500);
    const delivery = await connection.notify(NOTE);
    expect(delivery).toMatchObject({ error: { code: -31004, data: { server: 'subject' } }, httpStatus: 502 });
    expect(needsNewConnection(delivery)).toBe(false);
  });

  it('is reported as not delivered when the server cannot be reached', async () => {
    const connection = await open(era, 202);
    await server.close();
    expect(await connection.notify(NOTE)).toMatchObject({ kind: 'error', error: { data: { server: 'subject' } } });
  });

  it('needs a new connection once its own is closed', async () => {
    const connection = await open(era, 202);
    await connection.close();
    expect(needsNewConnection(await connection.notify(NOTE))).toBe(true);
    expect(server.requests.filter(isNote)).toEqual([]);
  });
});

it('a notification to a legacy server that lost the session needs a new connection, and its own is closed', async () => {
  const connection = await open('legacy', 404);
  expect(needsNewConnection(await connection.notify(NOTE))).toBe(true);
  expect([connection.closed, bench.events.closeReasons]).toEqual([true, ['the server ended the session']]);
});
