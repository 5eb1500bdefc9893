/** @waits */
import { expect, it } from '@jest/globals';
import { RedisKeys, type RedisConnections } from '#lib/redis';
import type { Subscription } from '#lib/redis/testing';
import { RedisRelay } from './redis-relay.js';

/** Connections that the test can break. */
function fakeConnections() {
  const lost: (() => void)[] = [];
  const subscriptions: Subscription[] = [];
  const commands = {
    isReady: true,
    onReady: (listener: () => void) => (listener(), () => undefined),
    onLost: (listener: () => void) => (lost.push(listener), () => undefined),
  };
  const fake = {
    isSharded: true,
    openCommands: () => commands,
    openSubscriber: (subscription: Subscription) => {
      subscriptions.push(subscription);
      return { isSubscribed: true, start: async () => subscription.onSubscribed() };
    },
  };
  return {
    connections: fake as unknown as RedisConnections,
    loseNode: () => lost.forEach((notify) => notify()),
    loseSubscription: () => subscriptions.forEach((subscription) => subscription.onLost()),
  };
}

it('a relay over a cluster reports a broken subscription even after the loss of one node', async () => {
  const { connections, loseNode, loseSubscription } = fakeConnections();
  const relay = new RedisRelay(connections, new RedisKeys('test:'));
  let breaks = 0;
  relay.onBroken(() => (breaks += 1));
  await relay.listen('me', { request: () => undefined, reply: () => undefined });
  loseNode();
  expect(breaks).toBe(1);
  loseSubscription();
  expect(breaks).toBe(2);
});
