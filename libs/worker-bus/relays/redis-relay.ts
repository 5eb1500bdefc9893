import { randomBytes } from 'node:crypto';
import {
  RedisFault,
  type RedisArgument,
  type RedisCommands,
  type RedisConnections,
  type RedisKeys,
  type RedisScript,
  type RedisSubscriber,
} from '#lib/redis';
import {
  RelayFailure,
  type Address,
  type AnnounceReply,
  type ClaimVerdict,
  type Mailbox,
  type Relay,
  type RevokeVerdict,
  type Ticket,
  type WorkerPresence,
} from '../ports/index.js';
import { toBundle, readBundle } from './bundle.js';
import { Batcher } from './batcher.js';
import { DECISION_RETENTION_MS, GENERATION_TTL_MS, TOMBSTONE_TTL_MS } from './lifetimes.js';
import { RELAY_SCRIPTS } from './relay-scripts.js';

const CLAIM_VERDICTS = ['claimed', 'taken', 'revoked', 'late', 'stale'] as const satisfies ClaimVerdict[];
const REVOKE_VERDICTS = ['revoked', 'claimed', 'stale'] as const satisfies RevokeVerdict[];
const WORKER_STATES = ['alive', 'fenced', 'missing'] as const satisfies WorkerPresence[];

/** Frames in one message: of the largest, half a MiB. */
const MAX_FRAMES_PER_MESSAGE = 8;
/** Claims that Redis decides on in one step, in about a tenth of a millisecond. */
const MAX_CLAIMS_PER_SCRIPT = 64;

interface Claim {
  readonly ticket: Ticket;
  readonly accept: Buffer;
}

/**
 * A relay over one Redis, a master that Sentinels watch, or a cluster. Frames go over pub/sub, decisions are scripts,
 * workers are announced by keys that expire. The name of its state is `run id:replication id:token`; the token lies
 * beside the decisions, so that whatever loses them changes the name.
 */
export class RedisRelay implements Relay {
  private readonly commands: RedisCommands;
  private readonly subscribers = new Map<string, RedisSubscriber>();
  private readonly brokenListeners = new Set<() => void>();
  private readonly publishBatcher = new Batcher<Buffer, number>(
    (to, frames) => this.publishAll(to, frames),
    MAX_FRAMES_PER_MESSAGE,
  );
  private readonly claimBatcher = new Batcher<Claim, ClaimVerdict>(
    (of, claims) => this.claimAll(of, claims),
    MAX_CLAIMS_PER_SCRIPT,
  );
  /** Whether all connections are there, so that no frame is missed. */
  private isFullyConnected = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly keys: RedisKeys,
  ) {
    this.commands = connections.openCommands();
    this.commands.onReady(() => this.noteConnected());
    this.commands.onLost(() => {
      this.noteBroken();
      // A node of a cluster that went leaves the others as they are: nothing will say that all is well again.
      this.noteConnected();
    });
  }

  async listen(worker: string, mailbox: Mailbox): Promise<void> {
    const inbox = this.keys.inbox(worker);
    const former = this.subscribers.get(worker);
    if (former !== undefined) this.connections.release(former);
    const subscriber = this.connections.openSubscriber({
      channels: [inbox, this.keys.replies(worker)],
      onFrame: (channel, bundle) => {
        const take = channel === inbox ? mailbox.request.bind(mailbox) : mailbox.reply.bind(mailbox);
        for (const frame of readBundle(bundle)) take(frame);
      },
      onSubscribed: () => this.noteConnected(),
      onLost: () => this.noteBroken(),
    });
    this.subscribers.set(worker, subscriber);
    // Between the former connection and the new one frames are missed.
    if (former !== undefined) this.noteBroken();
    await subscriber.start().catch(throwRelayFailure);
  }

  publish(to: Address, frame: Buffer): Promise<number> {
    const channel = to.box === 'inbox' ? this.keys.inbox(to.worker) : this.keys.replies(to.worker);
    return this.publishBatcher.add(channel, frame);
  }

  onBroken(listener: () => void): () => void {
    this.brokenListeners.add(listener);
    return () => this.brokenListeners.delete(listener);
  }

  claim(ticket: Ticket, accept: Buffer): Promise<ClaimVerdict> {
    return this.claimBatcher.add(ticket.requester, { ticket, accept });
  }

  async revoke(ticket: Ticket): Promise<RevokeVerdict> {
    const args = [ticket.generation, Math.floor(ticket.notAfter), DECISION_RETENTION_MS];
    const keys = [this.keys.call(ticket.requester, ticket.request), this.keys.generation(ticket.requester)];
    const verdict = await this.run(RELAY_SCRIPTS.revoke, keys, args);
    return validateVerdict(REVOKE_VERDICTS, verdict);
  }

  async announce(worker: string, ttlMs: number): Promise<AnnounceReply> {
    const keys = [this.keys.worker(worker), this.keys.generation(worker), this.keys.tombstone(worker)];
    const token = randomBytes(12).toString('base64url');
    const answer = await this.run(RELAY_SCRIPTS.announce, keys, [ttlMs, token, GENERATION_TTL_MS]);
    const [generation, now, fenced] = Array.isArray(answer) ? (answer as unknown[]) : [];
    if (typeof generation !== 'string' || typeof now !== 'number') throw new RelayFailure(true);
    // The list is shared by all workers and lies on another node of a cluster: a step of its own.
    if (fenced === 0) await this.run(RELAY_SCRIPTS.listWorker, this.listKeys, [worker, ttlMs]);
    return { generation, now, fenced: fenced !== 0 };
  }

  async aliveWorkers(): Promise<readonly string[]> {
    const answer = await this.run(RELAY_SCRIPTS.aliveWorkers, [this.keys.aliveWorkers], []);
    return Array.isArray(answer) ? answer.map(String) : [];
  }

  async presenceOf(worker: string): Promise<WorkerPresence> {
    const state = await this.run(RELAY_SCRIPTS.presenceOf, this.presenceKeys(worker), []);
    return validateVerdict(WORKER_STATES, state);
  }

  async fence(worker: string): Promise<boolean> {
    const isFenced = (await this.run(RELAY_SCRIPTS.fence, this.presenceKeys(worker), [TOMBSTONE_TTL_MS, 0])) === 1;
    if (isFenced) await this.unlist(worker);
    return isFenced;
  }

  async leave(worker: string): Promise<void> {
    await this.run(RELAY_SCRIPTS.fence, this.presenceKeys(worker), [TOMBSTONE_TTL_MS, 1]);
    await this.unlist(worker);
  }

  /** Closes every connection; whoever asks later is told that the relay cannot be reached. */
  close(): void {
    for (const subscriber of this.subscribers.values()) this.connections.release(subscriber);
    this.subscribers.clear();
    this.connections.release(this.commands);
  }

  private get publishCommand(): string {
    return this.connections.isSharded ? 'SPUBLISH' : 'PUBLISH';
  }

  private get listKeys(): readonly string[] {
    return [this.keys.aliveWorkers, this.keys.fencedWorkers];
  }

  private presenceKeys(worker: string): readonly string[] {
    return [this.keys.worker(worker), this.keys.tombstone(worker)];
  }

  private async publishAll(channel: string, frames: readonly Buffer[]): Promise<number[]> {
    const sent = this.commands.send(this.publishCommand, channel, toBundle(frames));
    const receivers = Number(await sent.catch(throwRelayFailure));
    return frames.map(() => receivers);
  }

  private async claimAll(requester: string, claims: readonly Claim[]): Promise<ClaimVerdict[]> {
    const keys = claims.map(({ ticket }) => this.keys.call(requester, ticket.request));
    const args = claims.flatMap(({ ticket, accept }) => [ticket.generation, Math.floor(ticket.notAfter), accept]);
    const answers = await this.run(
      RELAY_SCRIPTS.claim,
      [this.keys.generation(requester), ...keys],
      [DECISION_RETENTION_MS, this.publishCommand, this.keys.replies(requester), ...args],
    );
    if (!Array.isArray(answers) || answers.length !== claims.length) throw new RelayFailure(true);
    return answers.map((answer) => validateVerdict(CLAIM_VERDICTS, answer));
  }

  private async unlist(worker: string): Promise<void> {
    await this.run(RELAY_SCRIPTS.unlistWorker, this.listKeys, [worker, TOMBSTONE_TTL_MS]);
  }

  private async run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return await this.commands.run(script, keys, args).catch(throwRelayFailure);
  }

  private noteConnected(): void {
    this.isFullyConnected =
      this.commands.isReady && [...this.subscribers.values()].every(({ isSubscribed }) => isSubscribed);
  }

  /** One break may cut several connections: it is told once, until all are there again. */
  private noteBroken(): void {
    if (!this.isFullyConnected) return;
    this.isFullyConnected = false;
    for (const listener of this.brokenListeners) listener();
  }
}

/** What another version of a script answers is no answer. */
function validateVerdict<T extends string>(words: readonly T[], answer: unknown): T {
  const word = words.find((known) => known === answer);
  if (word === undefined) throw new RelayFailure(true);
  return word;
}

function throwRelayFailure(error: unknown): never {
  throw new RelayFailure(!(error instanceof RedisFault) || error.attempted, error);
}
