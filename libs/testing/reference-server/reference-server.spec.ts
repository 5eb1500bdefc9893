import { PassThrough } from 'node:stream';

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { Transport, VersionNegotiationMode } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { afterEach, describe, expect, it } from '@jest/globals';

import { ReferenceWorld } from './features/index.js';
import { startReferenceServer, type ReferenceServerOptions } from './index.js';
import { serveLegacyStdio } from './legacy/legacy-stdio.js';
import { serveModernStdio } from './modern/modern-stdio.js';

const ALL_ON_ONE_PAGE = Number.POSITIVE_INFINITY;
const pinned: VersionNegotiationMode = { pin: '2026-07-28' };

interface Way {
  name: string;
  mode: VersionNegotiationMode;
  reach(): Promise<{ world: ReferenceWorld; transport: Transport; close(): Promise<void> }>;
}

function overHttp(name: string, mode: VersionNegotiationMode, options: ReferenceServerOptions): Way {
  return {
    name,
    mode,
    async reach() {
      const server = await startReferenceServer(options);
      const url = new URL(server.url);
      const transport =
        options.transport === 'sse' ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
      return { world: server.world, transport, close: () => server.close() };
    },
  };
}

function overStdio(
  name: string,
  mode: VersionNegotiationMode,
  serve: typeof serveLegacyStdio | typeof serveModernStdio,
): Way {
  return {
    name,
    mode,
    async reach() {
      const [stdin, stdout] = [new PassThrough(), new PassThrough()];
      const world = new ReferenceWorld();
      await serve(world, ALL_ON_ONE_PAGE, { stdin, stdout });
      const close = (): Promise<void> => Promise.resolve(void stdin.end());
      return { world, transport: new StdioServerTransport(stdout, stdin), close };
    },
  };
}

const sessions = overHttp('legacy sessions', 'legacy', { era: 'legacy', transport: 'http' });
const sse = overHttp('legacy HTTP+SSE', 'legacy', { era: 'legacy', transport: 'sse' });
const stateless = overHttp('legacy stateless', 'legacy', { era: 'legacy', transport: 'http', stateless: true });
const legacyStdio = overStdio('legacy stdio', 'legacy', serveLegacyStdio);
const modern = overHttp('modern HTTP', pinned, { era: 'modern', transport: 'http' });
const modernStdio = overStdio('modern stdio', pinned, serveModernStdio);

const talkative = [sessions, sse, legacyStdio, modern, modernStdio];
const all = [...talkative, stateless];

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function connect({ mode, reach }: Way): Promise<{ client: Client; world: ReferenceWorld }> {
  const { transport, world, close } = await reach();
  cleanUps.push(close);
  const capabilities = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: { listChanged: true } };
  const client = new Client({ name: 'spec', version: '1' }, { capabilities, versionNegotiation: { mode } });
  let answers = 0;
  client.setRequestHandler('elicitation/create', () => {
    answers += 1;
    return { action: 'accept', content: { name: 'Ada', word: `word${answers}` } };
  });
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    model: 'spec',
    content: { type: 'text', text: 'something nice' },
  }));
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///tmp' }] }));
  await client.connect(transport);
  cleanUps.push(() => client.close());
  return { client, world };
}

function textOf(result: { content?: { type: string; text?: string }[] }): string | undefined {
  return result.content?.[0]?.text;
}

describe.each(all)('the reference server over $name', (way) => {
  it('lists and calls its tools', async () => {
    const { client, world } = await connect(way);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'add', 'slow', 'ask_name']));
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hello' } }))).toBe('hello');
    const sum = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } });
    expect(sum.structuredContent).toEqual({ sum: 5 });
    expect(world.calls.of('echo')).toMatchObject({ started: 1, finished: 1, failed: 0 });
  });

  it('answers invalid arguments with a tool error and preserves code and data of protocol errors', async () => {
    const { client } = await connect(way);
    expect(await client.callTool({ name: 'echo', arguments: {} })).toMatchObject({ isError: true });
    const thrown = client.callTool({ name: 'throw_error', arguments: { code: -31999, message: 'no' } });
    await expect(thrown).rejects.toMatchObject({ code: -31999, data: { thrownBy: 'throw_error' } });
  });

  it('returns resources and prompts', async () => {
    const { client } = await connect(way);
    const { contents } = await client.readResource({ uri: 'test://template/7/data' });
    expect(contents[0]).toMatchObject({ uri: 'test://template/7/data', mimeType: 'application/json' });
    const { messages } = await client.getPrompt({ name: 'test_simple_prompt' });
    expect(messages).toHaveLength(1);
  });
});

describe.each(talkative)('the reference server over $name', (way) => {
  it('sends questions to its client, once and in several rounds', async () => {
    const { client, world } = await connect(way);
    expect(textOf(await client.callTool({ name: 'ask_name' }))).toBe('accept: Ada');
    expect(world.calls.of('ask_name')).toMatchObject({ asked: 1, finished: 1 });
    expect(textOf(await client.callTool({ name: 'ask_rounds', arguments: { rounds: 3 } }))).toBe('word2 word3 word4');
    expect(textOf(await client.callTool({ name: 'ask_at_once' }))).toBe('Ada | something nice | file:///tmp');
    expect(textOf(await client.callTool({ name: 'ask_url' }))).toBe('visit: accept');
    const model = await client.callTool({ name: 'ask_model_with_tools', arguments: { prompt: 'hello' } });
    expect(textOf(model)).toBe('model: something nice');
    expect((await client.readResource({ uri: 'test://greeting' })).contents[0]).toMatchObject({ text: 'Hello, Ada!' });
  });

  it('sends several questions without waiting for the first answer', async () => {
    const { client } = await connect(way);
    const { promise: askedForRoots, resolve } = Promise.withResolvers<void>();
    client.setRequestHandler('roots/list', () => {
      resolve();
      return { roots: [{ uri: 'file:///tmp' }] };
    });
    client.setRequestHandler('elicitation/create', async () => {
      await askedForRoots;
      return { action: 'accept', content: { name: 'Ada' } };
    });
    expect(textOf(await client.callTool({ name: 'ask_at_once' }))).toBe('Ada | something nice | file:///tmp');
  });

  it('reports progress and detects the cancellation of a call', async () => {
    const { client, world } = await connect(way);
    const cancel = new AbortController();
    const held = client.callTool(
      { name: 'hold', arguments: { key: 'never' } },
      { signal: cancel.signal, onprogress: () => cancel.abort('enough') },
    );
    await expect(held).rejects.toThrow();
    await world.calls.until('hold', 'cancelled');
  });

  it('notifies its client of changed lists and contents', async () => {
    const { client, world } = await connect(way);
    const received = { lists: 0, contents: new Set<string>() };
    client.setNotificationHandler('notifications/tools/list_changed', () => void (received.lists += 1));
    client.setNotificationHandler(
      'notifications/resources/updated',
      ({ params }) => void received.contents.add(params.uri),
    );
    const uri = 'test://watched-resource';
    if (way.mode === 'legacy') await client.subscribeResource({ uri });
    else await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
    // A session's GET stream may open after the first changes, so repeat them until notifications arrive.
    while (received.lists === 0 || received.contents.size === 0) {
      world.toggleExtra('tools');
      world.touch(uri);
      await client.callTool({ name: 'echo', arguments: { text: 'a round trip' } });
    }
    expect([...received.contents]).toEqual([uri]);
    const { tools } = await client.listTools();
    expect(tools.some(({ name }) => name === 'extra_tool')).toBe(world.hasExtra('tools'));
  });
});

describe.each([sessions, sse, legacyStdio])('the reference server over $name', (way) => {
  it('cancels its other questions when one of them fails', async () => {
    const { client } = await connect(way);
    const { promise: withdrawn, resolve } = Promise.withResolvers<void>();
    client.setRequestHandler('elicitation/create', (_request, { mcpReq }) => {
      mcpReq.signal.addEventListener('abort', () => resolve());
      return new Promise(() => {});
    });
    client.setRequestHandler('roots/list', () => {
      throw new Error('no roots');
    });
    expect(await client.callTool({ name: 'ask_at_once' })).toMatchObject({ isError: true });
    await withdrawn;
  });

  it('counts notifications/roots/list_changed', async () => {
    const { client, world } = await connect(way);
    await client.sendRootsListChanged();
    await world.calls.until('notifications/roots/list_changed', 'started');
    expect(world.calls.of('notifications/roots/list_changed').started).toBe(1);
  });
});

describe('the reference server', () => {
  it('splits its lists into pages', async () => {
    const way = overHttp('pages', 'legacy', { era: 'legacy', transport: 'http', pageSize: 2 });
    const { client } = await connect(way);
    const first = await client.request({ method: 'resources/list' });
    const second = await client.request({ method: 'resources/list', params: { cursor: first.nextCursor } });
    expect([...first.resources, ...second.resources].map(({ name }) => name)).toEqual([
      'static-text',
      'static-binary',
      'watched-resource',
      'greeting',
    ]);
    expect(second.nextCursor).toBeUndefined();
    const wrong = client.request({ method: 'resources/list', params: { cursor: 'made-up' } });
    await expect(wrong).rejects.toMatchObject({ code: -32602 });
  });

  it('resumes the stream of a call', async () => {
    const { client } = await connect(sessions);
    const result = await client.callTool({ name: 'test_reconnection' });
    expect(textOf(result)).toBe('The stream was closed and resumed');
  });

  it('answers 404 for every session after forgetSessions', async () => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    cleanUps.push(() => server.close());
    const post = (method: string, headers: Record<string, string>): Promise<Response> =>
      fetch(server.url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method,
          params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
        }),
      });
    const opened = await post('initialize', {});
    const id = opened.headers.get('mcp-session-id') ?? '';
    await opened.text();
    expect(server.openSessions).toBe(1);
    await server.forgetSessions();
    expect(server.openSessions).toBe(0);
    expect((await post('tools/list', { 'Mcp-Session-Id': id })).status).toBe(404);
  });

  it('rejects the legacy handshake in the modern era', async () => {
    const { reach } = modern;
    const { transport, close } = await reach();
    cleanUps.push(close);
    await expect(new Client({ name: 'spec', version: '1' }).connect(transport)).rejects.toThrow();
  });

  it('requires a URL visit with error -32042 in the legacy era', async () => {
    const { client } = await connect(sessions);
    const call = { name: 'require_url', arguments: { id: 'terms' } };
    await expect(client.callTool(call)).rejects.toMatchObject({ code: -32042 });
    expect(textOf(await client.callTool(call))).toBe('consent terms given');
  });

  it('rejects requests from other origins than localhost', async () => {
    const server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    cleanUps.push(() => server.close());
    const answer = await fetch(server.url, { method: 'POST', headers: { Origin: 'http://evil.example' } });
    expect(answer.status).toBe(403);
  });
});
