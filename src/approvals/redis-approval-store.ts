import { redisScript } from '#lib/redis';
import { computeJsonDigest, JsonCipher } from '#lib/sealing';
import type { Clock } from '#lib/time';
import type { SharedRedis } from '../coordination/index.js';
import { CoordinationUnavailable } from '../workers/index.js';
import { KEPT_MS, type Approval, type ApprovalRequest, type Decision, type StoredState } from './approval.js';
import { ApprovalStore, isOpen, MAX_APPROVALS, MAX_APPROVALS_OF_PRINCIPAL } from './approval-store.js';
import { TooManyApprovals } from './approvals.errors.js';

const LABEL = 'approvals 1';
const OPEN = redisScript('open-approval', 4);
const CHANGE = redisScript('change-approval', 2);
/** Longer than any approval is kept, in milliseconds. */
const MAX_LIFETIME_MS = 2 * 86_400_000;
/** How often another worker may replace the approval of the same call meanwhile. */
const MAX_ATTEMPTS = 5;

/**
 * Shares approvals over Redis, encrypted: they contain arguments. A decision is bound to its approval and state, so that nobody who
 * can only write to Redis decides.
 */
export class RedisApprovalStore extends ApprovalStore {
  private readonly requests: JsonCipher<ApprovalRequest>;
  private readonly decisions: JsonCipher<Decision>;

  /** @param secret the common secret of all workers */
  constructor(
    private readonly redis: Pick<SharedRedis, 'commands' | 'keys'>,
    secret: Buffer,
    private readonly clock: Clock,
  ) {
    super();
    this.requests = new JsonCipher(secret, LABEL);
    this.decisions = new JsonCipher(secret, LABEL);
  }

  override open(request: ApprovalRequest): Promise<Approval> {
    return whileAvailable(async () => {
      const { commands, keys } = this.redis;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const known = await commands.send('GET', keys.approvalOfCall(request.call));
        const replaced = typeof known === 'string' ? known : '';
        const [same] = replaced === '' ? [] : await this.read([replaced]);
        if (same && isOpen(same, this.clock.now())) return same;
        if ((await this.store(request, replaced)) === request.id) return { ...request, state: 'pending' };
      }
      throw new CoordinationUnavailable();
    });
  }

  override find(ids: readonly string[]): Promise<readonly (Approval | undefined)[]> {
    return whileAvailable(() => this.read(ids));
  }

  override list(): Promise<readonly Approval[]> {
    return whileAvailable(async () => {
      const { commands, keys } = this.redis;
      const ids = await commands.send('ZRANGE', keys.approvals, `(${this.clock.now()}`, '+inf', 'BYSCORE');
      const found = await this.read(Array.isArray(ids) ? ids.map(String) : []);
      return found.filter((approval) => approval !== undefined);
    });
  }

  override change(approval: Approval, to: StoredState, decision?: Decision): Promise<boolean> {
    const { id, state } = approval;
    return whileAvailable(async () => {
      const { commands, keys } = this.redis;
      const encrypted = decision ? this.decisions.encrypt(decision, toBound(id, to)) : '';
      const names = [keys.approval(id), this.principalKey(approval)];
      return (await commands.run(CHANGE, names, [id, state, to, encrypted])) === 1;
    });
  }

  private async store(request: ApprovalRequest, replaced: string): Promise<unknown> {
    const { commands, keys } = this.redis;
    const { id, call, expiresAt } = request;
    const names = [keys.approvalOfCall(call), keys.approval(id), keys.approvals, this.principalKey(request)];
    const encrypted = this.requests.encrypt(request, id);
    const times = [this.clock.now(), expiresAt, expiresAt + KEPT_MS];
    const limits = [MAX_APPROVALS, MAX_APPROVALS_OF_PRINCIPAL, MAX_LIFETIME_MS];
    const stored = await commands.run(OPEN, names, [id, replaced, encrypted, ...times, ...limits]);
    if (stored === 'installation') throw new TooManyApprovals(stored, MAX_APPROVALS);
    if (stored === 'principal') throw new TooManyApprovals(stored, MAX_APPROVALS_OF_PRINCIPAL);
    return stored;
  }

  private principalKey({ principal: { issuer, subject } }: ApprovalRequest): string {
    return this.redis.keys.approvalsOfPrincipal(computeJsonDigest([issuer, subject]));
  }

  private async read(ids: readonly string[]): Promise<readonly (Approval | undefined)[]> {
    const { commands, keys } = this.redis;
    return Promise.all(
      ids.map(async (id) =>
        this.toApproval(id, await commands.send('HMGET', keys.approval(id), 'request', 'state', 'decision')),
      ),
    );
  }

  /** Undefined for what no worker of this version has stored. */
  private toApproval(id: string, fields: unknown): Approval | undefined {
    const [encrypted, state, decided] = Array.isArray(fields) ? (fields as unknown[]) : [];
    const request = this.requests.decrypt(encrypted, id);
    if (request === undefined) return undefined;
    if (state === 'pending') return { ...request, state };
    if (state !== 'approved' && state !== 'refused' && state !== 'used') return undefined;
    // Only an approved call is used.
    const decision = this.decisions.decrypt(decided, toBound(id, state === 'used' ? 'approved' : state));
    return decision && { ...request, state, decision };
  }
}

const toBound = (id: string, state: StoredState): string => `${id} ${state}`;

/** @throws CoordinationUnavailable instead of a fault of Redis */
async function whileAvailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof TooManyApprovals ? cause : new CoordinationUnavailable();
  }
}
