import { describe, expect, it } from '@jest/globals';
import type { LogLevel } from '#lib/mcp-protocol';
import type { UpstreamConnection, UpstreamRequest } from '../upstream/index.js';
import { withConnectionLogLevel } from './connection-log-level.js';

const connection = (era: 'legacy' | 'modern') => ({ profile: { era } }) as unknown as UpstreamConnection;

const client = { revision: '2025-11-25', capabilities: {} };
const of = (who: string) => ({ principal: who, client: who });
const call = (logLevel: LogLevel, who = 'me') => ({
  method: 'tools/call',
  params: {},
  client,
  logLevel,
  asker: of(who),
});
const setting = (level: string, who = 'me') => ({
  method: 'logging/setLevel',
  params: { level },
  client,
  asker: of(who),
});

describe('the level that a server is to speak at', () => {
  const askedOf = (to: UpstreamConnection, ...requests: UpstreamRequest[]): unknown[] =>
    requests.map((request) => {
      const { params, logLevel } = withConnectionLogLevel(to, request);
      return params['level'] ?? logLevel;
    });

  it('is the lowest that any client of a legacy connection wants', () => {
    const levels = (['warning', 'error', 'debug', 'error'] as const).map((level) => call(level));
    expect(askedOf(connection('legacy'), ...levels)).toEqual(['warning', 'warning', 'debug', 'debug']);
    expect(askedOf(connection('legacy'), call('error'))).toEqual(['error']);
  });

  it('is each request’s own at a modern server', () => {
    expect(askedOf(connection('modern'), call('debug'), call('error'))).toEqual(['debug', 'error']);
  });

  it('is not raised by one session while another one that shares the connection wants to hear more', () => {
    const sessions = [setting('debug', 'a'), setting('error', 'b'), call('error', 'b'), setting('warning', 'a')];
    expect(askedOf(connection('legacy'), ...sessions)).toEqual(['debug', 'debug', 'debug', 'debug']);
  });

  it('is what the only session of a connection sets it to', () => {
    const sets = [setting('debug'), call('debug'), setting('error'), call('error')];
    expect(askedOf(connection('legacy'), ...sets)).toEqual(['debug', 'debug', 'error', 'error']);
  });

  it('is left to the server to refuse when there is no such level', () => {
    expect(askedOf(connection('legacy'), setting('loud'))).toEqual(['loud']);
  });
});
