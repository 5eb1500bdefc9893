/** @waits */
import { expect, it } from '@jest/globals';
import { RedisKeys, type RedisConnections, type Subscription } from '#lib/redis';
import { RedisRelay } from './redis-relay.js';

/** Connections that are there, until the test says that one broke. */
function connections() {
  const lost: (() => void)[] = [];
  const subscriptions: Subscription[] = [];
  const commands = {
    isReady: true,
    onReady: (listener: () => void) => (listener(), () => undefined),
    onLost: (listener: () => void) => (lost.push(listener), () => undefined),
  };
  const open = {
    isSharded: true,
    openCommands: () => commands,
    openSubscriber: (subscription: Subscription) => {
      subscriptions.push(subscription);
      return { isSubscribed: true, start: async () => subscription.onSubscribed() };
    },
  };
  return {
    open: open as unknown as RedisConnections,
    loseNode: () => lost.forEach((tell) => tell()),
    loseSubscription: () => subscriptions.forEach((subscription) => subscription.onLost()),
  };
}

it('tells of a subscription that breaks after a node of the cluster went, while the others are there', async () => {
  const { open, loseNode, loseSubscription } = connections();
  const relay = new RedisRelay(open, new RedisKeys('test:'));
  let breaks = 0;
  relay.onBroken(() => (breaks += 1));
  await relay.listen('me', { request: () => undefined, reply: () => undefined });
  loseNode();
  expect(breaks).toBe(1);
  loseSubscription();
  expect(breaks).toBe(2);
});
