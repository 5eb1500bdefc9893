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
  /** Seal credentials in the database: the first one closes them, all of them open. */
  readonly credentials: readonly [Buffer, ...Buffer[]];
}

/** The folder that outlives the process: secrets, and configuration and database unless they lie elsewhere. */
export class DataFolder {
  private constructor(
    /** Absolute. */
    readonly path: string,
    readonly secrets: Secrets,
    /** The signing secret was drawn by this very start. */
    readonly isFirstStart: boolean,
  ) {}

  /** Creates what is missing. Throws a DataFolderFault when it cannot, or when others could read or replace a secret. */
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
        `The data folder ${folder} cannot be used: ${reason}. Set ISTHMUS_DATA_DIR to another.`,
      );
    }
  }
}

async function rejectWritableByOthers(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  if (platform() === 'win32' || (mode & OTHERS_MAY_WRITE) === 0) return;
  throw new DataFolderFault(`${folder} can be changed by others on this machine. Run: chmod 700 ${folder}`);
}
