import { describe, expect, it } from '@jest/globals';
import { publicExposureWarnings } from './index.js';
import { readConfiguration } from './read-configuration.js';

function snapshotOf(text: string) {
  const reading = readConfiguration(text, {});
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults));
  return { version: 1, ...reading.value };
}

const PUBLIC = snapshotOf(`
servers:
  open: { transport: http, url: http://a/, public: true }
  closed: { transport: http, url: http://a/ }
  asleep: { transport: http, url: http://a/, public: true, enabled: false }
virtualServers:
  office: { servers: [open], public: true }
default: { public: true }
`);

describe('public endpoints', () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('need no warning on %s', (host) => {
    expect(publicExposureWarnings(host, PUBLIC)).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '192.168.0.7', 'mcp.example.com'])('are each warned of on %s', (host) => {
    const warnings = publicExposureWarnings(host, PUBLIC);
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual([
      '/mcp',
      '/servers/open/mcp',
      '/servers/office/mcp',
    ]);
  });

  it('are none by default', () => {
    const text = 'servers: { a: { transport: http, url: http://a/ } }\nvirtualServers: { v: { servers: [a] } }';
    expect(publicExposureWarnings('0.0.0.0', snapshotOf(text))).toEqual([]);
  });
});
