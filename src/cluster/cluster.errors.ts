/** Several workers cannot be started. The message says why and what to set. */
export class ClusterFault extends Error {
  override readonly name = 'ClusterFault';
}
