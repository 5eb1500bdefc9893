import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/** What clients may be told that an item is called. */
export const SHOWN_NAME = /^[\w.-]{1,128}$/;
export const MAX_DESCRIPTION_LENGTH = 10_000;

/** What clients are told instead of what the server says. What is left out is as the server has it. */
export class ItemPresentation {
  /** Of tools and prompts: what calls name. Of resources: what people read. */
  @IsOptional() @Matches(SHOWN_NAME) readonly name?: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly description?: string;
}
