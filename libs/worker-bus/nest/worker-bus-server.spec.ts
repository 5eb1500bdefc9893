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
    throw new Error('converted');
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

describe('the Nest transport between workers', () => {
  let relay: MemoryRelay;
  const secret = Buffer.alloc(32, 7);
  let apps: INestApplicationContext[];
  let requester: WorkerBus;

  async function worker(me: string): Promise<WorkerBus> {
    const ports = { wire: relay, ledger: relay, directory: relay, observer: new BusObserver() };
    const strategy = new WorkerBusServer({ workerId: me, secret, ...ports }, (_, payload) =>
      payload === 'unwanted' ? { reason: 'unwanted', detail: me } : undefined,
    );
    const providers = [{ provide: WorkerBus, useValue: strategy.node }];
    const module = await Test.createTestingModule({ controllers: [Inbox], providers }).compile();
    const app = module.createNestMicroservice({ strategy });
    await app.listen();
    // Nest logs the errors that it hides from the requester.
    Logger.overrideLogger(false);
    apps.push(app);
    return strategy.node;
  }

  beforeEach(async () => {
    apps = [];
    // A worker that left stays fenced, so each test needs its own relay.
    relay = new MemoryRelay();
    requester = await worker('requester');
    await worker('owner');
  });

  afterEach(async () => {
    for (const app of apps) await app.close();
  });

  const send = (pattern: string, payload: unknown = null) => requester.request({ to: 'owner', pattern, payload });

  it('passes payload and context to a handler, and returns its events and value', async () => {
    const events: unknown[] = [];
    const order = { to: 'owner', pattern: 'session.call', payload: { n: 1 } };
    const end = await requester.request(order, (event) => void events.push(event)).end;
    expect(end).toEqual({ kind: 'value', value: { payload: { n: 1 }, requester: 'requester', isAborted: false } });
    expect(events).toEqual([{ about: { n: 1 } }]);
  });

  it('returns the last value of an Observable, and undefined for an empty answer', async () => {
    expect(await send('session.values').end).toEqual({ kind: 'value', value: 3 });
    expect(await send('session.nothing').end).toEqual({ kind: 'value', value: undefined });
  });

  it.each(['rpc', 'error'])('ends as failed when a handler throws: %s', async (how) => {
    expect(await send('session.broken', how).end).toEqual({ kind: 'failed' });
  });

  it('lets an interceptor turn an error into a value', async () => {
    expect(await send('session.enveloped').end).toEqual({ kind: 'value', value: { enveloped: 'converted' } });
  });

  it('aborts the signal of a handler whose requester cancels', async () => {
    const exchange = send('session.wait');
    await exchange.accepted;
    await new Promise(setImmediate);
    exchange.cancel();
    expect(await exchange.end).toEqual({ kind: 'value', value: 'stopped' });
  });

  it.each(['session.unknown', 'session.event', '__proto__', '{"cmd":'])(
    'refuses a pattern without a handler: %s',
    async (name) => {
      expect(await send(name).end).toEqual({ kind: 'refused', reason: 'no-such-pattern' });
    },
  );

  it('refuses a request that the admission check rejects', async () => {
    expect(await send('session.call', 'unwanted').end).toEqual({
      kind: 'refused',
      reason: 'unwanted',
      detail: 'owner',
    });
  });

  it('lets handlers send requests over the bus', async () => {
    expect(await send('session.onward', 'requester').end).toEqual({
      kind: 'value',
      value: { kind: 'value', value: 3 },
    });
  });

  it('serves nothing once the application is closed', async () => {
    await apps[1]?.close();
    expect((await send('session.values').end).kind).toBe('not-executed');
  });
});
