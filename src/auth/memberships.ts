import { Injectable } from '@nestjs/common';
import type { Caller, VerifiedToken } from '#lib/extension-kit';
import { ServerRegistry, type TeamDefinition } from '../registry/index.js';

/** Resolves the configured teams of callers. */
@Injectable()
export class Memberships {
  private builtFrom: readonly TeamDefinition[] | undefined;
  private teamsByMember = new Map<string, TeamDefinition[]>();

  constructor(private readonly registry: ServerRegistry) {}

  /** An object whose identity changes whenever a team changes. */
  get state(): object {
    return this.registry.snapshot.teams;
  }

  /** Converts a verified token to a caller and adds the roles and teams of the configured teams. */
  toCaller(token: Omit<VerifiedToken, 'expiresAtMs'>): Caller {
    const { principal, roles, teamRoles = [], teams, servers, serverIdentities, scopes, claims, accessToken } = token;
    // The bar separates issuer and subject in the key, so a bar within the issuer must be escaped.
    const key = `${principal.issuer.replaceAll('|', '%7C')}|${principal.subject}`;
    const ownTeams = this.findTeams(key, principal.subject);
    const rolesFromTeams = ownTeams.flatMap((team) => team.roles);
    return Object.freeze({
      principal,
      key,
      anonymous: false,
      // An access token carries only those team roles that were granted to it, and only while a team still grants them.
      roles: union(
        roles,
        accessToken === undefined ? rolesFromTeams : rolesFromTeams.filter((role) => teamRoles.includes(role)),
      ),
      teams: union(
        teams,
        ownTeams.map((team) => team.slug),
      ),
      ...(servers && { servers }),
      ...(serverIdentities && { serverIdentities }),
      scopes,
      claims,
      ...(accessToken !== undefined && { accessToken }),
    });
  }

  /** Returns the roles and teams that a caller has only through configured teams. */
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
    // A bar in a member separates issuer and subject, so a subject that contains a bar must not match such a member.
    const bySubject = subject.includes('|') ? undefined : this.teamsByMember.get(subject);
    return [...new Set([...(this.teamsByMember.get(key) ?? []), ...(bySubject ?? [])])];
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
