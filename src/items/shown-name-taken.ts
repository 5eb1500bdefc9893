/** Clients see another item of the server under this name, or would without its presentation. Nothing has changed. */
export class ShownNameTaken extends Error {
  constructor() {
    super('Another item of this server has this name. Choose another name.');
  }
}
