import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { endpointsOf } from '../../test/support/endpoints.js';
import { ANONYMOUS, GatewayError, type Caller } from '#lib/extension-kit';
import { callerOf, FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import type { CallerAuthenticator } from '../auth/index.js';
import { ClientAddressConfig, ClientAddresses } from '../client-address/index.js';
import { Readiness } from '../lifecycle/index.js';
import type { PageSessions } from '../page-sessions/index.js';
import { Admission } from './admission.js';

const UNAUTHENTICATED = new GatewayError(-31009, 'A bearer token is needed.', 401);

function openAdmission(authenticate: (authorization: string | undefined, path?: string) => Caller | Promise<Caller>) {
  const readiness = new Readiness();
  const endpoints = endpointsOf(new FakeRegistry([remoteServer('files'), remoteServer('open', { public: true })]));
  const callers = { authenticate } as unknown as CallerAuthenticator;
  const addresses = new ClientAddresses(new ClientAddressConfig());
  const pageSessions = { require: async () => ({ token: 'of-the-session' }) } as unknown as PageSessions;
  const admission = new Admission(callers, endpoints, readiness, addresses, pageSessions);
  const admit = (headers: IncomingMessage['headers'] = {}, slug?: string, url = '/mcp') => {
    const request = { headers: { host: 'localhost:4444', ...headers }, url } as IncomingMessage;
    return admission.admit(request, admission.describe(request), slug);
  };
  const admitFromPage = (headers: IncomingMessage['headers'] = {}, slug?: string) => {
    const request = { headers: { host: 'localhost:4444', ...headers }, url: '/admin/ui/mcp/mcp' } as IncomingMessage;
    return admission.admitFromPage(request, admission.describe(request), slug);
  };
  return { readiness, admit, admitFromPage };
}

const me = callerOf('me');
const rejectToken = () => {
  throw UNAUTHENTICATED;
};

describe('Admission.admit', () => {
  it('returns synchronously for a token that was verified recently', () => {
    expect(openAdmission(() => me).admit({}, 'files')).toMatchObject({ caller: me, endpoint: { id: 'files' } });
    expect(openAdmission(() => me).admit()).toMatchObject({ caller: me, endpoint: { id: 'default' } });
  });

  it('waits until a token is verified', async () => {
    expect(await openAdmission(() => Promise.resolve(me)).admit({}, 'files')).toMatchObject({ caller: me });
  });

  it('authenticates for the request path without its query', () => {
    const paths: (string | undefined)[] = [];
    const { admit } = openAdmission((_authorization, path) => (paths.push(path), me));
    void admit({}, 'files', '/servers/files/mcp?secret=1');
    expect(paths).toEqual(['/servers/files/mcp']);
  });

  it('rejects unauthenticated callers alike for existing and unknown endpoints', async () => {
    for (const slug of ['files', 'nowhere']) {
      expect(() => openAdmission(rejectToken).admit({}, slug)).toThrow(UNAUTHENTICATED);
      const later = async () => openAdmission(() => Promise.reject(UNAUTHENTICATED)).admit({}, slug);
      await expect(later()).rejects.toBe(UNAUTHENTICATED);
    }
  });

  it('answers an authenticated caller with 404 for an unknown endpoint', async () => {
    const missing = expect.objectContaining({ httpStatus: 404, message: expect.stringContaining('"nowhere"') });
    expect(() => openAdmission(() => me).admit({}, 'nowhere')).toThrow(missing);
    const later = async () => openAdmission(() => Promise.resolve(me)).admit({}, 'nowhere');
    await expect(later()).rejects.toEqual(missing);
  });

  it('admits callers without a token at a public endpoint, and rejects an invalid token there', () => {
    expect(openAdmission(rejectToken).admit({}, 'open')).toMatchObject({ caller: ANONYMOUS });
    expect(() => openAdmission(rejectToken).admit({ authorization: 'Bearer x' }, 'open')).toThrow(UNAUTHENTICATED);
    expect(() => openAdmission(rejectToken).admit({}, undefined)).toThrow(UNAUTHENTICATED);
  });

  it('rejects every request with 503 after the worker closed for new requests', () => {
    const { readiness, admit } = openAdmission(() => me);
    readiness.close();
    expect(() => admit({}, 'open')).toThrow(expect.objectContaining({ httpStatus: 503, code: -31006 }));
  });
});

describe('Admission.admitFromPage', () => {
  it('admits the caller of the session, also at a public server and whatever token the request has', async () => {
    const seen: unknown[] = [];
    const { admitFromPage } = openAdmission((authorization) => {
      seen.push(authorization);
      return me;
    });
    for (const slug of ['files', 'open']) {
      expect(await admitFromPage({ authorization: 'Bearer of-another' }, slug)).toMatchObject({ caller: me });
    }
    expect(seen).toEqual(['Bearer of-the-session', 'Bearer of-the-session']);
  });
});
