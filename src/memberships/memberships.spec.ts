import { describe, expect, it } from '@jest/globals';
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
