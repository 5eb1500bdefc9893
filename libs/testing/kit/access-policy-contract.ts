import assert from 'node:assert/strict';
import {
  ANONYMOUS,
  type AccessDecision,
  type AccessPolicy,
  type AccessRequest,
  type Caller,
  type ItemUse,
} from '#lib/extension-kit';
import type { ContractCheck } from './contract.js';

/** The cases in which a policy is checked. Choose callers and items about which it decides differently. */
export interface AccessPolicyCases {
  readonly callers: readonly Caller[];
  readonly items: readonly ItemUse[];
  /** The policy to which the checked one leaves the cases that it does not decide itself. Its rules must be explained there. */
  readonly standard?: AccessPolicy;
}

/** What the gateway relies on in an `AccessPolicy`. `policy` returns the one that is checked. */
export function accessPolicyContract(policy: () => AccessPolicy, cases: AccessPolicyCases): readonly ContractCheck[] {
  const { standard } = cases;
  const requests = [ANONYMOUS, ...cases.callers].flatMap((caller) => cases.items.map((item) => ({ ...item, caller })));
  const each = (check: (request: AccessRequest, policy: AccessPolicy) => void) => () =>
    requests.forEach((request) => check(request, policy()));
  return [
    { name: 'gives a decision with a reason', run: each(hasReason) },
    { name: 'gives the same decision until the configuration changes', run: each(isRepeatable) },
    { name: 'allows an item without arguments when it allows it with some', run: each(isListed) },
    { name: 'has a scope of all or none only where every decision agrees', run: each(scopeAgrees) },
    { name: 'explains what it decides', run: each(explainsItself) },
    { name: 'calls an endpoint unrestricted only when it allows every item to every caller', run: each(isHonest) },
    { name: 'does not change what it is asked about', run: each(changesNothing) },
    ...(standard
      ? [{ name: 'explains decisions of the standard policy with its rules', run: each(passesRulesOn(standard)) }]
      : []),
  ];
}

/** For the message of an assertion. */
const toText = ({ caller, server, kind, name }: AccessRequest): string =>
  `${caller.key} for ${kind} ${name} of ${server.slug}`;

function hasReason(request: AccessRequest, policy: AccessPolicy): void {
  const decision: AccessDecision = policy.decide(request);
  assert.equal(typeof decision.allowed, 'boolean', `The decision is neither true nor false: ${toText(request)}`);
  assert.ok(decision.reason.length > 0, `The decision has no reason: ${toText(request)}`);
}

function isRepeatable(request: AccessRequest, policy: AccessPolicy): void {
  assert.deepEqual(policy.decide(request), policy.decide({ ...request }), toText(request));
}

function isListed({ args, ...use }: AccessRequest, policy: AccessPolicy): void {
  if (args === undefined || !policy.decide({ ...use, args }).allowed) return;
  assert.ok(policy.decide(use).allowed, `A call is allowed of an item that lists would not show: ${toText(use)}`);
}

function scopeAgrees(request: AccessRequest, policy: AccessPolicy): void {
  const scope = policy.accessScope(request.caller, request.server);
  assert.ok(['all', 'some', 'none'].includes(scope), `Unknown scope ${scope}`);
  const { allowed } = policy.decide(request);
  if (scope === 'all') assert.ok(allowed, `The scope is "all", but a decision refuses: ${toText(request)}`);
  if (scope === 'none') assert.ok(!allowed, `The scope is "none", but a decision allows: ${toText(request)}`);
}

function explainsItself(request: AccessRequest, policy: AccessPolicy): void {
  const { allowed, reason } = policy.decide(request);
  const explanation = policy.explain(request);
  assert.deepEqual({ allowed: explanation.allowed, reason: explanation.reason }, { allowed, reason }, toText(request));
  assert.ok(Array.isArray(explanation.rules), `The explanation has no list of rules: ${toText(request)}`);
}

/** Without `explain`, a policy explains no rules, although the decision is one of the standard policy. */
const passesRulesOn =
  (standard: AccessPolicy) =>
  (request: AccessRequest, policy: AccessPolicy): void => {
    const { allowed, reason, rules } = standard.explain(request);
    const decision = policy.decide(request);
    if (decision.allowed !== allowed || decision.reason !== reason) return;
    assert.deepEqual(policy.explain(request).rules, rules, `The rules are missing: ${toText(request)}`);
  };

function isHonest(request: AccessRequest, policy: AccessPolicy): void {
  const { team } = request.server;
  const endpoint = { id: request.server.slug, servers: [request.server], ...(team !== undefined && { team }) };
  if (!policy.isUnrestricted(endpoint)) return;
  assert.ok(policy.decide(request).allowed, `An unrestricted endpoint refuses ${toText(request)}`);
}

function changesNothing(request: AccessRequest, policy: AccessPolicy): void {
  const before = structuredClone(request);
  policy.decide(request);
  policy.accessScope(request.caller, request.server);
  assert.deepEqual(structuredClone(request), before, toText(request));
}
