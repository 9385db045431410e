/** stub */
export class Typing {
  constructor(_told: { input: (bytes: Buffer) => void; line: (text: string) => void }) {}
  typed(_bytes: Buffer): void {}
  shown(_bytes: Buffer): void {}
  end(): void {}
}
