import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '#lib/mcp-protocol';
import { Expose, Type } from 'class-transformer';
import { ConnectsUpstream, Guardrail, GuardrailCheck, PASS, Secret, UpstreamAdapter } from '#lib/extension-kit';
import { findSecretReferences, isHarmless, mapCredentials, selectCredentialMembers } from './credentials.js';

const mask = (source: JsonObject) =>
  mapCredentials(source, (value, path) => (isHarmless(source, value, path) ? value : '[kept]'));

class Peer {
  readonly name!: string;
  @Secret() readonly key!: string;
}
class DeepOptions {
  @Type(() => Peer) readonly peer?: Peer;
  @Type(() => Peer) readonly peers?: readonly Peer[];
  @Type(() => Peer) readonly byName?: Map<string, Peer>;
  @Type(() => Peer) @Expose({ name: 'old_peer' }) readonly oldPeer?: Peer;
  @Type(() => DeepOptions) readonly inner?: DeepOptions;
  @Type(() => throwing()) readonly broken?: Peer;
  readonly secret?: string;
}
const throwing = (): typeof Peer => {
  throw new Error('no class');
};
class DeepCheck extends GuardrailCheck {
  override check = () => PASS;
}
Guardrail('deep', { phases: ['results'], options: DeepOptions })(DeepCheck);
class DeepAdapter extends UpstreamAdapter {
  override connect = () => Promise.reject(new Error('none'));
}
ConnectsUpstream('deep-kind', { entry: DeepOptions })(DeepAdapter);

class ShallowOptions {
  @Secret() readonly secret?: string;
  readonly peer?: object;
}
class ShallowCheck extends DeepCheck {}
Guardrail('twice', { phases: ['results'], options: DeepOptions })(DeepCheck);
Guardrail('twice', { phases: ['results'], options: ShallowOptions })(ShallowCheck);
ConnectsUpstream('twice-kind', { entry: ShallowOptions })(DeepAdapter);
ConnectsUpstream('twice-kind', { entry: DeepOptions })(DeepAdapter);

const DEEP = {
  peer: { name: 'a', key: 's1' },
  peers: [{ name: 'b', key: 's2' }],
  byName: { x: { name: 'c', key: 's3' } },
  old_peer: { name: 'd', key: 's4' },
  inner: { peer: { name: 'e', key: 's5' } },
  secret: 'not marked',
};
const MASKED = {
  peer: { name: 'a', key: '[kept]' },
  peers: [{ name: 'b', key: '[kept]' }],
  byName: { x: { name: 'c', key: '[kept]' } },
  old_peer: { name: 'd', key: '[kept]' },
  inner: { peer: { name: 'e', key: '[kept]' } },
  secret: 'not marked',
};

describe('mapCredentials', () => {
  it('finds what classes of extensions mark at any depth, and nothing else', () => {
    expect(mask({ transport: 'deep-kind', ...DEEP })).toEqual({ transport: 'deep-kind', ...MASKED });
    expect(mask({ check: 'deep', options: DEEP })).toEqual({ check: 'deep', options: MASKED });
    const broken = { check: 'deep', options: { broken: { name: 's6' } } };
    expect(mask(broken)).toEqual({ check: 'deep', options: { broken: { name: '[kept]' } } });
  });

  it('finds what any of the classes marks that were registered under one name', () => {
    const masked = { ...MASKED, secret: '[kept]' };
    expect(mask({ transport: 'twice-kind', ...DEEP })).toEqual({ transport: 'twice-kind', ...masked });
    expect(mask({ check: 'twice', options: DEEP })).toEqual({ check: 'twice', options: masked });
  });

  it('selects the options of a guardrail if they hold a credential, or their class is not known', () => {
    const membersOf = (source: JsonObject) => selectCredentialMembers(source).map(([member]) => member);
    expect(membersOf({ check: 'deep', options: { peers: [{ name: 'b', key: 's' }] } })).toEqual(['options']);
    expect(membersOf({ check: 'deep', options: { peers: [{ name: 'b' }] } })).toEqual([]);
    expect(membersOf({ check: 'not-loaded', options: { a: 1 } })).toEqual(['options']);
  });

  it('finds every member of a server that may hold a credential', () => {
    const source = {
      transport: 'rest',
      url: 'https://u.example/a?key=s1&plain&key=s2&empty=#f',
      headers: { Authorization: 's3' },
      tools: {
        get: { path: '/x', headers: { A: 's4' }, query: { q: 's5', n: 7 }, body: { a: ['s6', { b: 's7', c: null }] } },
        bare: { path: '/y' },
      },
    };
    expect(mask(source)).toEqual({
      transport: 'rest',
      url: 'https://u.example/a?key=[kept]&[kept]&key=[kept]&empty=#f',
      headers: { Authorization: '[kept]' },
      tools: {
        get: {
          path: '/x',
          headers: { A: '[kept]' },
          query: { q: '[kept]', n: '[kept]' },
          body: { a: ['[kept]', { b: '[kept]', c: null }] },
        },
        bare: { path: '/y' },
      },
    });
    expect(selectCredentialMembers(source).map(([member]) => member)).toEqual(['url', 'headers', 'tools']);
    expect(selectCredentialMembers({ url: 'https://u.example/', tools: { bare: { path: '/y' } } })).toEqual([]);
  });

  it('finds no credential where there is no value', () => {
    const empty = { transport: 'stdio', headers: {}, env: {}, args: [] };
    expect(selectCredentialMembers(empty)).toEqual([]);
    expect(selectCredentialMembers({ check: 'not-loaded', options: { lists: [{}] } })).toEqual([]);
  });

  it('leaves references to secrets and declared arguments visible', () => {
    const inputSchema = { type: 'object', properties: { city: {} } };
    const source = {
      url: 'https://u.example/?key=${secret:weather}',
      headers: { Authorization: 'Bearer ${secret:weather}', B: 'x${secret:weather}', C: '$${secret:weather}' },
      tools: { get: { inputSchema, query: { a: '{city}', b: '{other}', c: 'x{city}' } } },
    };
    expect(mask(source)).toEqual({
      url: 'https://u.example/?key=${secret:weather}',
      headers: { Authorization: 'Bearer ${secret:weather}', B: '[kept]', C: '[kept]' },
      tools: { get: { inputSchema, query: { a: '{city}', b: '[kept]', c: '[kept]' } } },
    });
    expect([...findSecretReferences(source)]).toEqual(['weather']);
  });

  it('reveals no value of any credential member of any entry', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/_-]{12,40}$/).map((text) => `s3cr3t${text}`);
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        secret,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    const map = fc.dictionary(fc.string({ minLength: 1 }), secret, { maxKeys: 4 });
    const entry = fc.record(
      {
        url: fc
          .array(fc.tuple(fc.constantFrom('', 'a=', 'key='), secret), { maxLength: 4 })
          .map((parts) => `https://x.example/p?${parts.map(([name, value]) => `${name}${value}`).join('&')}`),
        headers: map,
        env: map,
        args: fc.array(secret),
        tools: fc.dictionary(
          fc.string(),
          fc.record({ path: fc.constant('/x'), headers: map, query: map, body: json }, { requiredKeys: [] }),
        ),
        value: secret,
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(entry, (source) => !JSON.stringify(mask(source as JsonObject)).includes('s3cr3t')));
    fc.assert(
      fc.property(entry, (source) => {
        const sealed = new Set(selectCredentialMembers(source as JsonObject).map(([member]) => member));
        const plain = Object.entries(source).filter(([member]) => !sealed.has(member));
        return !JSON.stringify(plain).includes('s3cr3t');
      }),
    );
  });
});
