import { describe, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

describe('HealthController', () => {
  it('reports live and ready, and while the worker drains only live', () => {
    const readiness = new Readiness();
    const probes = new HealthController(readiness);
    const headers: Record<string, string> = {};
    const reply = { header: (name: string, value: string) => (headers[name] = value) } as unknown as FastifyReply;
    expect([probes.live(), probes.ready(reply)]).toEqual([{ status: 'up' }, { status: 'ready' }]);
    let isRedisConnected = true;
    readiness.addPart('redis', () => isRedisConnected);
    expect(probes.ready(reply)).toEqual({ status: 'ready' });
    isRedisConnected = false;
    expect(probes.ready(reply)).toEqual({ status: 'ready', impaired: ['redis'] });
    readiness.startDraining();
    expect(probes.live()).toEqual({ status: 'up' });
    expect(() => probes.ready(reply)).toThrow(expect.objectContaining({ status: 503 }));
    expect(headers).toEqual({ 'retry-after': '1' });
  });
});
