import { expect, it } from '@jest/globals';
import type { Outcome } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../channels/deadlines.js';
import { ContributedConnection } from './contributed-connection.js';

const RESULT: Outcome = { kind: 'result', result: {} };
const CLIENT = { revision: '2025-11-25', capabilities: {} };

function open() {
  const clock = new ManualClock();
  const answer = Promise.withResolvers<Outcome>();
  const seen: string[] = [];
  const profile = { era: 'modern', revision: '2026-07-28', capabilities: { tools: {} } } as const;
  const connection = new ContributedConnection(
    { profile, request: () => answer.promise, close: async () => void seen.push('freed') },
    profile,
    {
      client: CLIENT,
      context: { server: 'oslo', clock, deadlines: new Deadlines(clock), requestMs: 1_000, connectMs: 1_000 },
      maxMessageBytes: 10_000,
      failed: () => seen.push('failed'),
    },
    { notify: () => undefined, closed: (reason) => seen.push(reason) },
  );
  const call = () =>
    connection.request(
      { method: 'tools/call', params: {}, client: CLIENT },
      { notify: () => undefined, answerQuestion: () => Promise.reject(new Error('nobody')) },
      new AbortController().signal,
    );
  return { connection, answer, seen, call };
}

it('frees a connection that the adapter has ended after its last call, and once', async () => {
  const { connection, answer, seen, call } = open();
  const calling = call();
  connection.ended('the server has left');
  expect(seen).toEqual(['the server has left']);
  answer.resolve(RESULT);
  expect(await calling).toEqual(RESULT);
  expect(seen).toEqual(['the server has left', 'freed']);
  await connection.close();
  expect(seen).toEqual(['the server has left', 'freed']);
});

it('frees a connection without calls when the adapter ends it, and one with calls when the gateway closes it', async () => {
  const ended = open();
  ended.connection.ended('gone');
  expect(ended.seen).toEqual(['gone', 'freed']);
  const closed = open();
  const calling = closed.call();
  await closed.connection.close();
  expect(await calling).toMatchObject({ kind: 'error' });
  expect(closed.seen).toEqual(['freed']);
});
