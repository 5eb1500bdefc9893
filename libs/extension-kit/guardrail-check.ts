import type { Type } from '@nestjs/common';
import type { JsonObject } from '#lib/mcp-protocol';
import type { GuardedServer, ItemUse } from './access-policy.js';
import type { InterceptedCall } from './call-interceptor.js';
import type { Caller } from './caller.js';
import { ContributionKind } from './contribution.js';

/**
 * What a guardrail looks at: the arguments of a call, its result, the definitions of a list, or a question of a server to the
 * client and its answer.
 */
export const GUARDRAIL_PHASES = ['arguments', 'results', 'definitions', 'questions'] as const;
export type GuardrailPhase = (typeof GUARDRAIL_PHASES)[number];

/** A value that a guardrail judges. */
export interface GuardrailSubject {
  readonly phase: GuardrailPhase;
  /**
   * The arguments; the result, or an error of the server in the form of a failed result; the definition of one item; the params of the
   * question, or the result of its answer. Frozen.
   */
  readonly value: JsonObject;
  /** In the phase `questions`: the value is the answer of the client, which goes to the server. */
  readonly isAnswer?: true;
  readonly server: GuardedServer;
  /** Undefined for a resource that is listed for the first time. */
  readonly item: ItemUse | undefined;
  /** Undefined for a definition: it is judged once for all callers. */
  readonly caller: Caller | undefined;
  /** The definition of the tool or prompt. Undefined: unknown, or the value itself. */
  readonly definition: JsonObject | undefined;
  /** The call that the value belongs to. Undefined for a definition. */
  readonly call: Pick<InterceptedCall, 'requestId' | 'endpoint' | 'client' | 'method' | 'ask' | 'askAdmin'> | undefined;
  /** Aborted when the deadline of the guardrail has passed, or the client has cancelled the call. */
  readonly signal: AbortSignal;
}

/** What a guardrail found, by kind. It contains nothing of the text in which it was found. */
export interface GuardrailFinding {
  /** Such as `aws-access-key`. Lower case, digits and hyphens, at most 64 characters. */
  readonly kind: string;
  readonly count: number;
}

/** The decision of a guardrail. It never repeats what it withholds. */
export type GuardrailVerdict =
  | { readonly action: 'pass' }
  /** The value goes on in this form. */
  | { readonly action: 'change'; readonly value: JsonObject; readonly findings: readonly GuardrailFinding[] }
  | {
      readonly action: 'refuse';
      /** One sentence that the caller may read. */
      readonly reason: string;
      readonly findings: readonly GuardrailFinding[];
    };

export const PASS: GuardrailVerdict = { action: 'pass' };

/**
 * A kind of check, of which admins configure guardrails: with options, a selector, an order, and `enforce`, `observe` or `off`.
 * One instance serves all guardrails of its kind, so it keeps nothing between calls except what depends on the options alone.
 */
export abstract class GuardrailCheck {
  /**
   * Judges a value in one of the phases of its decorator. A check that throws or exceeds its deadline has failed.
   *
   * @param options an instance of the class of options that the decorator names
   */
  abstract check(subject: GuardrailSubject, options: object): GuardrailVerdict | Promise<GuardrailVerdict>;
}

export interface GuardrailCheckOptions {
  /** Name of the check in a guardrail's `check`: lower case, digits and hyphens. */
  readonly name: string;
  /** The phases that the check supports. */
  readonly phases: readonly GuardrailPhase[];
  /**
   * Class of the options, validated by `class-validator` and documented for admins. Mark credentials with `Secret`. Default: the check
   * has no options.
   */
  readonly options?: Type<object>;
}

export const GUARDRAIL_CHECKS = new ContributionKind<GuardrailCheck, GuardrailCheckOptions>(
  'Guardrail',
  GuardrailCheck,
);

const optionClasses = new Map<string, Set<Type<object>>>();

/** Marks a `GuardrailCheck`. */
export function Guardrail(name: string, options: Omit<GuardrailCheckOptions, 'name'>): ClassDecorator {
  if (options.options) optionClasses.set(name, (optionClasses.get(name) ?? new Set()).add(options.options));
  return GUARDRAIL_CHECKS.mark({ name, ...options });
}

/**
 * All classes of options that a decorator in this process gives to a check: those whose credentials must be hidden, whether or not this
 * gateway has loaded the check.
 */
export const declaredOptionClasses = (check: string): readonly Type<object>[] => [...(optionClasses.get(check) ?? [])];
