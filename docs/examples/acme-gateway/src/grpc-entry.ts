import { IsBoolean, IsInt, IsNotEmpty, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { Secret } from 'isthmus/extension-kit';

/** What an entry with `transport: grpc` says, besides the members that all servers have. */
export class GrpcEntry {
  /** Name or address of the host. */
  @IsString() @IsNotEmpty() readonly host!: string;

  @IsInt() @Min(1) @Max(65_535) readonly port!: number;

  /** Path of the .proto file on the host of the gateway. */
  @IsString() @Matches(/\.proto$/, { message: 'must be the path of a .proto file' }) readonly proto!: string;

  /** Full name of the service, such as `acme.orders.Orders`. */
  @IsString() @IsNotEmpty() readonly service!: string;

  /** False: the connection is not encrypted. Default: true. */
  @IsOptional() @IsBoolean() readonly tls?: boolean;

  /**
   * Path of a file on the host of the gateway with the certificates of the authorities that sign those of the service (PEM). Default: the
   * authorities that Node.js trusts.
   */
  @IsOptional() @IsString() @IsNotEmpty() readonly authorities?: string;

  /** Sent as `authorization: Bearer …` with each call. */
  @Secret() @IsOptional() @IsString() readonly token?: string;
}
