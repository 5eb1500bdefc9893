import { IsArray, IsBoolean, IsOptional, IsString, ValidateBy } from 'class-validator';
import { isNetwork } from '#lib/address-guard';
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

  /**
   * Networks, in addition to public addresses, in which servers created over the admin API may be: `10.1.0.0/16`,
   * `fd00::/8`. Servers of the configuration file may have any address.
   */
  @Env('ISTHMUS_ALLOWED_NETWORKS')
  @IsArray()
  @ValidateBy(
    { name: 'isNetwork', validator: { validate: isNetwork } },
    { each: true, message: 'each must be a network in CIDR notation, such as 10.1.0.0/16' },
  )
  readonly allowedNetworks: readonly string[] = [];
}
