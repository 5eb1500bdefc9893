/** The data folder or a secret in it cannot be trusted. The message says which command mends it. */
export class DataFolderFault extends Error {
  override readonly name = 'DataFolderFault';
}
