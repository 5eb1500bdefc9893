import { Inject } from '@nestjs/common';
import { AccessPolicy } from './access-policy.js';
import { PlacementStrategy } from './placement-strategy.js';
import { SecretStore } from './secret-store.js';
import { TokenVerifier } from './token-verifier.js';
import { UpstreamCredentials } from './upstream-credentials.js';

/** The classes of which the gateway uses exactly one implementation, and which an extension may replace. */
export const STRATEGIES = [AccessPolicy, TokenVerifier, UpstreamCredentials, PlacementStrategy, SecretStore] as const;

export type Strategy = (typeof STRATEGIES)[number];

const defaults = new Map<Strategy, symbol>(
  STRATEGIES.map((strategy) => [strategy, Symbol(`default ${strategy.name}`)]),
);

/** The token under which the gateway provides its own implementation of a strategy. */
export function defaultOf(strategy: Strategy): symbol {
  const token = defaults.get(strategy);
  if (token === undefined) throw new TypeError(`${strategy.name} is not a strategy of the gateway.`);
  return token;
}

/**
 * Injects the gateway's own implementation of a strategy, so that a replacement can decide some cases and leave the others to
 * it: `constructor(@InjectDefault(AccessPolicy) private readonly standard: AccessPolicy)`.
 */
export const InjectDefault = (strategy: Strategy): ParameterDecorator => Inject(defaultOf(strategy));
