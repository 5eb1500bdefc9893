import type { JsonValue } from '#lib/mcp-protocol';
import { LimitEntry, PolicyEntry, TeamEntry } from './entries.js';
import { parseRate } from './entry-rules.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from './policy-definition.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';

/** Reads one entry of `teams`. Undefined when it is invalid. */
export function readTeam(slug: string, value: JsonValue, faults: Fault[]): TeamDefinition | undefined {
  const entry = readEntry(TeamEntry, value, `teams.${slug}`, faults);
  if (entry === undefined) return undefined;
  const { title, members = [], roles = [] } = entry;
  return { slug, members, roles, ...withoutUndefined({ title }) };
}

/** Reads one entry of `policies`. Undefined when it is invalid. */
export function readPolicy(slug: string, value: JsonValue, faults: Fault[]): PolicyDefinition | undefined {
  const entry = readEntry(PolicyEntry, value, `policies.${slug}`, faults);
  if (entry === undefined) return undefined;
  const { effect, description, servers, tools, prompts, resources, roles, teams, scopes, subjects, when } = entry;
  const members = { description, servers, tools, prompts, resources, roles, teams, scopes, subjects, when };
  return { slug, effect, ...withoutUndefined(members) };
}

/** Reads one entry of `limits`. Undefined when it is invalid. */
export function readLimit(slug: string, value: JsonValue, faults: Fault[]): LimitDefinition | undefined {
  const entry = readEntry(LimitEntry, value, `limits.${slug}`, faults);
  if (entry === undefined) return undefined;
  const { per = [], servers, tools, rate = '', concurrency } = entry;
  return { slug, per: [...new Set(per)], ...withoutUndefined({ servers, tools, rate: parseRate(rate), concurrency }) };
}
