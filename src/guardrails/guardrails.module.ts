import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { UpstreamCall } from '../calls/index.js';
import { MAX_DEADLINE_MS } from '../extensions/index.js';
import { InterceptionModule, CallInterceptors } from '../interception/index.js';
import { Items, ItemsModule } from '../items/index.js';
import { RegistryModule } from '../registry/index.js';
import { BuiltInChecksModule } from './checks/built-in-checks.module.js';
import { DecisionCounts } from './decision-counts.js';
import { GuardedCalls } from './guarded-calls.js';
import { GuardedDefinitions } from './guarded-definitions.js';
import { GuardrailInterceptor } from './guardrail-interceptor.js';
import { GuardrailTrial } from './guardrail-trial.js';
import { Guardrails } from './guardrails.js';

/** The guardrails bound the time of each check themselves. */
const NO_DEADLINE_MS = MAX_DEADLINE_MS;

/** Right before the server: extensions state finite orders. */
const INNERMOST = Infinity;

/** Applies the configured guardrails to calls and lists, and to nothing while none is configured. */
@Module({
  imports: [BuiltInChecksModule, InterceptionModule, ItemsModule, RegistryModule],
  providers: [Guardrails, GuardedCalls, GuardedDefinitions, GuardrailInterceptor, DecisionCounts, GuardrailTrial],
  exports: [DecisionCounts, GuardrailTrial],
})
export class GuardrailsModule implements OnModuleInit, OnApplicationShutdown {
  private removeInterceptor: (() => void) | undefined;
  private stopWatching: (() => void) | undefined;

  constructor(
    private readonly guardrails: Guardrails,
    private readonly definitions: GuardedDefinitions,
    private readonly calls: GuardedCalls,
    private readonly interceptor: GuardrailInterceptor,
    private readonly interceptors: CallInterceptors,
    private readonly items: Items,
  ) {}

  onModuleInit(): void {
    this.items.guarded.guardWith(this.definitions);
    this.stopWatching = this.guardrails.onChange(() => this.apply());
    this.guardrails.open();
  }

  onApplicationShutdown(): void {
    this.stopWatching?.();
    this.guardrails.close();
  }

  private apply(): void {
    const hadDefinitions = this.definitions.reset();
    if (hadDefinitions || this.definitions.guards('tools')) this.items.publishGuardChange('tools');
    this.removeInterceptor?.();
    this.removeInterceptor = this.guardrails.list().length === 0 ? undefined : this.addInterceptor();
  }

  private addInterceptor(): () => void {
    const options = { order: INNERMOST, deadlineMs: NO_DEADLINE_MS };
    const [name, module] = ['Guardrails', GuardrailsModule.name];
    const applies = (call: UpstreamCall) => this.calls.includes(call);
    return this.interceptors.add({ instance: this.interceptor, options, name, module, applies });
  }
}
