import { createHash, randomUUID } from 'node:crypto';
import { Injectable, Optional } from '@nestjs/common';
import type { Caller, ItemUse } from '#lib/extension-kit';
import { GatewayEvents } from '../events/index.js';
import {
  compileGlobs,
  ServerRegistry,
  type LimitDefinition,
  type LimitSubject,
  type ServerDefinition,
} from '../registry/index.js';
import { Counters, type Allowance } from './counters.js';
import { LimitReached } from './limits.errors.js';

/** The properties of a call that limits match. */
interface LimitedCall {
  readonly caller: Caller;
  readonly server: ServerDefinition;
  /** The use of an item; undefined for a method that the gateway does not know. */
  readonly use: ItemUse | undefined;
}

/** Releases the leases of a call. */
type Release = () => void;

/** Counted like a team. No team has this name. */
const NO_TEAM = '';

/** A concurrency limit has no window of its own. */
const CONCURRENCY_QUIET_MS = 60_000;

interface Limit extends LimitDefinition, Allowance {
  matchesServer(server: string): boolean;
  readonly matchesTool: ((tool: string) => boolean) | undefined;
}

/** Applies the configured limits to calls. */
@Injectable()
export class Limits {
  private builtFrom: readonly LimitDefinition[] | undefined;
  private limits: readonly Limit[] = [];
  private refusals: ReadonlyMap<string, { count: number }> = new Map();

  constructor(
    private readonly registry: ServerRegistry,
    private readonly counters: Counters,
    @Optional() private readonly events?: GatewayEvents,
  ) {}

  /** Runs a call when every matching limit admits it. Rejects with LimitReached without running it otherwise. */
  run<T>(call: LimitedCall, work: () => Promise<T>): Promise<T> {
    const admitted = this.admit(call);
    return admitted ? runAdmitted(admitted, work) : work();
  }

  /** Number of calls that each configured limit has refused. */
  get refused(): ReadonlyMap<string, { readonly count: number }> {
    return this.refusals;
  }

  private admit(call: LimitedCall): Promise<Release> | undefined {
    const { limits } = this.registry.snapshot;
    if (limits !== this.builtFrom) this.build(limits);
    if (this.limits.length === 0) return undefined;
    const matching = this.limits.filter((limit) => appliesTo(limit, call));
    return matching.length === 0 ? undefined : this.acquire(matching, call);
  }

  private async acquire(limits: readonly Limit[], call: LimitedCall): Promise<Release> {
    const lease = randomUUID();
    const acquired: string[] = [];
    const release = () => {
      for (const counter of acquired) void this.counters.release(counter, lease);
    };
    for (const limit of limits) {
      for (const counter of toCounterKeys(limit, call)) {
        const refusal = await this.counters.admit(counter, limit, lease);
        if (refusal) {
          release();
          this.report(limit, call);
          const refusals = this.refusals.get(limit.slug);
          if (refusals) refusals.count += 1;
          throw new LimitReached(limit.slug, refusal, call.server.slug);
        }
        if (limit.concurrency !== undefined) acquired.push(counter);
      }
    }
    return release;
  }

  private report({ slug, rate }: Limit, { caller, server }: LimitedCall): void {
    if (this.events?.isHeard('limit.reached') !== true) return;
    this.events.emit('limit.reached', {
      occurrence: JSON.stringify([slug, caller.key]),
      quietMs: rate?.withinMs ?? CONCURRENCY_QUIET_MS,
      data: { limit: slug, server: server.slug, principal: caller.key },
    });
  }

  private build(definitions: readonly LimitDefinition[]): void {
    this.builtFrom = definitions;
    this.refusals = new Map(definitions.map(({ slug }) => [slug, this.refusals.get(slug) ?? { count: 0 }]));
    this.limits = definitions.map((definition): Limit => ({
      ...definition,
      matchesServer: definition.servers ? compileGlobs(definition.servers) : () => true,
      matchesTool: definition.tools && compileGlobs(definition.tools),
    }));
  }
}

async function runAdmitted<T>(admitted: Promise<Release>, work: () => Promise<T>): Promise<T> {
  const release = await admitted;
  try {
    return await work();
  } finally {
    release();
  }
}

/** A limit for tools applies when either the own or the shown name of the tool matches. */
function appliesTo(limit: Limit, { server, use }: LimitedCall): boolean {
  if (!limit.matchesServer(server.slug)) return false;
  if (!limit.matchesTool) return true;
  if (use?.kind !== 'tools') return false;
  return limit.matchesTool(use.name) || (use.shownName !== undefined && limit.matchesTool(use.shownName));
}

/** One key for each combination of subjects: a limit per team has one for each team of the caller. */
function toCounterKeys({ slug, per }: Limit, { caller, server, use }: LimitedCall): readonly string[] {
  const parts: Record<LimitSubject, readonly string[]> = {
    principal: [caller.key],
    // Callers without a team share one counter: leaving all teams lifts no limit.
    team: caller.teams.length > 0 ? caller.teams : [NO_TEAM],
    server: [server.slug],
    // Renaming a tool does not reset its count.
    tool: use?.kind === 'tools' ? [`${server.slug} ${use.name}`] : [],
  };
  let keys: readonly (readonly string[])[] = [[slug]];
  for (const subject of per) keys = keys.flatMap((key) => parts[subject].map((part) => [...key, `${subject} ${part}`]));
  return keys.map((key) => createHash('sha256').update(JSON.stringify(key)).digest('base64url'));
}
