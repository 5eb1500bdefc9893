import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { createOnce, DataFolder, DataFolderConfig, DataFolderFault, readCredentialSecrets } from './index.js';
import { toFileFault } from './file-faults.js';

const GOOD = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64');

let parent: string;
let path: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'isthmus-data-'));
  path = join(parent, 'deep', 'data');
});

afterEach(() => rm(parent, { recursive: true }));

const modeOf = async (name = '') => (await stat(join(path, name))).mode & 0o777;

async function faultOf(opening: Promise<unknown>): Promise<string> {
  const fault: unknown = await opening.catch((reason: unknown) => reason);
  expect(fault).toBeInstanceOf(DataFolderFault);
  return (fault as Error).message;
}

describe('the first start with a data folder', () => {
  it('creates secrets that other users cannot read', async () => {
    const folder = await DataFolder.open(path);
    expect(folder).toMatchObject({ path, isFirstStart: true });
    expect(folder.secrets.jwt).toHaveLength(32);
    expect(folder.secrets.session).toHaveLength(32);
    expect(folder.secrets.credentials).toEqual([expect.objectContaining({ length: 32 })]);
    expect(folder.secrets.jwt.equals(folder.secrets.session)).toBe(false);
    expect(await modeOf()).toBe(0o700);
    expect([await modeOf('jwt.secret'), await modeOf('session.secret')]).toEqual([0o600, 0o600]);
  });

  it('leaves no files but the secrets in the data folder', async () => {
    await DataFolder.open(path);
    expect((await readdir(path)).toSorted()).toEqual(['credentials.secret', 'jwt.secret', 'session.secret']);
  });

  it('agrees on the secrets with concurrent starts, and only one reports the first start', async () => {
    const folders = await Promise.all(Array.from({ length: 16 }, () => DataFolder.open(path)));
    expect(new Set(folders.map(({ secrets }) => secrets.jwt.toString('hex'))).size).toBe(1);
    expect(new Set(folders.map(({ secrets }) => secrets.session.toString('hex'))).size).toBe(1);
    expect(folders.filter(({ isFirstStart }) => isFirstStart)).toHaveLength(1);
    expect(new Set(folders.map(({ secrets }) => secrets.credentials.join())).size).toBe(1);
    expect(await readdir(path)).toHaveLength(3);
  });
});

describe('a later start with a data folder', () => {
  it('reads the secrets of the first start', async () => {
    const first = await DataFolder.open(path);
    const later = await DataFolder.open(path);
    expect(later.secrets).toEqual(first.secrets);
    expect(later.isFirstStart).toBe(false);
  });

  it('reads a secret that an operator created', async () => {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(path, 'jwt.secret'), `${GOOD}\n`, { mode: 0o600 });
    const { secrets, isFirstStart } = await DataFolder.open(path);
    expect(secrets.jwt.toString('base64')).toBe(GOOD);
    expect(isFirstStart).toBe(false);
  });

  it('reads several credential secrets in order, one per line, and validates each', async () => {
    const other = Buffer.from(Buffer.from(GOOD, 'base64').toReversed()).toString('base64');
    await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(path, 'credentials.secret'), `${other}\n\n${GOOD}\n`, { mode: 0o600 });
    const { secrets } = await DataFolder.open(path);
    expect(secrets.credentials.map((secret) => secret.toString('base64'))).toEqual([other, GOOD]);
    await writeFile(join(path, 'credentials.secret'), `${other}\nchangeme\n`);
    expect(await faultOf(DataFolder.open(path))).toMatch(/credentials\.secret holds a weak secret/);
  });

  it.each([0o640, 0o604, 0o644, 0o620])('rejects a secret of mode %o and names the fixing command', async (mode) => {
    await DataFolder.open(path);
    await chmod(join(path, 'session.secret'), mode);
    expect(await faultOf(DataFolder.open(path))).toContain(`chmod 600 ${join(path, 'session.secret')}`);
  });

  it.each([0o770, 0o777, 0o722])('rejects a data folder of mode %o and names the fixing command', async (mode) => {
    await DataFolder.open(path);
    await chmod(path, mode);
    expect(await faultOf(DataFolder.open(path))).toContain(`chmod 700 ${path}`);
  });

  it.each([
    ['a short one', Buffer.alloc(31, 'abcdefghijklmnopqrstuvwxyz012345').toString('base64')],
    ['a monotonous one', Buffer.alloc(64, 'ab').toString('base64')],
    ['a passphrase', 'correct horse battery staple correct horse battery staple'],
    ['an empty file', ''],
  ])('rejects a weak secret: %s', async (_name, content) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(path, 'jwt.secret'), content, { mode: 0o600 });
    const message = await faultOf(DataFolder.open(path));
    expect(message).toMatch(/weak secret.*openssl rand -base64 32/s);
    if (content !== '') expect(message).not.toContain(content);
    expect(await readFile(join(path, 'jwt.secret'), 'utf8')).toBe(content);
  });

  it('rejects a file in place of the data folder', async () => {
    await writeFile(join(parent, 'deep'), '');
    const message = await faultOf(DataFolder.open(path));
    expect(message).toMatch(
      /cannot be used \(E(?:NOTDIR|EXIST)\): a.* file.*Remove that file, or set ISTHMUS_DATA_DIR/,
    );
    expect(await faultOf(DataFolder.open(join(parent, 'deep')))).toMatch(/\(EEXIST\): a file has its name/);
  });

  it('rejects a path that is too long for the file system', async () => {
    const message = await faultOf(DataFolder.open(join(parent, 'x'.repeat(300))));
    expect(message).toMatch(/\(ENAMETOOLONG\): its path is too long.*Choose a shorter path, or set ISTHMUS_DATA_DIR/);
  });

  it('rejects a loop of symbolic links', async () => {
    await symlink(join(parent, 'loop'), join(parent, 'loop'));
    expect(await faultOf(DataFolder.open(join(parent, 'loop', 'data')))).toMatch(/\(ELOOP\).*ISTHMUS_DATA_DIR/);
  });

  it.each([
    ['EROFS', 'open', /read-only/],
    ['ENOSPC', 'write', /full/],
    ['EDQUOT', 'write', /quota/],
    ['EACCES', 'open', /may not write/],
    ['EPERM', 'link', /no hard links/],
    ['ENOTSUP', 'link', /no hard links/],
    ['ESOMETHING', 'open', /ESOMETHING: no such thing/],
  ])('explains %s of %s and says what to do', (code, syscall, explanation) => {
    const cause = Object.assign(new Error(`${code}: no such thing`), { code, syscall });
    const { message } = toFileFault('/data', cause);
    expect(message).toMatch(explanation);
    expect(message).toMatch(/set ISTHMUS_DATA_DIR to/i);
  });
});

describe('readCredentialSecrets', () => {
  it('reads the secrets of a folder that has no others, and creates nothing', async () => {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'credentials.secret'), `${GOOD}\n`, { mode: 0o600 });
    expect((await readCredentialSecrets(path)).map((secret) => secret.toString('base64'))).toEqual([GOOD]);
    expect(await readdir(path)).toEqual(['credentials.secret']);
  });

  it('refuses a folder that does not exist, and does not create it', async () => {
    expect(await faultOf(readCredentialSecrets(path))).toBe(
      `There is no ${join(path, 'credentials.secret')}. Set ISTHMUS_DATA_DIR to the data folder of the gateway.`,
    );
    expect(await readdir(parent)).toEqual([]);
  });
});

describe('createOnce', () => {
  it('does not change an existing file', async () => {
    const file = join(parent, 'file');
    expect(await createOnce(file, 'first')).toBe(true);
    expect(await createOnce(file, 'second')).toBe(false);
    expect(await readFile(file, 'utf8')).toBe('first');
    expect(await readdir(parent)).toEqual(['file']);
  });
});

describe('DataFolderConfig', () => {
  it('uses the folder ./data by default', () =>
    expect(loadConfig([DataFolderConfig], {})[0]).toMatchObject({ dataDir: './data' }));
});
