/** zod with `.openapi()`: every schema of the API is made with this one. */
export { z } from '@hono/zod-openapi'
