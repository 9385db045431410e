import { expect, it } from 'vitest'
import { looksLikeToken, newTokenText } from './token.ts'

it('a token is slu_, 256 bits in base 62, and a checksum that a single wrong character breaks', () => {
  for (const random of [Buffer.alloc(32), Buffer.alloc(32, 255), undefined]) {
    const text = newTokenText(random)
    expect(text).toMatch(/^slu_[0-9A-Za-z]{49}$/)
    expect(looksLikeToken(text)).toBe(true)
    for (let i = 0; i < text.length; i++) {
      const wrong = text.slice(0, i) + (text[i] === '7' ? '8' : '7') + text.slice(i + 1)
      expect(looksLikeToken(wrong)).toBe(false)
    }
  }
  expect(newTokenText()).not.toBe(newTokenText())
})
