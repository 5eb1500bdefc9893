import { IsBoolean, IsOptional, IsString } from 'class-validator';
import { Env } from '#lib/config';

/** Where the configuration comes from, and what may be changed over the admin API. */
export class RegistryConfig {
  /** Path of the YAML or JSON configuration file. Default: `isthmus.yaml` in the data folder. */
  @Env('ISTHMUS_CONFIG')
  @IsOptional()
  @IsString()
  readonly file?: string;

  /**
   * Whether servers with the transport `stdio` may be created over the admin API. Callers with the role `admin` can then
   * start any program on this host.
   */
  @Env('ISTHMUS_ADMIN_MAY_START_PROGRAMS')
  @IsBoolean()
  readonly adminMayStartPrograms: boolean = false;
}
