import { Injectable } from '@nestjs/common';

/** Whether this worker takes new work. */
@Injectable()
export class Readiness {
  private leaving = false;

  get isLeaving(): boolean {
    return this.leaving;
  }

  /** From now on load balancers are told to go elsewhere, and what comes all the same is refused with 503. */
  leave(): void {
    this.leaving = true;
  }
}
