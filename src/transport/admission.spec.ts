import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { endpointsOf } from '../../test/support/endpoints.js';
import { ANONYMOUS, GatewayError, type Caller } from '#lib/extension-kit';
import { callerOf, FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import type { CallerAuthenticator } from '../auth/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { Readiness } from '../health/index.js';
import { Admission } from './admission.js';
import { OriginConfig } from './origin.config.js';
import { OriginGuard } from './origin-guard.js';

const STRANGER = new GatewayError(-31009, 'A bearer token is needed.', 401);

function door(authenticate: (authorization: string | undefined, path?: string) => Caller | Promise<Caller>) {
  const readiness = new Readiness();
  const endpoints = endpointsOf(new FakeRegistry([remoteServer('files'), remoteServer('open', { public: true })]));
  const origins = new OriginGuard(new OriginConfig(), new GatewayConfig());
  const admission = new Admission(origins, { authenticate } as unknown as CallerAuthenticator, endpoints, readiness);
  const admit = (headers: IncomingMessage['headers'] = {}, slug?: string, url = '/mcp') =>
    admission.admit({ headers: { host: 'localhost:4444', ...headers }, url } as IncomingMessage, slug);
  return { readiness, admit };
}

const me = callerOf('me');
const refuses = () => {
  throw STRANGER;
};

describe('the door', () => {
  it('lets a known caller in, at once where the token was verified lately', () => {
    expect(door(() => me).admit({}, 'files')).toMatchObject({ caller: me, endpoint: { id: 'files' } });
    expect(door(() => me).admit()).toMatchObject({ caller: me, endpoint: { id: 'default' } });
  });

  it('lets a caller in once the token is verified', async () => {
    expect(await door(() => Promise.resolve(me)).admit({}, 'files')).toMatchObject({ caller: me });
  });

  it('asks for the token of the path that was called, without its query', () => {
    const paths: (string | undefined)[] = [];
    const { admit } = door((_authorization, path) => (paths.push(path), me));
    void admit({}, 'files', '/servers/files/mcp?secret=1');
    expect(paths).toEqual(['/servers/files/mcp']);
  });

  it('keeps strangers out, and says nothing of which endpoints there are', async () => {
    for (const slug of ['files', 'nowhere']) {
      expect(() => door(refuses).admit({}, slug)).toThrow(STRANGER);
      const later = async () => door(() => Promise.reject(STRANGER)).admit({}, slug);
      await expect(later()).rejects.toBe(STRANGER);
    }
  });

  it('tells a known caller that there is no such endpoint', async () => {
    const missing = expect.objectContaining({ httpStatus: 404, message: expect.stringContaining('"nowhere"') });
    expect(() => door(() => me).admit({}, 'nowhere')).toThrow(missing);
    const later = async () => door(() => Promise.resolve(me)).admit({}, 'nowhere');
    await expect(later()).rejects.toEqual(missing);
  });

  it('of a public endpoint is open to those without a token, not to those with a bad one', () => {
    expect(door(refuses).admit({}, 'open')).toMatchObject({ caller: ANONYMOUS });
    expect(() => door(refuses).admit({ authorization: 'Bearer x' }, 'open')).toThrow(STRANGER);
    expect(() => door(refuses).admit({}, undefined)).toThrow(STRANGER);
  });

  it('is closed to foreign pages and names, whoever they say they are', () => {
    for (const headers of [{ origin: 'https://evil.example' }, { host: 'evil.example' }, { host: undefined }]) {
      expect(() => door(() => me).admit(headers as never, 'open')).toThrow(
        expect.objectContaining({ httpStatus: 403 }),
      );
    }
  });

  it('is closed to all once the worker leaves', () => {
    const { readiness, admit } = door(() => me);
    readiness.close();
    expect(() => admit({}, 'open')).toThrow(expect.objectContaining({ httpStatus: 503, code: -31006 }));
  });
});
