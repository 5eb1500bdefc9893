import { Logger } from '@nestjs/common';

/** Tells of an outage once when it begins and once when it is over, however many attempts lie between. */
export class OutageLog {
  private readonly logger = new Logger('Redis');
  private isOut = false;

  constructor(
    /** What is out of reach, as a sentence begins with it. */
    private readonly subject: string,
    /** Never shown, whoever quotes them. */
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

  /** The text without the secrets: servers quote what they did not understand. */
  redact(text: string): string {
    return this.secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  }
}
