import { Injectable } from '@nestjs/common';
import type { UpstreamCall } from '../calls/index.js';
import { Items } from '../items/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { GuardedDefinitions } from './guarded-definitions.js';
import type { GuardedUse } from './guardrail.js';
import { Guardrails } from './guardrails.js';

/** The calls that guardrails judge or may refuse. All others pass without a further cost. */
@Injectable()
export class GuardedCalls {
  constructor(
    private readonly guardrails: Guardrails,
    private readonly definitions: GuardedDefinitions,
    private readonly items: Items,
  ) {}

  /** Asked for every call while a guardrail is configured. */
  includes({ server, caller, request }: UpstreamCall): boolean {
    const { name } = request.params;
    const own = typeof name === 'string' ? name : '';
    if (request.method !== 'tools/call')
      return this.guardrails.judgeCalls({ server, kind: 'resources', name: own }, caller);
    const shownName = this.items.shownNameOf(server, 'tools', own);
    const use = { server, kind: 'tools', name: own, ...(shownName !== undefined && { shownName }) } as const;
    return this.guardrails.judgeCalls(use, caller) || this.mayBeWithheld(use);
  }

  /** A tool that lists are known to show needs no judgement. */
  private mayBeWithheld(use: GuardedUse & { readonly server: ServerDefinition }): boolean {
    if (this.guardrails.select('definitions', use, undefined).length === 0) return false;
    const definition = this.items.definitionOf(use.server, 'tools', use.name);
    return definition === undefined || definition instanceof Promise || !this.definitions.shows(use, definition);
  }
}
