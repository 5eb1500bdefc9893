import { describe, expect, it } from '@jest/globals';
import { publicExposureWarnings } from './index.js';
import { readConfiguration } from './read-configuration.js';

function toSnapshot(text: string) {
  const reading = readConfiguration(text, {});
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults));
  return { version: 1, ...reading.value };
}

const PUBLIC = toSnapshot(`
servers:
  open: { transport: http, url: http://a/, public: true }
  closed: { transport: http, url: http://a/ }
  asleep: { transport: http, url: http://a/, public: true, enabled: false }
virtualServers:
  office: { servers: [open], public: true }
default: { public: true }
`);

describe('publicExposureWarnings', () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('is empty when the gateway listens on %s', (host) => {
    expect(publicExposureWarnings(host, PUBLIC)).toEqual([]);
  });

  const REACHABLE = ['0.0.0.0', '::', '192.168.0.7', 'mcp.example.com'];
  it.each(REACHABLE)('names each public endpoint when the gateway listens on %s', (host) => {
    const warnings = publicExposureWarnings(host, PUBLIC);
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual([
      '/mcp',
      '/servers/open/mcp',
      '/servers/office/mcp',
    ]);
  });

  it('is empty by default, because no endpoint is public unless configured', () => {
    const text = 'servers: { a: { transport: http, url: http://a/ } }\nvirtualServers: { v: { servers: [a] } }';
    expect(publicExposureWarnings('0.0.0.0', toSnapshot(text))).toEqual([]);
  });
});
