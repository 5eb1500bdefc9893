import { Module } from '@nestjs/common';

/** An extension that contributes nothing. Nest marks a class as a module only if `@Module` names at least one part. */
@Module({ providers: [] })
class EmptyExtension {}

export default EmptyExtension;
