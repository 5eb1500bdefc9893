import type { Caller } from '#lib/extension-kit';
import type { AccessToken } from '../tokens/index.js';

export const isOwn = ({ issuer, subject }: AccessToken, { principal }: Caller): boolean =>
  issuer === principal.issuer && subject === principal.subject;

/** Roles admin and auditor see the tokens of all subjects; other callers see their own. */
export const isVisibleTo = (token: AccessToken, caller: Caller): boolean =>
  isOwn(token, caller) || caller.roles.includes('admin') || caller.roles.includes('auditor');
