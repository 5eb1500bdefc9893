import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { failure, isJsonObject, metaOf, result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld, type RequestOptions } from '../../test/support/dispatch-world.js';
import {
  callerOf,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
  type SentRequest,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { RemoteServer } from '../registry/index.js';

const RELATED = 'io.modelcontextprotocol/related-task';
const EXTENSION = 'io.modelcontextprotocol/tasks';
const TASK_CLIENT = { ...MODERN_CLIENT, capabilities: { extensions: { [EXTENSION]: {}, other: {} } } };

type Era = 'legacy' | 'modern';
const worlds: DispatchWorld[] = [];

/** A server that keeps the tasks of all its callers in one table, as it cannot tell them apart. */
class TaskServer {
  readonly ids: string[] = [];
  readonly cancelled: unknown[] = [];

  constructor(private readonly era: Era) {}

  answer({ request, reply }: SentRequest): Outcome {
    const { method, params } = request;
    const id = params['taskId'] ?? null;
    if (method === 'tools/call') return this.call(params);
    if (method === 'tasks/list') return result({ tasks: this.ids.map((taskId) => ({ taskId, status: 'working' })) });
    if (!this.ids.includes(id as string)) return failure({ code: -32602, message: 'not found' });
    if (method === 'tasks/cancel') this.cancelled.push(id);
    if (method !== 'tasks/result') return result({ taskId: id, status: 'working' });
    for (const taskId of this.ids) void reply.notify({ method: 'notifications/tasks/status', params: { taskId } });
    return result({ content: [], _meta: { [RELATED]: { taskId: id as string }, other: 1 } });
  }

  private call({ task }: JsonObject): Outcome {
    if (this.era === 'legacy' && task === undefined) return result({ content: [] });
    const taskId = `task-${this.ids.length + 1}`;
    this.ids.push(taskId);
    const created = { taskId, status: 'working' };
    return result(
      this.era === 'legacy' ? { task: { ...created, ttl: 60_000 } } : { resultType: 'task', ...created, ttlMs: 60_000 },
    );
  }
}

async function world(era: Era, entry: Partial<RemoteServer> = { tasks: true }) {
  const made = await DispatchWorld.open([remoteServer('jobs', entry)]);
  worlds.push(made);
  const server = new TaskServer(era);
  made.connector.eras.set('jobs', era);
  made.connector.respond = (sent) => server.answer(sent);
  const client = era === 'legacy' ? LEGACY_CLIENT : TASK_CLIENT;
  const send = (caller: Caller, method: string, params: JsonObject = {}, more: RequestOptions = {}) =>
    made.request(method, params, { endpoint: 'jobs', caller, client, ...more });
  const create = async (caller: Caller, more: RequestOptions = {}) => {
    const outcome = await send(caller, 'tools/call', { name: 'work', task: {} }, more);
    const members = outcome.kind === 'result' ? outcome.result : {};
    return (isJsonObject(members['task']) ? members['task']['taskId'] : members['taskId']) as string;
  };
  return { made, server, send, create };
}

const [ada, bob] = [callerOf('ada'), callerOf('bob')];
const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : undefined);
const memberOf = (outcome: Outcome, member: string) => (outcome.kind === 'result' ? outcome.result[member] : outcome);

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

const METHODS = {
  legacy: ['tasks/get', 'tasks/result', 'tasks/cancel'],
  modern: ['tasks/get', 'tasks/update', 'tasks/cancel'],
} as const;

describe.each(['legacy', 'modern'] as const)('a task at a %s server', (era) => {
  it('has an id for its principal, which reaches the server as its own id', async () => {
    const { made, send, create } = await world(era);
    const id = await create(ada);
    expect(id).not.toContain('task-1');
    expect(memberOf(await send(ada, 'tasks/get', { taskId: id }), 'taskId')).toBe(id);
    for (const method of METHODS[era]) expect(codeOf(await send(ada, method, { taskId: id }))).toBeUndefined();
    const taskRequests = made.requestsTo('jobs').filter(([method]) => method.startsWith('tasks/'));
    expect(new Set(taskRequests.map(([, params]) => params['taskId']))).toEqual(new Set(['task-1']));
  });

  it('is unknown to another principal, under its sealed id and under the id of the server', async () => {
    const { made, server, send, create } = await world(era);
    const id = await create(ada);
    await create(bob);
    const before = made.requestsTo('jobs').length;
    for (const method of METHODS[era])
      for (const taskId of [id, 'task-1', '', 7]) {
        expect(await send(bob, method, { taskId })).toMatchObject({ error: { code: -32602 } });
      }
    expect(made.requestsTo('jobs')).toHaveLength(before);
    expect(server.cancelled).toEqual([]);
  });

  it('does not exist where the entry of the server does not allow tasks', async () => {
    const { made, send } = await world(era, { tasks: false, allowUnknownMethods: true });
    const outcome = await send(ada, 'tools/call', { name: 'work', task: {}, _meta: { [RELATED]: { taskId: 'x' } } });
    expect(made.requestsTo('jobs').at(-1)).toEqual(['tools/call', { name: 'work' }]);
    const [sent] = made.connector.opened.flatMap((connection) => connection.sent).slice(-1);
    expect(sent?.request.client.capabilities).toEqual(era === 'legacy' ? {} : { extensions: { other: {} } });
    expect(codeOf(await send(ada, 'tasks/list'))).toBe(-32601);
    // The modern server of this test ignores that the client cannot use tasks.
    if (era === 'modern') expect(outcome).toMatchObject({ error: { code: -31_005, data: { outcome: 'unknown' } } });
  });

  it('is not meant by a member of the same name in a method that the gateway does not know', async () => {
    const { made, send } = await world(era, { allowUnknownMethods: true });
    const params = { task: 'clean', _meta: { [RELATED]: { taskId: 'x' }, other: 1 } };
    await send(ada, 'acme/schedule', params);
    expect(made.requestsTo('jobs').at(-1)).toEqual(['acme/schedule', { task: 'clean', _meta: { other: 1 } }]);
  });

  it('does not exist at an endpoint of several servers, nor for a client of the other era', async () => {
    const { made, send } = await world(era);
    const other = era === 'legacy' ? TASK_CLIENT : LEGACY_CLIENT;
    await made.request('tools/call', { name: 'jobs__work', task: {} }, { caller: ada, client: TASK_CLIENT });
    await send(ada, 'tools/call', { name: 'work', task: {} }, { client: other });
    const calls = made.requestsTo('jobs').filter(([method]) => method === 'tools/call');
    expect(calls.map(([, params]) => params)).toEqual([{ name: 'work' }, { name: 'work' }]);
    expect(codeOf(await made.request('tasks/list', {}, { caller: ada }))).toBe(-32601);
    expect(codeOf(await send(ada, 'tasks/list', {}, { client: other }))).toBe(-32601);
  });
});

describe('a task at a server that isolates sessions', () => {
  it('belongs to the session of a legacy client', async () => {
    const { made, create, send } = await world('legacy', { tasks: true, isolation: 'session' });
    const [one, other] = ['jobs', 'jobs'].map((slug) => made.session(slug, LEGACY_CLIENT, 'ada'));
    const id = await create(ada, { session: one! });
    expect(codeOf(await send(ada, 'tasks/get', { taskId: id }, { session: one! }))).toBeUndefined();
    expect(codeOf(await send(ada, 'tasks/get', { taskId: id }, { session: other! }))).toBe(-32602);
    expect(codeOf(await send(ada, 'tasks/get', { taskId: id }))).toBe(-32602);
  });

  it('belongs to the principal of a modern client, which has no session', async () => {
    const { create, send } = await world('modern', { tasks: true, isolation: 'session' });
    const id = await create(ada);
    expect(memberOf(await send(ada, 'tasks/get', { taskId: id }), 'taskId')).toBe(id);
    expect(codeOf(await send(bob, 'tasks/get', { taskId: id }))).toBe(-32602);
  });
});

describe('tasks of a legacy server', () => {
  it('are listed to the principal that created them only, over sessions and without one', async () => {
    const { made, send, create } = await world('legacy');
    const session = made.session('jobs', LEGACY_CLIENT, 'ada');
    const own = [await create(ada), await create(ada, { session })];
    const foreign = await create(bob);
    const listed = async (caller: Caller, more: RequestOptions = {}) =>
      (memberOf(await send(caller, 'tasks/list', {}, more), 'tasks') as { taskId: string }[]).map(
        ({ taskId }) => taskId,
      );
    expect(await listed(ada)).toEqual(own);
    expect(await listed(ada, { session })).toEqual(own);
    expect(await listed(bob)).toEqual([foreign]);
    expect(await listed(callerOf('eve'))).toEqual([]);
  });

  it('are not listed to anonymous callers, who cannot be distinguished', async () => {
    const made = await DispatchWorld.open([remoteServer('jobs', { tasks: true, public: true })]);
    worlds.push(made);
    const server = new TaskServer('legacy');
    made.connector.respond = (sent) => server.answer(sent);
    const options = { endpoint: 'jobs', caller: ANONYMOUS, client: LEGACY_CLIENT };
    const created = await made.request('tools/call', { name: 'work', task: {} }, options);
    expect(created).toMatchObject({ result: { task: { status: 'working' } } });
    expect(await made.request('tasks/list', {}, options)).toMatchObject({ result: { tasks: [] } });
  });

  it('name themselves in results and notifications with the id of their principal, and no task of others', async () => {
    const { send, create } = await world('legacy');
    await create(bob);
    const id = await create(ada);
    const sink = new RecordingSink();
    const outcome = await send(ada, 'tasks/result', { taskId: id }, { sink });
    expect(metaOf(outcome.kind === 'result' ? outcome.result : {})).toEqual({ [RELATED]: { taskId: id }, other: 1 });
    const notified = sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));
    expect(notified).toEqual([{ method: 'notifications/tasks/status', params: { taskId: id } }]);
  });
});
