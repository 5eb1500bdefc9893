import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '#lib/mcp-protocol';
import { eventsIn } from '../support/events-in.js';
import { RepeatingClient } from '../support/repeating-client.js';
import { RoamingClient, read } from '../support/roaming-client.js';
import type { Book, Call } from './book.js';
import type { Dice } from './dice.js';
import { endOf, NamelessAnswer } from './outcomes.js';
import { Repeater } from './repeater.js';
import type { ServerName } from './servers.js';
import type { Seat, SoakWorld } from './soak-world.js';

/**
 * Within it every call is answered: connecting to a server, its own time and the time for questions, a worker that is
 * frozen on the way, the second that is promised on top, and as much again for a machine that does all of this at once.
 */
const ANSWER_MS = 45_000;
/** What a client does with an owner that died: long enough for the others to be sure. */
const RESUME_MS = 20_000;
const STEPS = 5;
const SERVERS: readonly ServerName[] = ['legacy', 'modern', 'stdio', 'rest'];

/** A client that goes on until the signal. */
export type SoakClient = (visit: Visit) => Promise<void>;

export interface Visit {
  readonly world: SoakWorld;
  readonly dice: Dice;
  readonly book: Book;
  readonly signal: AbortSignal;
}

const aSeat = ({ world, dice }: Visit): Seat => dice.oneOf(world.seats.filter(({ isDown }) => !isDown));
const rest = ({ dice }: Visit): Promise<void> => pause(dice.between(20, 200));

/** Makes a call and books what came of it. `undefined` of `ask`: whoever was asked is gone. */
async function attempt(
  { book }: Visit,
  call: Call,
  seat: Seat,
  wanted: string,
  ask: () => Promise<{ status: number; messages: readonly JsonObject[] }>,
): Promise<boolean> {
  const begunAtMs = performance.now();
  const { worker } = seat;
  try {
    const { status, messages } = await ask();
    const end = endOf(call.mark, wanted, status, messages);
    book.end(call, end);
    return end.outcome !== 'gone';
  } catch (error) {
    const { cause, message, name } = error as Error;
    if (error instanceof NamelessAnswer) {
      book.end(call, error.end);
      book.violate('an answer without its id', JSON.stringify({ call, message }), call.begunAtMs);
      return true;
    }
    const isExcused = seat.worker !== worker || seat.disturbedAtMs >= begunAtMs;
    book.end(call, { outcome: 'broken', told: message });
    if (name === 'TimeoutError' || !isExcused) {
      const tookMs = Math.round(performance.now() - begunAtMs);
      book.violate('wrong or missing answer', JSON.stringify({ call, tookMs, name, message, cause: String(cause) }));
    }
    return !isExcused;
  }
}

/** Sessions whose messages go to any worker. */
export const roam: SoakClient = async (visit) => {
  const { dice, book, signal } = visit;
  while (!signal.aborted) {
    const server = dice.oneOf(SERVERS);
    const client = await open(visit, server);
    let isOpen = client !== undefined;
    const calls = dice.between(4, 20);
    for (let count = 0; client !== undefined && isOpen && count < calls && !signal.aborted; count += 1) {
      const seat = aSeat(visit);
      const call = book.begin(`legacy at ${server}`, 'echo', seat.name);
      isOpen = await attempt(visit, call, seat, call.mark, async () => {
        const args = { text: call.mark };
        return read(await client.call(seat, call.mark, 'echo', args, AbortSignal.timeout(ANSWER_MS)));
      });
      await rest(visit);
    }
    // Some leave without a word.
    if (isOpen && dice.share() < 0.8) await client?.end(aSeat(visit)).catch(() => undefined);
    await rest(visit);
  }
};

/** Calls that report their progress, on streams that are taken up again at another worker. */
export const follow: SoakClient = async (visit) => {
  const { dice, book, signal } = visit;
  while (!signal.aborted) {
    const client = await open(visit, 'legacy');
    const seat = aSeat(visit);
    if (client !== undefined) {
      const call = book.begin('stream', 'slow', seat.name);
      const args = { durationMs: Math.round(dice.between(500, 4_000)), steps: STEPS };
      await attempt(visit, call, seat, `done after ${STEPS} steps`, () =>
        new Follower(visit, client, call).run(seat, args),
      );
      await client.end(aSeat(visit)).catch(() => undefined);
    }
    await rest(visit);
  }
};

/** Reads one stream to its end, over as many connections as it takes. */
class Follower {
  private readonly messages: JsonObject[] = [];
  private lastId: string | undefined;
  private progress = 0;

  constructor(
    private readonly visit: Visit,
    private readonly client: RoamingClient,
    private readonly call: Call,
  ) {}

  async run(seat: Seat, args: JsonObject): Promise<{ status: number; messages: readonly JsonObject[] }> {
    const answer = await this.client.call(seat, this.call.mark, 'slow', args, AbortSignal.timeout(ANSWER_MS));
    if (!isStream(answer)) return read(answer);
    const broken = await this.take(answer);
    if (this.isAnswered) return { status: 200, messages: this.messages };
    if (this.lastId === undefined) throw new Error('The stream ended without an answer.', { cause: broken });
    return this.resume(this.lastId);
  }

  private async resume(lastId: string): Promise<{ status: number; messages: readonly JsonObject[] }> {
    const untilMs = performance.now() + RESUME_MS;
    while (performance.now() < untilMs) {
      const answer = await this.client.stream(aSeat(this.visit), this.lastId ?? lastId).catch(() => undefined);
      if (answer?.status === 404) {
        const error = { code: -32_600, message: 'gone while resuming', data: { outcome: 'unknown' } };
        return { status: 404, messages: [{ jsonrpc: '2.0', id: this.call.mark, error }] };
      }
      if (answer !== undefined && isStream(answer)) await this.take(answer);
      else await answer?.text().catch(() => '');
      if (this.isAnswered) return { status: 200, messages: this.messages };
      await pause(250);
    }
    throw new Error('The stream was resumed for long enough, and held no answer.');
  }

  private get isAnswered(): boolean {
    return this.messages.some((message) => 'result' in message || 'error' in message);
  }

  /** Returns why the connection broke, if it did. */
  private async take(answer: Response): Promise<unknown> {
    try {
      const body = answer.body as unknown as AsyncIterable<Uint8Array>;
      for await (const { message } of eventsIn(body, (id) => (this.lastId = id))) {
        this.messages.push(message);
        this.look(message);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** An event may come twice; none may be missing before the next. */
  private look({ method, params }: JsonObject): void {
    if (method !== 'notifications/progress') return;
    const progress = Number((params as JsonObject)['progress']);
    if (progress > this.progress + 1) {
      this.visit.book.violate('a silent gap in a stream', JSON.stringify({ call: this.call, messages: this.messages }));
    }
    this.progress = Math.max(this.progress, progress);
  }
}

/** Clients of the modern era that a legacy server asks in the middle of a call. */
export const answer: SoakClient = async (visit) => {
  const { world, book, signal } = visit;
  const client = new RepeatingClient({ token: world.token }, '/servers/legacy');
  while (!signal.aborted) {
    const seat = aSeat(visit);
    const call = book.begin('asked at legacy', 'ask_name', seat.name);
    const repeater = new Repeater(client, call.mark, () => aSeat(visit), ANSWER_MS);
    await attempt(visit, call, seat, 'accept: Ada', () => repeater.run(seat));
    await rest(visit);
  }
  await client.close();
};

/** Clients of the modern era, and scripts: a request each, and no session. */
export const ask =
  (kind: 'modern' | 'rpc'): SoakClient =>
  async (visit) => {
    const { world, dice, book, signal } = visit;
    while (!signal.aborted) {
      const server = dice.oneOf(SERVERS);
      const seat = aSeat(visit);
      const call = book.begin(`${kind} at ${server}`, 'echo', seat.name);
      await attempt(visit, call, seat, call.mark, async () =>
        read(
          await fetch(`${seat.url}/servers/${server}/${kind === 'rpc' ? 'rpc' : 'mcp'}`, requestOf(kind, world, call)),
        ),
      );
      await rest(visit);
    }
  };

function requestOf(kind: 'modern' | 'rpc', { token }: SoakWorld, { mark }: Call): RequestInit {
  const common = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const modern = {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'echo',
  };
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'soak', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name: 'echo', arguments: { text: mark, call: mark }, ...(kind === 'modern' && { _meta: meta }) };
  return {
    method: 'POST',
    headers: { ...common, ...(kind === 'modern' && modern) },
    body: JSON.stringify({ jsonrpc: '2.0', id: mark, method: 'tools/call', params }),
    signal: AbortSignal.timeout(ANSWER_MS),
  };
}

/** A session, or nothing while there is nobody to open one. */
async function open(visit: Visit, server: ServerName): Promise<RoamingClient | undefined> {
  const { world, book } = visit;
  try {
    return await RoamingClient.initialize(aSeat(visit), { token: world.token, path: `/servers/${server}` });
  } catch (error) {
    const { message } = error as Error;
    if (message.includes(': 500 ')) book.violate('an internal error', message);
    await pause(200);
    return undefined;
  }
}

const isStream = ({ headers }: Response): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') === true;
