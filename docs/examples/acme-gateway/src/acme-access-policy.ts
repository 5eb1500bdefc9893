import { Injectable } from '@nestjs/common';
import {
  AccessPolicy,
  InjectDefault,
  type AccessDecision,
  type AccessExplanation,
  type AccessRequest,
  type AccessScope,
  type Caller,
  type GuardedEndpoint,
  type GuardedServer,
} from 'isthmus/extension-kit';

const PAYING = /pay|transfer|refund/i;
const TREASURER = 'treasurer';

/** Only treasurers see and call tools that move money. The configured policies decide about everything else. */
@Injectable()
export class AcmeAccessPolicy extends AccessPolicy {
  constructor(@InjectDefault(AccessPolicy) private readonly configured: AccessPolicy) {
    super();
  }

  override decide(request: AccessRequest): AccessDecision {
    return isRefused(request) ? DENIED : this.configured.decide(request);
  }

  override explain(request: AccessRequest): AccessExplanation {
    return isRefused(request) ? { ...DENIED, rules: [] } : this.configured.explain(request);
  }

  override accessScope(caller: Caller, server: GuardedServer): AccessScope {
    const scope = this.configured.accessScope(caller, server);
    return scope === 'all' && !isTreasurer(caller) ? 'some' : scope;
  }

  override canUseEndpoint(caller: Caller, endpoint: GuardedEndpoint): boolean {
    return this.configured.canUseEndpoint(caller, endpoint);
  }
}

const DENIED: AccessDecision = { allowed: false, reason: 'Only treasurers may use tools that move money.' };

/** A tool may be shown under another name; the rule must hold for both. */
const isRefused = ({ kind, name, shownName = '', caller }: AccessRequest): boolean =>
  kind === 'tools' && [name, shownName].some((each) => PAYING.test(each)) && !isTreasurer(caller);

const isTreasurer = ({ roles }: Caller): boolean => roles.includes(TREASURER);
