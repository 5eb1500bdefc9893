import { HttpException, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { didYouMean } from '#lib/config';
import { describeErrors } from '#lib/validation';

const BAD_REQUEST = 400;

/** 400: the body or the query breaks rules. Each fault names the member and the rule, and quotes no value. */
export class RequestInvalid extends HttpException {
  constructor(readonly faults: readonly string[]) {
    super({ message: faults }, BAD_REQUEST);
    this.message = `The request is invalid: ${faults.join('; ')}.`;
  }
}

function toRequestInvalid(errors: ValidationError[]): RequestInvalid {
  const faults = describeErrors(errors).map(({ path, message, knownMembers }) => {
    const name = path.split('.').at(-1) ?? path;
    const suggestion = knownMembers ? didYouMean(name, knownMembers) : '';
    return `${path} ${message}${suggestion === '' ? '' : `.${suggestion}`}`;
  });
  return new RequestInvalid(faults);
}

/** Reports every fault of a request at once. Unknown members are faults. */
export const createValidation = (): ValidationPipe =>
  new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    validationError: { target: true, value: true },
    exceptionFactory: toRequestInvalid,
  });
