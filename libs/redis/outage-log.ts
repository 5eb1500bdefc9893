import { Logger } from '@nestjs/common';

/** Logs an outage once when it begins and once when it ends, whatever the number of attempts between. */
export class OutageLog {
  private readonly logger = new Logger('Redis');
  private isOut = false;

  constructor(
    /** Subject of the log lines, as the beginning of a sentence. */
    private readonly subject: string,
    /** Texts that are masked wherever they occur. */
    private readonly secrets: readonly string[] = [],
  ) {}

  failed(reason: string): void {
    if (this.isOut) return;
    this.isOut = true;
    this.logger.warn(`${this.subject} cannot be reached: ${this.redact(reason)}`);
  }

  recovered(): void {
    if (!this.isOut) return;
    this.isOut = false;
    this.logger.log(`${this.subject} can be reached again.`);
  }

  /** Masks the secrets in a text: servers quote commands that they reject. */
  redact(text: string): string {
    return this.secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }
}
