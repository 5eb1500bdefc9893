import { IsInt, Min } from 'class-validator';
import { Env } from '#lib/config';

/** How calls wait for the approval of an admin. */
export class ApprovalsConfig {
  /**
   * Time that a request of a client without a session waits for an admin. The client then repeats its request, which waits again.
   * Choose less than proxies and clients wait for an answer. The official client repeats a request ten times by default.
   */
  @Env('ISTHMUS_APPROVAL_WAIT', { as: 'duration' })
  @IsInt()
  @Min(1_000)
  readonly approvalWaitMs: number = 30_000;
}
