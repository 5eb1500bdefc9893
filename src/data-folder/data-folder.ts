import { mkdir, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DataFolderFault } from './data-folder.errors.js';
import { accessModesFault, toFileFault } from './file-faults.js';
import { readOrCreateSecret, readOrCreateSecrets, readSecrets, type StoredSecrets } from './secret-file.js';

const OTHERS_MAY_WRITE = 0o022;
const CREDENTIALS = 'credentials.secret';

export interface Secrets {
  /** Signs the tokens that the gateway issues itself (HS256). */
  readonly jwt: Buffer;
  /** Authenticates session ids, and seals state that clients carry. */
  readonly session: Buffer;
  /** Seal credentials in the database: the first one encrypts, all of them decrypt. */
  readonly credentials: StoredSecrets;
}

/**
 * The folder that outlives the process. Holds the secrets, and the configuration and database unless they are
 * configured elsewhere.
 */
export class DataFolder {
  private constructor(
    /** Absolute path. */
    readonly path: string,
    readonly secrets: Secrets,
    /** True when this start created the signing secret. */
    readonly isFirstStart: boolean,
  ) {}

  /**
   * Creates missing files. Throws a DataFolderFault when it cannot, or when other users could read or replace a secret.
   */
  static async open(path: string): Promise<DataFolder> {
    const folder = resolve(path);
    try {
      const isNew = await createFolder(folder);
      await rejectWritableByOthers(folder, isNew);
      const jwt = await readOrCreateSecret(join(folder, 'jwt.secret'));
      const session = await readOrCreateSecret(join(folder, 'session.secret'));
      const credentials = await readOrCreateSecrets(join(folder, CREDENTIALS));
      return new DataFolder(folder, { jwt: jwt.value, session: session.value, credentials }, jwt.isNew);
    } catch (fault) {
      throw toFileFault(`The data folder ${folder}`, fault);
    }
  }
}

/**
 * Reads the secrets that seal credentials from the data folder of a gateway, without creating or reading anything else in it.
 * @throws DataFolderFault when there are none, or other users could read them
 */
export async function readCredentialSecrets(path: string): Promise<StoredSecrets> {
  const folder = resolve(path);
  try {
    return await readSecrets(join(folder, CREDENTIALS));
  } catch (fault) {
    throw toFileFault(`The data folder ${folder}`, fault);
  }
}

/**
 * Creates a folder and its parents. Returns false when it exists already. Unlike the recursive mkdir of Node.js, it reports why
 * a parent could not be created instead of that it is missing.
 */
async function createFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 });
    return true;
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? fault.code : undefined;
    if (code === 'ENOENT' && dirname(folder) !== folder) {
      await createFolder(dirname(folder));
      await mkdir(folder, { mode: 0o700 }).catch((cause: unknown) => requireFolder(folder, cause));
      return true;
    }
    await requireFolder(folder, fault);
    return false;
  }
}

/** Throws the cause unless the folder exists, for example because another process has created it. */
async function requireFolder(folder: string, cause: unknown): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) throw cause;
}

async function rejectWritableByOthers(folder: string, isNew: boolean): Promise<void> {
  const { mode } = await stat(folder);
  if (platform() === 'win32' || (mode & OTHERS_MAY_WRITE) === 0) return;
  if (isNew) throw accessModesFault(`The data folder ${folder}`);
  throw new DataFolderFault(`${folder} can be changed by other users of this machine. Run: chmod 700 ${folder}`);
}
