import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { META, type JsonObject } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../../channels/deadlines.js';
import { openOverPipe } from '../legacy/index.js';
import { ConnectDeadline } from '../connect-deadline.js';
import { ScriptedPipe, flushMicrotasks } from '../pipe-fixture.js';
import { probeOverPipe, type PipeProbed } from './pipe-discovery.js';

const DISCOVER_MS = 2_500;
const START_MS = 60_000;
/** How late `Deadlines` may notice an expiry. */
const TICK_MS = 200;
const HANDSHAKE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'spec', version: '1' } };
const NEVER = new AbortController().signal;

const REFUSED = { error: { code: -32_601, message: 'Method not found' } };
const DISCOVERED = { result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } };
const INITIALIZED = { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} } } };

describe('a probe of a child process', () => {
  let clock: ManualClock;
  let deadlines: Deadlines;
  let pipe: ScriptedPipe;
  let probed: PipeProbed | undefined;
  const context = () => ({ server: 'shop', clock, deadlines, requestMs: START_MS, connectMs: START_MS });

  const answer = (method: string, body: JsonObject): void => pipe.emit({ id: pipe.idsOf(method).at(-1)!, ...body });
  const methods = (): unknown[] => pipe.sentMessages.map(({ method }) => method);
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await flushMicrotasks();
  };

  beforeEach(() => {
    clock = new ManualClock();
    deadlines = new Deadlines(clock);
    pipe = new ScriptedPipe();
    probed = undefined;
    const timeouts = { discoverMs: DISCOVER_MS, startMs: START_MS };
    void probeOverPipe(pipe, context(), timeouts, HANDSHAKE).then((found) => (probed = found));
  });

  afterEach(() => {
    deadlines.clear();
  });

  it('sends nothing but discovery to a server that answers it in time', async () => {
    await pass(DISCOVER_MS - TICK_MS);
    answer('server/discover', DISCOVERED);
    await pass(START_MS);
    expect(methods()).toEqual(['server/discover']);
    expect(probed).toMatchObject({ found: { kind: 'modern' }, handshakeId: undefined });
  });

  it('sends the handshake as well when discovery stays unanswered, in a form that dual-era servers take for modern', async () => {
    await pass(DISCOVER_MS + TICK_MS);
    expect(methods()).toEqual(['server/discover', 'initialize']);
    expect(pipe.sentMessages[1]?.['params']).toMatchObject({
      ...HANDSHAKE,
      _meta: { [META.protocolVersion]: '2026-07-28' },
    });
    expect(probed).toBeUndefined();
  });

  it('finds a modern server that answers discovery after the handshake was sent and refused', async () => {
    await pass(START_MS / 2);
    answer('initialize', REFUSED);
    await pass(DISCOVER_MS - TICK_MS);
    expect(probed).toBeUndefined();
    answer('server/discover', DISCOVERED);
    await flushMicrotasks();
    expect(probed).toMatchObject({ found: { kind: 'modern', profile: { revision: '2026-07-28' } } });
  });

  it('finds a legacy server that refuses discovery, however late', async () => {
    await pass(START_MS);
    answer('server/discover', REFUSED);
    await flushMicrotasks();
    expect(probed).toMatchObject({ found: { kind: 'legacy' }, handshakeId: pipe.idsOf('initialize')[0] });
  });

  it('finds a modern server whose process prints JSON that is no message while it starts', async () => {
    for (let line = 0; line < 3; line++) {
      await pass(DISCOVER_MS / 2);
      pipe.emit({ level: 30, msg: 'starting' });
    }
    await pass(DISCOVER_MS + TICK_MS);
    expect(probed).toBeUndefined();
    expect(methods()).toEqual(['server/discover', 'initialize']);
    answer('server/discover', DISCOVERED);
    await flushMicrotasks();
    expect(probed).toMatchObject({ found: { kind: 'modern' } });
  });

  it('finds a legacy server that answers the handshake and ignores discovery', async () => {
    await pass(DISCOVER_MS + TICK_MS);
    answer('initialize', INITIALIZED);
    await pass(1_000);
    expect(probed).toMatchObject({ found: { kind: 'legacy' } });
  });

  it.each([
    ['discovery is refused before the handshake is answered', ['server/discover', 'initialize']],
    ['the handshake is answered before discovery is refused', ['initialize', 'server/discover']],
  ])('leaves the answer to its handshake to the connection that follows: %s', async (_order, answered) => {
    await pass(DISCOVER_MS + TICK_MS);
    for (const method of answered) answer(method, method === 'initialize' ? INITIALIZED : REFUSED);
    await flushMicrotasks();
    const opening = {
      client: { revision: '2025-11-25', capabilities: {} },
      context: context(),
      events: { notify: () => undefined, closed: () => undefined },
      suspectEra: () => undefined,
      deadline: new ConnectDeadline(clock, START_MS),
      owner: '',
      opensServerStream: false,
    };
    const connection = await openOverPipe(pipe, opening, NEVER, probed?.handshakeId);
    expect(connection.profile).toMatchObject({ era: 'legacy', revision: '2025-11-25' });
    expect(methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
  });

  it('reports silence, and no era, when the server answers neither in the time that it has to start', async () => {
    await pass(DISCOVER_MS + START_MS - TICK_MS);
    expect(probed).toBeUndefined();
    await pass(3 * TICK_MS);
    expect(probed).toMatchObject({ found: { kind: 'silent' } });
  });

  it('reports the end of a process that does not survive the probe', async () => {
    await pass(DISCOVER_MS + TICK_MS);
    pipe.endWith('the process ended with code 3');
    await flushMicrotasks();
    expect(probed).toMatchObject({ found: { kind: 'ended', reason: 'the process ended with code 3' } });
  });
});
