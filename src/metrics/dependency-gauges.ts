import { Injectable } from '@nestjs/common';
import { Coordination } from '../coordination/index.js';
import { Database } from '../database/index.js';
import { ServerChecks } from '../server-checks/index.js';
import { LabelValues, MAX_SERVER_SERIES } from './label-values.js';
import type { Meters, Observation } from './meters.js';
import { min, minBy } from './observed-metrics.js';

const DATABASE_TIMEOUT_MS = 1_000;

/** Whether what the gateway depends on answers: its database, Redis, and the servers. */
@Injectable()
export class DependencyGauges {
  private readonly servers = new LabelValues(MAX_SERVER_SERIES);

  constructor(
    private readonly coordination: Coordination,
    private readonly database: Database,
    private readonly checks: ServerChecks,
  ) {}

  register(meters: Meters): void {
    const { redis } = this.coordination;
    const readRedis = () => (redis ? Number(redis.commands.isReady) : []);
    const readDatabase = async () => Number(await this.database.isAnswering(DATABASE_TIMEOUT_MS));
    meters.observe(min('isthmus_database_up', '1 if the database answers within a second.', readDatabase));
    meters.observe(min('isthmus_redis_up', '1 if Redis is connected. No value without Redis.', readRedis));
    const server =
      '1 if the server answers its health checks, 0 if it is down. No value without checks, and while idle.';
    meters.observe(minBy('server', 'isthmus_server_up', server, () => this.readServers()));
  }

  /** The state that all workers share, so that each of them reports a server whichever checks it. */
  private async readServers(): Promise<readonly Observation[]> {
    const states = await this.checks.findAll();
    return Array.from(states).flatMap(([slug, { state }]) => {
      const server = this.servers.of(slug);
      const isKnown = state === 'up' || state === 'down';
      return isKnown && server === slug ? [{ labels: { server }, value: Number(state === 'up') }] : [];
    });
  }
}
