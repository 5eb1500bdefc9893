import { Injectable } from '@nestjs/common';
import type { ServerDefinition } from '../registry/index.js';
import { ServerProbe } from '../upstream/index.js';
import { ProcessChecks } from './process-checks.js';
import type { CheckResult } from './server-state.js';

/** Runs one health check of a server. */
export abstract class CheckRunner {
  /** Rejects only because of a defect of the gateway. */
  abstract run(server: ServerDefinition, timeoutMs: number): Promise<CheckResult>;
  /** Releases what the checks of a server hold, because this worker no longer checks it. */
  abstract forget(slug: string): Promise<void>;
  abstract close(): Promise<void>;
}

/** Checks servers over connections of its own, and child processes over those of the clients. */
@Injectable()
export class UpstreamCheckRunner extends CheckRunner {
  constructor(
    private readonly probe: ServerProbe,
    private readonly processes: ProcessChecks,
  ) {
    super();
  }

  override run(server: ServerDefinition, timeoutMs: number): Promise<CheckResult> {
    return server.transport === 'stdio' ? this.processes.run(server.slug) : this.probe.run(server, timeoutMs);
  }

  override forget(slug: string): Promise<void> {
    return this.probe.forget(slug);
  }

  override close(): Promise<void> {
    return this.probe.close();
  }
}
