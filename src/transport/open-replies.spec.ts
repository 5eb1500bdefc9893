import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { OpenReplies, type OpenReply } from './open-replies.js';
import { TransportConfig } from './transport.config.js';

class Reply implements OpenReply {
  slot: OpenReply['slot'];
  keepAlives = 0;
  drains = 0;
  keepAlive(): void {
    this.keepAlives += 1;
  }
  onDrain(): void {
    this.drains += 1;
  }
}

let clock: ManualClock;

let openReplies: OpenReplies;

const kept = (): Reply => {
  const reply = new Reply();
  openReplies.add(reply);
  return reply;
};

beforeEach(() => {
  clock = new ManualClock();
  openReplies = new OpenReplies(Object.assign(new TransportConfig(), { keepAliveMs: 1_000 }), clock);
});

afterEach(() => {
  openReplies.onApplicationShutdown();
  expect(clock.pending).toBe(0);
});

describe('an open reply', () => {
  it('is kept alive once in every interval after its first', async () => {
    await clock.advance(900);
    const reply = kept();
    await clock.advance(200);
    expect(reply.keepAlives).toBe(0);
    await clock.advance(1_000);
    expect(reply.keepAlives).toBe(1);
    await clock.advance(3_000);
    expect(reply.keepAlives).toBe(4);
  });

  it('is not kept alive after it was removed', async () => {
    const replies = Array.from({ length: 20 }, kept);
    for (const index of [0, 19, 7, 7, 13]) openReplies.remove(replies[index]!);
    await clock.advance(2_000);
    const neverKeptAlive = replies.flatMap(({ keepAlives }, index) => (keepAlives === 0 ? [index] : []));
    expect(neverKeptAlive).toEqual([0, 7, 13, 19]);
  });

  it('that is removed during a keep-alive round does not affect other replies', async () => {
    const replies = Array.from({ length: 5 }, kept);
    replies[1]!.keepAlive = () => openReplies.remove(replies[3]!);
    await clock.advance(2_000);
    expect([0, 2, 4].map((index) => replies[index]!.keepAlives)).toEqual([1, 1, 1]);
    expect(replies[3]!.keepAlives).toBe(0);
  });
});

describe('a draining worker', () => {
  it('notifies every open reply, including replies that open later', async () => {
    const [early, removed] = [kept(), kept()];
    openReplies.remove(removed);
    openReplies.beforeApplicationShutdown();
    const late = kept();
    const brief = kept();
    openReplies.remove(brief);
    await Promise.resolve();
    expect([early.drains, removed.drains, late.drains, brief.drains]).toEqual([1, 0, 1, 0]);
  });

  it('keeps in-flight calls alive while they finish', async () => {
    const reply = kept();
    openReplies.beforeApplicationShutdown();
    await clock.advance(2_000);
    expect(reply.keepAlives).toBe(1);
  });
});
