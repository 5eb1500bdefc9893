import { applyDecorators, Injectable, SetMetadata, type Type } from '@nestjs/common';

/** Shared by all copies of the kit, so that a contribution of another copy is refused instead of ignored. */
const METADATA = 'isthmus:contributions';

/** What every contribution may state. */
export interface ContributionOptions {
  /** Contributions with a lower finite number come first. Default: 0. Equal ones: in the order in which modules were loaded. */
  readonly order?: number;
}

/** A class whose instances a kind of contribution accepts. */
export type Port<T extends object> = abstract new (...args: never[]) => T;

/**
 * A kind of contribution: the decorator that marks one, the class that it extends, and what the decorator states. The gateway
 * finds all providers that are marked, in whichever module a team provides them.
 */
export class ContributionKind<T extends object, Options extends object> {
  /**
   * @param decorator name of the decorator, for messages
   * @param port the class that a contribution of this kind extends
   */
  constructor(
    readonly decorator: string,
    readonly port: Port<T>,
  ) {}

  /** The decorator for a class with these options. It makes the class a provider of Nest, too. */
  mark(options: Options): ClassDecorator {
    return applyDecorators(Injectable(), SetMetadata(`${METADATA}:${this.decorator}`, options));
  }

  /** What the decorator of a class states. Undefined: the class is no contribution of this kind. */
  optionsOf(type: Type | Port<object>): Options | undefined {
    return Reflect.getOwnMetadata(`${METADATA}:${this.decorator}`, type) as Options | undefined;
  }
}

/** A kind of contribution that is a method of a provider, and what its decorator states about it. */
export class MethodContributionKind<Statement> {
  /** @param decorator name of the decorator, for messages */
  constructor(readonly decorator: string) {}

  /** The decorator for a method with this statement. */
  mark(statement: Statement): MethodDecorator {
    return SetMetadata(`${METADATA}:${this.decorator}`, statement);
  }

  /** What the decorator of a method states. Undefined: the method is no contribution of this kind. */
  statementOf(method: object): Statement | undefined {
    return Reflect.getOwnMetadata(`${METADATA}:${this.decorator}`, method) as Statement | undefined;
  }
}
