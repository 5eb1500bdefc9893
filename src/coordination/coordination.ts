import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { RedisConnections, RedisKeys, type RedisCommands, type RedisConfig } from '#lib/redis';

/** The Redis that the workers of an installation share. */
export interface SharedRedis {
  readonly connections: RedisConnections;
  /** A shared connection for commands that need no connection of their own. */
  readonly commands: RedisCommands;
  readonly keys: RedisKeys;
}

/** Owns the connections to Redis, if the installation has one. */
@Injectable()
export class Coordination implements OnApplicationShutdown {
  /** Undefined without Redis; then this worker is the only one. */
  readonly redis: SharedRedis | undefined;

  constructor({ topology, access, keyPrefix }: RedisConfig) {
    if (!topology) return;
    const connections = new RedisConnections(topology, access);
    this.redis = { connections, commands: connections.openCommands(), keys: new RedisKeys(keyPrefix) };
  }

  onApplicationShutdown(): void {
    this.redis?.connections.close();
  }
}
