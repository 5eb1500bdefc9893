import { HttpException, HttpStatus } from '@nestjs/common';

/** 422: the document, or what was sent with it, cannot be used. Each fault begins with the member that it concerns. */
export class ServerJsonInvalid extends HttpException {
  constructor(faults: readonly string[], summary = 'The document cannot be imported.') {
    super({ message: faults }, HttpStatus.UNPROCESSABLE_ENTITY);
    this.message = summary;
  }
}
