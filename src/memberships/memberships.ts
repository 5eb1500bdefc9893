import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Caller, Principal, TokenGrants, VerifiedToken } from '#lib/extension-kit';
import { principalNamesOf, ServerRegistry, type TeamDefinition } from '../registry/index.js';

/** What a caller is at one state of the teams. */
interface Resolution {
  readonly state: object;
  readonly caller: Caller;
}

/** Resolves the configured teams of callers. */
@Injectable()
export class Memberships {
  private builtFrom: readonly TeamDefinition[] | undefined;
  private teamsByMember = new Map<string, TeamDefinition[]>();
  private readonly resolutions = new WeakMap<Caller, Resolution>();

  constructor(private readonly registry: ServerRegistry) {}

  /** An object whose identity changes whenever a team changes. */
  get state(): object {
    return this.registry.snapshot.teams;
  }

  /** Converts a verified token to a caller and adds the roles and teams of the configured teams. */
  toCaller(token: Omit<VerifiedToken, 'expiresAtMs'> & Partial<Pick<VerifiedToken, 'expiresAtMs'>>): Caller {
    const { principal, roles, teamRoles, teams, servers, serverIdentities, scopes, claims } = token;
    const { accessToken, expiresAtMs, acceptedUntilMs = expiresAtMs } = token;
    // The bar separates issuer and subject in the key, so a bar within the issuer must be escaped.
    const key = `${principal.issuer.replaceAll('|', '%7C')}|${principal.subject}`;
    // An access token carries only those team roles that were granted to it, and only while a team still grants them.
    const grants = { roles, teams, ...(accessToken !== undefined && { teamRoles: teamRoles ?? [] }) };
    return this.addTeams(
      {
        principal,
        key,
        anonymous: false,
        roles,
        teams,
        ...(servers && { servers }),
        ...(serverIdentities && { serverIdentities }),
        scopes,
        claims,
        ...(accessToken !== undefined && { accessToken }),
        ...(acceptedUntilMs !== undefined && { acceptedUntilMs }),
      },
      grants,
    );
  }

  /**
   * Returns the caller with the roles and teams that it has now, for whatever outlives the request that it sent: the same
   * object as long as nothing changes for it. Accepts callers that another worker resolved.
   */
  current(caller: Caller): Caller {
    if (caller.anonymous) return caller;
    const { state } = this;
    const known = this.resolutions.get(caller);
    if (known?.state === state) return known.caller;
    const resolved = this.addTeams(caller, caller.grants ?? { roles: caller.roles, teams: caller.teams });
    const same = [known?.caller, caller].find((each) => each && hasSameRights(each, resolved));
    this.resolutions.set(caller, { state, caller: same ?? resolved });
    return same ?? resolved;
  }

  /** Returns the roles and teams that a caller has only through configured teams. */
  grantsFromTeams({ key, principal }: Caller): {
    readonly roles: readonly string[];
    readonly teams: readonly string[];
  } {
    const teams = this.findTeams(principal, key);
    return { roles: teams.flatMap((team) => team.roles), teams: teams.map(({ slug }) => slug) };
  }

  private addTeams({ grants: _replaced, ...caller }: Caller, grants: TokenGrants): Caller {
    const ownTeams = this.findTeams(caller.principal, caller.key);
    const { teamRoles } = grants;
    const rolesFromTeams = ownTeams.flatMap((team) => team.roles);
    const needsGrants = ownTeams.length > 0 || teamRoles !== undefined;
    return Object.freeze({
      ...caller,
      roles: union(
        grants.roles,
        teamRoles === undefined ? rolesFromTeams : rolesFromTeams.filter((role) => teamRoles.includes(role)),
      ),
      teams: union(
        grants.teams,
        ownTeams.map((team) => team.slug),
      ),
      ...(needsGrants && { grants }),
    });
  }

  private findTeams(principal: Principal, key: string): readonly TeamDefinition[] {
    const { teams } = this.registry.snapshot;
    if (teams !== this.builtFrom) this.buildIndex(teams);
    return [...new Set(principalNamesOf(principal, key).flatMap((name) => this.teamsByMember.get(name) ?? []))];
  }

  private buildIndex(teams: readonly TeamDefinition[]): void {
    this.teamsByMember = new Map();
    this.builtFrom = teams;
    for (const team of teams) {
      for (const member of team.members) {
        const memberTeams = this.teamsByMember.get(member);
        if (memberTeams) memberTeams.push(team);
        else this.teamsByMember.set(member, [team]);
      }
    }
  }
}

const union = (first: readonly string[], second: readonly string[]): readonly string[] =>
  second.length === 0 ? first : [...new Set([...first, ...second])];

/** For one caller at two states: everything else about it comes from its token and stays. */
const hasSameRights = (one: Caller, other: Caller): boolean =>
  isDeepStrictEqual([one.roles, one.teams], [other.roles, other.teams]);
