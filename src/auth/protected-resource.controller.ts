import { Controller, Get, Header, Headers, NotFoundException, Param } from '@nestjs/common';
import { METADATA_PATH, ProtectedResource, type ResourceMetadata } from './protected-resource.js';

/** Serves the metadata that a challenge refers to (RFC 9728), without authentication. */
@Controller(METADATA_PATH)
export class ProtectedResourceController {
  constructor(private readonly resource: ProtectedResource) {}

  @Get()
  @Header('cache-control', 'public, max-age=300')
  ofGateway(@Headers('host') host?: string): ResourceMetadata | undefined {
    return this.resource.metadata('', host);
  }

  @Get('*')
  @Header('cache-control', 'public, max-age=300')
  ofEndpoint(@Param('*') path: string, @Headers('host') host?: string): ResourceMetadata {
    const metadata = this.resource.metadata(`/${path}`, host);
    if (metadata === undefined) throw new NotFoundException('No endpoint exists at this path.');
    return metadata;
  }
}
