import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { EventsModule } from '../events/index.js';
import { RegistryModule } from '../registry/index.js';
import { Counters } from './counters.js';
import { Limits } from './limits.js';
import { MemoryCounters } from './memory-counters.js';
import { RedisCounters } from './redis-counters.js';

const countersProvider = {
  provide: Counters,
  inject: [Coordination, Clock],
  useFactory: ({ redis }: Coordination, clock: Clock) =>
    redis ? new RedisCounters(redis, new MemoryCounters(clock), clock) : new MemoryCounters(clock),
};

@Module({
  imports: [CoordinationModule, EventsModule, RegistryModule],
  providers: [countersProvider, Limits],
  exports: [Limits],
})
export class LimitsModule implements OnApplicationShutdown {
  constructor(private readonly counters: Counters) {}

  onApplicationShutdown(): void {
    if (this.counters instanceof RedisCounters) this.counters.close();
  }
}
