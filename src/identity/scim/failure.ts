/** A refusal in SCIM's own words (RFC 7644 §3.12). */
export class ScimFailure extends Error {
  readonly status: 400 | 401 | 403 | 404 | 409 | 412 | 413 | 429
  readonly scimType: string | undefined
  constructor(status: ScimFailure['status'], detail: string, scimType?: string) {
    super(detail)
    this.name = 'ScimFailure'
    this.status = status
    this.scimType = scimType
  }
}
