import { IsArray, IsInt, IsString, Max, Min } from 'class-validator';
import { Env } from '#lib/config';
import { MAX_DEADLINE_MS } from './contribution-options.js';

/** Extensions of the gateway. */
export class ExtensionsConfig {
  /**
   * Modules that extend the gateway: packages, or files relative to the working directory, such as
   * `./dist/acme.js,@acme/isthmus-dlp`. The default export of each is a Nest module. A module that cannot be loaded prevents the
   * start.
   */
  @Env('ISTHMUS_EXTENSIONS')
  @IsArray()
  @IsString({ each: true })
  readonly extensions: readonly string[] = [];

  /**
   * How long an interceptor or a method handler of an extension may take for one call, in milliseconds, unless the extension
   * states another time. The time in which the server works or the caller answers does not count. Then the call is refused, or
   * goes on without the interceptor where the extension says so.
   */
  @Env('ISTHMUS_EXTENSION_DEADLINE_MS')
  @IsInt()
  @Min(1)
  @Max(MAX_DEADLINE_MS)
  readonly extensionDeadlineMs: number = 5_000;
}
