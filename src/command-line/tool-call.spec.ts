import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { ExitCode } from './exit-code.js';
import { callOnce, type ToolCall } from './tool-call.js';

/** Status, and a JSON-RPC response without its id or any other text. */
type Reply = readonly [status: number, body: JsonObject | string];

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const DISCOVERY = {
  resultType: 'complete',
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {} },
  serverInfo: { name: 'gateway', version: '1.0.0' },
};
const EMPTY_FORM = { type: 'object', properties: {} };
const QUESTION = {
  resultType: 'input_required',
  requestState: 'state',
  inputRequests: {
    sure: { method: 'elicitation/create', params: { mode: 'form', message: 'Sure?', requestedSchema: EMPTY_FORM } },
  },
};

/** A modern gateway that answers the calls of tools with these replies, one after the other; `discovery` answers the rest. */
async function gatewayThatAnswers(
  replies: readonly (Reply | 'never')[],
  discovery: Reply = [200, { result: DISCOVERY }],
) {
  const left = [...replies];
  const called = Promise.withResolvers<void>();
  server = createServer((request, response) => {
    void readMessage(request).then(({ id, method }) => {
      const reply = method === 'tools/call' ? left.shift() : discovery;
      if (method === 'tools/call') called.resolve();
      if (reply === 'never' || reply === undefined) return;
      const [status, body] = reply;
      const isText = typeof body === 'string';
      response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json' });
      response.end(isText ? body : JSON.stringify({ jsonrpc: '2.0', id: id ?? null, ...body }));
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}/mcp`), called: called.promise };
}

async function readMessage(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const message: unknown = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  return isJsonObject(message) ? message : {};
}

const callOf = (url: URL, more: Partial<ToolCall> = {}): ToolCall => ({
  url,
  name: 'delete',
  args: {},
  timeoutMs: 60_000,
  questions: { answer: () => Promise.resolve({ action: 'accept', content: {} }), close: () => undefined },
  signal: new AbortController().signal,
  ...more,
});

const refusal = (outcome?: string): JsonObject => ({
  error: { code: -31_001, message: 'The owner\u001B[2J is gone.', ...(outcome !== undefined && { data: { outcome } }) },
});

describe('the exit code of a call', () => {
  const FORBIDDEN: Reply = [403, '<html>no</html>'];
  const ASKED: Reply = [200, { result: QUESTION }];

  it.each<[string, readonly Reply[], number]>([
    ['3 for a bare refusal', [FORBIDDEN], ExitCode.notExecuted],
    ['4 for a bare refusal after a question', [ASKED, FORBIDDEN], ExitCode.unknown],
    ['4 for a bare failure', [[502, 'bad gateway']], ExitCode.unknown],
    ['3 for a failure whose body says so', [[503, refusal('not_executed')]], ExitCode.notExecuted],
    ['4 for a refusal whose body says so', [[410, refusal('unknown')]], ExitCode.unknown],
    ['1 for a refusal after the call ran', [ASKED, [404, refusal('executed')]], ExitCode.failed],
    ['4 for a refusal after a question that says nothing of the call', [ASKED, [404, refusal()]], ExitCode.unknown],
    ['3 for an error of the gateway before the call ran', [[200, refusal('not_executed')]], ExitCode.notExecuted],
    ['1 for an error of the server itself', [[200, refusal()]], ExitCode.failed],
  ])('is %s', async (_, replies, exitCode) => {
    const { url } = await gatewayThatAnswers(replies);
    expect(await callOnce(callOf(url))).toMatchObject({ kind: 'failed', exitCode });
  });

  it.each<[string, Reply]>([
    ['an error', [200, { error: { code: -32_603, message: 'Broken.' } }]],
    ['a failure', [503, 'unavailable']],
  ])('is 3 when the gateway answers the connection with %s', async (_, discovery) => {
    const { url } = await gatewayThatAnswers([], discovery);
    expect(await callOnce(callOf(url))).toMatchObject({ kind: 'failed', exitCode: ExitCode.notExecuted });
  });

  it('is 4 when the user interrupts a call that was sent', async () => {
    const { url, called } = await gatewayThatAnswers(['never']);
    const interruption = new AbortController();
    void called.then(() => interruption.abort());
    expect(await callOnce(callOf(url, { signal: interruption.signal }))).toMatchObject({
      kind: 'failed',
      exitCode: ExitCode.unknown,
      text: 'Interrupted. It is unknown whether the call was executed.',
    });
  });

  it('is 4 when the user interrupts at a question', async () => {
    const { url } = await gatewayThatAnswers([[200, { result: QUESTION }]]);
    const interruption = new AbortController();
    const closed = Promise.withResolvers<void>();
    const questions = {
      answer: async () => {
        interruption.abort();
        await closed.promise;
        return { action: 'cancel' as const };
      },
      close: () => closed.resolve(),
    };
    expect(await callOnce(callOf(url, { questions, signal: interruption.signal }))).toMatchObject({
      kind: 'failed',
      exitCode: ExitCode.unknown,
    });
  });

  it('is 3 when the user interrupts before the call is sent', async () => {
    const { url } = await gatewayThatAnswers(['never']);
    expect(await callOnce(callOf(url, { signal: AbortSignal.abort() }))).toMatchObject({
      exitCode: ExitCode.notExecuted,
    });
  });
});

describe('a failed call', () => {
  it('has the JSON-RPC error of a refusal, and its message without control characters', async () => {
    const { url } = await gatewayThatAnswers([[503, refusal('not_executed')]]);
    expect(await callOnce(callOf(url))).toMatchObject({
      text: `${url.href}: HTTP 503. The owner [2J is gone.`,
      error: { code: -31_001, data: { outcome: 'not_executed' } },
    });
  });

  it('has the message of a server without control characters', async () => {
    const { url } = await gatewayThatAnswers([[200, refusal()]]);
    expect(await callOnce(callOf(url))).toMatchObject({ text: 'The owner [2J is gone. (-31001)' });
  });
});
