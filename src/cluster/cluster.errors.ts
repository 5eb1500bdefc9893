/** The workers cannot be started. The message says why, and which setting to change. */
export class ClusterFault extends Error {
  override readonly name = 'ClusterFault';
}
