import { describe, expect, it } from '@jest/globals';
import {
  GatewayError,
  UpstreamCredentials,
  type Caller,
  type Credentials,
  type CredentialsRequest,
} from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { upstreamCredentialsContract } from '#lib/testing/kit';
import { callerOf, childServer, remoteServer } from '../../../test/support/fake-upstream.js';
import { violatedChecks } from '../../../test/support/violated-checks.js';
import { hideServerSecrets } from '../../registry/index.js';
import { COMMON_ACCOUNT, CredentialSource, EntryCredentials } from './index.js';

const SERVER = { ...remoteServer('files'), url: 'https://me:word@files.example/mcp?key=k3y', team: 'docs' };
const VIEWS = [{ slug: 'files', transport: 'http' as const, url: 'https://files.example/mcp', tags: [] }];
const [ADA, BOB] = [callerOf('ada'), callerOf('bob')];
const CASES = { callers: [ADA, BOB], servers: VIEWS };

class PerCaller extends UpstreamCredentials {
  override credentialsFor({ caller }: CredentialsRequest): Credentials {
    return caller ? { headers: { Authorization: `Bearer ${caller.principal.subject}` } } : {};
  }
}

class Returning extends UpstreamCredentials {
  constructor(readonly credentialsFor: (request: CredentialsRequest) => Credentials | Promise<Credentials>) {
    super();
  }
}
class AcmeCredentials extends Returning {}

describe('the contract of a credentials strategy', () => {
  it.each([
    ['the gateway’s own', () => new EntryCredentials()],
    ['one that depends on the caller', () => new PerCaller()],
  ])('is kept by %s', async (_, create) => {
    expect(await violatedChecks(upstreamCredentialsContract(create, CASES))).toEqual([]);
  });

  it('notices callers who would share a connection with the credentials of one of them', async () => {
    class Leaking extends PerCaller {
      override identityOf = () => '';
    }
    const violated = await violatedChecks(upstreamCredentialsContract(() => new Leaking(), CASES));
    expect(violated).toEqual(['identifies different credentials by different texts']);
  });

  it('notices an identity that changes, and headers that the protocol decides', async () => {
    let count = 0;
    class Broken extends UpstreamCredentials {
      override identityOf = () => `${(count += 1)}`;
      override credentialsFor = () => ({ headers: { 'Mcp-Session-Id': 'x' } });
    }
    const violated = await violatedChecks(upstreamCredentialsContract(() => new Broken(), CASES));
    expect(violated).toContain('identifies the credentials of a caller by the same text each time');
    expect(violated).toContain('returns headers and variables that can be sent');
  });
});

const SECRET = 'tok-5e2c';

function sourceOf(strategy: UpstreamCredentials, clock = new ManualClock()) {
  const details: string[] = [];
  const source = new CredentialSource(strategy, { record: (_server, text) => void details.push(text) }, clock);
  return { source, details, clock };
}

/** The message that the caller reads. */
async function failureOf(credentialsFor: () => Credentials | Promise<Credentials>, server = SERVER) {
  const { source, details } = sourceOf(new AcmeCredentials(credentialsFor));
  const failure: unknown = await source.obtain(server, 'x', ADA)?.catch((cause: unknown) => cause);
  if (!(failure instanceof GatewayError)) throw new Error('The strategy did not fail.');
  return { failure, details };
}

describe('CredentialSource', () => {
  it('tells a strategy nothing of the credentials of the entry', async () => {
    const requests: CredentialsRequest[] = [];
    const record = (request: CredentialsRequest) => {
      requests.push(request);
      return {};
    };
    await sourceOf(new Returning(record)).source.obtain(SERVER, 'x', ADA);
    const server = { slug: 'files', team: 'docs', transport: 'http', url: 'https://files.example/mcp', tags: [] };
    expect(requests).toEqual([{ server, caller: ADA }]);
  });

  it('asks nobody, and has one account for all, without an extension', () => {
    const { source } = sourceOf(new EntryCredentials());
    expect(source.obtain(SERVER, COMMON_ACCOUNT, ADA)).toBeUndefined();
    expect(source.accountOf(SERVER, ADA)).toBe(COMMON_ACCOUNT);
  });

  it('gives callers with different identities different accounts, which reveal neither', () => {
    const { source } = sourceOf(new PerCaller());
    const [ada, bob] = [source.accountOf(SERVER, ADA), source.accountOf(SERVER, BOB)];
    expect(ada).not.toBe(bob);
    expect(ada).toBe(source.accountOf(SERVER, { ...ADA } satisfies Caller));
    expect(ada).toMatch(/^[\w-]{43}$/);
  });

  it('fails, and handles the rejection, when a strategy identifies callers later', () => {
    class Late extends PerCaller {
      override identityOf = (): string => Promise.reject(new Error(SECRET)) as unknown as string;
    }
    const { source } = sourceOf(new Late());
    expect(() => source.accountOf(SERVER, ADA)).toThrow('Late returned an identity that is no text');
  });

  it('hides renewed credentials and those before them in texts', async () => {
    let count = 0;
    const { source } = sourceOf(
      new Returning(() => ({ headers: { authorization: `Bearer ${SECRET}-${(count += 1)}` } })),
    );
    const credentials = await source.obtain(SERVER, 'x', ADA);
    await credentials?.refresh(0);
    const text = `refused ${SECRET}-1 and ${SECRET}-2`;
    expect(hideServerSecrets(credentials?.applyTo(SERVER) ?? SERVER, text)).toBe('refused [hidden] and [hidden]');
  });

  it.each([
    ['throws', () => Promise.reject(new RangeError(SECRET)), 'failed', ' (RangeError)'],
    ['returns nothing', () => undefined as unknown as Credentials, 'returned no object', ''],
    ['returns a line break', () => ({ headers: { authorization: `${SECRET}\n` } }), 'cannot have', ''],
    ['returns a header of the protocol', () => ({ headers: { 'Mcp-Session-Id': SECRET } }), 'mcp-session-id', ''],
    ['returns no text', () => ({ env: { TOKEN: 5 } }) as unknown as Credentials, 'no text', ''],
  ])('fails calls as not executed when the strategy %s, and names it alone', async (_, credentialsFor, why, kind) => {
    const { failure, details } = await failureOf(credentialsFor);
    expect(failure.message).toContain('The credentials strategy AcmeCredentials ');
    expect(failure.message).toContain(why);
    expect(failure.data).toMatchObject({ outcome: 'not_executed', retriable: true, server: 'files' });
    expect(details).toEqual([expect.stringContaining(`AcmeCredentials`)]);
    expect(details[0]).toContain(kind);
    expect(JSON.stringify([failure.message, details])).not.toContain(SECRET);
  });

  it('passes on what the strategy tells the caller, as not executed', async () => {
    const { failure } = await failureOf(() => Promise.reject(new GatewayError(-32_000, 'Connect your account.', 403)));
    expect(failure.message).toBe('Connect your account.');
    expect(failure.httpStatus).toBe(403);
    expect(failure.data).toMatchObject({ outcome: 'not_executed', server: 'files' });
  });

  it('gives up a strategy that does not answer within the connect timeout', async () => {
    const { source, clock } = sourceOf(new AcmeCredentials(() => new Promise(() => undefined)));
    const failure = source.obtain(SERVER, 'x', ADA)?.catch((cause: unknown) => cause);
    await clock.advance(SERVER.timeouts.connectMs);
    expect(String(await failure)).toContain('AcmeCredentials did not answer in time for server files');
  });

  it('asks once for all requests that the server has refused, and keeps the variables of the entry', async () => {
    let count = 0;
    const strategy = new Returning(() => ({ headers: { authorization: `${(count += 1)}` }, env: { TOKEN: 'new' } }));
    const { source } = sourceOf(strategy);
    const credentials = await source.obtain(SERVER, 'x', ADA);
    expect(credentials?.addTo(['authorization', 'entry', 'accept', 'a'])).toEqual([
      'accept',
      'a',
      'authorization',
      '1',
    ]);
    await Promise.all([credentials?.refresh(0), credentials?.refresh(0)]);
    await credentials?.refresh(0);
    expect(credentials?.addTo([])).toEqual(['authorization', '2']);
    const child = { ...childServer('child'), env: { TOKEN: 'old', HOME: '/' } };
    expect(credentials?.applyTo(child).env).toEqual({ TOKEN: 'new', HOME: '/' });
  });
});
