import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '#lib/mcp-protocol';
import { eventsIn } from '../support/events-in.js';
import { RepeatingClient } from '../support/repeating-client.js';
import { RoamingClient, read } from '../support/roaming-client.js';
import type { CallLedger, Call } from './call-ledger.js';
import type { SeededRandom } from './seeded-random.js';
import { toCallEnd, AnswerWithoutId } from './outcomes.js';
import { QuestionAnswerer } from './question-answerer.js';
import type { ServerName } from './servers.js';
import type { WorkerSlot, SoakWorld } from './soak-world.js';

/**
 * Maximum time of every call: connecting to a server, the call timeout and the question timeout, a frozen worker on the
 * way, one second on top, doubled for a loaded machine.
 */
const ANSWER_TIMEOUT_MS = 45_000;
/** How long a client tries to resume a stream: until the other workers have fenced a dead owner. */
const RESUME_TIMEOUT_MS = 20_000;
const STEPS = 5;
const SERVERS: readonly ServerName[] = ['legacy', 'modern', 'stdio', 'rest'];

/** A client that runs until the signal aborts. */
export type SoakClient = (context: ClientContext) => Promise<void>;

export interface ClientContext {
  readonly world: SoakWorld;
  readonly random: SeededRandom;
  readonly ledger: CallLedger;
  readonly signal: AbortSignal;
}

const pickSlot = ({ world, random }: ClientContext): WorkerSlot =>
  random.pick(world.slots.filter(({ isDown }) => !isDown));
const rest = ({ random }: ClientContext): Promise<void> => pause(random.between(20, 200));

/** Makes a call and records its end. Returns false when its session is gone or its worker was disturbed. */
async function attempt(
  { ledger }: ClientContext,
  call: Call,
  slot: WorkerSlot,
  wanted: string,
  ask: () => Promise<{ status: number; messages: readonly JsonObject[] }>,
): Promise<boolean> {
  const begunAtMs = performance.now();
  const { worker } = slot;
  try {
    const { status, messages } = await ask();
    const end = toCallEnd(call.mark, wanted, status, messages);
    ledger.end(call, end);
    return end.outcome !== 'gone';
  } catch (error) {
    const { cause, message, name } = error as Error;
    if (error instanceof AnswerWithoutId) {
      ledger.end(call, error.end);
      ledger.reportViolation('an answer without its id', JSON.stringify({ call, message }), call.begunAtMs);
      return true;
    }
    const isExcused = slot.worker !== worker || slot.disturbedAtMs >= begunAtMs;
    ledger.end(call, { outcome: 'broken', received: message });
    if (name === 'TimeoutError' || !isExcused) {
      const tookMs = Math.round(performance.now() - begunAtMs);
      ledger.reportViolation(
        'wrong or missing answer',
        JSON.stringify({ call, tookMs, name, message, cause: String(cause) }),
      );
    }
    return !isExcused;
  }
}

/** A legacy client that sends the messages of its sessions to any worker. */
export const callInSessions: SoakClient = async (context) => {
  const { random, ledger, signal } = context;
  while (!signal.aborted) {
    const server = random.pick(SERVERS);
    const client = await open(context, server);
    let isOpen = client !== undefined;
    const calls = random.between(4, 20);
    for (let count = 0; client !== undefined && isOpen && count < calls && !signal.aborted; count += 1) {
      const slot = pickSlot(context);
      const call = ledger.begin(`legacy at ${server}`, 'echo', slot.name);
      isOpen = await attempt(context, call, slot, call.mark, async () => {
        const args = { text: call.mark };
        return read(await client.call(slot, call.mark, 'echo', args, AbortSignal.timeout(ANSWER_TIMEOUT_MS)));
      });
      await rest(context);
    }
    // Some clients leave without ending their session.
    if (isOpen && random.next() < 0.8) await client?.end(pickSlot(context)).catch(() => undefined);
    await rest(context);
  }
};

/** A client whose calls report progress and that resumes broken streams at another worker. */
export const followStreams: SoakClient = async (context) => {
  const { random, ledger, signal } = context;
  while (!signal.aborted) {
    const client = await open(context, 'legacy');
    const slot = pickSlot(context);
    if (client !== undefined) {
      const call = ledger.begin('stream', 'slow', slot.name);
      const args = { durationMs: Math.round(random.between(500, 4_000)), steps: STEPS };
      await attempt(context, call, slot, `done after ${STEPS} steps`, () =>
        new StreamFollower(context, client, call).run(slot, args),
      );
      await client.end(pickSlot(context)).catch(() => undefined);
    }
    await rest(context);
  }
};

/** Reads one stream to its end, over several connections if necessary. */
class StreamFollower {
  private readonly messages: JsonObject[] = [];
  private lastId: string | undefined;
  private progress = 0;

  constructor(
    private readonly context: ClientContext,
    private readonly client: RoamingClient,
    private readonly call: Call,
  ) {}

  async run(slot: WorkerSlot, args: JsonObject): Promise<{ status: number; messages: readonly JsonObject[] }> {
    const answer = await this.client.call(slot, this.call.mark, 'slow', args, AbortSignal.timeout(ANSWER_TIMEOUT_MS));
    if (!isStream(answer)) return read(answer);
    const broken = await this.readEvents(answer);
    if (this.isAnswered) return { status: 200, messages: this.messages };
    if (this.lastId === undefined) throw new Error('The stream ended without an answer.', { cause: broken });
    return this.resume(this.lastId);
  }

  private async resume(lastId: string): Promise<{ status: number; messages: readonly JsonObject[] }> {
    const untilMs = performance.now() + RESUME_TIMEOUT_MS;
    while (performance.now() < untilMs) {
      const answer = await this.client.stream(pickSlot(this.context), this.lastId ?? lastId).catch(() => undefined);
      if (answer?.status === 404) {
        const error = { code: -32_600, message: 'session gone while resuming', data: { outcome: 'unknown' } };
        return { status: 404, messages: [{ jsonrpc: '2.0', id: this.call.mark, error }] };
      }
      if (answer !== undefined && isStream(answer)) await this.readEvents(answer);
      else await answer?.text().catch(() => '');
      if (this.isAnswered) return { status: 200, messages: this.messages };
      await pause(250);
    }
    throw new Error(`The stream was resumed for ${RESUME_TIMEOUT_MS} ms and contained no answer.`);
  }

  private get isAnswered(): boolean {
    return this.messages.some((message) => 'result' in message || 'error' in message);
  }

  /** Returns the cause if the connection broke. */
  private async readEvents(answer: Response): Promise<unknown> {
    try {
      const body = answer.body as unknown as AsyncIterable<Uint8Array>;
      for await (const { message } of eventsIn(body, (id) => (this.lastId = id))) {
        this.messages.push(message);
        this.checkProgress(message);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Events may be repeated, but none may be missing. */
  private checkProgress({ method, params }: JsonObject): void {
    if (method !== 'notifications/progress') return;
    const progress = Number((params as JsonObject)['progress']);
    if (progress > this.progress + 1) {
      this.context.ledger.reportViolation(
        'a silent gap in a stream',
        JSON.stringify({ call: this.call, messages: this.messages }),
      );
    }
    this.progress = Math.max(this.progress, progress);
  }
}

/** A modern client that answers the questions of a legacy server. */
export const answerQuestions: SoakClient = async (context) => {
  const { world, ledger, signal } = context;
  const client = new RepeatingClient({ token: world.token }, '/servers/legacy');
  while (!signal.aborted) {
    const slot = pickSlot(context);
    const call = ledger.begin('questions at legacy', 'ask_name', slot.name);
    const answerer = new QuestionAnswerer(client, call.mark, () => pickSlot(context), ANSWER_TIMEOUT_MS);
    await attempt(context, call, slot, 'accept: Ada', () => answerer.run(slot));
    await rest(context);
  }
  await client.close();
};

/** A modern client or a script: single requests without a session. */
export const callWithoutSession =
  (kind: 'modern' | 'rpc'): SoakClient =>
  async (context) => {
    const { world, random, ledger, signal } = context;
    while (!signal.aborted) {
      const server = random.pick(SERVERS);
      const slot = pickSlot(context);
      const call = ledger.begin(`${kind} at ${server}`, 'echo', slot.name);
      await attempt(context, call, slot, call.mark, async () =>
        read(
          await fetch(`${slot.url}/servers/${server}/${kind === 'rpc' ? 'rpc' : 'mcp'}`, requestOf(kind, world, call)),
        ),
      );
      await rest(context);
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
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  };
}

/** Opens a session; undefined when no worker can open one. */
async function open(context: ClientContext, server: ServerName): Promise<RoamingClient | undefined> {
  const { world, ledger } = context;
  try {
    return await RoamingClient.initialize(pickSlot(context), { token: world.token, path: `/servers/${server}` });
  } catch (error) {
    const { message } = error as Error;
    if (message.includes(': 500 ')) ledger.reportViolation('an internal error', message);
    await pause(200);
    return undefined;
  }
}

const isStream = ({ headers }: Response): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') === true;
