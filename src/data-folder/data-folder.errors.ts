/** The data folder or a secret in it is not safe to use. The message names the command that fixes it. */
export class DataFolderFault extends Error {
  override readonly name = 'DataFolderFault';
}
