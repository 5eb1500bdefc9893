import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Caller, Credentials, UpstreamCredentials, UpstreamServer } from '#lib/extension-kit';
import type { ContractCheck } from './contract.js';

/** The cases in which a strategy is checked. Choose callers with different accounts. */
export interface UpstreamCredentialsCases {
  readonly callers: readonly Caller[];
  readonly servers: readonly UpstreamServer[];
}

interface Case {
  readonly server: UpstreamServer;
  readonly caller: Caller;
}

/** What the gateway relies on in an `UpstreamCredentials`. `strategy` returns the one that is checked. */
export function upstreamCredentialsContract(
  strategy: () => UpstreamCredentials,
  { callers, servers }: UpstreamCredentialsCases,
): readonly ContractCheck[] {
  const cases = servers.flatMap((server) => callers.map((caller): Case => ({ server, caller })));
  const each = (check: (strategy: UpstreamCredentials, one: Case) => Promise<void>) => async () => {
    for (const one of cases) await check(strategy(), one);
  };
  return [
    { name: 'identifies the credentials of a caller by the same text each time', run: each(isStable) },
    { name: 'returns headers and variables that can be sent', run: each(isSendable) },
    { name: 'returns such credentials after a refusal, too', run: each(isRenewable) },
    {
      name: 'has credentials for the requests of the gateway itself',
      run: async () => {
        for (const server of servers) assertSendable(await strategy().credentialsFor({ server }), server.slug);
      },
    },
    {
      name: 'identifies different credentials by different texts',
      run: async () => {
        for (const one of cases)
          for (const other of cases) if (one.server === other.server) await isDistinguished(strategy(), one, other);
      },
    },
    { name: 'does not change what it is asked about', run: each(changesNothing) },
  ];
}

/** For the message of an assertion, which must not contain credentials. */
const toText = ({ server, caller }: Case): string => `${caller.key} at ${server.slug}`;

async function isStable(strategy: UpstreamCredentials, one: Case): Promise<void> {
  const identity: unknown = strategy.identityOf(one);
  assert.equal(typeof identity, 'string', `The identity is no text: ${toText(one)}`);
  await strategy.credentialsFor(one);
  assert.equal(strategy.identityOf(structuredClone(one)), identity, `The identity has changed: ${toText(one)}`);
}

async function isSendable(strategy: UpstreamCredentials, one: Case): Promise<void> {
  assertSendable(await strategy.credentialsFor(one), toText(one));
}

async function isRenewable(strategy: UpstreamCredentials, one: Case): Promise<void> {
  const identity = strategy.identityOf(one);
  assertSendable(await strategy.refresh(one, await strategy.credentialsFor(one)), toText(one));
  assert.equal(strategy.identityOf(one), identity, `Renewed credentials have another identity: ${toText(one)}`);
}

const RESERVED =
  /^(?:accept|accept-encoding|connection|content-.*|host|last-event-id|mcp-.*|te|trailer|transfer-.*|upgrade)$/i;

function assertSendable({ headers = {}, env = {} }: Credentials, text: string): void {
  assert.doesNotThrow(() => new Headers(headers), `A header cannot be sent: ${text}`);
  const reserved = Object.keys(headers).find((name) => RESERVED.test(name));
  assert.equal(reserved, undefined, `A header is not that of credentials: ${text}`);
  const isVariable = ([name, value]: [string, unknown]) =>
    name !== '' && !/[=\0]/.test(name) && typeof value === 'string' && !value.includes('\0');
  assert.ok(Object.entries(env).every(isVariable), `A variable cannot be set: ${text}`);
}

/** Credentials that differ at each call cannot be compared: the texts of a strategy have to suffice. */
async function isDistinguished(strategy: UpstreamCredentials, one: Case, other: Case): Promise<void> {
  const [first, second, others] = [
    await strategy.credentialsFor(one),
    await strategy.credentialsFor(one),
    await strategy.credentialsFor(other),
  ];
  if (!isDeepStrictEqual(first, second) || isDeepStrictEqual(first, others)) return;
  assert.notEqual(
    strategy.identityOf(one),
    strategy.identityOf(other),
    `Different credentials have one identity: ${toText(one)}, ${toText(other)}`,
  );
}

async function changesNothing(strategy: UpstreamCredentials, one: Case): Promise<void> {
  const before = structuredClone(one);
  strategy.identityOf(one);
  await strategy.credentialsFor(one);
  assert.deepEqual(structuredClone(one), before, toText(one));
}
