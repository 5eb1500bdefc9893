import { afterEach, describe, expect, it } from '@jest/globals';
import { NEVER, httpServer } from './connector/connector-fixture.js';
import {
  answerDiscovery,
  startScriptedServer,
  type ScriptedServer,
  type ReceivedRequest,
} from './connector/scripted-server.js';
import { ServerTrial, UpstreamConfig } from './index.js';

const servers: ScriptedServer[] = [];

afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** What is taken of a server that lists its tools so, and how often it was asked. */
async function look(list: (visit: ReceivedRequest, cursor: unknown) => object) {
  const server = await startScriptedServer((visit) => {
    const params = visit.message['params'] as { cursor?: unknown };
    if (!answerDiscovery(visit)) visit.result({ resultType: 'complete', ...list(visit, params.cursor) });
  });
  servers.push(server);
  const taken: unknown[] = [];
  const trial = await new ServerTrial(new UpstreamConfig()).run(
    httpServer(server.url),
    (_kind, page) => taken.push(page),
    NEVER,
  );
  const asked = server.requests.filter(({ message }) => message['method'] === 'tools/list').length;
  return { taken, trial, asked };
}

describe('a server that is tried', () => {
  it('is asked for all pages of its list', async () => {
    const pages: Record<string, object> = {
      undefined: { tools: [{ name: 'a' }], nextCursor: '2' },
      2: { tools: [{ name: 'b' }, { name: 'c' }] },
    };
    const { taken, trial } = await look((_visit, cursor) => pages[String(cursor)]!);
    expect(taken).toEqual([[{ name: 'a' }], [{ name: 'b' }, { name: 'c' }]]);
    expect(trial).toMatchObject({ reachable: true, tools: 3 });
  });

  it('is left when it gives the same page again, or pages without end', async () => {
    expect(await look(() => ({ tools: [], nextCursor: 'same' }))).toMatchObject({ asked: 2 });
    let count = 0;
    const endless = await look(() => ({ tools: [{ name: `t${count}` }], nextCursor: String((count += 1)) }));
    expect(endless.asked).toBe(200);
    expect(endless.trial).toMatchObject({ reachable: true });
  });

  it('may list nothing that it has declared', async () => {
    expect(await look(() => ({ tools: 'none' }))).toMatchObject({ taken: [], trial: { reachable: true } });
  });
});
