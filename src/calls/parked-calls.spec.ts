import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { outcomeOfFault, result, type Answer, type JsonObject, type Outcome, type Question } from '#lib/mcp-protocol';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { InputRequired, CallResult, CallWaiter } from './parkable-call.js';
import { PlainReply, type CallReply } from './call-replies.js';
import { ParkedCalls } from './parked-calls.js';
import { NEVER_ABORTED } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';

const NOTE = { server: 'a', method: 'tools/call', item: 'book', caller: 'me' };
const FORM: Question = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } };
const ROOTS: Question = { method: 'roots/list', params: {} };
const ADA = { action: 'accept', content: { name: 'Ada' } };
const DONE = result({ content: [] });
const PATIENCE_MS = 60_000;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** The server's side of one call: asks, and answers when it is told to. */
class Server {
  reply: CallReply | undefined;
  signal: AbortSignal | undefined;
  readonly answers: Answer[] = [];
  private readonly outcome = Promise.withResolvers<Outcome>();

  readonly run = (reply: CallReply, signal: AbortSignal): Promise<Outcome> => {
    [this.reply, this.signal] = [reply, signal];
    signal.addEventListener('abort', () => this.outcome.resolve(outcomeOfFault('aborted')));
    return this.outcome.promise;
  };

  ask(question: Question, signal: AbortSignal = NEVER_ABORTED): Promise<Answer | undefined> {
    const asking = this.reply?.answerQuestion(question, signal) ?? Promise.reject(new Error('not called'));
    return asking.then(
      (answer) => {
        this.answers.push(answer);
        return answer;
      },
      () => undefined,
    );
  }

  finish(outcome: Outcome = DONE): void {
    this.outcome.resolve(outcome);
  }

  fail(defect: Error): void {
    this.outcome.reject(defect);
  }
}

function world(settings: Parameters<typeof limits>[0] = {}) {
  const config = limits({ questionTimeoutMs: PATIENCE_MS, ...settings });
  const [parked, server] = [new ParkedCalls(config, config), new Server()];
  const start = (listener: Partial<CallWaiter> = {}, note = NOTE, at = server) =>
    parked.start(note, at.run, listening(listener));
  return { parked, server, start };
}

const listening = (more: Partial<CallWaiter> = {}): CallWaiter => ({
  reply: new PlainReply(new RecordingSink(), undefined),
  progressToken: undefined,
  signal: NEVER_ABORTED,
  ...more,
});

/** What was asked, once the questions of one moment are gathered. */
async function asked(ending: Promise<CallResult>): Promise<Required<InputRequired>> {
  await jest.advanceTimersByTimeAsync(20);
  const told = await ending;
  expect(told).toMatchObject({ kind: 'asked', parked: expect.any(String) });
  return told as Required<InputRequired>;
}

const resume = (parked: ParkedCalls, { parked: id }: Required<InputRequired>, responses: JsonObject = {}, more = {}) =>
  parked.resume(id, 'me', responses, listening(more));

describe('a call whose server asks', () => {
  it('is answered with the questions, and goes on with the answers', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    expect(questions.questions).toEqual({ 'question-1': FORM });
    const second = resume(parked, questions, { 'question-1': ADA });
    await jest.advanceTimersByTimeAsync(0);
    expect(server.answers).toEqual([{ result: ADA }]);
    server.finish();
    expect(await second).toBe(DONE);
    expect(parked.list()).toEqual([]);
  });

  it('has what is asked at once in one answer, and what is asked later in another', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    await jest.advanceTimersByTimeAsync(10);
    void server.ask(ROOTS);
    const both = await asked(first);
    expect(Object.keys(both.questions)).toEqual(['question-1', 'question-2']);
    const next = resume(parked, both, { 'question-1': ADA, 'question-2': { roots: [] } });
    void server.ask(FORM);
    expect(Object.keys((await asked(next)).questions)).toEqual(['question-3']);
  });

  it('asks again for what was left unanswered, and gives the server what there is', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    void server.ask(ROOTS);
    const both = await asked(first);
    const rest = await resume(parked, both, { 'question-2': { roots: [] }, unknown: { x: 1 } });
    expect(rest).toEqual({ kind: 'asked', parked: both.parked, questions: { 'question-1': FORM } });
    expect(server.answers).toEqual([{ result: { roots: [] } }]);
  });

  it('takes no answer that is none, and gives the server none of those beside it', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(ROOTS);
    void server.ask(FORM);
    const both = await asked(first);
    const mixed = { 'question-1': { roots: [] }, 'question-2': { action: 'perhaps' } };
    expect(() => resume(parked, both, mixed)).toThrow(/question-2.*elicitation\/create/);
    await jest.advanceTimersByTimeAsync(0);
    expect(server.answers).toEqual([]);
    expect(await resume(parked, both)).toMatchObject({ questions: both.questions });
  });

  it('gives the server an answer once, however often it comes, and tells each time what came of it', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    const answers = { 'question-1': ADA };
    const repeated = [resume(parked, questions, answers), resume(parked, questions, answers)];
    await jest.advanceTimersByTimeAsync(0);
    server.finish();
    expect(await Promise.all(repeated)).toEqual([DONE, DONE]);
    expect(await resume(parked, questions, { 'question-1': { action: 'decline' } })).toBe(DONE);
    expect(server.answers).toEqual([{ result: ADA }]);
  });

  it('is nobody else’s', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const { parked: id } = await asked(first);
    const theirs = () => parked.resume(id, 'another', { 'question-1': ADA }, listening());
    expect(theirs).toThrow(expect.objectContaining({ code: -31011, httpStatus: 410 }));
    expect(() => parked.resume('made up', 'me', {}, listening())).toThrow(expect.objectContaining({ code: -31011 }));
    expect(server.answers).toEqual([]);
  });

  it('is given up when its client does not answer in time, and says so to a client that comes late', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    await jest.advanceTimersByTimeAsync(PATIENCE_MS);
    expect(server.signal?.aborted).toBe(true);
    expect(parked.list()).toEqual([]);
    const late = await resume(parked, questions, { 'question-1': ADA });
    expect(late).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    await jest.advanceTimersByTimeAsync(PATIENCE_MS);
    expect(() => resume(parked, questions)).toThrow(expect.objectContaining({ code: -31011 }));
  });

  it('is cancelled when the client leaves while the server works', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const leaving = new AbortController();
    const waiting = resume(parked, await asked(first), { 'question-1': ADA }, { signal: leaving.signal });
    leaving.abort();
    expect(await waiting).toEqual(outcomeOfFault('aborted'));
    expect(server.signal?.aborted).toBe(true);
  });

  it('is cancelled when the client has left before its answers were taken', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const gone = resume(parked, await asked(first), { 'question-1': ADA }, { signal: AbortSignal.abort() });
    expect(await gone).toEqual(outcomeOfFault('aborted'));
    expect(server.signal?.aborted).toBe(true);
  });

  it('stays while the client is asked, and while another of its requests waits', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    expect(server.signal?.aborted).toBe(false);
    const leaving = new AbortController();
    const broken = resume(parked, questions, { 'question-1': ADA }, { signal: leaving.signal });
    const whole = resume(parked, questions, { 'question-1': ADA });
    leaving.abort();
    await broken;
    expect(server.signal?.aborted).toBe(false);
    server.finish();
    expect(await whole).toBe(DONE);
  });

  it('is cancelled when its client left before it was told anything', async () => {
    const { server, start } = world();
    const leaving = new AbortController();
    const first = start({ signal: leaving.signal });
    void server.ask(FORM);
    leaving.abort();
    await first;
    expect(server.signal?.aborted).toBe(true);
  });

  it('asks no more what its server has withdrawn', async () => {
    const { parked, server, start } = world();
    const first = start();
    const withdrawing = new AbortController();
    void server.ask(FORM);
    void server.ask(ROOTS, withdrawing.signal);
    const both = await asked(first);
    withdrawing.abort();
    await jest.advanceTimersByTimeAsync(0);
    expect(await resume(parked, both, { 'question-2': { roots: [] } })).toMatchObject({
      questions: { 'question-1': FORM },
    });
    expect(server.answers).toEqual([]);
  });

  it('is not given up for a question that its server has withdrawn', async () => {
    const { parked, server, start } = world();
    const first = start();
    const withdrawing = new AbortController();
    void server.ask(FORM, withdrawing.signal);
    const questions = await asked(first);
    withdrawing.abort();
    await jest.advanceTimersByTimeAsync(0);
    const waiting = resume(parked, questions);
    await jest.advanceTimersByTimeAsync(2 * PATIENCE_MS);
    expect(server.signal?.aborted).toBe(false);
    server.finish();
    expect(await waiting).toEqual(DONE);
  });

  it('keeps its outcome for a client that comes for it later', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    server.finish();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await resume(parked, questions, { 'question-1': ADA })).toBe(DONE);
  });

  it('tells a defect as one, and whoever comes back that the call failed', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    const second = resume(parked, questions, { 'question-1': ADA });
    server.fail(new Error('a defect'));
    expect(await second).toMatchObject({ error: { code: -32603 } });
    const other = new Server();
    const failing = start({}, NOTE, other);
    other.fail(new Error('a defect'));
    await expect(failing).rejects.toThrow('a defect');
  });
});

describe('what precedes the outcome', () => {
  it('goes to the request that waits, under its own progress token', async () => {
    const { parked, server, start } = world();
    const [before, after] = [new RecordingSink(), new RecordingSink()];
    const first = start({ reply: new PlainReply(before, undefined), progressToken: 'one' });
    await server.reply?.notify({ method: 'notifications/progress', params: { progressToken: 'one', progress: 1 } });
    void server.ask(FORM);
    const second = resume(
      parked,
      await asked(first),
      { 'question-1': ADA },
      { reply: new PlainReply(after, 'error'), progressToken: 'two' },
    );
    await server.reply?.notify({ method: 'notifications/progress', params: { progressToken: 'one', progress: 2 } });
    for (const level of ['debug', 'error']) {
      await server.reply?.notify({ method: 'notifications/message', params: { level } });
    }
    server.finish();
    await second;
    expect(before.events).toMatchObject([{ notification: { params: { progressToken: 'one', progress: 1 } } }]);
    expect(after.events).toMatchObject([
      { notification: { params: { progressToken: 'two', progress: 2 } } },
      { notification: { params: { level: 'error' } } },
    ]);
  });

  it('is dropped while nobody waits, or nobody wants progress', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    expect(server.reply?.notify({ method: 'notifications/progress', params: { progress: 1 } })).toBeUndefined();
    const sink = new RecordingSink();
    const second = resume(parked, questions, { 'question-1': ADA }, { reply: new PlainReply(sink, undefined) });
    void server.reply?.notify({ method: 'notifications/progress', params: { progress: 2 } });
    server.finish();
    await second;
    expect(sink.events).toEqual([]);
  });
});

describe('parked calls', () => {
  it('are listed from the first question to the end', async () => {
    const { parked, server, start } = world();
    const first = start();
    expect(parked.list()).toEqual([]);
    void server.ask(FORM);
    void server.ask(ROOTS);
    const questions = await asked(first);
    const [view] = parked.list();
    expect(view).toEqual({
      ...NOTE,
      id: questions.parked,
      begunAt: expect.any(Number),
      questions: [FORM.method, ROOTS.method],
      waiting: 0,
    });
    server.finish();
    await jest.advanceTimersByTimeAsync(0);
    expect(parked.list()).toEqual([]);
  });

  it('can be cancelled, one or all, and their clients learn of it', async () => {
    const { parked, server, start } = world();
    const other = new Server();
    const [first, second] = [start(), start({}, NOTE, other)];
    void server.ask(FORM);
    void other.ask(FORM);
    const [one, two] = [await asked(first), await asked(second)];
    expect(parked.cancel(one.parked)).toBe(true);
    expect(parked.cancel(one.parked)).toBe(false);
    expect([server.signal?.aborted, other.signal?.aborted]).toEqual([true, false]);
    parked.cancelAll();
    expect(other.signal?.aborted).toBe(true);
    for (const questions of [one, two]) {
      expect(await resume(parked, questions)).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    }
  });

  it.each([
    ['worker', { maxParkedCalls: 1 }, 503],
    ['principal', { maxParkedCallsPerPrincipal: 1 }, 429],
  ])('are bounded by %s: one more is given up and says so', async (_scope, settings, httpStatus) => {
    const { parked, server, start } = world(settings);
    const first = start();
    void server.ask(FORM);
    await asked(first);
    const other = new Server();
    const refused = start({}, NOTE, other);
    expect(await other.ask(FORM)).toBeUndefined();
    expect(await refused).toMatchObject({ httpStatus, error: { code: -31003, data: { outcome: 'unknown' } } });
    expect(other.signal?.aborted).toBe(true);
    expect(parked.list()).toHaveLength(1);
  });

  it('leave room to others when they end', async () => {
    const { server, start } = world({ maxParkedCallsPerPrincipal: 1 });
    const first = start();
    void server.ask(FORM);
    await asked(first);
    server.finish();
    await jest.advanceTimersByTimeAsync(0);
    const other = new Server();
    const second = start({}, NOTE, other);
    void other.ask(FORM);
    expect((await asked(second)).questions).toEqual({ 'question-1': FORM });
  });

  it('are heard by nobody once every request that waits is answered', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await asked(first);
    await parked.whenIdle();
    const second = resume(parked, questions, { 'question-1': ADA });
    let isUnheard = false;
    void parked.whenIdle().then(() => (isUnheard = true));
    await jest.advanceTimersByTimeAsync(0);
    expect(isUnheard).toBe(false);
    server.finish();
    await second;
    await jest.advanceTimersByTimeAsync(0);
    expect(isUnheard).toBe(true);
  });
});
