import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { SluiceError } from '../kit/errors.ts'

/** Where and why the grammar refused a text: the cause of `sql.syntax`. */
export interface SyntaxFailure {
  readonly sqlDetails: {
    /** The server's own words. */
    readonly message: string
    /** Characters before the place, undefined when the grammar names none. */
    readonly cursorPosition: number | undefined
  }
}

/** What libpg_query's emscripten module offers. */
interface Wasm {
  lengthBytesUTF8(text: string): number
  stringToUTF8(text: string, pointer: number, bytes: number): void
  UTF8ToString(pointer: number): string
  getValue(pointer: number, type: 'i32'): number
  _malloc(bytes: number): number
  _free(pointer: number): void
  _wasm_parse_query_raw(text: number): number
  _wasm_free_parse_result(result: number): void
}

type Factory = (module: object) => Promise<Wasm>

/** The part of the JavaScript API of WebAssembly used here; `lib` without the DOM does not declare it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { readonly exports: object }
}

const MAJORS = [13, 14, 15, 16, 17, 18]
const require = createRequire(import.meta.url)

/**
 * One server version's own grammar. Synchronous. A text that makes the grammar trap costs a fresh instance: a trap unwinds past C's
 * cleanup and leaves its shadow stack and memory contexts as they were, so the old instance must not be trusted again.
 */
export class Grammar {
  readonly major: number
  readonly #factory: Factory
  readonly #compiled: object
  #wasm: Wasm

  /** Throws `protocol.unsupported` for a version outside 13 to 18. Reads and compiles the grammar: about 10 ms. */
  constructor(major: number) {
    if (!MAJORS.includes(major)) throw new SluiceError('protocol.unsupported', `no grammar for PostgreSQL ${major}`)
    this.major = major
    this.#factory = require(`libpg-query-${major}/wasm/libpg-query.js`)
    this.#compiled = new WebAssembly.Module(readFileSync(require.resolve(`libpg-query-${major}/wasm/libpg-query.wasm`)))
    this.#wasm = this.#instantiate()
  }

  /**
   * The syntax tree as JSON text. Throws `sql.syntax`, or `sql.too_large` when the grammar's own stack or memory does not suffice.
   * NUL and lone surrogates are refused: the server would see another text.
   */
  parse(text: string): string {
    if (text.includes('\0')) throw new SluiceError('sql.syntax', 'NUL in text')
    if (!text.isWellFormed()) throw new SluiceError('sql.syntax', 'lone surrogate in text')
    // The module takes an empty text for a mistake of its caller; to the server it is an empty message.
    if (text === '') return '{"stmts":[]}'
    try {
      return this.#run(text)
    } catch (error) {
      if (error instanceof SluiceError) throw error
      this.#wasm = this.#instantiate()
      throw new SluiceError('sql.too_large', 'the grammar ran out of stack or memory', { cause: error })
    }
  }

  /**
   * Structs read: `char *parse_tree; char *stderr_buffer; PgQueryError *error`, and of the error `char *message; char *funcname;
   * char *filename; int lineno; int cursorpos`, which counts characters from 1.
   */
  #run(text: string): string {
    const wasm = this.#wasm
    const bytes = wasm.lengthBytesUTF8(text) + 1
    const input = wasm._malloc(bytes)
    if (input === 0) throw new RangeError('out of memory')
    wasm.stringToUTF8(text, input, bytes)
    const result = wasm._wasm_parse_query_raw(input)
    wasm._free(input)
    if (result === 0) throw new RangeError('out of memory')
    const tree = wasm.getValue(result, 'i32')
    const error = wasm.getValue(result + 8, 'i32')
    const message = error === 0 ? undefined : wasm.UTF8ToString(wasm.getValue(error, 'i32'))
    const cursor = error === 0 ? 0 : wasm.getValue(error + 16, 'i32')
    const json = message === undefined && tree !== 0 ? wasm.UTF8ToString(tree) : undefined
    wasm._wasm_free_parse_result(result)
    if (message !== undefined) throw this.#failure(message, cursor)
    if (json === undefined) throw new RangeError('no tree')
    return json
  }

  #failure(message: string, cursor: number): SluiceError {
    const tooLarge = /memory exhausted|stack depth|out of memory|invalid memory alloc/.test(message)
    const cause: SyntaxFailure = { sqlDetails: { message, cursorPosition: cursor > 0 ? cursor - 1 : undefined } }
    return new SluiceError(tooLarge ? 'sql.too_large' : 'sql.syntax', message.slice(0, 200), { cause })
  }

  #instantiate(): Wasm {
    const compiled = this.#compiled
    const module = {
      // Called by the factory before its first await, so that the instance is ready when the factory returns its promise.
      instantiateWasm(imports: object, receive: (instance: object) => unknown): object {
        const instance = new WebAssembly.Instance(compiled, imports)
        receive(instance)
        return instance.exports
      },
    }
    // The promise settles with the same object; it cannot reject once the instance is received.
    void this.#factory(module)
    const wasm = module as unknown as Wasm
    if (typeof wasm._wasm_parse_query_raw !== 'function') throw new SluiceError('internal', 'the grammar did not start')
    return wasm
  }
}
