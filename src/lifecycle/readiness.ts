import { Injectable } from '@nestjs/common';

/** Whether this worker accepts new work. */
@Injectable()
export class Readiness {
  private draining = false;
  private closed = false;

  /**
   * True while readiness probes fail. Requests that still arrive are served, over connections that close with the
   * answer.
   */
  get isDraining(): boolean {
    return this.draining;
  }

  /** True once new requests are refused. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Makes readiness probes fail from now on. */
  startDraining(): void {
    this.draining = true;
  }

  /** Makes the worker refuse new requests with 503 from now on. */
  close(): void {
    this.draining = true;
    this.closed = true;
  }
}
