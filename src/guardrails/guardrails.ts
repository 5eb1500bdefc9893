import { Injectable } from '@nestjs/common';
import {
  GUARDRAIL_CHECKS,
  GUARDRAIL_PHASES,
  type Caller,
  type GuardrailCheck,
  type GuardrailPhase,
} from '#lib/extension-kit';
import { Contributions, ExtensionFault } from '../extensions/index.js';
import { KnownChecks, ServerRegistry, type GuardrailDefinition, type RegistrySnapshot } from '../registry/index.js';
import { Guardrail, type GuardedUse } from './guardrail.js';

const NONE: readonly Guardrail[] = [];
/** Definitions are judged once for all calls. */
const CALL_PHASES = GUARDRAIL_PHASES.filter((phase) => phase !== 'definitions');

type Listener = () => void;

/** The guardrails of the configuration that are not off, by phase and in their order. */
@Injectable()
export class Guardrails {
  private checks: ReadonlyMap<string, GuardrailCheck> = new Map();
  private all: readonly Guardrail[] = NONE;
  private byPhase: ReadonlyMap<GuardrailPhase, readonly Guardrail[]> = new Map();
  /** Those that judge values of calls. */
  private ofCalls: readonly Guardrail[] = NONE;
  private readonly listeners = new Set<Listener>();
  private stopWatching: (() => void) | undefined;

  constructor(
    private readonly contributions: Contributions,
    private readonly known: KnownChecks,
    private readonly registry: ServerRegistry,
  ) {}

  /** Begins to follow the configuration. @throws ExtensionFault for a check that guardrails could not name */
  open(): void {
    const found = this.contributions.of(GUARDRAIL_CHECKS);
    for (const { options, name, module } of found) {
      if (this.known.find(options.name) === options) continue;
      throw new ExtensionFault(
        `${name} of the module ${module}, marked with @Guardrail, is made by a factory, so the configuration is read before it ` +
          'is known. Provide the class itself.',
      );
    }
    this.checks = new Map(found.map(({ options, instance }) => [options.name, instance]));
    this.build(this.registry.snapshot);
    this.stopWatching = this.registry.onChange((now, before) => {
      if (now.guardrails !== before.guardrails) this.build(now);
    });
  }

  close(): void {
    this.stopWatching?.();
  }

  /** Returns all guardrails that are not off. */
  list(): readonly Guardrail[] {
    return this.all;
  }

  /** Returns those that judge values of a phase, whatever they select. */
  of(phase: GuardrailPhase): readonly Guardrail[] {
    return this.byPhase.get(phase) ?? NONE;
  }

  /** Returns those that judge the values of a use. */
  select(phase: GuardrailPhase, use: GuardedUse, caller: Caller | undefined): readonly Guardrail[] {
    const candidates = this.of(phase);
    if (candidates.length === 0) return NONE;
    const selected = candidates.filter((guardrail) => guardrail.selects(use, caller));
    return selected.length === 0 ? NONE : selected;
  }

  /** Whether any guardrail judges values of the calls of a use. */
  judgeCalls(use: GuardedUse, caller: Caller): boolean {
    return this.ofCalls.some((guardrail) => guardrail.selects(use, caller));
  }

  /** Makes a guardrail of a definition that need not be in force. */
  toGuardrail(definition: GuardrailDefinition): Guardrail {
    const check = definition.fault === undefined ? this.checks.get(definition.check) : undefined;
    return new Guardrail(definition, check);
  }

  /** Calls the listener after each change of the guardrails. Returns a function that stops it. */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private build({ guardrails }: RegistrySnapshot): void {
    const before = new Map(this.all.map((guardrail) => [guardrail.definition, guardrail]));
    this.all = guardrails
      .filter(({ mode }) => mode !== 'off')
      .map((definition) => before.get(definition) ?? this.toGuardrail(definition));
    this.byPhase = new Map(GUARDRAIL_PHASES.map((phase) => [phase, this.all.filter((each) => each.judges(phase))]));
    this.ofCalls = this.all.filter((each) => CALL_PHASES.some((phase) => each.judges(phase)));
    for (const listener of this.listeners) listener();
  }
}
