import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { callerOf } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { EventArchive } from '../session-pool/index.js';
import type { ArchivedEvent } from '../session-pool/testing.js';
import { createCall, BINDING, WorkerCluster, type TestWorker } from './worker-cluster-fixture.js';

const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'hello' } };
const UNKNOWN = expect.objectContaining({ httpStatus: 404, message: 'Session not found. Initialize a new one.' });

/** An archive that every worker can read after the death of another. */
class SharedArchive extends EventArchive {
  override readonly isActive = true;
  readonly stored = new Map<string, ArchivedEvent[]>();
  isDown = false;

  override async append(session: string, event: ArchivedEvent): Promise<void> {
    this.stored.set(session, [...(this.stored.get(session) ?? []), event]);
  }

  override async read(session: string): Promise<readonly ArchivedEvent[]> {
    if (this.isDown) throw new Error('The archive cannot be read.');
    return this.stored.get(session) ?? [];
  }

  override async delete(session: string): Promise<void> {
    this.stored.delete(session);
  }
}

let cluster: WorkerCluster;
let archive: SharedArchive;
let owner: TestWorker;
let other: TestWorker;

beforeEach(async () => {
  Logger.overrideLogger(false);
  cluster = new WorkerCluster();
  archive = new SharedArchive();
  owner = await cluster.start({ archive });
  other = await cluster.start({ archive });
});

afterEach(async () => {
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

/** Creates a session whose worker dies during a call, after two notifications. */
async function sessionThatDied(): Promise<string> {
  const answer = Promise.withResolvers<Outcome>();
  owner.connector.respond = async ({ reply }) => {
    await reply.notify(LOGGED);
    await reply.notify(LOGGED);
    return answer.promise;
  };
  const session = owner.open();
  const sink = new RecordingSink();
  void session.call(createCall('open call'), sink);
  await sink.until(({ events }) => events.length === 3);
  await until(() => archive.stored.get(session.id)?.length === 3);
  owner.server.node.stop();
  return session.id;
}

describe('replayOrphanedStream', () => {
  it('returns the missed events and an unknown outcome for the unanswered call', async () => {
    const id = await sessionThatDied();
    const { revision, events } = await other.orphanedStreams.replay(id, BINDING, '1-1');
    expect(revision).toBe('2025-11-25');
    expect(events).toEqual([
      { kind: 'notification', notification: LOGGED, eventId: '1-2' },
      {
        kind: 'answer',
        id: 'open call',
        method: 'tools/call',
        outcome: expect.objectContaining({
          kind: 'error',
          error: expect.objectContaining({ code: -31002, data: { outcome: 'unknown', retriable: false } }),
        }),
      },
    ]);
  });

  it('returns the stored answer of the call', async () => {
    owner.connector.respond = async ({ reply }) => {
      await reply.notify(LOGGED);
      return result({ done: true });
    };
    const session = owner.open();
    await session.call(createCall(1), new RecordingSink());
    await until(() => archive.stored.get(session.id)?.length === 3);
    owner.server.node.stop();
    const { events } = await other.orphanedStreams.replay(session.id, BINDING, '1-1');
    expect(events).toMatchObject([{ kind: 'answer', id: 1, outcome: result({ done: true }) }]);
  });

  it('rejects other principals, endpoints, transports and forged ids as unknown', async () => {
    const id = await sessionThatDied();
    const tries: Parameters<typeof other.orphanedStreams.replay>[] = [
      [id, { ...BINDING, caller: callerOf('you') }, '1-1'],
      [id, { ...BINDING, endpoint: 'default' }, '1-1'],
      [id, { ...BINDING, transport: 'sse' }, '1-1'],
      ['forged', BINDING, '1-1'],
    ];
    for (const [session, binding, last] of tries) {
      await expect(other.orphanedStreams.replay(session, binding, last)).rejects.toEqual(UNKNOWN);
    }
  });

  it('rejects when events in between are missing, instead of leaving a silent gap', async () => {
    const id = await sessionThatDied();
    archive.stored.set(
      id,
      (archive.stored.get(id) ?? []).filter(({ sequence }) => sequence !== 1),
    );
    await expect(other.orphanedStreams.replay(id, BINDING, '1-0')).rejects.toEqual(UNKNOWN);
    await expect(other.orphanedStreams.replay(id, BINDING, '7-0')).rejects.toEqual(UNKNOWN);
    await expect(other.orphanedStreams.replay(id, BINDING, 'nonsense')).rejects.toEqual(UNKNOWN);
  });

  it('rejects a session that its client has ended', async () => {
    const id = await sessionThatDied();
    owner.sessions.find(id)?.end();
    await expect(other.orphanedStreams.replay(id, BINDING, '1-1')).rejects.toEqual(UNKNOWN);
  });

  it('fails with 503 while the archive cannot be read', async () => {
    const id = await sessionThatDied();
    archive.isDown = true;
    const later = { code: -31007, httpStatus: 503 };
    await expect(other.orphanedStreams.replay(id, BINDING, '1-1')).rejects.toMatchObject(later);
  });
});
