import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  ValidateNested,
} from 'class-validator';
import { IsLinearPattern } from '#lib/extension-kit';

/** Kinds of personal data that the check finds itself. */
export const PERSONAL_DATA_KINDS = ['email', 'phone', 'card', 'iban', 'national-id'] as const;
export type PersonalDataKind = (typeof PERSONAL_DATA_KINDS)[number];

const MAX_PATTERNS = 32;

/** A pattern of one's own for the check `personal-data`. */
export class PersonalDataPattern {
  /** Name of what the pattern finds, which replaces it: lower case letters, digits and hyphens, such as `employee-number`. */
  @IsString()
  @Matches(/^[a-z\d-]{1,64}$/, { message: 'name must be 1 to 64 lower case letters, digits and hyphens' })
  readonly name!: string;

  /** Regular expression in the syntax of JavaScript, without look-around and back-references; `(?i)` ignores case. */
  @IsLinearPattern()
  readonly pattern!: string;
}

/** Options of the check `personal-data`. */
export class PersonalDataOptions {
  /**
   * What is masked. `national-id`: social security number (US), National Insurance number (UK), Steuer-Identifikationsnummer (DE),
   * NIR (FR), DNI and NIE (ES), codice fiscale (IT). Default: all.
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @IsIn(PERSONAL_DATA_KINDS, { each: true })
  readonly kinds?: readonly PersonalDataKind[];

  /** Patterns of what else is masked, such as numbers of employees or customers. At most 32. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_PATTERNS)
  @ValidateNested({ each: true })
  @Type(() => PersonalDataPattern)
  readonly patterns?: readonly PersonalDataPattern[];
}
