import { Injectable } from '@nestjs/common';

/** Whether this worker takes new work. */
@Injectable()
export class Readiness {
  private draining = false;
  private closed = false;

  /** Load balancers are told to go elsewhere. What comes all the same is served, over connections that end with it. */
  get isDraining(): boolean {
    return this.draining;
  }

  /** Nothing new is taken any more. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** From now on load balancers are told to go elsewhere. */
  startDraining(): void {
    this.draining = true;
  }

  /** From now on what still comes is refused with 503. */
  close(): void {
    this.draining = true;
    this.closed = true;
  }
}
