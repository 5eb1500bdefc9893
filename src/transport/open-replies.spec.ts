import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { OpenReplies, type OpenReply } from './open-replies.js';
import { TransportConfig } from './transport.config.js';

class Reply implements OpenReply {
  slot: OpenReply['slot'];
  signs = 0;
  left = 0;
  keepAlive(): void {
    this.signs += 1;
  }
  onDrain(): void {
    this.left += 1;
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

describe('an open answer', () => {
  it('gives a sign of life once it has been open for a while, then again and again', () => {
    jest.advanceTimersByTime(900);
    const reply = kept();
    jest.advanceTimersByTime(200);
    expect(reply.signs).toBe(0);
    jest.advanceTimersByTime(1_000);
    expect(reply.signs).toBe(1);
    jest.advanceTimersByTime(3_000);
    expect(reply.signs).toBe(4);
  });

  it('is forgotten once it is complete, whichever of many it is', () => {
    const replies = Array.from({ length: 20 }, kept);
    for (const index of [0, 19, 7, 7, 13]) keeper.remove(replies[index]!);
    jest.advanceTimersByTime(2_000);
    const silent = replies.flatMap(({ signs }, index) => (signs === 0 ? [index] : []));
    expect(silent).toEqual([0, 7, 13, 19]);
  });

  it('that completes on its sign of life harms no other', () => {
    const replies = Array.from({ length: 5 }, kept);
    replies[1]!.keepAlive = () => keeper.remove(replies[3]!);
    jest.advanceTimersByTime(2_000);
    expect([0, 2, 4].map((index) => replies[index]!.signs)).toEqual([1, 1, 1]);
    expect(replies[3]!.signs).toBe(0);
  });
});

describe('a worker that leaves', () => {
  it('tells every open answer, and those that are opened after', async () => {
    const [early, gone] = [kept(), kept()];
    keeper.remove(gone);
    keeper.beforeApplicationShutdown();
    const late = kept();
    const brief = kept();
    keeper.remove(brief);
    await Promise.resolve();
    expect([early.left, gone.left, late.left, brief.left]).toEqual([1, 0, 1, 0]);
  });

  it('keeps calls in flight alive while they finish', () => {
    const reply = kept();
    keeper.beforeApplicationShutdown();
    jest.advanceTimersByTime(2_000);
    expect(reply.signs).toBe(1);
  });
});
