import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { toGuardedServer, type GuardedServer } from '#lib/extension-kit';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { freezeDeeply } from '../interception/index.js';
import {
  DefinitionGuard,
  originalOf,
  rememberOriginal,
  toDefinition,
  TOO_LONG,
  type Definition,
  type ListedItem,
} from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { DecisionCounts } from './decision-counts.js';
import type { GuardedUse, Guardrail } from './guardrail.js';
import { Guardrails } from './guardrails.js';
import { judge, type Judgement, type Refusal } from './judgement.js';
import { KeptJudgements } from './kept-judgements.js';

/** Maximum number of definitions of a page that are judged at the same time. */
const MAX_AT_ONCE = 16;
const NEVER_ABORTED = new AbortController().signal;

const UNKNOWN = 'it is not known yet; list the tools of the server, then repeat the call';

/** A definition at a server, and the key under which its judgement is kept. */
interface JudgedDefinition {
  readonly key: string;
  readonly use: GuardedUse & { readonly server: GuardedServer };
  readonly known: Definition;
}

/** Judges each definition of a tool once, for all callers, until the guardrails change; sooner again when a check failed. */
@Injectable()
export class GuardedDefinitions extends DefinitionGuard {
  private judged = new KeptJudgements();
  private pending = new Map<string, Promise<Judgement>>();

  constructor(
    private readonly guardrails: Guardrails,
    private readonly counts: DecisionCounts,
    private readonly clock: Clock,
  ) {
    super();
  }

  override guards(kind: string): boolean {
    return kind === 'tools' && this.guardrails.of('definitions').length > 0;
  }

  override prepare(server: ServerDefinition, _kind: string, page: readonly ListedItem[]): Promise<unknown> | undefined {
    const undecided = page.flatMap(({ item, shownName }) => {
      const found = toJudged(server, item, shownName);
      return found && !this.findCurrent(found) ? [found] : [];
    });
    return undecided.length === 0 ? undefined : this.judgeAll(undecided);
  }

  override toShown(server: ServerDefinition, _kind: string, { item, shownName }: ListedItem): JsonObject | undefined {
    const found = toJudged(server, item, shownName);
    const judgement = found && this.judged.find(found.known, found.key);
    // What was not judged, such as a page that was read before a guardrail existed, is not shown yet.
    if (!isJsonObject(item) || !judgement || judgement.refusal) return undefined;
    const { definition } = found.known;
    return judgement.value === definition ? item : withChanges(item, definition, judgement.value);
  }

  /** Returns why the tool of a definition is withheld; undefined when it is shown. */
  async findRefusal(use: JudgedDefinition['use'], definition: JsonObject): Promise<Refusal | undefined> {
    if (!this.guards('tools')) return undefined;
    const found = toJudged(use.server, definition, use.shownName);
    if (!found) return undefined;
    const judgement = this.findCurrent(found) ?? (await this.judgeOnce(found));
    return judgement.refusal;
  }

  /** Whether the tool of a definition is known to be shown: false, too, for one that is not judged yet. */
  shows(use: JudgedDefinition['use'], definition: JsonObject): boolean {
    const found = toJudged(use.server, definition, use.shownName);
    if (!found) return true;
    const judgement = this.findCurrent(found);
    return judgement !== undefined && !judgement.refusal;
  }

  /** Returns why a tool is withheld whose definition is not known: no guardrail could judge it. */
  refusalOfUnknown(use: GuardedUse): Refusal | undefined {
    const judging = this.guardrails.select('definitions', use, undefined).find(refusesUnjudged);
    return judging && { guardrail: judging.slug, reason: UNKNOWN, retriable: true };
  }

  /** Forgets every judgement, because the guardrails have changed. Returns false when there was none. */
  reset(): boolean {
    const hadJudgements = !this.judged.isEmpty;
    this.judged = new KeptJudgements();
    this.pending = new Map();
    return hadJudgements;
  }

  private findCurrent({ known, key }: JudgedDefinition): Judgement | undefined {
    return this.judged.findCurrent(known, key, this.clock.now());
  }

  private async judgeAll(undecided: readonly JudgedDefinition[]): Promise<void> {
    const queue = undecided.values();
    const work = async () => {
      for (const each of queue) await this.judgeOnce(each);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, undecided.length) }, work));
  }

  private judgeOnce(found: JudgedDefinition): Promise<Judgement> {
    const { judged, pending } = this;
    const { key } = found;
    const begun = pending.get(key);
    if (begun) return begun;
    const judging = this.judge(found).then((judgement) => {
      pending.delete(key);
      judged.keep(found.known, key, judgement, this.clock.now());
      return judgement;
    });
    pending.set(key, judging);
    return judging;
  }

  private async judge({ use, known: { definition } }: JudgedDefinition): Promise<Judgement> {
    const selected = this.guardrails.select('definitions', use, undefined);
    if (selected.length === 0) return { value: definition, decisions: [] };
    if (definition['description'] === TOO_LONG) {
      const judgement = toTooLong(selected, definition);
      this.counts.add(judgement.decisions);
      return judgement;
    }
    const server = toGuardedServer(use.server);
    const judgement = await judge(
      selected,
      {
        phase: 'definitions',
        value: freezeDeeply(definition),
        server,
        item: { ...use, server },
        caller: undefined,
        definition: undefined,
        call: undefined,
      },
      { clock: this.clock, toSignal: () => NEVER_ABORTED },
    );
    this.counts.add(judgement.decisions);
    return judgement;
  }
}

/** Of a definition beyond the maximum only the digest is known. */
function toTooLong(selected: readonly Guardrail[], value: JsonObject): Judgement {
  const reason = 'it is too long to be judged';
  const decisions = selected.map(({ definition: { slug, check, mode } }) => {
    return { guardrail: slug, check, phase: 'definitions', mode, decision: 'failed', reason, findings: [] } as const;
  });
  const refusing = selected.find(refusesUnjudged);
  return { value, ...(refusing && { refusal: { guardrail: refusing.slug, reason } }), decisions };
}

/** Whether a guardrail refuses what it cannot judge. */
const refusesUnjudged = ({ definition: { mode, onFailure }, fault }: Guardrail): boolean =>
  mode === 'enforce' && (onFailure === 'refuse' || fault !== undefined);

/** Undefined for a malformed item. */
function toJudged(server: GuardedServer, item: JsonValue, shownName: string | undefined): JudgedDefinition | undefined {
  const known = toDefinition('tools', item);
  if (!known) return undefined;
  const { name, digest } = known;
  const use = { server, kind: 'tools', name, ...(shownName !== undefined && { shownName }) } as const;
  return { key: JSON.stringify([server.slug, digest, shownName]), use, known };
}

/**
 * The item with the members that the guardrails changed. It keeps its name, because calls use it, and its other members, such as
 * icons. The registry of items still knows it as the item that its server lists.
 */
function withChanges(item: JsonObject, before: JsonObject, after: JsonObject): JsonObject {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => name !== 'name' && !isDeepStrictEqual(before[name], after[name]));
  const shown = { ...item };
  for (const name of changed) {
    if (after[name] === undefined) delete shown[name];
    else shown[name] = after[name];
  }
  rememberOriginal(shown, originalOf(item));
  return shown;
}
