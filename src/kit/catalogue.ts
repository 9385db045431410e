import { HOUSE_CODES } from './catalogue/house.ts'
import { IDENTITY_CODES } from './catalogue/identity.ts'
import { OPERATION_CODES } from './catalogue/operations.ts'
import { TARGET_CODES } from './catalogue/target.ts'

export type { CatalogueEntry } from './catalogue/entry.ts'

/** Every coded reason there is. `docs/errors.md` is generated from it; a test fails for a code nobody uses. */
export const CATALOGUE = { ...IDENTITY_CODES, ...OPERATION_CODES, ...TARGET_CODES, ...HOUSE_CODES }

export type ErrorCode = keyof typeof CATALOGUE
