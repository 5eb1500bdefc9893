import { didYouMean } from '#lib/config';
import type { Fault } from './registry.errors.js';

/** Members of a definition that name servers and teams. Names of servers with `*` are patterns, which may match nothing. */
interface References {
  readonly servers?: readonly string[];
  readonly teams?: readonly string[];
  readonly team?: string;
}

/** The names that definitions may refer to. */
export interface ReferableNames {
  readonly servers: ReadonlySet<string>;
  readonly teams: ReadonlySet<string>;
}

/** A reference to a server or a team that is not among the known ones. */
export interface UnknownReference extends Fault {
  readonly kind: 'server' | 'team';
  readonly name: string;
}

/** The definitions of a configuration that refer to servers or teams by name. */
interface Referrers {
  readonly servers: readonly ({ readonly slug: string } & References)[];
  readonly virtualServers: readonly ({ readonly slug: string } & References)[];
  readonly policies: readonly ({ readonly slug: string } & References)[];
  readonly limits: readonly ({ readonly slug: string } & References)[];
  readonly guardrails: readonly ({ readonly slug: string } & References)[];
}

/** Finds the references of one definition to servers and teams that do not exist. Paths are relative to its entry. */
export function findUnknownReferences(
  { servers = [], teams = [], team }: References,
  names: ReferableNames,
): readonly UnknownReference[] {
  const known = (slug: string) => slug.includes('*') || names.servers.has(slug);
  const toUnknownTeam = (slug: string, path: string) => (names.teams.has(slug) ? [] : [unknownTeam(slug, path, names)]);
  return [
    ...servers.flatMap((slug, index) => (known(slug) ? [] : [unknownServer(slug, `servers[${index}]`, names)])),
    ...teams.flatMap((slug, index) => toUnknownTeam(slug, `teams[${index}]`)),
    ...(team === undefined ? [] : toUnknownTeam(team, 'team')),
  ];
}

/** Finds the references of a whole configuration. The servers of virtual servers were checked when these were read. */
export function findAllUnknownReferences(
  { servers, virtualServers, policies, limits, guardrails }: Referrers,
  names: ReferableNames,
): readonly UnknownReference[] {
  const inSection = (section: string, definitions: readonly ({ readonly slug: string } & References)[]) =>
    definitions.flatMap((definition) =>
      findUnknownReferences(definition, names).map((unknown) => ({
        ...unknown,
        path: `${section}.${definition.slug}.${unknown.path}`,
      })),
    );
  return [
    ...inSection('servers', servers),
    ...inSection('virtualServers', virtualServers.map(toTeamOnly)),
    ...inSection('policies', policies),
    ...inSection('limits', limits),
    ...inSection('guardrails', guardrails),
  ];
}

const toTeamOnly = ({ slug, team }: { readonly slug: string } & References) =>
  team === undefined ? { slug } : { slug, team };

function unknownServer(name: string, path: string, { servers }: ReferableNames): UnknownReference {
  return { kind: 'server', name, path, message: `No server has this name.${didYouMean(name, servers)}` };
}

function unknownTeam(name: string, path: string, { teams }: ReferableNames): UnknownReference {
  const advice = didYouMean(name, teams) || ' Declare it in the section teams, without members if only tokens name it.';
  return { kind: 'team', name, path, message: `No team has this name.${advice}` };
}
