import { describe, expect, it } from '@jest/globals';
import type { McpNotification, RequestId } from '#lib/mcp-protocol';
import { callerOf, remoteServer } from '../../test/support/fake-upstream.js';
import type { SessionHandle } from '../affinity/index.js';
import type { Endpoint } from '../catalog/index.js';
import type { UpstreamPool } from '../connections/index.js';
import type { Limits } from '../limits/index.js';
import { ClientNotifications } from './client-notifications.js';
import type { MethodHandler } from './inbound.js';

const UNLIMITED = { run: (_call: unknown, work: () => Promise<void>) => work() } as unknown as Limits;
const NO_CONNECTIONS = {} as unknown as UpstreamPool;
const HANDLERS = [{ methods: ['tools/call', 'tools/list'] }] as unknown as MethodHandler[];

const endpoint = (more: Partial<Endpoint> = {}): Endpoint => ({
  id: 'files',
  transparent: true,
  public: false,
  servers: [remoteServer('files', { allowUnknownMethods: true })],
  shows: () => true,
  showsAll: () => true,
  isUnrestricted: true,
  ...more,
});
const RESTRICTED = endpoint({ showsAll: (kind) => kind !== 'tools' });
const AGGREGATING = endpoint({ transparent: false });
const STRICT = endpoint({ servers: [remoteServer('files')] });

class RecordedSession {
  readonly effects: (string | [string, RequestId])[] = [];

  async notify({ method }: McpNotification): Promise<void> {
    this.effects.push(method);
  }

  async cancel(id: RequestId): Promise<void> {
    this.effects.push(['cancel', id]);
  }

  async touch(): Promise<void> {
    this.effects.push('touch');
  }
}

async function effectsOf(method: string, at: Endpoint, params = {}, limits = UNLIMITED) {
  const session = new RecordedSession();
  const notifications = new ClientNotifications(HANDLERS, limits, NO_CONNECTIONS);
  await notifications.forward({ caller: callerOf('ada'), endpoint: at }, session as unknown as SessionHandle, {
    method,
    params,
  });
  return session.effects;
}

describe('a notification of a client', () => {
  it.each(['notifications/roots/list_changed', 'notifications/progress'])(
    'reaches the server as %s from a restricted caller and at an aggregating endpoint',
    async (method) => {
      for (const at of [endpoint(), RESTRICTED, AGGREGATING]) expect(await effectsOf(method, at)).toEqual([method]);
    },
  );

  it.each(['acme/delete_all', 'notifications/acme', 'notifications/message', 'notifications/tools/list_changed'])(
    'reaches the server as %s only where unknown methods are passed on',
    async (method) => {
      expect(await effectsOf(method, endpoint())).toEqual([method]);
      for (const at of [STRICT, RESTRICTED, AGGREGATING]) expect(await effectsOf(method, at)).toEqual(['touch']);
    },
  );

  it.each(['tools/call', 'tools/list', 'initialize', 'notifications/initialized'])(
    'never reaches the server as %s',
    async (method) => {
      expect(await effectsOf(method, endpoint())).toEqual(['touch']);
    },
  );

  it.each(['notifications/tasks', 'notifications/tasks/status', 'tasks/cancel', 'tasks/list', 'tasks/acme'])(
    'never reaches the server as %s, which could name a task of anybody',
    async (method) => {
      const servers = [remoteServer('files', { allowUnknownMethods: true, tasks: true })];
      expect(await effectsOf(method, endpoint({ servers }), { taskId: 'task-1' })).toEqual(['touch']);
    },
  );

  it.each(['notifications/progress', 'notifications/acme'])('names no task as %s', async (method) => {
    const sent: McpNotification[] = [];
    const session = { notify: async (each: McpNotification) => void sent.push(each) } as unknown as SessionHandle;
    const _meta = { 'io.modelcontextprotocol/related-task': { taskId: 'task-1' }, other: 1 };
    const visitor = { caller: callerOf('ada'), endpoint: endpoint() };
    await new ClientNotifications(HANDLERS, UNLIMITED, NO_CONNECTIONS).forward(visitor, session, {
      method,
      params: { _meta, a: 1 },
    });
    expect(sent).toEqual([{ method, params: { _meta: { other: 1 }, a: 1 } }]);
  });

  it.each(['acme/\r\nx: y', 'acme/削除', 'a b', '', 'x'.repeat(257)])(
    'never reaches the server with a method that no request may have (%j)',
    async (method) => {
      expect(await effectsOf(method, endpoint())).toEqual(['touch']);
    },
  );

  it('cancels the request that it names', async () => {
    expect(await effectsOf('notifications/cancelled', RESTRICTED, { requestId: 7 })).toEqual([['cancel', 7]]);
    expect(await effectsOf('notifications/cancelled', RESTRICTED, { requestId: {} })).toEqual(['touch']);
  });

  it('counts for limits when the gateway does not know it', async () => {
    const refused = { run: () => Promise.reject(new Error('limit')) } as unknown as Limits;
    await expect(effectsOf('acme/x', endpoint(), {}, refused)).rejects.toThrow('limit');
    expect(await effectsOf('notifications/progress', endpoint(), {}, refused)).toEqual(['notifications/progress']);
  });
});
