import { IsOptional, IsString } from 'class-validator';
import { Env } from '#lib/config';

/** Which servers the gateway joins. */
export class RegistryConfig {
  /** YAML or JSON file that lists servers and virtual servers. By default `isthmus.yaml` in the data folder. */
  @Env('ISTHMUS_CONFIG')
  @IsOptional()
  @IsString()
  readonly file?: string;
}
