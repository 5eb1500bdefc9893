import { Injectable } from '@nestjs/common';
import { runAsExtension } from './extension-scope.js';
import { ExtensionFailures } from './extension-failures.js';

/** Maximum number of pending promises of one consumer. */
export const MAX_PENDING = 1_000;

/** What a consumer receives. It is a label of a metric. */
export type ConsumedKind = 'call_record' | 'event';

/** Passes values of one kind to one contribution. Nothing that the contribution does affects the gateway. */
export interface ExtensionConsumer<T> {
  /** Never throws, and waits for nothing. */
  pass(value: T): void;
}

/** How many values were withheld from a consumer because too many of its promises were pending. */
export interface Drops {
  readonly kind: ConsumedKind;
  readonly contribution: string;
  readonly count: number;
}

/** Code of contributions that receives what the gateway reports. */
@Injectable()
export class ExtensionConsumers {
  private readonly all: BoundedConsumer<never>[] = [];

  constructor(private readonly failures: ExtensionFailures) {}

  /** @param consume may return a promise, whose rejection is a failure of the contribution */
  add<T>(kind: ConsumedKind, contribution: string, consume: (value: T) => unknown): ExtensionConsumer<T> {
    const consumer = new BoundedConsumer(kind, contribution, consume, this.failures);
    this.all.push(consumer);
    return consumer;
  }

  /** One for each kind and name. */
  get drops(): readonly Drops[] {
    const named = Map.groupBy(this.all, ({ kind, contribution }) => `${kind} ${contribution}`);
    return [...named.values()].flatMap(([first, ...others]) => {
      if (first === undefined) return [];
      const count = others.reduce((sum, { dropped }) => sum + dropped, first.dropped);
      return { kind: first.kind, contribution: first.contribution, count };
    });
  }
}

class BoundedConsumer<T> implements ExtensionConsumer<T> {
  dropped = 0;
  private pending = 0;

  constructor(
    readonly kind: ConsumedKind,
    readonly contribution: string,
    private readonly consume: (value: T) => unknown,
    private readonly failures: ExtensionFailures,
  ) {}

  pass(value: T): void {
    if (this.pending >= MAX_PENDING) {
      this.dropped += 1;
      this.report(`${MAX_PENDING} of its promises are pending, so it receives nothing until one is settled.`);
      return;
    }
    try {
      const returned = runAsExtension(this.contribution, () => this.consume(value));
      if (isThenable(returned)) void this.follow(returned);
    } catch (cause) {
      this.report(cause);
    }
  }

  private async follow(returned: PromiseLike<unknown>): Promise<void> {
    this.pending += 1;
    try {
      await returned;
    } catch (cause) {
      this.report(cause);
    } finally {
      this.pending -= 1;
    }
  }

  private report(cause: unknown): void {
    this.failures.report(`${this.contribution}, a consumer of ${this.kind}s`.replace('_', ' '), cause);
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
