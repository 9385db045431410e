import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { escapeHidden } from '../approval/display.ts'
import type { ErrorCode } from '../kit/catalogue.ts'
import { SluiceError, toSluiceError, withParticulars } from '../kit/errors.ts'
import { LIMITS } from './limits.ts'
import { z } from './zod.ts'

/** The one JSON shape of every refusal everywhere (design §9). */
export const refusalSchema = z
  .object({
    status: z.enum(['denied', 'error']),
    code: z.string().openapi({ example: 'api.forbidden' }),
    rule: z.string(),
    message: z.string(),
    hint: z.string(),
    retry: z.boolean(),
  })
  .openapi('Refusal')
export type ApiRefusal = z.infer<typeof refusalSchema>

const STATUS: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  'api.unauthorized': 401,
  'identity.revoked': 401,
  'identity.killed': 401,
  'api.forbidden': 403,
  'approval.self': 403,
  'approval.forbidden': 403,
  'signin.refused': 403,
  'signin.expired': 400,
  'signin.answer': 400,
  'signin.provider': 502,
  'signin.groups': 403,
  'signin.stale': 403,
  'signin.forged': 403,
  'api.not_found': 404,
  'kill.unknown': 404,
  'approval.closed': 409,
  'approval.mismatch': 409,
  'approval.truncated': 409,
  'api.invalid': 400,
  'token.invalid': 400,
  'vault.refused': 400,
  'tunnel.invalid': 400,
  'policy.invalid': 422,
  'sql.syntax': 422,
  'sql.too_large': 422,
  'api.too_large': 413,
  'api.limited': 429,
  'api.busy': 429,
  'signin.codes': 429,
  'ledger.unwritable': 503,
  'store.unavailable': 503,
}

/** Codes whose message asks to mend what it names: their detail is for the caller. */
const NAMES_IT: ReadonlySet<ErrorCode> = new Set([
  'api.invalid',
  'kill.unknown',
  'token.invalid',
  'vault.refused',
  'policy.invalid',
  'tunnel.invalid',
])
const RETRY: ReadonlySet<number> = new Set([429, 503])

/** The HTTP status an error is answered with. */
export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return STATUS[code] ?? 500
}

/** Answers with an error as a refusal; what is not one of ours says only that it happened. */
export function refuse(c: Context, thrown: unknown): Response {
  const error = thrown instanceof HTTPException ? new SluiceError('api.invalid', thrown.message) : toSluiceError(thrown)
  const status = statusOf(error.code)
  const named = NAMES_IT.has(error.code) && error.detail !== ''
  const body: ApiRefusal = {
    status: status === 401 || status === 403 ? 'denied' : 'error',
    code: error.code,
    rule: '',
    message: named
      ? withParticulars(error.safeMessage, escapeHidden(error.detail.slice(0, LIMITS.message_chars)))
      : error.safeMessage,
    hint: error.remedy,
    retry: RETRY.has(status),
  }
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="Sluice"')
  return c.json(body, status)
}

/** What a request's validation failed on, as a refusal: names the fields, never repeats their values. */
export function invalid(
  result: { readonly success: boolean; readonly error?: z.ZodError },
  c: Context,
): Response | undefined {
  if (result.success) return undefined
  const issues = result
    .error!.issues.slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}.`)
  return refuse(c, new SluiceError('api.invalid', issues.join(' ')))
}
