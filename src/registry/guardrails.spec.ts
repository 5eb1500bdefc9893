import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Transform, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Length, Min, ValidateNested } from 'class-validator';
import { Guardrail, GUARDRAIL_CHECKS, GuardrailCheck, PASS, Secret } from '#lib/extension-kit';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { KnownChecks } from './known-checks.js';
import { RegistryWorld, waitForSnapshot } from './registry-fixture.js';
import { readConfiguration } from './read-configuration.js';

class Webhook {
  @Secret() @IsString() @Length(1, 40, { message: 'secret must not be $value' }) readonly secret!: string;
}
class WordOptions {
  @IsInt() @Min(1) readonly minimum: number = 3;
  @IsOptional() @IsString() readonly url?: string;
  @IsOptional() @Type(() => Webhook) @ValidateNested() readonly webhook?: Webhook;
}

@Guardrail('words', { phases: ['arguments', 'definitions'], options: WordOptions })
class WordsCheck extends GuardrailCheck {
  override check = () => PASS;
}

class ThrowingOptions {
  @Transform(({ value }) => {
    throw new RangeError(String(value));
  })
  @IsString()
  readonly word!: string;
}

const WORDS = GUARDRAIL_CHECKS.optionsOf(WordsCheck)!;
const THROWING = { name: 'throwing', phases: ['results'], options: ThrowingOptions } as const;
const CHECKS = [{ name: 'WordsCheck', module: 'Acme', options: WORDS }];
const PLAIN = { name: 'PlainCheck', module: 'Acme', options: { name: 'plain', phases: ['results'] } } as const;

const read = (guardrail: object) =>
  readConfiguration(JSON.stringify({ guardrails: { g: guardrail } }), {}, new KnownChecks([...CHECKS, PLAIN]));
const faultsOf = (guardrail: object) => {
  const result = read(guardrail);
  return 'faults' in result ? result.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};

describe('A guardrail of the configuration file', () => {
  it('refuses what it selects by default, in every phase of its check, with the defaults of the options', () => {
    expect(read({ check: 'words' })).toMatchObject({
      value: {
        guardrails: [
          {
            slug: 'g',
            check: 'words',
            mode: 'enforce',
            order: 0,
            phases: ['arguments', 'definitions'],
            onFailure: 'refuse',
            deadlineMs: 5_000,
            options: { minimum: 3 },
          },
        ],
      },
    });
  });

  it('judges no definitions when it is for some teams, because all callers see the same definition', () => {
    const teams = { teams: { finance: {} } };
    const text = JSON.stringify({ ...teams, guardrails: { g: { check: 'words', teams: ['finance'] } } });
    expect(readConfiguration(text, {}, new KnownChecks(CHECKS))).toMatchObject({
      value: { guardrails: [{ phases: ['arguments'], teams: ['finance'] }] },
    });
  });

  it.each([
    [
      { check: 'word' },
      'guardrails.g.check: No check has this name. Did you mean words? Known checks: plain, words. An extension provides ' +
        'further ones (ISTHMUS_EXTENSIONS).',
    ],
    [{}, 'guardrails.g.check: is missing.'],
    [{ check: 'words', colour: 1 }, 'guardrails.g.colour: Unknown key.'],
    [{ check: 'words', mode: 'on' }, 'guardrails.g.mode: must be one of enforce, observe or off.'],
    [{ check: 'words', phases: [] }, 'guardrails.g.phases: must not be empty.'],
    [
      { check: 'words', phases: ['results'] },
      'guardrails.g.phases[0]: The check words supports only arguments, definitions.',
    ],
    [
      { check: 'words', phases: ['definitions'], teams: ['*'] },
      'guardrails.g.phases[0]: Definitions are judged once for all callers. Remove the phase, or teams.',
    ],
    [{ check: 'words', options: { minimum: 0 } }, 'guardrails.g.options.minimum: must be at least 1.'],
    [{ check: 'words', options: { minimun: 1 } }, 'guardrails.g.options.minimun: Unknown key. Did you mean minimum?'],
    [{ check: 'words', options: { webhook: {} } }, 'guardrails.g.options.webhook.secret: is missing.'],
    [{ check: 'words', options: 3 }, 'guardrails.g.options: must be a mapping.'],
    [{ check: 'plain', options: { a: 1 } }, 'guardrails.g.options.a: Unknown key. The check plain has no options.'],
    [
      { check: 'words', deadline: '1d' },
      'guardrails.g.deadline: must be a duration such as 250ms, 5s, 10m, 2h or 1d, from 10ms to 10m.',
    ],
  ])('%j is refused: %s', (guardrail, fault) => {
    expect(faultsOf(guardrail)).toEqual([fault]);
  });

  it('is refused when its class throws, without what it throws', () => {
    const checks = new KnownChecks([{ name: 'ThrowingCheck', module: 'Acme', options: THROWING }]);
    const text = JSON.stringify({ guardrails: { g: { check: 'throwing', options: { word: 'k3y' } } } });
    const message =
      'cannot be read: ThrowingOptions has thrown a RangeError. Correct the entry, or the class of the extension.';
    expect(readConfiguration(text, {}, checks)).toMatchObject({ faults: [{ path: 'guardrails.g.options', message }] });
  });

  it('is refused without the credentials that a message of its class quotes', () => {
    const secret = 'k3y'.repeat(20);
    expect(faultsOf({ check: 'words', options: { webhook: { secret } } })).toEqual([
      'guardrails.g.options.webhook.secret: must not be [hidden].',
    ]);
  });

  it('is refused when it names a server or a team that does not exist', () => {
    const { unknownReferences } = read({ check: 'plain', servers: ['a', 'b*'], teams: ['c'] }) as never;
    expect(unknownReferences).toMatchObject([{ path: 'guardrails.g.servers[0]' }, { path: 'guardrails.g.teams[0]' }]);
  });
});

it('KnownChecks refuses two checks of one name', () => {
  expect(() => new KnownChecks([...CHECKS, { ...CHECKS[0]!, name: 'OtherCheck' }])).toThrow(
    'Both OtherCheck of the module Acme and WordsCheck of the module Acme are named @Guardrail("words"). Give one of them',
  );
});

describe.each(DATABASE_KINDS)('stored guardrails, over $name,', ({ start }) => {
  let host: DatabaseHost;
  let world: RegistryWorld;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(host);
  });

  afterEach(() => world.close());
  afterAll(() => host.stop());

  it('are served in their order, and equal orders by their names', async () => {
    const { store, registry } = await world.open({ text: '{}', checks: CHECKS });
    await store.guardrails.create('late', { check: 'words', order: 5 });
    await store.guardrails.create('b', { check: 'words' });
    await store.guardrails.create('a', { check: 'words' });
    await store.guardrails.create('early', { check: 'words', order: -1, options: { minimum: 9 } });
    const { guardrails } = registry.snapshot;
    expect(guardrails.map(({ slug }) => slug)).toEqual(['early', 'a', 'b', 'late']);
    expect(guardrails[0]?.options).toEqual(Object.assign(new WordOptions(), { minimum: 9 }));
    expect(guardrails[0]?.options).toBeInstanceOf(WordOptions);
  });

  it('keep their options object while nothing changes, so that a check may cache by it', async () => {
    const { store, registry } = await world.open({ text: '{}', checks: CHECKS });
    await store.guardrails.create('a', { check: 'words' });
    const [before] = registry.snapshot.guardrails;
    await store.guardrails.create('b', { check: 'words' });
    expect(registry.snapshot.guardrails[0]).toBe(before);
  });

  it('are refused with every fault of their options', async () => {
    const { store } = await world.open({ text: '{}', checks: CHECKS });
    await expect(store.guardrails.create('a', { check: 'word' })).rejects.toMatchObject({
      faults: [{ path: 'check', message: expect.stringContaining('Known checks: words.') }],
    });
    await expect(
      store.guardrails.create('a', { check: 'words', options: { minimum: 'x', b: 1 } }),
    ).rejects.toMatchObject({
      faults: [{ path: 'options.b' }, { path: 'options.minimum' }],
    });
  });

  it('refuse what they select at a worker without their check, and their faults say so', async () => {
    const { store } = await world.open({ text: '{}', checks: CHECKS });
    await store.guardrails.create('a', { check: 'words', order: 2, tools: ['send_*'], phases: ['arguments'] });
    await store.guardrails.create('b', { check: 'words', mode: 'observe' });
    const other = await world.open({ checks: [PLAIN] });
    const fault = expect.stringContaining('No check has this name. Known checks: plain.');
    expect(other.registry.snapshot.guardrails).toMatchObject([
      { slug: 'b', mode: 'observe', phases: ['arguments', 'results', 'definitions', 'questions'], fault },
      { slug: 'a', mode: 'enforce', order: 2, tools: ['send_*'], phases: ['arguments'], fault },
    ]);
    expect(await other.store.guardrails.find('a')).toMatchObject({
      definition: undefined,
      faults: [{ path: 'check', message: fault }],
    });
  });

  it('select everything when they cannot be read', async () => {
    const { store, registry, bootstrap } = await world.open({ text: '{}', checks: CHECKS });
    await store.guardrails.create('a', { check: 'words', servers: [], options: { webhook: { secret: 's' } } });
    await world.runSql(`update registry_entries set sealed = 'none' where slug = 'guardrail:a'`);
    bootstrap();
    await waitForSnapshot(registry, ({ guardrails }) => guardrails[0]?.fault !== undefined);
    expect(registry.snapshot.guardrails[0]).not.toHaveProperty('servers');
    expect(registry.snapshot.guardrails[0]).toMatchObject({ slug: 'a', mode: 'enforce', phases: { length: 4 } });
  });

  it('are stored with encrypted credentials, and get named secrets for their own URL only', async () => {
    const { store, registry } = await world.open({ text: '{}', checks: CHECKS });
    await store.secrets.create('dlp', { value: 'very-secret', origins: ['https://dlp.example.com'] });
    const options = { url: 'https://dlp.example.com/check', webhook: { secret: '${secret:dlp}' } };
    await store.guardrails.create('a', { check: 'words', options });
    await store.guardrails.create('b', { check: 'words', options: { webhook: { secret: 'in-clear' } } });
    expect(registry.snapshot.guardrails).toMatchObject([
      { options: { webhook: { secret: 'very-secret' } } },
      { options: { webhook: { secret: 'in-clear' } } },
    ]);
    expect(JSON.stringify(await world.runSql('select * from registry_entries'))).not.toMatch(/in-clear|very-secret/);
    const elsewhere = { check: 'words', options: { ...options, url: 'https://evil.example.com/' } };
    await expect(store.guardrails.create('c', elsewhere)).rejects.toThrow(/must not be sent to this server/);
    const secret = await store.secrets.find('dlp');
    await expect(store.secrets.delete('dlp', secret!.version)).rejects.toThrow(/guardrail a/);
  });
});
