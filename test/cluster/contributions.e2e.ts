/** List filters, method handlers and guardrails for a session that another worker owns. @waits */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, type ClusterWorld } from '../support/cluster-world.js';
import type { RoamingClient } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const HIDDEN = 'test_error_handling';
const UNKNOWN_TOOL = -32_602;

let world: ClusterWorld;
let owner: ClusterWorker;
let other: ClusterWorker;

beforeAll(async () => {
  const env = { ISTHMUS_EXTENSIONS: resolve('dist/test/extensions/acme-extension.js'), ISTHMUS_LOG_FORMAT: 'json' };
  world = await startClusterWorld(2, { era: 'legacy', transport: 'http' }, env);
  [owner, other] = world.cluster.workers as [ClusterWorker, ClusterWorker];
});

afterAll(() => world.close());

/** The answer to a request in a session of `owner`, through each worker. */
async function eachAnswer(
  send: (client: RoamingClient, worker: ClusterWorker) => ReturnType<RoamingClient['request']>,
) {
  const client = await world.initialize(owner);
  const answers: JsonObject[] = [];
  for (const worker of [owner, other]) answers.push((await send(client, worker)).messages.at(-1) ?? {});
  return answers;
}

describe('a list filter of an extension', () => {
  it('hides and describes items at the owner of a session and at another worker', async () => {
    for (const answer of await eachAnswer((client, worker) => client.request(worker, 'tools/list'))) {
      const tools = (answer['result'] as JsonObject)['tools'] as readonly JsonObject[];
      expect(tools.map(({ name }) => name)).toContain('echo');
      expect(tools.map(({ name }) => name)).not.toContain(HIDDEN);
      expect(new Set(tools.map(({ title }) => title))).toEqual(new Set(['For tester']));
    }
  });

  it('refuses calls of the tools that it hides at either worker', async () => {
    const marks = ['h1', 'h2'];
    const answers = await eachAnswer((client, worker) =>
      client.callAndRead(worker, worker === owner ? 'h1' : 'h2', HIDDEN),
    );
    for (const answer of answers) expect(answer).toMatchObject({ error: { code: UNKNOWN_TOOL } });
    expect(marks.map((mark) => world.server.arrivals(mark))).toEqual([0, 0]);
  });
});

describe('a method of an extension', () => {
  it('is answered by the worker that receives it, whichever owns the session', async () => {
    const params = { text: 'hello' };
    const answers = await eachAnswer((client, worker) => client.request(worker, 'acme/whoami', params));
    expect(answers).toMatchObject([owner, other].map(({ pid }) => ({ result: { subject: 'tester', params, pid } })));
  });
});

describe('a guardrail of a forwarded call', () => {
  it('refuses it at the owner, and is named in the record of the worker that received it', async () => {
    const rules = [{ arguments: ['/text'], patterns: ['swordfish'] }];
    await world.cluster.configure({
      servers: { ref: world.server.definition },
      guardrails: { 'no-word': { check: 'deny', options: { rules } } },
    });
    const client = await world.initialize(owner);
    let calls = 0;
    const refused = async () => {
      const mark = `g${(calls += 1)}`;
      const { messages } = await client.callAndRead(other, mark, 'echo', { text: 'swordfish' });
      return JSON.stringify(messages).includes('-31013') ? mark : undefined;
    };
    let mark: string | undefined;
    await until(async () => (mark = await refused()) !== undefined);
    expect(world.server.arrivals(mark ?? '')).toBe(0);
    await until(async () => other.output.includes('"guardrails":"no-word: refused"'));
  });
});
