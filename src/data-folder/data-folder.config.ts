import { IsString } from 'class-validator';
import { Env } from '#lib/config';

/** Place of what the gateway stores on disk. */
export class DataFolderConfig {
  /**
   * Folder for secrets, configuration and the embedded database. Created at the first start with access for its owner
   * only.
   */
  @Env('ISTHMUS_DATA_DIR')
  @IsString()
  readonly dataDir: string = './data';
}
