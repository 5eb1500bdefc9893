import { Inject, Injectable } from '@nestjs/common';
import {
  isRequestId,
  isTaskMethod,
  isTaskNotification,
  withoutRelatedTask,
  type McpNotification,
} from '#lib/mcp-protocol';
import type { SessionHandle } from '../affinity/index.js';
import { deliverOnce, UpstreamPool } from '../connections/index.js';
import { Limits } from '../limits/index.js';
import { METHOD_HANDLERS, type Inbound, type MethodHandler } from './inbound.js';
import { isSendableMethod } from './sendable-requests.js';
import { serverThatReceives } from './unknown-methods.js';

/** Notifications that every client may send to the servers of its session. They name no item. */
const FORWARDED: ReadonlySet<string> = new Set(['notifications/roots/list_changed', 'notifications/progress']);

/** Passes notifications of clients on to servers: to those of the session, or to the one of the endpoint. */
@Injectable()
export class ClientNotifications {
  private readonly requestMethods: ReadonlySet<string>;

  constructor(
    @Inject(METHOD_HANDLERS) handlers: readonly MethodHandler[],
    private readonly limits: Limits,
    private readonly upstreams: UpstreamPool,
  ) {
    this.requestMethods = new Set(['initialize', ...handlers.flatMap(({ methods }) => methods)]);
  }

  /**
   * Handles one notification. One that is not passed on has no effect, but still requires a session.
   * @throws GatewayError when the session has ended, its owner is unreachable, the one server that it names has not received it, or
   *   a limit is reached
   */
  async forward(
    visitor: Pick<Inbound, 'caller' | 'endpoint'>,
    session: SessionHandle,
    { method, params }: McpNotification,
  ): Promise<void> {
    if (method === 'notifications/cancelled') {
      const { requestId, reason } = params;
      if (!isRequestId(requestId)) return session.touch();
      return session.cancel(requestId, typeof reason === 'string' ? reason : undefined);
    }
    // The name of a task counts only where it is opened for its owner: in requests.
    const notification = { method, params: withoutRelatedTask(params) };
    if (FORWARDED.has(method)) return session.notify(notification);
    const server = this.isUnknown(method) ? serverThatReceives(visitor.endpoint, method) : undefined;
    // Only the owner can report that the session has ended.
    if (server === undefined) return session.touch();
    return this.limits.run({ caller: visitor.caller, server, use: undefined }, () =>
      session.notify(notification, server),
    );
  }

  /**
   * Handles one notification of a client without a session. Only one that the gateway does not know has an effect.
   * @param signal aborts when the client no longer waits for the answer
   * @throws GatewayError when the server has not received it or a limit is reached
   */
  async forwardWithoutSession(
    { caller, endpoint, client }: Pick<Inbound, 'caller' | 'endpoint' | 'client'>,
    { method, params }: McpNotification,
    signal: AbortSignal,
  ): Promise<void> {
    const hasReceiver = !FORWARDED.has(method) && method !== 'notifications/cancelled' && this.isUnknown(method);
    const server = hasReceiver ? serverThatReceives(endpoint, method) : undefined;
    if (server === undefined) return;
    const notification = { method, params: withoutRelatedTask(params) };
    const scope = { caller, client, session: undefined };
    const send = () => this.upstreams.use(server, scope, (connection) => connection.notify(notification), { signal });
    await this.limits.run({ caller, server, use: undefined }, () => deliverOnce(send, signal));
  }

  /**
   * A known request without an id is no notification: a lenient server would execute it past policy and limits. Nor may a
   * notification name a task, which could belong to anybody.
   */
  private isUnknown(method: string): boolean {
    if (method === 'notifications/initialized' || isTaskMethod(method) || isTaskNotification(method)) return false;
    return !this.requestMethods.has(method) && isSendableMethod(method);
  }
}
