import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/** Names that an admin may give to an item. */
export const SHOWN_NAME = /^[\w.-]{1,128}$/;
export const MAX_DESCRIPTION_LENGTH = 10_000;

/** Name and description that clients see instead of those of the server. An absent member keeps the value of the server. */
export class ItemPresentation {
  /** For tools and prompts: the name that calls use. For resources: the display name. */
  @IsOptional() @Matches(SHOWN_NAME) readonly name?: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly description?: string;
}
