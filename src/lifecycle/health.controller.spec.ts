import { describe, expect, it } from '@jest/globals';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

describe('HealthController', () => {
  it('reports live and ready, and while the worker drains only live', () => {
    const readiness = new Readiness();
    const probes = new HealthController(readiness);
    expect([probes.live(), probes.ready()]).toEqual([{ status: 'up' }, { status: 'ready' }]);
    readiness.startDraining();
    expect(probes.live()).toEqual({ status: 'up' });
    expect(() => probes.ready()).toThrow(expect.objectContaining({ status: 503 }));
  });
});
