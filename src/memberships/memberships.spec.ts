import { describe, expect, it } from '@jest/globals';
import type { Caller } from '#lib/extension-kit';
import { FakeRegistry } from '../../test/support/fake-upstream.js';
import type { ServerRegistry } from '../registry/index.js';
import { Memberships } from './memberships.js';

const team = { slug: 'finance', members: ['isthmus|ada', 'grace', 'https://id.example.com|auth0|1'], roles: ['payer'] };
const memberships = new Memberships({ snapshot: { teams: [team] } } as unknown as ServerRegistry);
const token = { roles: [], teams: [], scopes: [], claims: {} };

const teamsOf = (issuer: string, subject: string) =>
  memberships.toCaller({ ...token, principal: { issuer, subject } }).teams;

describe('Memberships', () => {
  it.each([
    ['isthmus', 'ada'],
    ['isthmus', 'grace'],
    ['https://elsewhere.example.com', 'grace'],
    ['https://id.example.com', 'auth0|1'],
  ])('matches a listed member by subject, or by issuer and subject: issuer %s, subject %s', (issuer, subject) => {
    expect(teamsOf(issuer, subject)).toEqual(['finance']);
  });

  it.each([
    ['https://elsewhere.example.com', 'ada'],
    ['https://elsewhere.example.com', 'isthmus|ada'],
    ['isthmus|ada', ''],
    ['https://id.example.com|auth0', '1'],
  ])(
    'matches no principal that imitates a listed member of another issuer: issuer %s, subject %s',
    (issuer, subject) => {
      expect(teamsOf(issuer, subject)).toEqual([]);
    },
  );
});

describe('Memberships.current', () => {
  const ada = { ...token, roles: ['user'], principal: { issuer: 'isthmus', subject: 'ada' } };

  function world() {
    const registry = new FakeRegistry();
    const setTeams = (...teams: (typeof team)[]) => registry.configure([], { teams });
    return { current: new Memberships(registry), setTeams };
  }

  it('adds the teams that a caller joined after its token was verified, and removes those that it left', () => {
    const { current: members, setTeams } = world();
    const caller = members.toCaller(ada);
    setTeams(team);
    expect(members.current(caller)).toMatchObject({ roles: ['user', 'payer'], teams: ['finance'] });
    setTeams();
    expect(members.current(caller)).toBe(caller);
    expect(members.current(caller)).toMatchObject({ roles: ['user'], teams: [] });
  });

  it('removes roles that only a team granted when the token was verified, also from a caller of another worker', () => {
    const { current: members, setTeams } = world();
    setTeams(team);
    const caller = members.toCaller(ada);
    const copy = JSON.parse(JSON.stringify(caller)) as Caller;
    expect(members.current(copy)).toBe(copy);
    setTeams({ ...team, members: ['grace'] });
    for (const each of [caller, copy]) expect(members.current(each)).toMatchObject({ roles: ['user'], teams: [] });
  });

  it('returns the same object while nothing changes for the caller', () => {
    const { current: members, setTeams } = world();
    const caller = members.toCaller(ada);
    setTeams(team);
    const joined = members.current(caller);
    setTeams(team, { slug: 'other', members: ['grace'], roles: [] });
    expect(members.current(caller)).toBe(joined);
  });

  it('adds only those roles of teams that were granted to a personal access token', () => {
    const { current: members, setTeams } = world();
    const [bare, granted] = [undefined, ['payer']].map((teamRoles) =>
      members.toCaller({ ...ada, accessToken: 'id', ...(teamRoles && { teamRoles }) }),
    );
    setTeams(team);
    expect(members.current(bare!)).toMatchObject({ roles: ['user'], teams: ['finance'] });
    expect(members.current(granted!)).toMatchObject({ roles: ['user', 'payer'], teams: ['finance'] });
  });
});
