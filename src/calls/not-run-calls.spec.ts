import { afterEach, describe, expect, it } from '@jest/globals';
import { result, type Outcome } from '#lib/mcp-protocol';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { createSession, NEVER_ABORTED } from '../session-pool/testing.js';
import { NOT_HELD } from '../connections/testing.js';
import { sessionLost } from '../upstream/testing.js';
import { callOf, closeCalls, openCalls } from './calls-fixture.js';

afterEach(closeCalls);

describe('a call over a connection that another worker no longer has', () => {
  it('repeats a call once over a new connection if its connection was not held, as it was not executed', async () => {
    const { connector, calls } = openCalls();
    const answers: Outcome[] = [NOT_HELD, result({ content: [] })];
    connector.respond = async () => answers.shift() ?? result({});
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toMatchObject(
      result({ content: [] }),
    );
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('repeats a call only once if the new connection is not held either', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async () => NOT_HELD;
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(NOT_HELD);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('does not repeat a call for an equal error of the server itself', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async () => structuredClone(NOT_HELD);
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toEqual(NOT_HELD);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(1);
  });
});

describe('a call whose upstream session is lost', () => {
  it('is sent again once in a new session, and its client session goes on', async () => {
    const { connector, calls } = openCalls();
    const answers: Outcome[] = [sessionLost('a'), result({ content: [] })];
    connector.respond = async (_sent, connection) => {
      const answer = answers.shift();
      if (answer?.kind === 'error') connection.breakOff();
      return answer ?? result({});
    };
    const session = createSession({ endpoint: 'a' });
    const outcome = await calls.runInSession(session, callOf(), new RecordingSink());
    expect(outcome).toMatchObject(result({ content: [] }));
    expect(connector.opened.map(({ sent }) => sent.length)).toEqual([1, 1]);
    expect(session.isEnded).toBe(false);
  });

  it('is sent no third time, and is reported as not executed', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async () => sessionLost('a');
    expect(await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true, server: 'a' } },
    });
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(2);
  });

  it('is not sent again for an equal error of the server itself', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async () => structuredClone(sessionLost('a'));
    await calls.runWithoutSession(callOf(), new RecordingSink(), NEVER_ABORTED);
    expect(connector.opened.flatMap(({ sent }) => sent)).toHaveLength(1);
  });
});
