import { Module } from '@nestjs/common';
import { ItemsModule } from '../items/index.js';
import { ItemGate } from './item-gate.js';

@Module({ imports: [ItemsModule], providers: [ItemGate], exports: [ItemGate] })
export class GateModule {}
