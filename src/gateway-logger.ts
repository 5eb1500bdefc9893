import { ConsoleLogger } from '@nestjs/common';
import { LEVELS, type LoggingConfig } from './logging.config.js';

/** Nest's own account of how it starts; of use to those who extend the gateway, not to those who run it. */
const ASSEMBLY = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

/** Logs to the console, as text for a person or as one JSON object a line. */
export class GatewayLogger extends ConsoleLogger {
  constructor({ level, format }: LoggingConfig) {
    const logLevels = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
    super({ json: format === 'json', colors: format === 'text' && Boolean(process.stdout.isTTY), logLevels });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && ASSEMBLY.has(context)) this.debug(message, ...rest);
    else super.log(message, ...rest);
  }
}
