import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
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

let keeper: OpenReplies;

const kept = (): Reply => {
  const reply = new Reply();
  keeper.add(reply);
  return reply;
};

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask'] });
  keeper = new OpenReplies(Object.assign(new TransportConfig(), { keepAliveMs: 1_000 }));
});

afterEach(() => {
  keeper.onApplicationShutdown();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('an open reply', () => {
  it('is kept alive once in every interval after its first', () => {
    jest.advanceTimersByTime(900);
    const reply = kept();
    jest.advanceTimersByTime(200);
    expect(reply.keepAlives).toBe(0);
    jest.advanceTimersByTime(1_000);
    expect(reply.keepAlives).toBe(1);
    jest.advanceTimersByTime(3_000);
    expect(reply.keepAlives).toBe(4);
  });

  it('is not kept alive after it was removed', () => {
    const replies = Array.from({ length: 20 }, kept);
    for (const index of [0, 19, 7, 7, 13]) keeper.remove(replies[index]!);
    jest.advanceTimersByTime(2_000);
    const neverKeptAlive = replies.flatMap(({ keepAlives }, index) => (keepAlives === 0 ? [index] : []));
    expect(neverKeptAlive).toEqual([0, 7, 13, 19]);
  });

  it('that is removed during a keep-alive round does not affect other replies', () => {
    const replies = Array.from({ length: 5 }, kept);
    replies[1]!.keepAlive = () => keeper.remove(replies[3]!);
    jest.advanceTimersByTime(2_000);
    expect([0, 2, 4].map((index) => replies[index]!.keepAlives)).toEqual([1, 1, 1]);
    expect(replies[3]!.keepAlives).toBe(0);
  });
});

describe('a draining worker', () => {
  it('notifies every open reply, including replies that open later', async () => {
    const [early, removed] = [kept(), kept()];
    keeper.remove(removed);
    keeper.beforeApplicationShutdown();
    const late = kept();
    const brief = kept();
    keeper.remove(brief);
    await Promise.resolve();
    expect([early.drains, removed.drains, late.drains, brief.drains]).toEqual([1, 0, 1, 0]);
  });

  it('keeps in-flight calls alive while they finish', () => {
    const reply = kept();
    keeper.beforeApplicationShutdown();
    jest.advanceTimersByTime(2_000);
    expect(reply.keepAlives).toBe(1);
  });
});
