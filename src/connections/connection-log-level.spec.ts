import { describe, expect, it } from '@jest/globals';
import type { LogLevel } from '#lib/mcp-protocol';
import type { UpstreamConnection, UpstreamRequest } from '../upstream/index.js';
import { withConnectionLogLevel } from './connection-log-level.js';

const connection = (era: 'legacy' | 'modern') => ({ profile: { era } }) as unknown as UpstreamConnection;

const client = { revision: '2025-11-25', capabilities: {} };
const identityOf = (subject: string) => ({ principal: subject, client: subject });
const call = (logLevel: LogLevel, subject = 'me') => ({
  method: 'tools/call',
  params: {},
  client,
  logLevel,
  asker: identityOf(subject),
});
const setLevel = (level: string, subject = 'me') => ({
  method: 'logging/setLevel',
  params: { level },
  client,
  asker: identityOf(subject),
});

describe('the log level of a connection', () => {
  const levelsFor = (target: UpstreamConnection, ...requests: UpstreamRequest[]): unknown[] =>
    requests.map((request) => {
      const { params, logLevel } = withConnectionLogLevel(target, request);
      return params['level'] ?? logLevel;
    });

  it('sends a legacy server the lowest level that any client of the connection requested', () => {
    const levels = (['warning', 'error', 'debug', 'error'] as const).map((level) => call(level));
    expect(levelsFor(connection('legacy'), ...levels)).toEqual(['warning', 'warning', 'debug', 'debug']);
    expect(levelsFor(connection('legacy'), call('error'))).toEqual(['error']);
  });

  it('sends a modern server the level of each request', () => {
    expect(levelsFor(connection('modern'), call('debug'), call('error'))).toEqual(['debug', 'error']);
  });

  it('does not raise the level of a shared connection while another session requests a lower one', () => {
    const sessions = [setLevel('debug', 'a'), setLevel('error', 'b'), call('error', 'b'), setLevel('warning', 'a')];
    expect(levelsFor(connection('legacy'), ...sessions)).toEqual(['debug', 'debug', 'debug', 'debug']);
  });

  it('raises and lowers the level for the only session of a connection', () => {
    const sets = [setLevel('debug'), call('debug'), setLevel('error'), call('error')];
    expect(levelsFor(connection('legacy'), ...sets)).toEqual(['debug', 'debug', 'error', 'error']);
  });

  it('forwards an unknown level, so that the server rejects it', () => {
    expect(levelsFor(connection('legacy'), setLevel('loud'))).toEqual(['loud']);
  });
});
