import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import type { AuditEvent } from './audit-record.js';
import { RefusalWindows } from './refusal-windows.js';

const refusal: AuditEvent = {
  issuer: 'isthmus',
  subject: 'ada',
  roles: ['admin'],
  token: 'a',
  method: 'POST',
  path: '/mcp',
  outcome: 'refused',
  status: 403,
  reason: 'No.',
  address: '127.0.0.1',
};
const { token: _token, ...withoutToken } = refusal;
const stranger: AuditEvent = { ...withoutToken, issuer: '', subject: '', roles: [], status: 401 };

let written: AuditEvent[];
let windows: RefusalWindows;

beforeEach(() => {
  written = [];
  windows = new RefusalWindows((event) => written.push(event), new ManualClock());
});

const refuse = (count: number, toEvent: (index: number) => AuditEvent) => {
  for (let index = 0; index < count; index += 1) windows.add(toEvent(index));
};

/** Returns the records of counted refusals. */
function flushed(): AuditEvent[] {
  written.length = 0;
  windows.flush();
  return written;
}

describe('RefusalWindows, for more refusals than it keeps apart,', () => {
  it('writes the first one as it is', () => {
    refuse(21, (index) => ({ ...refusal, path: `/${index}` }));
    expect(written).toHaveLength(21);
    expect(written.at(-1)).toEqual({ ...refusal, path: '/20' });
  });

  it('lets only those be described that become records of their own', () => {
    let described = 0;
    windows = new RefusalWindows((event, toWhole) => written.push(toWhole?.() ?? event), new ManualClock());
    const describeLater = () => {
      described += 1;
      return { ...refusal, made: '/whole' };
    };
    for (let index = 0; index < 50; index += 1) windows.add(refusal, describeLater);
    windows.end();
    expect(described).toBe(1);
    expect(written).toMatchObject([{ made: '/whole' }, { count: 49 }]);
    expect(written[1]).not.toHaveProperty('made');
  });

  it('names in the record of the others their caller, and not the path and reason of the first one', () => {
    refuse(24, (index) => ({ ...refusal, path: `/${index}` }));
    expect(flushed()).toEqual([{ ...refusal, path: '', reason: 'Further requests.', count: 3 }]);
  });

  it('names no caller in the record of several, nor a token of theirs', () => {
    refuse(22, (index) => ({ ...refusal, path: `/${index}` }));
    windows.add({ ...refusal, subject: 'bob', method: 'GET' });
    const { token: _ofOne, ...common } = refusal;
    const several = { issuer: '', subject: 'several callers', roles: [] };
    expect(flushed()).toEqual([{ ...common, ...several, method: '', path: '', reason: 'Further requests.', count: 2 }]);
  });

  it('names no token in the record of two tokens of one subject', () => {
    refuse(22, (index) => ({ ...refusal, path: `/${index}`, token: `${index}` }));
    expect(flushed()).toEqual([expect.not.objectContaining({ token: expect.anything() })]);
  });

  it('names no address in the record of several', () => {
    refuse(502, (index) => ({ ...stranger, address: `10.0.${index % 250}.${Math.floor(index / 250)}` }));
    const { address: _address, ...common } = stranger;
    expect(flushed()).toEqual([{ ...common, path: '', reason: 'Further requests.', count: 1 }]);
  });

  it('counts the addresses of an IPv6 network as one, and names the network', () => {
    refuse(100, (index) => ({ ...stranger, address: `2001:db8:1:2::${index.toString(16)}` }));
    expect(written).toHaveLength(21);
    expect(flushed()).toEqual([
      { ...stranger, address: '2001:db8:1:2::/64', path: '', reason: 'Further requests.', count: 79 },
    ]);
  });
});
