/** An extension cannot be used. The message names it, says why, and what to do. */
export class ExtensionFault extends Error {
  override readonly name = 'ExtensionFault';
}
