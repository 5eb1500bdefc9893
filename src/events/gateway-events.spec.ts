import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { GatewayEvents } from './gateway-events.js';

const quarantined = { occurrence: 'a pay 1', quietMs: 1, data: { server: 'a', tool: 'pay' } };
const recovered = { occurrence: 'database', quietMs: 1, data: { sink: 'database', worker: 'one' } };

let events: GatewayEvents;

beforeEach(() => {
  events = new GatewayEvents(new ManualClock());
  Logger.overrideLogger(false);
});

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

it('passes an event to the listeners of its type only, until they are removed', () => {
  const tools: string[] = [];
  const remove = events.on(['tool.quarantined'], ({ data }) => void tools.push(data.tool));
  const types: string[] = [];
  events.on(['tool.quarantined', 'audit.sink_recovered'], ({ type }) => void types.push(type));
  expect([events.isHeard('tool.quarantined'), events.isHeard('server.down')]).toEqual([true, false]);
  events.emit('tool.quarantined', quarantined);
  events.emit('audit.sink_recovered', recovered);
  remove();
  events.emit('tool.quarantined', quarantined);
  expect(tools).toEqual(['pay']);
  expect(types).toEqual(['tool.quarantined', 'audit.sink_recovered', 'tool.quarantined']);
});

it('delivers an event to the other listeners when one throws or rejects', () => {
  const received: string[] = [];
  events.on(['tool.quarantined'], () => {
    throw new Error('broken');
  });
  events.on(['tool.quarantined'], () => Promise.reject(new Error('broken')));
  events.on(['tool.quarantined'], ({ data }) => void received.push(data.tool));
  events.emit('tool.quarantined', quarantined);
  expect(received).toEqual(['pay']);
});
