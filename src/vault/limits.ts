/** Bounds of this folder (design §13.5). */
export const LIMITS = { secret_bytes: 65_536, name_chars: 100 } as const
