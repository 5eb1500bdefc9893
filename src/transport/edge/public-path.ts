import type { FastifyInstance, FastifyReply } from 'fastify';
import { removePublicPath } from '../../gateway.config.js';
import { toOriginForm } from './request-form.js';

/** Removes the path of the public URL from a request target, whether or not that names the host. */
export function toServedTarget(target: string, publicPath: string): string {
  const path = toOriginForm(target);
  const served = removePublicPath(path, publicPath);
  return served === path ? target : target.slice(0, -path.length) + served;
}

/** Puts the locations in responses below the path of the public URL. */
export function addPublicPath(fastify: FastifyInstance, publicPath: string): void {
  fastify.addHook('onSend', (_request, reply: FastifyReply, payload, done) => {
    const location = reply.getHeader('location');
    if (typeof location === 'string' && location.startsWith('/')) void reply.header('location', publicPath + location);
    done(null, payload);
  });
}
