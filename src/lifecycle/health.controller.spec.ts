import { beforeEach, describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { HealthController } from './health.controller.js';
import { LifecycleConfig, Readiness } from './index.js';

let readiness: Readiness;
let headers: Record<string, string>;
let faults: Set<string>;

beforeEach(() => {
  readiness = new Readiness();
  headers = {};
  faults = new Set();
  for (const part of ['redis', 'event-loop'])
    readiness.addPart(part, async () => (faults.has(part) ? `${part} does not work.` : undefined));
});

/** The status and body of a readiness probe. */
async function probe(settings: Partial<LifecycleConfig> = {}): Promise<readonly [number, unknown]> {
  const probes = new HealthController(readiness, Object.assign(new LifecycleConfig(), settings));
  const reply = { header: (name: string, value: string) => (headers[name] = value) } as unknown as FastifyReply;
  expect(probes.live()).toEqual({ status: 'up' });
  try {
    return [200, await probes.ready(reply)];
  } catch (cause) {
    if (!(cause instanceof HttpException)) throw cause;
    return [cause.getStatus(), cause.getResponse()];
  }
}

describe('a readiness probe', () => {
  it('is answered with 200 while everything works', async () => {
    expect(await probe()).toEqual([200, { status: 'ready' }]);
  });

  it('names a part that all workers share and stays 200', async () => {
    faults.add('redis');
    const reasons = { redis: 'redis does not work.' };
    expect(await probe()).toEqual([200, { status: 'ready', impaired: ['redis'], reasons }]);
  });

  it('is answered with 503 and names the part when a required one does not work', async () => {
    faults.add('event-loop');
    const answer = {
      status: 'unready',
      unready: ['event-loop'],
      impaired: ['event-loop'],
      reasons: { 'event-loop': 'event-loop does not work.' },
    };
    expect(await probe()).toEqual([503, answer]);
    expect(headers).toEqual({ 'retry-after': '1' });
    faults.add('redis');
    expect(await probe({ requiredParts: ['redis'] })).toMatchObject([503, { unready: ['redis'] }]);
  });

  it('is answered with 503 while the worker is draining, without a check', async () => {
    readiness.addPart('database', () => new Promise(() => undefined));
    readiness.startDraining();
    const reasons = { draining: 'The worker is draining and accepts no new work.' };
    expect(await probe()).toEqual([503, { status: 'unready', unready: ['draining'], reasons }]);
  });
});
