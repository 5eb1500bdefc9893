import type { Caller, GuardrailCheck, GuardrailPhase, ItemKind } from '#lib/extension-kit';
import { compileGlobs, type GuardrailDefinition } from '../registry/index.js';

/** What a guardrail selects by. */
export interface GuardedUse {
  readonly server: { readonly slug: string };
  readonly kind: ItemKind;
  /** The name that the server gives the item. */
  readonly name: string;
  /** The name under which clients see it. Absent: its own. */
  readonly shownName?: string;
}

type Matcher = (text: string) => boolean;

/** A configured guardrail with its check, ready to select what it judges. */
export class Guardrail {
  readonly slug: string;
  private readonly phases: ReadonlySet<GuardrailPhase>;
  private readonly servers: Matcher | undefined;
  private readonly tools: Matcher | undefined;
  private readonly teams: ReadonlySet<string> | undefined;

  /** @param check undefined when the definition states a fault */
  constructor(
    readonly definition: GuardrailDefinition,
    readonly check: GuardrailCheck | undefined,
  ) {
    const { slug, phases, servers, tools, teams } = definition;
    this.slug = slug;
    this.phases = new Set(phases);
    this.servers = servers && compileGlobs(servers);
    this.tools = tools && compileGlobs(tools);
    this.teams = teams && new Set(teams);
  }

  /** Why it cannot run. It then refuses what it selects in every phase, at the latest before the call. */
  get fault(): string | undefined {
    return this.definition.fault ?? (this.check ? undefined : 'its check is not loaded');
  }

  /** Whether it judges values of the phase. One that cannot run refuses calls before they reach their server. */
  judges(phase: GuardrailPhase): boolean {
    return this.phases.has(phase) || (phase === 'arguments' && this.fault !== undefined);
  }

  /** @param caller undefined for a definition, which all callers see */
  selects(use: GuardedUse, caller: Caller | undefined): boolean {
    if (this.servers && !this.servers(use.server.slug)) return false;
    if (this.tools && !(use.kind === 'tools' && this.matchesName(this.tools, use))) return false;
    return !this.teams || (caller?.teams.some((team) => this.teams?.has(team)) ?? false);
  }

  private matchesName(matches: Matcher, { name, shownName }: GuardedUse): boolean {
    return matches(name) || (shownName !== undefined && matches(shownName));
  }
}
