import { IsIn } from 'class-validator';
import { Env } from '#lib/config';

const FORMS = ['portable', 'original'] as const;

export class CatalogConfig {
  /**
   * Names of tools and prompts at endpoints with several servers. `portable`: at most 64 letters, digits, hyphens and underscores,
   * as clients and models require; any other name gets underscores and a short digest, and the server's name is in its `_meta`
   * and `title`. `original`: the name of the server after its prefix, whatever it contains.
   */
  @Env('ISTHMUS_ITEM_NAMES')
  @IsIn(FORMS, { message: `must be ${FORMS.join(' or ')}` })
  readonly itemNames: (typeof FORMS)[number] = 'portable';
}
