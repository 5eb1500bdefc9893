import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretStore, type OpenedSecret, type SecretContext } from '#lib/extension-kit';
import { secretStoreContract } from '#lib/testing/kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { until } from '../../test/support/until.js';
import { violatedChecks } from '../../test/support/violated-checks.js';
import { CheckedSecretStore } from './checked-secret-store.js';
import { DataFolderSecretStore } from './data-folder-secret-store.js';
import { RegistryWorld, type RegistryWorker } from './registry-fixture.js';

const TOKEN = 'k3y-of-the-server';
const server = (token = TOKEN) => ({
  transport: 'http',
  url: 'https://files.example/mcp',
  headers: { 'x-token': token },
});

/** A vault that returns references to what it keeps. All workers have the same one. */
class Vault extends SecretStore {
  readonly kept = new Map<string, string>();
  isDown = false;
  override async seal(text: string, { entry }: SecretContext): Promise<string> {
    this.check(text);
    const reference = `vault:${this.kept.size}`;
    this.kept.set(`${reference} ${entry}`, text);
    return reference;
  }
  override async open(sealed: string, { entry }: SecretContext): Promise<OpenedSecret | undefined> {
    this.check(sealed);
    const text = this.kept.get(`${sealed} ${entry}`);
    return text === undefined ? undefined : { text };
  }
  private check(text: string): void {
    if (this.isDown) throw new RangeError(`no vault for ${text}`);
  }
}

describe('the contract of a secret store', () => {
  const secrets = { credentials: [randomBytes(32)] as const };

  it('is kept by the data folder and by a vault', async () => {
    const vault = new Vault();
    expect(await violatedChecks(secretStoreContract(() => new DataFolderSecretStore(secrets)))).toEqual([]);
    expect(await violatedChecks(secretStoreContract(() => vault))).toEqual([]);
  });

  it('notices a store that hides nothing and belongs to no entry', async () => {
    class Plain extends SecretStore {
      override seal = (text: string) => Buffer.from(text).toString('base64');
      override open = (sealed: string) => ({ text: Buffer.from(sealed, 'base64').toString() });
    }
    expect(await violatedChecks(secretStoreContract(() => new Plain()))).toEqual([
      'hides the text',
      'opens nothing for another entry',
      'opens nothing that was changed',
    ]);
  });

  it('notices a store that opens its own secrets only', async () => {
    const create = () => new DataFolderSecretStore({ credentials: [randomBytes(32)] });
    expect(await violatedChecks(secretStoreContract(create))).toEqual(['opens at every worker what one has sealed']);
  });
});

describe('CheckedSecretStore', () => {
  it('gives up a store that does not answer, and names it', async () => {
    class Silent extends Vault {
      override open = () => new Promise<undefined>(() => undefined);
    }
    const clock = new ManualClock();
    const failure = new CheckedSecretStore(new Silent(), clock)
      .open('x', { entry: 'files' })
      .catch((cause: unknown) => cause);
    await clock.advance(10_000);
    expect(String(await failure)).toContain('The secret store Silent did not answer in time when asked to open');
  });
});

describe('CheckedSecretStore, when a result cannot be read', () => {
  it('reports a failure without its message', async () => {
    class Throwing extends Vault {
      override open = async (): Promise<OpenedSecret> => ({
        get text(): string {
          throw new RangeError(`no text for ${TOKEN}`);
        },
      });
    }
    const store = new CheckedSecretStore(new Throwing(), new ManualClock());
    const failure = await store.open('x', { entry: 'files' }).catch((cause: unknown) => cause);
    expect(String(failure)).toContain('The secret store Throwing failed (RangeError) when asked to open');
    expect(String(failure)).not.toContain(TOKEN);
  });
});

const [sqlite] = DATABASE_KINDS;

describe('a registry with the secret store of an extension', () => {
  let world: RegistryWorld;
  let vault: Vault;
  let host: DatabaseHost;
  beforeAll(async () => {
    if (!sqlite) throw new Error('There must be a database.');
    host = await sqlite.start();
  });
  afterAll(() => host.stop());
  beforeEach(async () => {
    world = await RegistryWorld.create(host);
    vault = new Vault();
  });
  afterEach(() => world.close());

  const tokenOf = ({ registry }: RegistryWorker, slug = 'files') => {
    const found = registry.find(slug);
    return found?.transport === 'http' ? found.headers['x-token'] : undefined;
  };
  const fileOf = (token: string) => JSON.stringify({ servers: { files: server(token) } });

  it('keeps the credentials out of the database, and every worker uses them', async () => {
    const one = await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    await one.store.servers.create('more', server('another'));
    const other = await world.open({ secretStore: vault, name: 'isthmus.yaml' });
    expect([tokenOf(one), tokenOf(other), tokenOf(other, 'more')]).toEqual([TOKEN, TOKEN, 'another']);
    const rows = await world.runSql('SELECT slug, entry, sealed FROM registry_entries');
    expect(JSON.stringify(rows)).not.toContain(TOKEN);
    expect(rows.find(({ slug }) => slug === 'files')?.['sealed']).toMatch(/^vault:/);
  });

  it('takes over what the data folder has sealed', async () => {
    await world.open({ text: fileOf(TOKEN) });
    const own = new DataFolderSecretStore(world.secrets);
    class Moving extends Vault {
      override async open(sealed: string, context: SecretContext): Promise<OpenedSecret | undefined> {
        const opened = sealed.startsWith('vault:') ? undefined : own.open(sealed, context);
        return opened ? { ...opened, isCurrent: false } : super.open(sealed, context);
      }
    }
    const moved = await world.open({ secretStore: new Moving() });
    expect(tokenOf(moved)).toBe(TOKEN);
    const [row] = await world.runSql("SELECT sealed FROM registry_entries WHERE slug = 'files'");
    expect(row?.['sealed']).toMatch(/^vault:/);
  });

  it('starts without the servers whose credentials cannot be opened, and uses them once they can', async () => {
    await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    vault.isDown = true;
    const late = await world.open({ secretStore: vault });
    expect(late.registry.find('files')).toBeUndefined();
    const entry = await late.store.servers.find('files');
    expect(entry?.faults[0]?.message).toMatch(/^The secret store Vault failed \(RangeError\) when asked to open/);
    expect(world.logged.join()).not.toContain('no vault for');
    vault.isDown = false;
    late.bootstrap();
    await until(() => tokenOf(late) === TOKEN);
  });

  it('uses such servers also when somebody has read the entries since the store opens them', async () => {
    await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    vault.isDown = true;
    const clock = new ManualClock();
    const late = await world.open({ secretStore: vault, clock });
    vault.isDown = false;
    await late.store.servers.list();
    await clock.advance(5_000);
    await late.registry.refresh();
    await until(() => tokenOf(late) === TOKEN);
    expect((await late.store.servers.find('files'))?.faults).toEqual([]);
  });

  /** A vault that leaves questions unanswered while it hangs. */
  class HangingVault extends Vault {
    hangs = false;
    asked = 0;
    override seal = (text: string, context: SecretContext) => this.answer(() => super.seal(text, context));
    override open = (sealed: string, context: SecretContext) => this.answer(() => super.open(sealed, context));
    private answer<T>(question: () => Promise<T>): Promise<T> {
      this.asked += 1;
      return this.hangs ? new Promise(() => undefined) : question();
    }
  }

  it('lets others change the configuration while the store does not answer', async () => {
    const hanging = new HangingVault();
    const one = await world.open({ secretStore: hanging, text: fileOf(TOKEN) });
    hanging.hangs = true;
    const slow = one.store.servers.create('more', server()).catch((cause: unknown) => cause);
    await until(() => hanging.asked === 3);
    const other = await world.open({ secretStore: vault, name: 'other.yaml', text: '{}' });
    await one.store.teams.create('people', { members: ['ada'] });
    await other.store.teams.create('others', { members: ['bob'] });
    expect((await one.store.teams.list()).map(({ slug }) => slug)).toEqual(['others', 'people']);
    void slow;
  });

  it('starts after one timeout when the store answers nothing, however many entries it has sealed', async () => {
    const hanging = new HangingVault();
    const slugs = Array.from({ length: 40 }, (_, index) => `files-${index}`);
    const text = JSON.stringify({ servers: Object.fromEntries(slugs.map((slug) => [slug, server()])) });
    await world.open({ secretStore: hanging, text });
    Object.assign(hanging, { hangs: true, asked: 0 });
    const clock = new ManualClock();
    const opening = world.open({ secretStore: hanging, clock });
    await until(() => hanging.asked > 0);
    await clock.advance(10_000);
    const { store } = await opening;
    const faults = (await store.servers.list()).flatMap((entry) => entry.faults.map(({ message }) => message));
    expect(faults).toHaveLength(40);
    expect(faults[39]).toContain('The secret store HangingVault did not answer in time');
    await store.teams.create('people', { members: ['ada'] });
    expect(hanging.asked).toBe(16);
  });

  it('loads changes while it asks again about what the store did not open', async () => {
    const hanging = new HangingVault();
    await world.open({ secretStore: hanging, text: fileOf(TOKEN) });
    hanging.isDown = true;
    const clock = new ManualClock();
    const late = await world.open({ secretStore: hanging, clock });
    Object.assign(hanging, { hangs: true, isDown: false, asked: 0 });
    await clock.advance(5_000);
    await late.registry.refresh();
    expect(hanging.asked).toBe(1);
    await late.store.teams.create('people', { members: ['ada'] });
    expect(late.registry.snapshot.teams).toMatchObject([{ slug: 'people' }]);
    hanging.hangs = false;
    await clock.advance(10_000);
    await clock.advance(5_000);
    await late.registry.refresh();
    await until(() => tokenOf(late) === TOKEN);
  });

  it('asks the store again in time however often the configuration changes', async () => {
    await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    vault.isDown = true;
    const clock = new ManualClock();
    const late = await world.open({ secretStore: vault, clock });
    vault.isDown = false;
    for (const slug of ['one', 'two']) {
      await clock.advance(3_000);
      await late.store.teams.create(slug, { members: ['ada'] });
    }
    await until(() => tokenOf(late) === TOKEN);
    expect(late.registry.snapshot.teams).toHaveLength(2);
  });

  /** A vault that answers questions about some entries only when the test lets it. */
  class HeldVault extends Vault {
    private readonly held = new Map<string, { asked: () => void; mayAnswer: Promise<void> }>();

    /** Returns an event for the next question about the entry, and how to let the vault answer it. */
    hold(slug: string): { readonly asked: Promise<void>; readonly release: () => void } {
      const [asked, mayAnswer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      this.held.set(slug, { asked: asked.resolve, mayAnswer: mayAnswer.promise });
      return { asked: asked.promise, release: mayAnswer.resolve };
    }

    override async open(sealed: string, context: SecretContext): Promise<OpenedSecret | undefined> {
      const question = this.held.get(context.entry);
      question?.asked();
      await question?.mayAnswer;
      return super.open(sealed, context);
    }
  }

  it('uses what the store opens while a change is loaded', async () => {
    const held = new HeldVault();
    const one = await world.open({ secretStore: held, text: fileOf(TOKEN) });
    held.isDown = true;
    const clock = new ManualClock();
    const late = await world.open({ secretStore: held, clock });
    held.isDown = false;
    const files = held.hold('files');
    await clock.advance(5_000);
    await late.registry.refresh();
    await one.store.servers.create('more', server());
    const more = held.hold('more');
    const loading = late.registry.refresh();
    await more.asked;
    files.release();
    await setImmediate();
    more.release();
    await loading;
    await late.registry.refresh();
    expect([tokenOf(late), tokenOf(late, 'more')]).toEqual([TOKEN, TOKEN]);
  });

  it('keeps what an earlier store has sealed when the new one does not open what it seals', async () => {
    await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    class Forgetful extends Vault {
      override seal = async () => 'vault:lost';
      override open = async (sealed: string, context: SecretContext): Promise<OpenedSecret | undefined> => {
        const opened = await vault.open(sealed, context);
        return opened && { ...opened, isCurrent: false };
      };
    }
    const worker = await world.open({ secretStore: new Forgetful() });
    expect(tokenOf(worker)).toBe(TOKEN);
    expect(world.logged.join()).toContain('The secret store Forgetful sealed a text that it does not open');
  });

  it('does not delete a secret while it does not know whether a server uses it', async () => {
    const one = await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    const { version } = await one.store.secrets.create('key', { value: 'k3y-7f31', origins: ['*'] });
    const headers = { 'x-token': '${secret:key}' };
    await one.store.servers.create('more', { ...server(), headers });
    vault.isDown = true;
    const late = await world.open({ secretStore: vault });
    await expect(late.store.secrets.delete('key', version)).rejects.toThrow(
      'may use the secret, which was not deleted',
    );
    expect((await late.store.servers.find('more'))?.outage).toContain('The secret store Vault failed');
  });

  it('keeps the servers that it has opened before', async () => {
    const worker = await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    vault.isDown = true;
    await worker.registry.refresh();
    await worker.store.teams.create('people', { members: { subjects: ['ada'] } }).catch(() => undefined);
    expect(tokenOf(worker)).toBe(TOKEN);
  });

  it('refuses a change whose credentials cannot be sealed, and stores nothing of it', async () => {
    const worker = await world.open({ secretStore: vault, text: fileOf(TOKEN) });
    vault.isDown = true;
    const failure: unknown = await worker.store.servers.create('more', server()).catch((cause: unknown) => cause);
    expect(String(failure)).toContain('The secret store Vault failed (RangeError) when asked to seal');
    expect(String(failure)).not.toContain(TOKEN);
    expect(await worker.reloadWith(fileOf('new'))).toBe('refused');
    expect([tokenOf(worker), worker.registry.find('more')]).toEqual([TOKEN, undefined]);
  });
});
