import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Logger, UseInterceptors, type INestApplicationContext } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { catchError, from, of, type Observable } from 'rxjs';
import { MemoryRelay } from '../relays/index.js';
import { WorkerBus, type BusEnd } from '../bus.js';
import { BusObserver } from '../observer.js';
import { WorkerBusContext } from './worker-bus-context.js';
import { WorkerBusServer } from './worker-bus-server.js';

@Injectable()
class Envelope implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: Error) => of({ enveloped: error.message })));
  }
}

@Controller()
class Inbox {
  constructor(@Inject(WorkerBus) private readonly bus: WorkerBus) {}

  @MessagePattern('session.call')
  async call(@Payload() payload: unknown, @Ctx() context: WorkerBusContext): Promise<unknown> {
    await context.emit({ about: payload });
    return { payload, requester: context.requester, isAborted: context.signal.aborted };
  }

  @MessagePattern('session.values')
  values(): Observable<number> {
    return from([1, 2, 3]);
  }

  @MessagePattern('session.nothing')
  nothing(): void {}

  @MessagePattern('session.broken')
  broken(@Payload() how: string): Promise<never> {
    if (how === 'rpc') throw new RpcException({ status: 'value', value: 'made up' });
    return Promise.reject(new Error('with a secret'));
  }

  @UseInterceptors(Envelope)
  @MessagePattern('session.enveloped')
  enveloped(): never {
    throw new Error('told');
  }

  @MessagePattern('session.wait')
  wait(@Ctx() { signal }: WorkerBusContext): Promise<string> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('stopped')));
  }

  @MessagePattern('session.onward')
  async onward(@Payload() to: string): Promise<BusEnd> {
    return this.bus.request({ to, pattern: 'session.values', payload: null }).end;
  }

  @EventPattern('session.event')
  event(_payload: unknown): void {}
}

describe('the transport between workers', () => {
  let relay: MemoryRelay;
  const secret = Buffer.alloc(32, 7);
  let apps: INestApplicationContext[];
  let asker: WorkerBus;

  async function worker(me: string): Promise<WorkerBus> {
    const ports = { wire: relay, ledger: relay, directory: relay, observer: new BusObserver() };
    const strategy = new WorkerBusServer({ workerId: me, secret, ...ports }, (_, payload) =>
      payload === 'unwanted' ? { reason: 'unwanted', detail: me } : undefined,
    );
    const providers = [{ provide: WorkerBus, useValue: strategy.node }];
    const module = await Test.createTestingModule({ controllers: [Inbox], providers }).compile();
    const app = module.createNestMicroservice({ strategy });
    await app.listen();
    // Nest writes what it keeps from the requester into the log.
    Logger.overrideLogger(false);
    apps.push(app);
    return strategy.node;
  }

  beforeEach(async () => {
    apps = [];
    // Workers that left never come back, not even by their names.
    relay = new MemoryRelay();
    asker = await worker('asker');
    await worker('owner');
  });

  afterEach(async () => {
    for (const app of apps) await app.close();
  });

  const ask = (pattern: string, payload: unknown = null) => asker.request({ to: 'owner', pattern, payload });

  it('brings payload and context to a handler, and back what it says and returns', async () => {
    const events: unknown[] = [];
    const order = { to: 'owner', pattern: 'session.call', payload: { n: 1 } };
    const end = await asker.request(order, (event) => void events.push(event)).end;
    expect(end).toEqual({ kind: 'value', value: { payload: { n: 1 }, requester: 'asker', isAborted: false } });
    expect(events).toEqual([{ about: { n: 1 } }]);
  });

  it('takes the last value of an Observable, and nothing for an empty answer', async () => {
    expect(await ask('session.values').end).toEqual({ kind: 'value', value: 3 });
    expect(await ask('session.nothing').end).toEqual({ kind: 'value', value: undefined });
  });

  it.each(['rpc', 'error'])('makes no value of what is thrown: %s', async (how) => {
    expect(await ask('session.broken', how).end).toEqual({ kind: 'failed' });
  });

  it('lets an interceptor make a value of what is thrown', async () => {
    expect(await ask('session.enveloped').end).toEqual({ kind: 'value', value: { enveloped: 'told' } });
  });

  it('aborts the signal of a handler whose requester cancels', async () => {
    const exchange = ask('session.wait');
    await exchange.accepted;
    await new Promise(setImmediate);
    exchange.cancel();
    expect(await exchange.end).toEqual({ kind: 'value', value: 'stopped' });
  });

  it.each(['session.unheard-of', 'session.event', '__proto__', '{"cmd":'])(
    'refuses what nobody handles: %s',
    async (name) => {
      expect(await ask(name).end).toEqual({ kind: 'refused', reason: 'no-such-pattern' });
    },
  );

  it('refuses what the worker does not admit', async () => {
    expect(await ask('session.call', 'unwanted').end).toEqual({ kind: 'refused', reason: 'unwanted', detail: 'owner' });
  });

  it('gives handlers the bus for requests of their own', async () => {
    expect(await ask('session.onward', 'asker').end).toEqual({ kind: 'value', value: { kind: 'value', value: 3 } });
  });

  it('serves nothing any more once the application is closed', async () => {
    await apps[1]?.close();
    expect((await ask('session.values').end).kind).toBe('not-executed');
  });
});
