import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { remoteServer, unreachable, type SentRequest } from '../../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../../test/support/http-world.js';

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } };
const JSON_ONLY = { headers: { accept: 'application/json' } };

let world: HttpWorld;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')]);
});

afterEach(() => world.close());

describe('a plain JSON-RPC request', () => {
  it('is answered with one JSON body although notifications precede the outcome', async () => {
    world.connector.respond = async ({ reply }) => {
      await reply.notify({ method: 'notifications/message', params: { level: 'error' } });
      return result({ content: [] });
    };
    const answer = await world.post('/rpc', CALL, JSON_ONLY);
    expect(answer).toMatchObject({ status: 200, json: { jsonrpc: '2.0', id: 1, result: { content: [] } } });
  });

  it('is answered in the modern form when it declares the modern revision', async () => {
    const { message } = modern(1, 'tools/call', { name: 'a__x' });
    const { json } = await world.post('/rpc', message, JSON_ONLY);
    expect(json).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  });

  it('reports a failure in the HTTP status', async () => {
    const failing = async (outcome: Outcome | Error) => {
      world.connector.beforeOpening = outcome instanceof Error ? () => Promise.reject(outcome) : async () => undefined;
      if (!(outcome instanceof Error)) world.connector.respond = () => outcome;
      const { status, json } = await world.post('/rpc', CALL, JSON_ONLY);
      return [status, (json['error'] as { code: number }).code];
    };
    expect(await failing(new OutcomeError(unreachable('a')))).toEqual([502, -31004]);
    expect(await failing({ kind: 'error', error: { code: -32602, message: 'no' } })).toEqual([400, -32602]);
    expect(await failing({ kind: 'error', error: { code: 5, message: 'theirs' } })).toEqual([502, 5]);
    const unknown = await world.post('/rpc', { ...CALL, method: 'acme/x' }, JSON_ONLY);
    expect(unknown).toMatchObject({ status: 404, json: { error: { code: -32601 } } });
  });

  it.each(['initialize', 'logging/setLevel', 'resources/subscribe', 'subscriptions/listen'])(
    'is rejected for %s, which needs a session or a stream',
    async (method) => {
      expect(await world.post('/rpc', { ...CALL, method }, JSON_ONLY)).toMatchObject({
        status: 404,
        json: { id: 1, error: { code: -32601 } },
      });
    },
  );

  it('is cancelled when the client disconnects', async () => {
    const call = new Promise<SentRequest>((resolve) => {
      world.connector.respond = (sent) => {
        resolve(sent);
        return new Promise<Outcome>(() => undefined);
      };
    });
    const disconnect = new AbortController();
    const posting = world.request('POST', '/rpc', { signal: disconnect.signal }, CALL);
    const { signal } = await call;
    disconnect.abort();
    await expect(posting).rejects.toThrow();
    if (!signal.aborted) await once(signal, 'abort');
  });

  it('is rejected as a batch or a response, and accepted as a notification', async () => {
    expect(await world.post('/rpc', [CALL], JSON_ONLY)).toMatchObject({ status: 400 });
    expect(await world.post('/rpc', { jsonrpc: '2.0', id: 1, result: {} }, JSON_ONLY)).toMatchObject({ status: 400 });
    expect(await world.post('/rpc', { jsonrpc: '2.0', method: 'x' }, JSON_ONLY)).toMatchObject({ status: 202 });
    expect(await world.post('/rpc', { jsonrpc: '2.0', id: 'mine' }, JSON_ONLY)).toMatchObject({
      status: 400,
      json: { id: 'mine', error: { code: -32600 } },
    });
  });

  it('uses own item names at the endpoint of one server', async () => {
    const named = { ...CALL, params: { name: 'x' } };
    expect(await world.post('/servers/a/rpc', named, JSON_ONLY)).toMatchObject({ status: 200 });
    expect(world.connector.opened[0]?.sent[0]?.request.params).toEqual({ name: 'x' });
  });
});
