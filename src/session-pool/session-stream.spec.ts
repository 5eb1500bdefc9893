import { describe, expect, it } from '@jest/globals';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { EventLog, type ReplayableEvent } from './event-log.js';
import { SessionStream, type StreamContext } from './session-stream.js';

const notification = (method: string): ReplayableEvent => ({
  kind: 'notification',
  notification: { method, params: {} },
});

const contextOf = (log: EventLog, opened = () => undefined as unknown): StreamContext => ({
  log,
  store: undefined,
  onOpened: () => void opened(),
});

function streamWith(sink?: RecordingSink) {
  const log = new EventLog(100, 100_000);
  return { log, stream: new SessionStream(1, contextOf(log), sink) };
}

describe('a stream of a session', () => {
  it('sends an opened event first, so that the client has an id from which it can resume', () => {
    const sink = new RecordingSink();
    const { stream } = streamWith(sink);
    void stream.emit(notification('a'));
    void stream.emit(notification('b'));
    expect(sink.summary).toEqual(['opened', 'a', 'b']);
    expect(sink.eventIds).toEqual(['1-0', '1-1', '1-2']);
  });

  it('reports once that a stream was opened', () => {
    let opened = 0;
    const stream = new SessionStream(
      1,
      contextOf(new EventLog(9, 9_999), () => (opened += 1)),
      new RecordingSink(),
    );
    expect(stream.isOpened).toBe(false);
    void stream.emit({ kind: 'opened', retryMs: 5 });
    void stream.emit(notification('a'));
    expect(opened).toBe(1);
    expect(stream.isOpened).toBe(true);
  });

  it('records events while no connection is attached', () => {
    const sink = new RecordingSink();
    const { log, stream } = streamWith(sink);
    void stream.emit(notification('a'));
    stream.detach(sink);
    void stream.emit(notification('b'));
    void stream.emit(notification('c'));
    expect(sink.summary).toEqual(['opened', 'a']);
    expect(log.readAfter('1-1')?.events).toMatchObject([{ eventId: '1-2' }, { eventId: '1-3' }]);
  });

  it('sends the missed events, then new ones, over a resumed connection', () => {
    const first = new RecordingSink();
    const { log, stream } = streamWith(first);
    void stream.emit(notification('a'));
    stream.detach(first);
    void stream.emit(notification('b'));
    const second = new RecordingSink();
    stream.attach(second, log.readAfter('1-1'));
    void stream.emit(notification('c'));
    expect(second.summary).toEqual(['b', 'c']);
    expect(stream.isResumed).toBe(true);
  });

  it('ends the previous connection when another one is attached, and ignores its later detach', () => {
    const [first, second] = [new RecordingSink(), new RecordingSink()];
    const { stream } = streamWith(first);
    stream.attach(second);
    expect(first.ended).toBe(true);
    stream.detach(first);
    void stream.emit(notification('a'));
    expect(second.summary).toContain('a');
  });

  it('forwards an interruption without numbering it as an event', () => {
    const sink = new RecordingSink();
    const { stream } = streamWith(sink);
    void stream.emit(notification('a'));
    stream.interrupt();
    void stream.emit(notification('b'));
    expect(sink.summary).toEqual(['opened', 'a', 'interrupted', 'b']);
    expect(sink.eventIds).toEqual(['1-0', '1-1', undefined, '1-2']);
  });

  it('returns the back-pressure of its connection to the sender', async () => {
    const drained = Promise.withResolvers<void>();
    const slow = new RecordingSink();
    slow.emit = () => drained.promise;
    const { stream } = streamWith(slow);
    const pressure = stream.emit(notification('a'));
    expect(pressure).toBeInstanceOf(Promise);
    drained.resolve();
    await pressure;
  });

  it('sends no event after a stream was ended', () => {
    const sink = new RecordingSink();
    const { stream } = streamWith(sink);
    stream.end();
    expect(sink.ended).toBe(true);
    expect(stream.isAttached).toBe(false);
    void stream.emit(notification('a'));
    expect(sink.events).toEqual([]);
  });
});
