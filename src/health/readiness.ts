import { Injectable } from '@nestjs/common';

/** Whether this worker accepts new work. */
@Injectable()
export class Readiness {
  private leaving = false;
  private closed = false;

  /**
   * True while readiness probes fail. Requests that still arrive are served, over connections that close with the
   * answer.
   */
  get isLeaving(): boolean {
    return this.leaving;
  }

  /** True once new requests are refused. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Makes readiness probes fail from now on. */
  leave(): void {
    this.leaving = true;
  }

  /** Makes the worker refuse new requests with 503 from now on. */
  close(): void {
    this.leaving = true;
    this.closed = true;
  }
}
