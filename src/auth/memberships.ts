import { Injectable } from '@nestjs/common';
import type { Caller, VerifiedToken } from '#lib/extension-kit';
import { ServerRegistry, type TeamDefinition } from '../registry/index.js';

/** Knows who belongs to which of the teams that are configured. */
@Injectable()
export class Memberships {
  private builtFrom: readonly TeamDefinition[] | undefined;
  private teamsByMember = new Map<string, TeamDefinition[]>();

  constructor(private readonly registry: ServerRegistry) {}

  /** Another object each time that any team changes. */
  get state(): object {
    return this.registry.snapshot.teams;
  }

  /** Whom a token names, with all that belonging to teams gives. */
  toCaller(token: Omit<VerifiedToken, 'expiresAtMs'>): Caller {
    const { principal, roles, teamRoles = [], teams, servers, scopes, claims, accessToken } = token;
    // The bar separates the two in the key; in the issuer it must not pass for the separator.
    const key = `${principal.issuer.replaceAll('|', '%7C')}|${principal.subject}`;
    const joined = this.findTeams(key, principal.subject);
    const ofTeams = joined.flatMap((team) => team.roles);
    return Object.freeze({
      principal,
      key,
      anonymous: false,
      roles: union(roles, accessToken === undefined ? ofTeams : ofTeams.filter((role) => teamRoles.includes(role))),
      teams: union(
        teams,
        joined.map((team) => team.slug),
      ),
      ...(servers && { servers }),
      scopes,
      claims,
      ...(accessToken !== undefined && { accessToken }),
    });
  }

  /** What a caller has by belonging to teams that are configured, and loses with them. */
  grantsFromTeams({ key, principal }: Caller): {
    readonly roles: readonly string[];
    readonly teams: readonly string[];
  } {
    const teams = this.findTeams(key, principal.subject);
    return { roles: teams.flatMap((team) => team.roles), teams: teams.map(({ slug }) => slug) };
  }

  private findTeams(key: string, subject: string): readonly TeamDefinition[] {
    const { teams } = this.registry.snapshot;
    if (teams !== this.builtFrom) this.buildIndex(teams);
    // A bar in a member always parts issuer and subject: a subject of another issuer must not pass for both.
    const ofSubject = subject.includes('|') ? undefined : this.teamsByMember.get(subject);
    return [...new Set([...(this.teamsByMember.get(key) ?? []), ...(ofSubject ?? [])])];
  }

  private buildIndex(teams: readonly TeamDefinition[]): void {
    this.teamsByMember = new Map();
    this.builtFrom = teams;
    for (const team of teams) {
      for (const member of team.members) {
        const known = this.teamsByMember.get(member);
        if (known) known.push(team);
        else this.teamsByMember.set(member, [team]);
      }
    }
  }
}

const union = (some: readonly string[], others: readonly string[]): readonly string[] =>
  others.length === 0 ? some : [...new Set([...some, ...others])];
