import type { Answer, McpNotification } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { childServer, FakeConnector, FakeRegistry, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { ConnectionsConfig } from './connections.config.js';
import { UpstreamPool } from './upstream-pool.js';
import { InFlightWaits } from '../workers/index.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import type { PatternHandler } from './linked-bus-fixture.js';
import { PoolInboxController } from './pool-inbox.controller.js';
import { PoolPattern } from './pool-orders.js';

export const server = childServer('child');
export const CLIENT_WITH_ROOTS = { ...LEGACY_CLIENT, capabilities: { roots: {} } };
export const NEVER_ABORTED = new AbortController().signal;

export const createToolCall = (more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'tools/call',
  params: { name: 'any', arguments: {} },
  client: LEGACY_CLIENT,
  ...more,
});

export class RecordingReply implements UpstreamReply {
  readonly received: string[] = [];

  constructor(private readonly answer: UpstreamReply['answerQuestion'] = async () => ({ result: {} })) {}

  notify({ method }: McpNotification): void {
    this.received.push(method);
  }

  opened(retryMs?: number): void {
    this.received.push(`opened ${retryMs}`);
  }

  interrupted(): void {
    this.received.push('interrupted');
  }

  answerQuestion(...[question, signal]: Parameters<UpstreamReply['answerQuestion']>): Promise<Answer> {
    this.received.push(question.method);
    return this.answer(question, signal);
  }
}

/** A worker that owns placed connections. */
export function connectionOwner(clock: Clock, settings: Partial<ConnectionsConfig> = {}) {
  const connector = new FakeConnector();
  const registry = new FakeRegistry([server]);
  const pool = new UpstreamPool(
    connector,
    Object.assign(new ConnectionsConfig(), { upstreamIdleMs: 1 }, settings),
    registry,
    clock,
  );
  const inbox = new PoolInboxController(pool, registry, new InFlightWaits(clock));
  const serves = new Map<string, PatternHandler>([
    [PoolPattern.open, (payload, context) => inbox.open(payload as never, context)],
    [PoolPattern.request, (payload, context) => inbox.request(payload as never, context)],
    [PoolPattern.answer, (payload, context) => inbox.answer(payload as never, context)],
    [PoolPattern.cancel, (payload, context) => inbox.cancel(payload as never, context)],
    [PoolPattern.notify, (payload, context) => inbox.notify(payload as never, context)],
    [PoolPattern.listen, (payload, context) => inbox.listen(payload as never, context)],
  ]);
  return { connector, pool, serves };
}
