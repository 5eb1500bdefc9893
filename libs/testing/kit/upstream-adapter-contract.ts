import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import {
  GatewayError,
  SystemClock,
  type AdaptedServer,
  type AdapterConnection,
  type AdapterReply,
  type ConnectAttempt,
  type JsonObject,
  type Outcome,
  type UpstreamAdapter,
} from '#lib/extension-kit';
import type { ContractCheck } from './contract.js';

interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** The servers with which an adapter is checked. Functions are called when a check runs. */
export interface UpstreamAdapterCases<Entry extends object> {
  adapter(): UpstreamAdapter<Entry>;
  /** The valid entry of a server that can be reached. */
  entry(): Entry;
  /** The valid entry of a server that cannot be reached. */
  unreachable(): Entry;
  /** A call that succeeds. */
  readonly tool: ToolCall;
  /** A call that the server does not answer before the test is over. Absent: cancelling is not checked. */
  readonly silentTool?: ToolCall;
  /** Milliseconds. Default: 5,000. */
  readonly connectMs?: number;
}

/** What the gateway relies on in an `UpstreamAdapter`. */
export function upstreamAdapterContract<Entry extends object>(
  cases: UpstreamAdapterCases<Entry>,
): readonly ContractCheck[] {
  const connected = (check: (connection: AdapterConnection) => Promise<void>) => () =>
    withConnection(cases, cases.entry(), check);
  const { silentTool } = cases;
  return [
    { name: 'describes the server in the era that it announces', run: () => describesServer(cases) },
    { name: 'lists the tools with their schemas', run: connected((connection) => listsTools(connection, cases.tool)) },
    { name: 'returns the result of a call', run: connected((connection) => callsAtOnce(connection, cases.tool, 1)) },
    {
      name: 'runs several calls at the same time',
      run: connected((connection) => callsAtOnce(connection, cases.tool, 5)),
    },
    { name: 'answers an unknown tool with an error', run: connected(refusesUnknownTool) },
    { name: 'answers an unknown method with an error', run: connected(refusesUnknownMethod) },
    { name: 'reports a server that cannot be reached as not executed', run: () => isTruthful(cases) },
    { name: 'has no result after the connection was closed', run: () => isClosed(cases) },
    ...(silentTool
      ? [
          {
            name: 'ends a cancelled call without a result',
            run: connected((connection) => isCancelled(connection, silentTool)),
          },
        ]
      : []),
  ];
}

const CLIENT = { revision: '2025-11-25', capabilities: {}, clientInfo: { name: 'contract', version: '1' } };
const CONNECT_TIMEOUT_MS = 5_000;

const REPLY: AdapterReply = {
  notify: () => undefined,
  answerQuestion: () => Promise.reject(new Error('The contract answers no questions.')),
};

const toServer = <Entry extends object>(entry: Entry, { connectMs = CONNECT_TIMEOUT_MS }: { connectMs?: number }) =>
  ({ slug: 'subject', entry, timeouts: { connectMs, requestMs: 10_000 } }) satisfies AdaptedServer<Entry>;

const toAttempt = (): ConnectAttempt => ({
  client: CLIENT,
  events: { notify: () => undefined, closed: () => undefined },
  clock: new SystemClock(),
  signal: new AbortController().signal,
  resolveAddress: async (host) => (await lookup(host)).address,
});

/** Opens a connection for one check, and ends it and the adapter. */
async function withConnection<Entry extends object>(
  cases: UpstreamAdapterCases<Entry>,
  entry: Entry,
  check: (connection: AdapterConnection) => Promise<void>,
): Promise<void> {
  const adapter = cases.adapter();
  try {
    const connection = await adapter.connect(toServer(entry, cases), toAttempt());
    try {
      await check(connection);
    } finally {
      await connection.close();
    }
  } finally {
    await adapter.shutdown();
  }
}

/** The outcome that the gateway reports, whether it is returned or thrown. */
async function outcomeOf(request: Promise<Outcome>): Promise<Outcome> {
  try {
    return await request;
  } catch (cause) {
    if (cause instanceof GatewayError) return cause.toOutcome();
    const error = { code: -31_002, message: String(cause), data: { outcome: 'unknown' } };
    return { kind: 'error', error, httpStatus: 504 };
  }
}

const send = (
  connection: AdapterConnection,
  method: string,
  params: JsonObject,
  signal = new AbortController().signal,
) => outcomeOf((async () => connection.request({ method, params, client: CLIENT }, REPLY, signal))());

async function describesServer<Entry extends object>(cases: UpstreamAdapterCases<Entry>): Promise<void> {
  const adapter = cases.adapter();
  const era = await adapter.resolveEra(toServer(cases.entry(), cases), toAttempt());
  await adapter.shutdown();
  await withConnection(cases, cases.entry(), async ({ profile }) => {
    assert.equal(profile.era, era, 'The connection is of another era than `resolveEra` says.');
    assert.match(profile.revision, /^\d{4}-\d\d-\d\d$/, 'The profile has no revision of the protocol.');
    assert.ok('tools' in profile.capabilities, 'The profile does not declare tools.');
  });
}

async function listsTools(connection: AdapterConnection, { name }: ToolCall): Promise<void> {
  const outcome = await send(connection, 'tools/list', {});
  assert.equal(outcome.kind, 'result', JSON.stringify(outcome));
  const { tools } = (outcome as { readonly result: JsonObject }).result;
  assert.ok(Array.isArray(tools), 'The list of tools is no array.');
  const tool = tools.find((each) => (each as JsonObject)['name'] === name) as JsonObject | undefined;
  assert.equal((tool?.['inputSchema'] as JsonObject | undefined)?.['type'], 'object', `No schema of ${name}.`);
}

async function callsAtOnce(connection: AdapterConnection, call: ToolCall, count: number): Promise<void> {
  const outcomes = await Promise.all(Array.from({ length: count }, () => send(connection, 'tools/call', { ...call })));
  for (const outcome of outcomes) {
    assert.equal(outcome.kind, 'result', JSON.stringify(outcome));
    const { content, isError } = (outcome as { readonly result: JsonObject }).result;
    assert.ok(Array.isArray(content), 'The result has no content.');
    assert.notEqual(isError, true, JSON.stringify(content));
  }
}

async function refusesUnknownTool(connection: AdapterConnection): Promise<void> {
  const outcome = await send(connection, 'tools/call', { name: 'no-such-tool', arguments: {} });
  const isRefused = outcome.kind === 'error' || outcome.result['isError'] === true;
  assert.ok(isRefused, 'The call of a tool that does not exist has succeeded.');
}

async function refusesUnknownMethod(connection: AdapterConnection): Promise<void> {
  const outcome = await send(connection, 'contract/no-such-method', {});
  assert.equal(outcome.kind, 'error', 'A method that does not exist has a result.');
}

/** An adapter that connects with the first call reports the failure there. */
async function isTruthful<Entry extends object>(cases: UpstreamAdapterCases<Entry>): Promise<void> {
  let outcome: Outcome | undefined;
  const check = async (connection: AdapterConnection) => {
    outcome = await send(connection, 'tools/call', { ...cases.tool });
  };
  await withConnection(cases, cases.unreachable(), check).catch((cause: unknown) => {
    // A failed connection is never an executed call.
    if (outcome !== undefined) throw cause;
  });
  if (outcome === undefined) return;
  assert.equal(outcome.kind, 'error', 'A call at a server that cannot be reached has a result.');
  const { data } = (outcome as { readonly error: { readonly data?: unknown } }).error;
  assert.equal((data as JsonObject | undefined)?.['outcome'], 'not_executed', JSON.stringify(outcome));
}

async function isClosed<Entry extends object>(cases: UpstreamAdapterCases<Entry>): Promise<void> {
  const adapter = cases.adapter();
  const connection = await adapter.connect(toServer(cases.entry(), cases), toAttempt());
  await connection.close();
  assert.equal(
    (await send(connection, 'tools/call', { ...cases.tool })).kind,
    'error',
    'A closed connection has a result.',
  );
  await adapter.shutdown();
}

async function isCancelled(connection: AdapterConnection, call: ToolCall): Promise<void> {
  const control = new AbortController();
  const running = send(connection, 'tools/call', { ...call }, control.signal);
  control.abort('the contract cancels it');
  const outcome = await running;
  assert.ok(outcome.kind === 'error' || outcome.result['isError'] === true, 'A cancelled call has a result.');
}
