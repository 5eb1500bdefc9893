import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  toGuardedServer,
  type Caller,
  type GuardrailFinding,
  type GuardrailPhase,
  type InterceptedMethod,
  type ItemKind,
  type ItemUse,
} from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { GuardrailDefinition, GuardrailMode } from '../registry/index.js';
import { freezeDeeply } from '../interception/index.js';
import type { DecisionKind } from './decision.js';
import type { Guardrail } from './guardrail.js';
import { Guardrails } from './guardrails.js';
import type { JudgedSubject } from './check-run.js';
import { judge } from './judgement.js';

/** A guardrail that selects a call, for admins. Its members are part of the admin API. */
export interface SelectedGuardrail {
  readonly guardrail: string;
  readonly check: string;
  readonly mode: GuardrailMode;
  readonly phases: readonly GuardrailPhase[];
  /** Why the guardrail cannot run. */
  readonly fault?: string;
  /** What it decides about the given arguments. Absent: none were given, or it does not judge arguments. */
  readonly decision?: DecisionKind;
  readonly reason?: string;
}

/** A value that a guardrail is tried on. */
export interface TriedValue {
  readonly phase: GuardrailPhase;
  readonly value: JsonObject;
  readonly use: ItemUse;
  readonly caller: Caller;
  readonly definition: JsonObject | undefined;
  /** Default: the endpoint of all servers. */
  readonly endpoint?: string | undefined;
}

/** The outcome of a trial. Its members are part of the admin API. */
export interface TrialResult {
  readonly decision: DecisionKind;
  readonly reason?: string;
  readonly findings: readonly GuardrailFinding[];
  /** The value as it would go on. Absent when it is refused. */
  readonly value?: JsonObject;
}

/** A call that admins ask about. */
export interface ExplainedUse {
  readonly use: ItemUse;
  readonly caller: Caller;
  /** The definition of the tool or prompt. Undefined while it is not known. */
  readonly definition: JsonObject | undefined;
  /** Absent: the endpoint of all servers. */
  readonly endpoint?: string | undefined;
  /** Absent: only says which guardrails select the call. */
  readonly args?: JsonObject;
}

const NEVER_ABORTED = new AbortController().signal;

const METHODS: Readonly<Record<ItemKind, InterceptedMethod>> = {
  tools: 'tools/call',
  prompts: 'prompts/get',
  resources: 'resources/read',
};

/**
 * Runs guardrails for admins: no call depends on it, nothing is counted, and nobody is asked. A check that asks ends with the decision
 * `asked`.
 */
@Injectable()
export class GuardrailTrial {
  constructor(
    private readonly guardrails: Guardrails,
    private readonly clock: Clock,
  ) {}

  /** Returns the guardrails that select a call, in their order, with their decisions about its arguments. */
  async explain({ use, caller, definition, endpoint, args }: ExplainedUse): Promise<readonly SelectedGuardrail[]> {
    const selected = this.guardrails.list().filter((guardrail) => guardrail.selects(use, caller));
    const explained: SelectedGuardrail[] = [];
    let value = args && freezeDeeply(structuredClone(args));
    for (const guardrail of selected) {
      if (!value || !guardrail.judges('arguments')) {
        explained.push(describe(guardrail));
        continue;
      }
      const tried = await this.run(guardrail, { phase: 'arguments', value, use, caller, definition, endpoint });
      explained.push({ ...describe(guardrail), ...toExplained(tried) });
      if (guardrail.definition.mode === 'enforce' && tried.value) ({ value } = tried);
    }
    return explained;
  }

  /** Runs one guardrail on a value, whatever its mode and its selector are. */
  try(definition: GuardrailDefinition, tried: TriedValue): Promise<TrialResult> {
    return this.run(this.guardrails.toGuardrail(definition), tried);
  }

  private async run(guardrail: Guardrail, tried: TriedValue): Promise<TrialResult> {
    const enforcing = this.guardrails.toGuardrail({ ...guardrail.definition, mode: 'enforce' });
    const { value, refusal, decisions } = await judge([enforcing], toSubject(tried), {
      clock: this.clock,
      toSignal: () => NEVER_ABORTED,
    });
    const [{ decision = 'failed', findings = [], reason }] = decisions as [Partial<(typeof decisions)[0]>];
    return { decision, findings, ...(reason !== undefined && { reason }), ...(!refusal && { value }) };
  }
}

function describe({ slug, definition, fault }: Guardrail): SelectedGuardrail {
  const { check, mode, phases } = definition;
  return { guardrail: slug, check, mode, phases, ...(fault !== undefined && { fault }) };
}

const toExplained = ({ decision, reason }: TrialResult) => ({ decision, ...(reason !== undefined && { reason }) });

function toSubject({ phase, value, use, caller, definition, endpoint = 'default' }: TriedValue): JudgedSubject {
  const { args: _args, ...item } = use;
  const server = toGuardedServer(use.server);
  const isDefinition = phase === 'definitions';
  return {
    phase,
    value: freezeDeeply(structuredClone(value)),
    server,
    item: { ...item, server, ...(phase === 'arguments' && { args: value }) },
    caller: isDefinition ? undefined : caller,
    definition: isDefinition || !definition ? undefined : freezeDeeply(structuredClone(definition)),
    call: isDefinition ? undefined : { ...TRIED_CALL, endpoint, requestId: randomUUID(), method: METHODS[use.kind] },
  };
}

const TRIED_CALL = { client: { revision: '', capabilities: {}, era: 'modern' } } as const;
