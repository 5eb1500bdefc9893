import { beforeEach, describe, expect, it } from '@jest/globals';
import { toFaultOutcome, result, type Answer, type JsonObject, type Outcome, type Question } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { InputRequired, CallResult, CallWaiter } from './parkable-call.js';
import { PlainReply, type CallReply } from './call-replies.js';
import { ParkedCalls } from './parked-calls.js';
import { NEVER_ABORTED } from '../session-pool/testing.js';
import { limits } from './calls-fixture.js';

const INFO = { server: 'a', method: 'tools/call', item: 'book', caller: 'me' };
const FORM: Question = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } };
const ROOTS: Question = { method: 'roots/list', params: {} };
const ANSWER = { action: 'accept', content: { name: 'Ada' } };
const DONE = result({ content: [] });
const QUESTION_TIMEOUT_MS = 60_000;

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

/** The server's side of one call, whose questions and outcome the spec controls. */
class Server {
  reply: CallReply | undefined;
  signal: AbortSignal | undefined;
  readonly answers: Answer[] = [];
  private readonly outcome = Promise.withResolvers<Outcome>();

  readonly run = (reply: CallReply, signal: AbortSignal): Promise<Outcome> => {
    [this.reply, this.signal] = [reply, signal];
    signal.addEventListener('abort', () => this.outcome.resolve(toFaultOutcome('aborted')));
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
  const config = limits({ questionTimeoutMs: QUESTION_TIMEOUT_MS, ...settings });
  const [parked, server] = [new ParkedCalls(config, config, clock), new Server()];
  const start = (listener: Partial<CallWaiter> = {}, note = INFO, at = server) =>
    parked.start(note, at.run, waiterWith(listener));
  return { parked, server, start };
}

const waiterWith = (more: Partial<CallWaiter> = {}): CallWaiter => ({
  reply: new PlainReply(new RecordingSink(), undefined),
  progressToken: undefined,
  signal: NEVER_ABORTED,
  ...more,
});

/** Waits until the simultaneous questions are gathered, and returns them. */
async function questionsOf(ending: Promise<CallResult>): Promise<Required<InputRequired>> {
  await clock.advance(20);
  const received = await ending;
  expect(received).toMatchObject({ kind: 'asked', parked: expect.any(String) });
  return received as Required<InputRequired>;
}

const resume = (parked: ParkedCalls, { parked: id }: Required<InputRequired>, responses: JsonObject = {}, more = {}) =>
  parked.resume(id, 'me', responses, waiterWith(more));

describe('a call whose server sends live questions', () => {
  it('returns the questions to the client and continues the call with its answers', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    expect(questions.questions).toEqual({ 'question-1': FORM });
    const second = resume(parked, questions, { 'question-1': ANSWER });
    await clock.advance(0);
    expect(server.answers).toEqual([{ result: ANSWER }]);
    server.finish();
    expect(await second).toBe(DONE);
    expect(parked.list()).toEqual([]);
  });

  it('returns simultaneous questions together and later ones with the next request', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    await clock.advance(10);
    void server.ask(ROOTS);
    const both = await questionsOf(first);
    expect(Object.keys(both.questions)).toEqual(['question-1', 'question-2']);
    const next = resume(parked, both, { 'question-1': ANSWER, 'question-2': { roots: [] } });
    void server.ask(FORM);
    expect(Object.keys((await questionsOf(next)).questions)).toEqual(['question-3']);
  });

  it('returns unanswered questions again and delivers the answers that it received', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    void server.ask(ROOTS);
    const both = await questionsOf(first);
    const rest = await resume(parked, both, { 'question-2': { roots: [] }, unknown: { x: 1 } });
    expect(rest).toEqual({ kind: 'asked', parked: both.parked, questions: { 'question-1': FORM } });
    expect(server.answers).toEqual([{ result: { roots: [] } }]);
  });

  it('rejects a malformed answer and delivers none of the answers beside it', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(ROOTS);
    void server.ask(FORM);
    const both = await questionsOf(first);
    const mixed = { 'question-1': { roots: [] }, 'question-2': { action: 'perhaps' } };
    expect(() => resume(parked, both, mixed)).toThrow(/question-2.*elicitation\/create/);
    await clock.advance(0);
    expect(server.answers).toEqual([]);
    expect(await resume(parked, both)).toMatchObject({ questions: both.questions });
  });

  it('delivers an answer once, however often the client sends it, and returns the outcome each time', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    const answers = { 'question-1': ANSWER };
    const repeated = [resume(parked, questions, answers), resume(parked, questions, answers)];
    await clock.advance(0);
    server.finish();
    expect(await Promise.all(repeated)).toMatchObject([DONE, DONE]);
    expect(await resume(parked, questions, { 'question-1': { action: 'decline' } })).toBe(DONE);
    expect(server.answers).toEqual([{ result: ANSWER }]);
  });

  it('rejects the resumption of a parked call by another caller (invariant 2)', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const { parked: id } = await questionsOf(first);
    const theirs = () => parked.resume(id, 'another', { 'question-1': ANSWER }, waiterWith());
    expect(theirs).toThrow(expect.objectContaining({ code: -31011, httpStatus: 410 }));
    expect(() => parked.resume('made up', 'me', {}, waiterWith())).toThrow(expect.objectContaining({ code: -31011 }));
    expect(server.answers).toEqual([]);
  });

  it('cancels a call whose client does not answer in time, and reports that to a late client', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    await clock.advance(QUESTION_TIMEOUT_MS);
    expect(server.signal?.aborted).toBe(true);
    expect(parked.list()).toEqual([]);
    const late = await resume(parked, questions, { 'question-1': ANSWER });
    expect(late).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    await clock.advance(QUESTION_TIMEOUT_MS);
    expect(() => resume(parked, questions)).toThrow(expect.objectContaining({ code: -31011 }));
  });

  it('cancels a call whose client disconnects while the server works', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const client = new AbortController();
    const waiting = resume(parked, await questionsOf(first), { 'question-1': ANSWER }, { signal: client.signal });
    client.abort();
    expect(await waiting).toEqual(toFaultOutcome('aborted'));
    expect(server.signal?.aborted).toBe(true);
  });

  it('cancels a call whose client disconnected before its answers were delivered', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const resumed = resume(parked, await questionsOf(first), { 'question-1': ANSWER }, { signal: AbortSignal.abort() });
    expect(await resumed).toEqual(toFaultOutcome('aborted'));
    expect(server.signal?.aborted).toBe(true);
  });

  it('does not cancel a call with open questions, nor one for which another request of the client waits', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    expect(server.signal?.aborted).toBe(false);
    const client = new AbortController();
    const broken = resume(parked, questions, { 'question-1': ANSWER }, { signal: client.signal });
    const whole = resume(parked, questions, { 'question-1': ANSWER });
    client.abort();
    await broken;
    expect(server.signal?.aborted).toBe(false);
    server.finish();
    expect(await whole).toBe(DONE);
  });

  it('cancels a call whose client disconnected before it received any question', async () => {
    const { server, start } = world();
    const client = new AbortController();
    const first = start({ signal: client.signal });
    void server.ask(FORM);
    client.abort();
    await first;
    expect(server.signal?.aborted).toBe(true);
  });

  it('does not return a question that its server has withdrawn', async () => {
    const { parked, server, start } = world();
    const first = start();
    const withdrawing = new AbortController();
    void server.ask(FORM);
    void server.ask(ROOTS, withdrawing.signal);
    const both = await questionsOf(first);
    withdrawing.abort();
    await clock.advance(0);
    expect(await resume(parked, both, { 'question-2': { roots: [] } })).toMatchObject({
      questions: { 'question-1': FORM },
    });
    expect(server.answers).toEqual([]);
  });

  it('does not time out a call for a question that its server has withdrawn', async () => {
    const { parked, server, start } = world();
    const first = start();
    const withdrawing = new AbortController();
    void server.ask(FORM, withdrawing.signal);
    const questions = await questionsOf(first);
    withdrawing.abort();
    await clock.advance(0);
    const waiting = resume(parked, questions);
    await clock.advance(2 * QUESTION_TIMEOUT_MS);
    expect(server.signal?.aborted).toBe(false);
    server.finish();
    expect(await waiting).toMatchObject(DONE);
  });

  it('stores the outcome of a parked call for a client that returns later', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    server.finish();
    await clock.advance(1_000);
    expect(await resume(parked, questions, { 'question-1': ANSWER })).toBe(DONE);
  });

  it('throws a defect to the first request and returns an internal error to later ones', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    const second = resume(parked, questions, { 'question-1': ANSWER });
    server.fail(new Error('a defect'));
    expect(await second).toMatchObject({ error: { code: -32603 } });
    const other = new Server();
    const failing = start({}, INFO, other);
    other.fail(new Error('a defect'));
    await expect(failing).rejects.toThrow('a defect');
  });
});

describe('notifications of a parkable call', () => {
  it('sends notifications to the waiting request, under its own progress token', async () => {
    const { parked, server, start } = world();
    const [before, after] = [new RecordingSink(), new RecordingSink()];
    const first = start({ reply: new PlainReply(before, undefined), progressToken: 'one' });
    await server.reply?.notify({ method: 'notifications/progress', params: { progressToken: 'one', progress: 1 } });
    void server.ask(FORM);
    const second = resume(
      parked,
      await questionsOf(first),
      { 'question-1': ANSWER },
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

  it('drops notifications while no request waits, and progress that was not requested', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    expect(server.reply?.notify({ method: 'notifications/progress', params: { progress: 1 } })).toBeUndefined();
    const sink = new RecordingSink();
    const second = resume(parked, questions, { 'question-1': ANSWER }, { reply: new PlainReply(sink, undefined) });
    void server.reply?.notify({ method: 'notifications/progress', params: { progress: 2 } });
    server.finish();
    await second;
    expect(sink.events).toEqual([]);
  });
});

describe('parked calls', () => {
  it('lists a call from its first question to its end', async () => {
    const { parked, server, start } = world();
    const first = start();
    expect(parked.list()).toEqual([]);
    void server.ask(FORM);
    void server.ask(ROOTS);
    const questions = await questionsOf(first);
    const [view] = parked.list();
    expect(view).toEqual({
      ...INFO,
      id: questions.parked,
      begunAt: expect.any(Number),
      questions: [FORM.method, ROOTS.method],
      waiting: 0,
    });
    server.finish();
    await clock.advance(0);
    expect(parked.list()).toEqual([]);
  });

  it('cancels one or all parked calls and reports that to their clients', async () => {
    const { parked, server, start } = world();
    const other = new Server();
    const [first, second] = [start(), start({}, INFO, other)];
    void server.ask(FORM);
    void other.ask(FORM);
    const [one, two] = [await questionsOf(first), await questionsOf(second)];
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
  ])('cancels a call beyond the limit of parked calls per %s with an error', async (_scope, settings, httpStatus) => {
    const { parked, server, start } = world(settings);
    const first = start();
    void server.ask(FORM);
    await questionsOf(first);
    const other = new Server();
    const refused = start({}, INFO, other);
    expect(await other.ask(FORM)).toBeUndefined();
    expect(await refused).toMatchObject({ httpStatus, error: { code: -31003, data: { outcome: 'unknown' } } });
    expect(other.signal?.aborted).toBe(true);
    expect(parked.list()).toHaveLength(1);
  });

  it('frees the slot of a parked call when it ends', async () => {
    const { server, start } = world({ maxParkedCallsPerPrincipal: 1 });
    const first = start();
    void server.ask(FORM);
    await questionsOf(first);
    server.finish();
    await clock.advance(0);
    const other = new Server();
    const second = start({}, INFO, other);
    void other.ask(FORM);
    expect((await questionsOf(second)).questions).toEqual({ 'question-1': FORM });
  });

  it('becomes idle once every resumed request is answered', async () => {
    const { parked, server, start } = world();
    const first = start();
    void server.ask(FORM);
    const questions = await questionsOf(first);
    await parked.whenIdle();
    const second = resume(parked, questions, { 'question-1': ANSWER });
    let isUnheard = false;
    void parked.whenIdle().then(() => (isUnheard = true));
    await clock.advance(0);
    expect(isUnheard).toBe(false);
    server.finish();
    await second;
    await clock.advance(0);
    expect(isUnheard).toBe(true);
  });
});
