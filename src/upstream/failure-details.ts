import { Injectable, Logger, Optional } from '@nestjs/common';
import { hideSecrets } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { hideServerSecrets, type ServerDefinition } from '../registry/index.js';

/** Maximum number of characters of one detail. */
const MAX_DETAIL_CHARACTERS = 4_000;
/** Maximum number of servers. Beyond it the one whose last detail is the oldest is forgotten. */
const MAX_SERVERS = 1_000;
/** The same detail is logged again after this time, in milliseconds. */
const LOG_INTERVAL_MS = 60_000;

/** What a worker learned about the last failure of a server, for operators: callers receive less. */
export interface FailureDetail {
  readonly detail: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/**
 * The latest detail of each server's failures: the missing program or folder, the last output of a process, the target of a
 * redirect, the address that refused the connection. It is logged and shown to administrators, and never sent to callers.
 */
@Injectable()
export class FailureDetails {
  private readonly known = new Map<string, FailureDetail>();
  private readonly loggedAt = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    @Optional() private readonly logger: Pick<Logger, 'warn'> = new Logger('Upstream'),
  ) {}

  /** Hides the credentials of the server's entry in the text. */
  record(definition: ServerDefinition, text: string): void {
    const { slug } = definition;
    const detail = hideSecrets(hideServerSecrets(definition, text)).slice(0, MAX_DETAIL_CHARACTERS);
    const before = this.known.get(slug)?.detail;
    this.known.delete(slug);
    this.known.set(slug, { detail, at: this.clock.now() });
    this.log(slug, detail, detail === before);
    const [oldest] = this.known.keys();
    if (this.known.size <= MAX_SERVERS || oldest === undefined) return;
    this.known.delete(oldest);
    this.loggedAt.delete(oldest);
  }

  /** The last failure also prevents what is tried now. */
  confirm(server: string): void {
    const last = this.known.get(server);
    if (last) this.known.set(server, { ...last, at: this.clock.now() });
  }

  get(server: string): FailureDetail | undefined {
    return this.known.get(server);
  }

  private log(server: string, detail: string, isRepeated: boolean): void {
    const now = this.clock.monotonicNow();
    if (isRepeated && now - (this.loggedAt.get(server) ?? -LOG_INTERVAL_MS) < LOG_INTERVAL_MS) return;
    this.loggedAt.set(server, now);
    this.logger.warn(`${server}: ${detail}`);
  }
}
