import { IsBoolean, IsOptional, IsString } from 'class-validator';
import { Env } from '#lib/config';

/** Which servers the gateway joins. */
export class RegistryConfig {
  /** YAML or JSON file that lists servers and virtual servers. By default `isthmus.yaml` in the data folder. */
  @Env('ISTHMUS_CONFIG')
  @IsOptional()
  @IsString()
  readonly file?: string;

  /**
   * Servers of the transport `stdio` may be made over the admin API: whoever has the role `admin` may then start any
   * program on this host.
   */
  @Env('ISTHMUS_ADMIN_MAY_START_PROGRAMS')
  @IsBoolean()
  readonly adminMayStartPrograms: boolean = false;
}
