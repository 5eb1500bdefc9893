import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { LATEST_LEGACY_REVISION, LATEST_MODERN_REVISION, type McpNotification } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import type { ServerDefinition } from '../../registry/index.js';
import {
  child,
  NEVER,
  remote,
  Reply,
  SILENT_CLIENT,
  TALKATIVE_CLIENT,
  textOf,
  toolCall,
  Workbench,
} from './connector-fixture.js';

const MAIN = fileURLToPath(new URL('../../../dist/libs/testing/reference-server/main.js', import.meta.url));

const REMOTE = [
  { name: 'legacy streamable HTTP', options: { era: 'legacy', transport: 'http' } },
  { name: 'legacy streamable HTTP without sessions', options: { era: 'legacy', transport: 'http', stateless: true } },
  { name: 'HTTP+SSE', options: { era: 'legacy', transport: 'sse' } },
  { name: 'modern streamable HTTP', options: { era: 'modern', transport: 'http' } },
] as const;

const PROCESSES = [
  { name: 'a legacy child process', era: 'legacy' },
  { name: 'a modern child process', era: 'modern' },
] as const;

const answerWord: ConstructorParameters<typeof Reply>[0] = async () => ({
  result: { action: 'accept', content: { word: 'yes', name: 'Ada' } },
});

/** Collects changes; resolves once one with this method came. */
class Changes {
  readonly seen: McpNotification[] = [];
  private readonly waiting: (() => void)[] = [];

  readonly take = (change: McpNotification): void => {
    this.seen.push(change);
    for (const wake of this.waiting.splice(0)) wake();
  };

  async until(method: string): Promise<McpNotification> {
    for (;;) {
      const found = this.seen.find((change) => change.method === method);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

const benches: Workbench[] = [];
function newBench(): Workbench {
  // A busy machine takes its time to start a process, which is of no other era for that.
  const bench = new Workbench({ probeMs: 20_000 });
  benches.push(bench);
  return bench;
}

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

const stdioServer = (era: 'legacy' | 'modern'): ServerDefinition =>
  child(process.execPath, [MAIN, '--era', era, '--transport', 'stdio']);

describe.each(PROCESSES)('$name', ({ era }) => {
  it('serves calls with progress, and ends with its connection', async () => {
    const bench = newBench();
    expect(await bench.connector.era(stdioServer(era), NEVER)).toBe(era);
    const connection = await bench.open(stdioServer(era));
    expect(connection.profile.era).toBe(era);
    const reply = new Reply();
    const call = toolCall('slow', { durationMs: 20, steps: 2 }, { progressToken: 'mine' });
    expect(textOf(await connection.request(call, reply, NEVER))).toBe('done after 2 steps');
    expect(reply.notifications.map(({ params }) => [params['progressToken'], params['progress']])).toEqual([
      ['mine', 1],
      ['mine', 2],
    ]);
    await connection.close();
    expect(connection.closed).toBe(true);
    expect(bench.events.ends).toEqual([]);
  });

  it('stops a call that is cancelled', async () => {
    const connection = await newBench().open(stdioServer(era));
    const leave = new AbortController();
    const reply = new Reply();
    const held = connection.request(toolCall('hold', { key: 'a' }, { progressToken: 1 }), reply, leave.signal);
    const freed = connection.request(toolCall('add', { a: 1, b: 2 }), new Reply(), NEVER);
    expect(textOf(await freed)).toContain('3');
    leave.abort();
    expect(await held).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', server: 'subject' } } });
    expect(textOf(await connection.request(toolCall('add', { a: 2, b: 2 }), new Reply(), NEVER))).toContain('4');
  });

  it('tells of changes while somebody listens', async () => {
    const connection = await newBench().open(stdioServer(era));
    const changes = new Changes();
    const filter = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] };
    const listening = await connection.listen(filter, changes.take);
    expect(listening.honoured).toEqual(filter);
    await connection.request(toolCall('change_tools'), new Reply(), NEVER);
    await changes.until('notifications/tools/list_changed');
    await connection.request(toolCall('touch_resource'), new Reply(), NEVER);
    const updated = await changes.until('notifications/resources/updated');
    expect(updated.params).toEqual({ uri: 'test://watched-resource' });
    await listening.close();
  });
});

describe('a legacy child process that asks', () => {
  it('asks the one call that runs, and lets the next one wait for its turn', async () => {
    const connection = await newBench().open(stdioServer('legacy'), TALKATIVE_CLIENT);
    const first = new Reply(answerWord);
    const second = new Reply(answerWord);
    const outcomes = await Promise.all([
      connection.request(toolCall('ask_rounds', { rounds: 2 }), first, NEVER),
      connection.request(toolCall('ask_rounds', { rounds: 1 }), second, NEVER),
    ]);
    expect(outcomes.map(textOf)).toEqual(['yes yes', 'yes']);
    expect([first.questions.length, second.questions.length]).toEqual([2, 1]);
  });
});

describe.each(REMOTE)('$name', ({ options }) => {
  let server: ReferenceServer;
  let definition: ServerDefinition;

  beforeAll(async () => {
    server = await startReferenceServer(options);
    definition = remote(server.url, { transport: options.transport });
  });

  afterAll(() => server.close());

  it('is met in its own era', async () => {
    const bench = newBench();
    expect(await bench.connector.era(definition, NEVER)).toBe(options.era);
    const { profile } = await bench.open(definition);
    const revision = options.era === 'modern' ? LATEST_MODERN_REVISION : LATEST_LEGACY_REVISION;
    expect(profile).toMatchObject({ era: options.era, revision, capabilities: { tools: { listChanged: true } } });
    expect(typeof profile.instructions).toBe('string');
    expect(profile.serverInfo).toMatchObject({ name: expect.any(String) });
  });

  it('answers a call, with progress under the token of its caller', async () => {
    const connection = await newBench().open(definition);
    const reply = new Reply();
    const call = toolCall('slow', { durationMs: 20, steps: 2 }, { progressToken: 'mine' });
    expect(textOf(await connection.request(call, reply, NEVER))).toBe('done after 2 steps');
    expect(reply.notifications.map(({ params }) => params['progressToken'])).toEqual(['mine', 'mine']);
  });

  it('stops a call whose caller left', async () => {
    const connection = await newBench().open(definition);
    const before = server.calls.of('hold');
    const leave = new AbortController();
    const held = connection.request(toolCall('hold', { key: 'abort' }), new Reply(), leave.signal);
    await server.calls.until('hold', 'started', before.started + 1);
    leave.abort();
    expect(await held).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', server: 'subject' } } });
    await server.calls.until('hold', 'cancelled', before.cancelled + 1);
  });

  it('stops a call that takes too long', async () => {
    const connection = await newBench().open({
      ...definition,
      timeouts: { connectMs: scaleDeadline(5_000), requestMs: scaleDeadline(300) },
    });
    const before = server.calls.of('hold');
    const outcome = await connection.request(toolCall('hold', { key: 'timeout' }), new Reply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    await server.calls.until('hold', 'cancelled', before.cancelled + 1);
  });

  it('sends the messages that a call logs at the level that the call asked for', async () => {
    const connection = await newBench().open(definition);
    const reply = new Reply();
    await connection.request(toolCall('log_at_levels', {}, { logLevel: 'error' }), reply, NEVER);
    const levels = reply.notifications.map(({ params }) => params['level']);
    // Without a session nothing remembers the level.
    if ('stateless' in options) return;
    expect(levels).toEqual(['error', 'critical', 'alert', 'emergency']);
  });
});

describe.each(REMOTE.filter(({ options }) => !('stateless' in options)))('changes over $name', ({ options }) => {
  let server: ReferenceServer;

  beforeAll(async () => {
    server = await startReferenceServer(options);
  });

  afterAll(() => server.close());

  it('are told while somebody listens, and only what was asked for', async () => {
    const connection = await newBench().open(remote(server.url, { transport: options.transport }));
    const changes = new Changes();
    const filter = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] };
    const listening = await connection.listen(filter, changes.take);
    expect(listening.honoured).toEqual(filter);
    server.world.toggleExtra('prompts');
    server.world.toggleExtra('tools');
    await changes.until('notifications/tools/list_changed');
    server.world.touch('test://watched-resource');
    const updated = await changes.until('notifications/resources/updated');
    expect(updated.params).toEqual({ uri: 'test://watched-resource' });
    expect(changes.seen.map(({ method }) => method)).not.toContain('notifications/prompts/list_changed');
    await listening.close();
    expect(connection.closed).toBe(false);
  });
});

describe.each(REMOTE.filter(({ options }) => options.era === 'legacy' && !('stateless' in options)))(
  'a session over $name',
  ({ options }) => {
    let server: ReferenceServer;
    let definition: ServerDefinition;

    beforeAll(async () => {
      server = await startReferenceServer(options);
      definition = remote(server.url, { transport: options.transport });
    });

    afterAll(() => server.close());

    it('asks the client in the middle of a call', async () => {
      const connection = await newBench().open(definition, TALKATIVE_CLIENT);
      const reply = new Reply(answerWord);
      const outcome = await connection.request(toolCall('ask_rounds', { rounds: 3 }), reply, NEVER);
      expect(textOf(outcome)).toBe('yes yes yes');
      expect(reply.questions).toEqual(Array(3).fill('elicitation/create'));
    });

    it('does not ask for what was not declared', async () => {
      const connection = await newBench().open(definition);
      const reply = new Reply(answerWord);
      const outcome = await connection.request(toolCall('ask_name'), reply, NEVER);
      expect(reply.questions).toEqual([]);
      expect(textOf(outcome)).not.toContain('Ada');
    });

    it('takes the question back when the call that asked is cancelled', async () => {
      const connection = await newBench().open(definition, TALKATIVE_CLIENT);
      const leave = new AbortController();
      const asked = Promise.withResolvers<AbortSignal>();
      const reply = new Reply((_question, signal) => {
        asked.resolve(signal);
        return new Promise(() => undefined);
      });
      const outcome = connection.request(toolCall('ask_name'), reply, leave.signal);
      const signal = await asked.promise;
      leave.abort();
      expect(signal.aborted).toBe(true);
      expect(await outcome).toMatchObject({ error: { code: -31002 } });
    });

    it('is over when the server forgot it; a new one can be opened', async () => {
      const bench = newBench();
      const connection = await bench.open(definition);
      await server.forgetSessions();
      // Here the session is its event stream, which ends by itself.
      if (options.transport === 'sse') await bench.events.until(({ ends }) => ends.length > 0);
      const outcome = await connection.request(toolCall('add', { a: 1, b: 1 }), new Reply(), NEVER);
      expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed', retriable: true } } });
      expect(connection.closed).toBe(true);
      expect(bench.events.ends).toHaveLength(1);
      const next = await bench.open(definition);
      expect(textOf(await next.request(toolCall('add', { a: 1, b: 1 }), new Reply(), NEVER))).toContain('2');
    });

    it('ends at the server when it is closed', async () => {
      const bench = newBench();
      const before = server.openSessions;
      const connection = await bench.open(definition);
      await connection.close();
      const outcome = await connection.request(toolCall('add', { a: 1, b: 1 }), new Reply(), NEVER);
      expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed' } } });
      if (options.transport === 'http') expect(server.openSessions).toBe(before);
      expect(bench.events.ends).toEqual([]);
    });
  },
);

describe('what only one era has', () => {
  it('takes up a stream again that the legacy server closed before the answer', async () => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    try {
      const connection = await newBench().open(remote(server.url));
      const outcome = await connection.request(toolCall('test_reconnection'), new Reply(), NEVER);
      expect(textOf(outcome)).toBe('The stream was closed and resumed');
    } finally {
      await server.close();
    }
  });

  it('tells a modern server who asks, and repeats the request in its headers', async () => {
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    try {
      const connection = await newBench().open(
        remote(server.url, { headers: { 'X-Key': 'secret', 'Mcp-Method': 'no' } }),
      );
      const client = { ...SILENT_CLIENT, clientInfo: { name: 'Ada', version: '7' } };
      const meta = await connection.request(toolCall('echo_meta', {}, { client }), new Reply(), NEVER);
      expect(textOf(meta)).toContain('"name":"Ada"');
      const headers = await connection.request(toolCall('echo_headers'), new Reply(), NEVER);
      const seen = JSON.parse(String(textOf(headers))) as Record<string, string>;
      expect(seen).toMatchObject({ 'x-key': 'secret', 'mcp-method': 'tools/call', 'mcp-name': 'echo_headers' });
      expect(seen['accept-encoding']).toBeUndefined();
      const args = { region: ' Köln ', limit: 3 };
      const parameterHeaders = { 'Mcp-Param-Region': ' Köln ', 'Mcp-Param-Limit': 3 };
      const mirrored = await connection.request(
        toolCall('header_params', args, { parameterHeaders }),
        new Reply(),
        NEVER,
      );
      expect(textOf(mirrored)).toBe(JSON.stringify(args));
    } finally {
      await server.close();
    }
  });
});
