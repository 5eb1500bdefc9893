import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/** Names that an admin may give to an item. */
export const SHOWN_NAME = /^[\w.-]{1,128}$/;
export const SHOWN_NAME_RULE = 'must be a string of 1 to 128 letters, digits, hyphens, underscores and dots';
export const MAX_DESCRIPTION_LENGTH = 10_000;

/** Name and description that clients see instead of those of the server. An absent member keeps the value of the server. */
export class ItemPresentation {
  /** For tools and prompts: the name that calls use. For resources: the display name. */
  @IsOptional() @Matches(SHOWN_NAME, { message: SHOWN_NAME_RULE }) readonly name?: string;
  @IsOptional() @IsString() @MaxLength(MAX_DESCRIPTION_LENGTH) readonly description?: string;
}
