import { createHash, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import {
  glob,
  ServerRegistry,
  type LimitDefinition,
  type LimitSubject,
  type ServerDefinition,
} from '../registry/index.js';
import { Counters, type Allowance } from './counters.js';
import { LimitReached } from './limits.errors.js';

/** What limits go by. */
interface LimitedCall {
  readonly caller: Caller;
  readonly server: ServerDefinition;
  /** By the name that callers see; undefined for a call of something else. */
  readonly tool: string | undefined;
}

/** Gives back what a call has taken. */
type Release = () => void;

interface Limit extends LimitDefinition, Allowance {
  matchesServer(server: string): boolean;
  readonly matchesTool: ((tool: string) => boolean) | undefined;
}

/** Holds calls to the limits of the configuration. */
@Injectable()
export class Limits {
  private builtFrom: readonly LimitDefinition[] | undefined;
  private limits: readonly Limit[] = [];

  constructor(
    private readonly registry: ServerRegistry,
    private readonly counters: Counters,
  ) {}

  /** Runs a call; at once where nothing limits it. Rejects with LimitReached, and then nothing was run. */
  run<T>(call: LimitedCall, work: () => Promise<T>): Promise<T> {
    const admitted = this.admit(call);
    return admitted ? runAdmitted(admitted, work) : work();
  }

  private admit(call: LimitedCall): Promise<Release> | undefined {
    const { limits } = this.registry.snapshot;
    if (limits !== this.builtFrom) this.build(limits);
    if (this.limits.length === 0) return undefined;
    const concerned = this.limits.filter((limit) => appliesTo(limit, call));
    return concerned.length === 0 ? undefined : this.acquire(concerned, call);
  }

  private async acquire(limits: readonly Limit[], call: LimitedCall): Promise<Release> {
    const lease = randomUUID();
    const taken: string[] = [];
    const giveBack = () => {
      for (const counter of taken) void this.counters.release(counter, lease);
    };
    for (const limit of limits) {
      for (const counter of toCounterKeys(limit, call)) {
        const refusal = await this.counters.admit(counter, limit, lease);
        if (refusal) {
          giveBack();
          throw new LimitReached(limit.slug, refusal, call.server.slug);
        }
        if (limit.concurrency !== undefined) taken.push(counter);
      }
    }
    return giveBack;
  }

  private build(definitions: readonly LimitDefinition[]): void {
    this.builtFrom = definitions;
    this.limits = definitions.map((definition) => ({
      ...definition,
      matchesServer: toMatcher(definition.servers) ?? (() => true),
      matchesTool: toMatcher(definition.tools),
    }));
  }
}

async function runAdmitted<T>(admitted: Promise<Release>, work: () => Promise<T>): Promise<T> {
  const giveBack = await admitted;
  try {
    return await work();
  } finally {
    giveBack();
  }
}

function toMatcher(patterns: readonly string[] | undefined): ((name: string) => boolean) | undefined {
  const globs = patterns?.map(glob);
  return globs && ((name) => globs.some((matches) => matches(name)));
}

function appliesTo(limit: Limit, { server, tool }: LimitedCall): boolean {
  if (!limit.matchesServer(server.slug)) return false;
  return !limit.matchesTool || (tool !== undefined && limit.matchesTool(tool));
}

/** One; of a limit per team one for each team of the caller; none where there is nothing to count by. */
function toCounterKeys({ slug, per }: Limit, { caller, server, tool }: LimitedCall): readonly string[] {
  const parts: Record<LimitSubject, readonly string[]> = {
    principal: [caller.key],
    team: caller.teams,
    server: [server.slug],
    tool: tool === undefined ? [] : [`${server.slug} ${tool}`],
  };
  let keys: readonly (readonly string[])[] = [[slug]];
  for (const subject of per) keys = keys.flatMap((key) => parts[subject].map((part) => [...key, `${subject} ${part}`]));
  return keys.map((key) => createHash('sha256').update(JSON.stringify(key)).digest('base64url'));
}
