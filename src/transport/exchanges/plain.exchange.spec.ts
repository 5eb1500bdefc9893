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

describe('a script', () => {
  it('gets one JSON answer to one request, whatever precedes it', async () => {
    world.connector.respond = async ({ reply }) => {
      await reply.notify({ method: 'notifications/message', params: { level: 'error' } });
      return result({ content: [] });
    };
    const answer = await world.post('/rpc', CALL, JSON_ONLY);
    expect(answer).toMatchObject({ status: 200, json: { jsonrpc: '2.0', id: 1, result: { content: [] } } });
  });

  it('that says its revision is answered in it', async () => {
    const { message } = modern(1, 'tools/call', { name: 'a__x' });
    const { json } = await world.post('/rpc', message, JSON_ONLY);
    expect(json).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  });

  it('sees a failure by the status too', async () => {
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
    'cannot use %s, which needs more than an answer',
    async (method) => {
      expect(await world.post('/rpc', { ...CALL, method }, JSON_ONLY)).toMatchObject({
        status: 404,
        json: { id: 1, error: { code: -32601 } },
      });
    },
  );

  it('cancels its call by leaving', async () => {
    const call = new Promise<SentRequest>((resolve) => {
      world.connector.respond = (sent) => {
        resolve(sent);
        return new Promise<Outcome>(() => undefined);
      };
    });
    const leaving = new AbortController();
    const asking = world.request('POST', '/rpc', { signal: leaving.signal }, CALL);
    const { signal } = await call;
    leaving.abort();
    await expect(asking).rejects.toThrow();
    if (!signal.aborted) await once(signal, 'abort');
  });

  it('sends one request at a time, and answers nothing', async () => {
    expect(await world.post('/rpc', [CALL], JSON_ONLY)).toMatchObject({ status: 400 });
    expect(await world.post('/rpc', { jsonrpc: '2.0', id: 1, result: {} }, JSON_ONLY)).toMatchObject({ status: 400 });
    expect(await world.post('/rpc', { jsonrpc: '2.0', method: 'x' }, JSON_ONLY)).toMatchObject({ status: 202 });
    expect(await world.post('/rpc', { jsonrpc: '2.0', id: 'mine' }, JSON_ONLY)).toMatchObject({
      status: 400,
      json: { id: 'mine', error: { code: -32600 } },
    });
  });

  it('talks to one server at that server’s endpoint', async () => {
    const named = { ...CALL, params: { name: 'x' } };
    expect(await world.post('/servers/a/rpc', named, JSON_ONLY)).toMatchObject({ status: 200 });
    expect(world.connector.opened[0]?.sent[0]?.request.params).toEqual({ name: 'x' });
  });
});
