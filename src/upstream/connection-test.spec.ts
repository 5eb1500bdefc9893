import { afterEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import { NEVER, httpServer } from './connector/connector-fixture.js';
import {
  answerDiscovery,
  startScriptedServer,
  type ScriptedServer,
  type ReceivedRequest,
} from './connector/scripted-server.js';
import { ConnectionTest, UpstreamConfig } from './index.js';

const servers: ScriptedServer[] = [];

afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** Tests the connection to a server with this tool list; returns the pages read and the number of list requests. */
async function runTest(list: (visit: ReceivedRequest, cursor: unknown) => object) {
  const server = await startScriptedServer((visit) => {
    const params = visit.message['params'] as { cursor?: unknown };
    if (!answerDiscovery(visit)) visit.result({ resultType: 'complete', ...list(visit, params.cursor) });
  });
  servers.push(server);
  const pages: unknown[] = [];
  const trial = await new ConnectionTest(new UpstreamConfig(), new SystemClock()).run(
    httpServer(server.url),
    (_kind, page) => pages.push(page),
    NEVER,
  );
  const requestCount = server.requests.filter(({ message }) => message['method'] === 'tools/list').length;
  return { pages, trial, requestCount };
}

describe('ConnectionTest', () => {
  it("reads all pages of the server's tool list", async () => {
    const script: Record<string, object> = {
      undefined: { tools: [{ name: 'a' }], nextCursor: '2' },
      2: { tools: [{ name: 'b' }, { name: 'c' }] },
    };
    const { pages, trial } = await runTest((_visit, cursor) => script[String(cursor)]!);
    expect(pages).toEqual([[{ name: 'a' }], [{ name: 'b' }, { name: 'c' }]]);
    expect(trial).toMatchObject({ reachable: true, tools: 3 });
  });

  it('stops reading a list when its cursor repeats or after 200 pages', async () => {
    expect(await runTest(() => ({ tools: [], nextCursor: 'same' }))).toMatchObject({ requestCount: 2 });
    let count = 0;
    const endless = await runTest(() => ({ tools: [{ name: `t${count}` }], nextCursor: String((count += 1)) }));
    expect(endless.requestCount).toBe(200);
    expect(endless.trial).toMatchObject({ reachable: true });
  });

  it('reports a server as reachable when its declared list cannot be read', async () => {
    expect(await runTest(() => ({ tools: 'none' }))).toMatchObject({ pages: [], trial: { reachable: true } });
  });
});
