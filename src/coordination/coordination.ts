import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { RedisConnections, RedisKeys, type RedisCommands, type RedisConfig } from '#lib/redis';

/** The Redis that the workers of an installation share. */
export interface SharedRedis {
  readonly connections: RedisConnections;
  /** A connection for whatever needs none of its own. */
  readonly commands: RedisCommands;
  readonly keys: RedisKeys;
}

/** What several workers have in common. A worker alone has nothing in common with anybody. */
@Injectable()
export class Coordination implements OnApplicationShutdown {
  /** Undefined: there is no Redis, and so no other worker. */
  readonly redis: SharedRedis | undefined;

  constructor({ place, access, keyPrefix }: RedisConfig) {
    if (!place) return;
    const connections = new RedisConnections(place, access);
    this.redis = { connections, commands: connections.openCommands(), keys: new RedisKeys(keyPrefix) };
  }

  onApplicationShutdown(): void {
    this.redis?.connections.close();
  }
}
