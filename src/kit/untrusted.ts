const CODE = /CERT|SELF_SIGNED|ISSUER|UNABLE_TO|ALTNAME|PURPOSE/

/** Whether a code of Node's says that a TLS peer's certificate does not hold: it is from a stranger, for another name, or out of time. */
export function isUntrusted(code: string): boolean {
  return CODE.test(code)
}
