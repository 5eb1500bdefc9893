import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { LATEST_LEGACY_REVISION, LATEST_MODERN_REVISION, type McpNotification } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import type { ServerDefinition } from '../../registry/index.js';
import {
  stdioServer,
  NEVER,
  httpServer,
  RecordedReply,
  CLIENT_WITHOUT_CAPABILITIES,
  CLIENT_WITH_ALL_CAPABILITIES,
  toResultText,
  toolCall,
  ConnectorHarness,
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

const answerWord: ConstructorParameters<typeof RecordedReply>[0] = async () => ({
  result: { action: 'accept', content: { word: 'yes', name: 'Ada' } },
});

/** Records changes; `until` resolves once a change with the method has arrived. */
class RecordedChanges {
  readonly all: McpNotification[] = [];
  private readonly waiting: (() => void)[] = [];

  readonly add = (change: McpNotification): void => {
    this.all.push(change);
    for (const wake of this.waiting.splice(0)) wake();
  };

  async until(method: string): Promise<McpNotification> {
    for (;;) {
      const found = this.all.find((change) => change.method === method);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

const benches: ConnectorHarness[] = [];
function newBench(): ConnectorHarness {
  const bench = new ConnectorHarness();
  benches.push(bench);
  return bench;
}

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});

const processOf = (era: 'legacy' | 'modern'): ServerDefinition =>
  stdioServer(process.execPath, [MAIN, '--era', era, '--transport', 'stdio']);

describe.each(PROCESSES)('a connection to $name', ({ era }) => {
  it('serves calls with progress until it is closed', async () => {
    const bench = newBench();
    expect(await bench.resolveEra(processOf(era))).toBe(era);
    const connection = await bench.open(processOf(era));
    expect(connection.profile.era).toBe(era);
    const reply = new RecordedReply();
    const call = toolCall('slow', { durationMs: 20, steps: 2 }, { progressToken: 'mine' });
    expect(toResultText(await connection.request(call, reply, NEVER))).toBe('done after 2 steps');
    expect(reply.notifications.map(({ params }) => [params['progressToken'], params['progress']])).toEqual([
      ['mine', 1],
      ['mine', 2],
    ]);
    await connection.close();
    expect(connection.closed).toBe(true);
    expect(bench.events.closeReasons).toEqual([]);
  });

  it('cancels one call without affecting others', async () => {
    const connection = await newBench().open(processOf(era));
    const controller = new AbortController();
    const reply = new RecordedReply();
    const held = connection.request(toolCall('hold', { key: 'a' }, { progressToken: 1 }), reply, controller.signal);
    const other = connection.request(toolCall('add', { a: 1, b: 2 }), new RecordedReply(), NEVER);
    expect(toResultText(await other)).toContain('3');
    controller.abort();
    expect(await held).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', server: 'subject' } } });
    expect(
      toResultText(await connection.request(toolCall('add', { a: 2, b: 2 }), new RecordedReply(), NEVER)),
    ).toContain('4');
  });

  it('delivers changes to a subscriber', async () => {
    const connection = await newBench().open(processOf(era));
    const changes = new RecordedChanges();
    const filter = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] };
    const subscription = await connection.subscribe(filter, changes.add);
    expect(subscription.honoured).toEqual(filter);
    await connection.request(toolCall('change_tools'), new RecordedReply(), NEVER);
    await changes.until('notifications/tools/list_changed');
    await connection.request(toolCall('touch_resource'), new RecordedReply(), NEVER);
    const updated = await changes.until('notifications/resources/updated');
    expect(updated.params).toEqual({ uri: 'test://watched-resource' });
    await subscription.close();
  });
});

describe('a connection to a legacy child process that sends questions', () => {
  it('forwards questions to the running call and queues the next call', async () => {
    const connection = await newBench().open(processOf('legacy'), CLIENT_WITH_ALL_CAPABILITIES);
    const first = new RecordedReply(answerWord);
    const second = new RecordedReply(answerWord);
    const outcomes = await Promise.all([
      connection.request(toolCall('ask_rounds', { rounds: 2 }), first, NEVER),
      connection.request(toolCall('ask_rounds', { rounds: 1 }), second, NEVER),
    ]);
    expect(outcomes.map(toResultText)).toEqual(['yes yes', 'yes']);
    expect([first.questions.length, second.questions.length]).toEqual([2, 1]);
  });
});

describe.each(REMOTE)('a connection over $name', ({ options }) => {
  let server: ReferenceServer;
  let definition: ServerDefinition;

  beforeAll(async () => {
    server = await startReferenceServer(options);
    definition = httpServer(server.url, { transport: options.transport });
  });

  afterAll(() => server.close());

  it("opens in the server's era and revision", async () => {
    const bench = newBench();
    expect(await bench.resolveEra(definition)).toBe(options.era);
    const { profile } = await bench.open(definition);
    const revision = options.era === 'modern' ? LATEST_MODERN_REVISION : LATEST_LEGACY_REVISION;
    expect(profile).toMatchObject({ era: options.era, revision, capabilities: { tools: { listChanged: true } } });
    expect(typeof profile.instructions).toBe('string');
    expect(profile.serverInfo).toMatchObject({ name: expect.any(String) });
  });

  it("delivers progress with the caller's token", async () => {
    const connection = await newBench().open(definition);
    const reply = new RecordedReply();
    const call = toolCall('slow', { durationMs: 20, steps: 2 }, { progressToken: 'mine' });
    expect(toResultText(await connection.request(call, reply, NEVER))).toBe('done after 2 steps');
    expect(reply.notifications.map(({ params }) => params['progressToken'])).toEqual(['mine', 'mine']);
  });

  it('cancels a call at the server when its caller cancels', async () => {
    const connection = await newBench().open(definition);
    const before = server.calls.of('hold');
    const controller = new AbortController();
    const held = connection.request(toolCall('hold', { key: 'abort' }), new RecordedReply(), controller.signal);
    await server.calls.until('hold', 'started', before.started + 1);
    controller.abort();
    expect(await held).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown', server: 'subject' } } });
    await server.calls.until('hold', 'cancelled', before.cancelled + 1);
  });

  it('stops a call that takes too long', async () => {
    const connection = await newBench().open({
      ...definition,
      timeouts: { connectMs: scaleDeadline(5_000), requestMs: scaleDeadline(300) },
    });
    const before = server.calls.of('hold');
    const outcome = await connection.request(toolCall('hold', { key: 'timeout' }), new RecordedReply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    await server.calls.until('hold', 'cancelled', before.cancelled + 1);
  });

  it("delivers log messages of a call at the call's log level", async () => {
    const connection = await newBench().open(definition);
    const reply = new RecordedReply();
    await connection.request(toolCall('log_at_levels', {}, { logLevel: 'error' }), reply, NEVER);
    const levels = reply.notifications.map(({ params }) => params['level']);
    // Without a session the server cannot store the level.
    if ('stateless' in options) return;
    expect(levels).toEqual(['error', 'critical', 'alert', 'emergency']);
  });
});

describe.each(REMOTE.filter(({ options }) => !('stateless' in options)))('a subscription over $name', ({ options }) => {
  let server: ReferenceServer;

  beforeAll(async () => {
    server = await startReferenceServer(options);
  });

  afterAll(() => server.close());

  it('delivers only the requested changes until it is closed', async () => {
    const connection = await newBench().open(httpServer(server.url, { transport: options.transport }));
    const changes = new RecordedChanges();
    const filter = { toolsListChanged: true, resourceSubscriptions: ['test://watched-resource'] };
    const subscription = await connection.subscribe(filter, changes.add);
    expect(subscription.honoured).toEqual(filter);
    server.world.toggleExtra('prompts');
    server.world.toggleExtra('tools');
    await changes.until('notifications/tools/list_changed');
    server.world.touch('test://watched-resource');
    const updated = await changes.until('notifications/resources/updated');
    expect(updated.params).toEqual({ uri: 'test://watched-resource' });
    expect(changes.all.map(({ method }) => method)).not.toContain('notifications/prompts/list_changed');
    await subscription.close();
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
      definition = httpServer(server.url, { transport: options.transport });
    });

    afterAll(() => server.close());

    it('forwards questions to the client during a call', async () => {
      const connection = await newBench().open(definition, CLIENT_WITH_ALL_CAPABILITIES);
      const reply = new RecordedReply(answerWord);
      const outcome = await connection.request(toolCall('ask_rounds', { rounds: 3 }), reply, NEVER);
      expect(toResultText(outcome)).toBe('yes yes yes');
      expect(reply.questions).toEqual(Array(3).fill('elicitation/create'));
    });

    it('forwards no question whose capability the client did not declare', async () => {
      const connection = await newBench().open(definition);
      const reply = new RecordedReply(answerWord);
      const outcome = await connection.request(toolCall('ask_name'), reply, NEVER);
      expect(reply.questions).toEqual([]);
      expect(toResultText(outcome)).not.toContain('Ada');
    });

    it('aborts the question of a call that is cancelled', async () => {
      const connection = await newBench().open(definition, CLIENT_WITH_ALL_CAPABILITIES);
      const controller = new AbortController();
      const received = Promise.withResolvers<AbortSignal>();
      const reply = new RecordedReply((_question, signal) => {
        received.resolve(signal);
        return new Promise(() => undefined);
      });
      const outcome = connection.request(toolCall('ask_name'), reply, controller.signal);
      const signal = await received.promise;
      controller.abort();
      expect(signal.aborted).toBe(true);
      expect(await outcome).toMatchObject({ error: { code: -31002 } });
    });

    it('ends when the server no longer knows it, and a new session can be opened', async () => {
      const bench = newBench();
      const connection = await bench.open(definition);
      await server.forgetSessions();
      // Over HTTP+SSE the session is its event stream, which the server ends.
      if (options.transport === 'sse') await bench.events.until(({ closeReasons: ends }) => ends.length > 0);
      const outcome = await connection.request(toolCall('add', { a: 1, b: 1 }), new RecordedReply(), NEVER);
      expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed', retriable: true } } });
      expect(connection.closed).toBe(true);
      expect(bench.events.closeReasons).toHaveLength(1);
      const next = await bench.open(definition);
      expect(toResultText(await next.request(toolCall('add', { a: 1, b: 1 }), new RecordedReply(), NEVER))).toContain(
        '2',
      );
    });

    it('ends at the server when the connection is closed', async () => {
      const bench = newBench();
      const before = server.openSessions;
      const connection = await bench.open(definition);
      await connection.close();
      const outcome = await connection.request(toolCall('add', { a: 1, b: 1 }), new RecordedReply(), NEVER);
      expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed' } } });
      if (options.transport === 'http') expect(server.openSessions).toBe(before);
      expect(bench.events.closeReasons).toEqual([]);
    });
  },
);

describe('a connection over streamable HTTP', () => {
  it('resumes a stream that a legacy server closed before the answer', async () => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    try {
      const connection = await newBench().open(httpServer(server.url));
      const outcome = await connection.request(toolCall('test_reconnection'), new RecordedReply(), NEVER);
      expect(toResultText(outcome)).toBe('The stream was closed and resumed');
    } finally {
      await server.close();
    }
  });

  it('sends the client profile to a modern server and mirrors the request in headers', async () => {
    const server = await startReferenceServer({ era: 'modern', transport: 'http' });
    try {
      const connection = await newBench().open(
        httpServer(server.url, { headers: { 'X-Key': 'secret', 'Mcp-Method': 'no' } }),
      );
      const client = { ...CLIENT_WITHOUT_CAPABILITIES, clientInfo: { name: 'Ada', version: '7' } };
      const meta = await connection.request(toolCall('echo_meta', {}, { client }), new RecordedReply(), NEVER);
      expect(toResultText(meta)).toContain('"name":"Ada"');
      const headers = await connection.request(toolCall('echo_headers'), new RecordedReply(), NEVER);
      const received = JSON.parse(String(toResultText(headers))) as Record<string, string>;
      expect(received).toMatchObject({ 'x-key': 'secret', 'mcp-method': 'tools/call', 'mcp-name': 'echo_headers' });
      expect(received['accept-encoding']).toBe('identity');
      const args = { region: ' Köln ', limit: 3 };
      const parameterHeaders = { 'Mcp-Param-Region': ' Köln ', 'Mcp-Param-Limit': 3 };
      const mirrored = await connection.request(
        toolCall('header_params', args, { parameterHeaders }),
        new RecordedReply(),
        NEVER,
      );
      expect(toResultText(mirrored)).toBe(JSON.stringify(args));
    } finally {
      await server.close();
    }
  });
});
