import { readMetadata } from '../identity/saml/metadata.ts'
import { SluiceError, toSluiceError } from '../kit/errors.ts'
import { answers, body, route } from './access.ts'
import { routeGroup } from './env.ts'
import { z } from './zod.ts'

const read = route('admin', {
  method: 'post',
  path: '/saml/metadata',
  summary: 'Reads the metadata of a SAML identity provider: what its document here needs. Nothing is changed.',
  request: { body: body(z.strictObject({ metadata: z.string().min(1).max(200_000) })) },
  responses: answers(
    z
      .object({
        entityId: z.string(),
        ssoUrl: z.string(),
        sloUrl: z.string().optional(),
        certificates: z.array(z.string()),
      })
      .openapi('SamlMetadata'),
  ),
})

export const samlRoutes = () =>
  routeGroup().openapi(read, async (c) => {
    const found = await readMetadata(c.req.valid('json').metadata).catch((thrown: unknown) => {
      throw new SluiceError('api.invalid', toSluiceError(thrown).detail, { cause: thrown })
    })
    return c.json({ ...found, certificates: [...found.certificates] }, 200)
  })
