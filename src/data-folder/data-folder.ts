import { mkdir, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { join, resolve } from 'node:path';
import { DataFolderFault } from './data-folder.errors.js';
import { readOrCreateSecret, readOrCreateSecrets } from './secret-file.js';

const OTHERS_MAY_WRITE = 0o022;

export interface Secrets {
  /** Signs the tokens that the gateway issues itself (HS256). */
  readonly jwt: Buffer;
  /** Authenticates session ids, and seals state that clients carry. */
  readonly session: Buffer;
  /** Seal credentials in the database: the first one encrypts, all of them decrypt. */
  readonly credentials: readonly [Buffer, ...Buffer[]];
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
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await rejectWritableByOthers(folder);
      const jwt = await readOrCreateSecret(join(folder, 'jwt.secret'));
      const session = await readOrCreateSecret(join(folder, 'session.secret'));
      const credentials = await readOrCreateSecrets(join(folder, 'credentials.secret'));
      return new DataFolder(folder, { jwt: jwt.value, session: session.value, credentials }, jwt.isNew);
    } catch (fault) {
      if (fault instanceof DataFolderFault) throw fault;
      const reason = fault instanceof Error ? fault.message : String(fault);
      throw new DataFolderFault(
        `The data folder ${folder} cannot be used: ${reason}. Set ISTHMUS_DATA_DIR to another folder.`,
      );
    }
  }
}

async function rejectWritableByOthers(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  if (platform() === 'win32' || (mode & OTHERS_MAY_WRITE) === 0) return;
  throw new DataFolderFault(`${folder} can be changed by other users of this machine. Run: chmod 700 ${folder}`);
}
