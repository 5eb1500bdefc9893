import { describe, expect, it } from '@jest/globals';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { EventLog, type ReplayableEvent } from './event-log.js';
import { SessionStream, type StreamContext } from './session-stream.js';

const said = (method: string): ReplayableEvent => ({ kind: 'notification', notification: { method, params: {} } });

const homeOf = (log: EventLog, opened = () => undefined as unknown): StreamContext => ({
  log,
  store: undefined,
  onOpened: () => void opened(),
});

function streamWith(sink?: RecordingSink) {
  const log = new EventLog(100, 100_000);
  return { log, stream: new SessionStream(1, homeOf(log), sink) };
}

describe('a stream of a session', () => {
  it('says first that it is open, so that its client has an id to come back with', () => {
    const sink = new RecordingSink();
    const { stream } = streamWith(sink);
    void stream.emit(said('a'));
    void stream.emit(said('b'));
    expect(sink.summary).toEqual(['opened', 'a', 'b']);
    expect(sink.eventIds).toEqual(['1-0', '1-1', '1-2']);
  });

  it('tells once that it was opened', () => {
    let opened = 0;
    const stream = new SessionStream(
      1,
      homeOf(new EventLog(9, 9_999), () => (opened += 1)),
      new RecordingSink(),
    );
    expect(stream.isOpened).toBe(false);
    void stream.emit({ kind: 'opened', retryMs: 5 });
    void stream.emit(said('a'));
    expect(opened).toBe(1);
    expect(stream.isOpened).toBe(true);
  });

  it('keeps what is said while no connection is there', () => {
    const sink = new RecordingSink();
    const { log, stream } = streamWith(sink);
    void stream.emit(said('a'));
    stream.detach(sink);
    void stream.emit(said('b'));
    void stream.emit(said('c'));
    expect(sink.summary).toEqual(['opened', 'a']);
    expect(log.readAfter('1-1')?.events).toMatchObject([{ eventId: '1-2' }, { eventId: '1-3' }]);
  });

  it('goes on over another connection: first what was missed, then what is new', () => {
    const first = new RecordingSink();
    const { log, stream } = streamWith(first);
    void stream.emit(said('a'));
    stream.detach(first);
    void stream.emit(said('b'));
    const second = new RecordingSink();
    stream.attach(second, log.readAfter('1-1'));
    void stream.emit(said('c'));
    expect(second.summary).toEqual(['b', 'c']);
    expect(stream.isResumed).toBe(true);
  });

  it('ends the connection that another one takes over from, whose end then changes nothing', () => {
    const [first, second] = [new RecordingSink(), new RecordingSink()];
    const { stream } = streamWith(first);
    stream.attach(second);
    expect(first.ended).toBe(true);
    stream.detach(first);
    void stream.emit(said('a'));
    expect(second.summary).toContain('a');
  });

  it('passes an interruption on, without counting it as an event', () => {
    const sink = new RecordingSink();
    const { stream } = streamWith(sink);
    void stream.emit(said('a'));
    stream.interrupt();
    void stream.emit(said('b'));
    expect(sink.summary).toEqual(['opened', 'a', 'interrupted', 'b']);
    expect(sink.eventIds).toEqual(['1-0', '1-1', undefined, '1-2']);
  });

  it('hands on the back-pressure of its connection', async () => {
    const drained = Promise.withResolvers<void>();
    const slow = new RecordingSink();
    slow.emit = () => drained.promise;
    const { stream } = streamWith(slow);
    const pressure = stream.emit(said('a'));
    expect(pressure).toBeInstanceOf(Promise);
    drained.resolve();
    await pressure;
  });

  it('is over once it was ended', () => {
    const sink = new RecordingSink();
    const { stream } = streamWith(sink);
    stream.end();
    expect(sink.ended).toBe(true);
    expect(stream.isAttached).toBe(false);
    void stream.emit(said('a'));
    expect(sink.events).toEqual([]);
  });
});
