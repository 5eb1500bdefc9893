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
const WORKER_PRESENCES = ['alive', 'fenced', 'missing'] as const satisfies WorkerPresence[];

/** Maximum number of frames in one message: half a MiB of the largest frames. */
const MAX_FRAMES_PER_MESSAGE = 8;
/** Maximum number of claims in one script, which Redis decides in about a tenth of a millisecond. */
const MAX_CLAIMS_PER_SCRIPT = 64;

interface Claim {
  readonly ticket: Ticket;
  readonly accept: Buffer;
}

/**
 * A relay over one Redis, a master behind Sentinels, or a cluster. Pub/sub carries the frames, scripts make the
 * decisions, and keys that expire announce the workers. The generation is `run id:replication id:token`; the token is
 * stored beside the decisions, so that a loss of the decisions changes the generation.
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
  /** True while all connections are established, so that no frame is lost. */
  private isFullyConnected = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly keys: RedisKeys,
  ) {
    this.commands = connections.openCommands();
    this.commands.onReady(() => this.noteConnected());
    this.commands.onLost(() => {
      this.noteBroken();
      // After the loss of one cluster node the other connections stay, so no ready event follows.
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
        const receive = channel === inbox ? mailbox.request.bind(mailbox) : mailbox.reply.bind(mailbox);
        for (const frame of readBundle(bundle)) receive(frame);
      },
      onSubscribed: () => this.noteConnected(),
      onLost: () => this.noteBroken(),
    });
    this.subscribers.set(worker, subscriber);
    // Frames published between the former subscription and the new one are lost.
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
    // The list is shared by all workers and may be on another cluster node, so it needs a separate step.
    if (fenced === 0) await this.run(RELAY_SCRIPTS.listWorker, this.listKeys, [worker, ttlMs]);
    return { generation, now, fenced: fenced !== 0 };
  }

  async aliveWorkers(): Promise<readonly string[]> {
    const answer = await this.run(RELAY_SCRIPTS.aliveWorkers, [this.keys.aliveWorkers], []);
    return Array.isArray(answer) ? answer.map(String) : [];
  }

  async presenceOf(worker: string): Promise<WorkerPresence> {
    const state = await this.run(RELAY_SCRIPTS.presenceOf, this.presenceKeys(worker), []);
    return validateVerdict(WORKER_PRESENCES, state);
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

  /** Closes every connection; later calls reject because the relay cannot be reached. */
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

  /** One outage may break several connections: it is reported once, until all are established again. */
  private noteBroken(): void {
    if (!this.isFullyConnected) return;
    this.isFullyConnected = false;
    for (const listener of this.brokenListeners) listener();
  }
}

/** Rejects a reply that no known version of the script gives. */
function validateVerdict<T extends string>(verdicts: readonly T[], answer: unknown): T {
  const verdict = verdicts.find((known) => known === answer);
  if (verdict === undefined) throw new RelayFailure(true);
  return verdict;
}

function throwRelayFailure(error: unknown): never {
  throw new RelayFailure(!(error instanceof RedisFault) || error.attempted, error);
}
