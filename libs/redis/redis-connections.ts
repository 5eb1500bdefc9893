import { Logger } from '@nestjs/common';
import { Cluster, Redis } from 'ioredis';
import { OutageLog } from './outage-log.js';
import { RedisCommands } from './redis-commands.js';
import type { RedisAddress } from './redis-address.js';
import { clusterOptions, commandOptions, subscriberOptions } from './redis-options.js';
import { RedisSubscriber, type Subscription } from './redis-subscriber.js';
import type { RedisAccess, RedisTopology } from './redis.config.js';

/** Opens connections to the configured Redis, and closes all of them. */
export class RedisConnections {
  private readonly opened = new Set<{ close(): void }>();
  private readonly secrets: readonly string[];

  constructor(
    private readonly topology: RedisTopology,
    private readonly access: RedisAccess,
  ) {
    const passwords = [access.password, topology.kind === 'sentinel' ? topology.password : undefined];
    this.secrets = passwords.flatMap((password) => password ?? []);
  }

  /** True if each channel belongs to one cluster node: SPUBLISH and SSUBSCRIBE replace PUBLISH and SUBSCRIBE. */
  get isSharded(): boolean {
    return this.topology.kind === 'cluster';
  }

  /** Opens a connection for commands, which starts to connect at once. */
  openCommands(): RedisCommands {
    const { topology, access } = this;
    const client =
      topology.kind === 'cluster'
        ? new Cluster(
            topology.nodes.map((node) => ({ ...node })),
            clusterOptions(access),
          )
        : new Redis(commandOptions(topology, access));
    const commands = new RedisCommands(client, new OutageLog('Redis', this.secrets));
    const seen = commands.onReady(() => {
      seen();
      void warnAboutEviction(commands);
    });
    this.opened.add(commands);
    return commands;
  }

  /** Creates a subscriber; `start` connects it. */
  openSubscriber(subscription: Subscription): RedisSubscriber {
    const { topology, access, isSharded } = this;
    const open = (address: RedisAddress) => new Redis(subscriberOptions(topology, access, address));
    const seeds =
      topology.kind === 'cluster'
        ? topology.nodes
        : topology.kind === 'single'
          ? [topology.address]
          : topology.sentinels;
    const outage = new OutageLog('The subscription at Redis', this.secrets);
    const subscriber = new RedisSubscriber(subscription, { seeds, isSharded, open }, outage);
    this.opened.add(subscriber);
    return subscriber;
  }

  /** Closes one of the connections. */
  release(connection: RedisCommands | RedisSubscriber): void {
    this.opened.delete(connection);
    connection.close();
  }

  /** Closes every connection. */
  close(): void {
    for (const connection of this.opened) connection.close();
    this.opened.clear();
  }
}

/** A server that evicts keys loses decisions, so that a revoked request could still run. */
async function warnAboutEviction(commands: RedisCommands): Promise<void> {
  const servers = await commands.info('memory').catch(() => []);
  const evicts = servers.some((text) => !/^maxmemory:0\s/m.test(text) && !/^maxmemory_policy:noeviction\s/m.test(text));
  if (!evicts) return;
  new Logger('Redis').warn(
    'REDIS EVICTS KEYS when its memory is full, including decisions of the gateway, so that a call that was reported ' +
      'as not executed might still be executed. Set maxmemory-policy to noeviction.',
  );
}
