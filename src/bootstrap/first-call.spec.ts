import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import { chooseCall, findFirstCall } from './first-call.js';

const NEVER = new AbortController().signal;
const LIST = { method: 'tools/list', params: {} };

const READ_ONLY = { annotations: { readOnlyHint: true } };
const withRequired = (...required: string[]) => ({ inputSchema: { type: 'object', required } });
const ECHO = { name: 'sample__echo', ...READ_ONLY, ...withRequired('text') };
const CLOCK = { name: 'desk__time', ...READ_ONLY, inputSchema: { type: 'object' } };

describe('the choice of a first call', () => {
  it('prefers a tool that repeats a text', () => {
    const call = chooseCall([CLOCK, ECHO]);
    expect(call).toEqual({
      method: 'tools/call',
      params: { name: 'sample__echo', arguments: { text: 'Hello across the isthmus' } },
    });
  });

  it('selects a read-only tool without required arguments', () => {
    expect(chooseCall([{ ...ECHO, name: 'shop__find' }, CLOCK])).toEqual({
      method: 'tools/call',
      params: { name: 'desk__time', arguments: {} },
    });
  });

  it.each([
    ['is not annotated as read-only', { name: 'shop__restart' }],
    ['is annotated as not read-only', { name: 'shop__echo', annotations: { readOnlyHint: false } }],
    ['needs an argument', { name: 'shop__find', ...READ_ONLY, ...withRequired('query') }],
  ])('selects no tool that %s', (_what, tool) => {
    expect(chooseCall([tool])).toBeUndefined();
  });
});

describe('finding a first call', () => {
  let server: Server | undefined;

  afterEach(() => {
    server?.close();
  });

  /** A gateway that answers with these results, one after the other, and with the last of them from then on. */
  async function gatewayThatLists(...results: JsonObject[]): Promise<string> {
    let asked = 0;
    server = createServer((request, response) => {
      request.resume();
      const result = results[Math.min(asked, results.length - 1)];
      asked += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const STARTING = {
    tools: [],
    _meta: { 'isthmus/warnings': [{ server: 'sample', code: -31_002, message: 'It is late.' }] },
  };

  it('waits until a starting server lists its tools', async () => {
    const url = await gatewayThatLists(STARTING, STARTING, { tools: [ECHO] });
    expect(await findFirstCall(url, 'token', NEVER, new SystemClock())).toMatchObject({
      params: { name: 'sample__echo' },
    });
  });

  it('returns tools/list when every server has answered and none has a suitable tool', async () => {
    const url = await gatewayThatLists({ tools: [{ name: 'shop__buy' }] });
    expect(await findFirstCall(url, 'token', NEVER, new SystemClock())).toEqual(LIST);
  });

  it('does not wait for a server that failed', async () => {
    const warnings = [{ server: 'sample', code: -31_004, message: 'It cannot be reached.' }];
    const url = await gatewayThatLists({ tools: [], _meta: { 'isthmus/warnings': warnings } }, { tools: [ECHO] });
    expect(await findFirstCall(url, 'token', NEVER, new SystemClock())).toEqual(LIST);
  });

  it('stops waiting when the gateway is stopped', async () => {
    const url = await gatewayThatLists(STARTING);
    expect(await findFirstCall(url, 'token', AbortSignal.abort(), new SystemClock())).toEqual(LIST);
  });
});
