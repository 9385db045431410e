import { WAITING_GLOBALS } from './channel-limits.ts'
import { globalRequest, MESSAGE, type Request, readRequest } from './channel-messages.ts'
import type { House } from './conversation.ts'
import { InTurn } from './in-turn.ts'
import { CLIENT_GLOBALS, treatmentOf } from './request-table.ts'

/** Answer to a global request: undefined refuses it, bytes are what a granted one says (a chosen port). */
export type GlobalAnswer = Buffer | undefined

export type GlobalHandler = (request: Request, answer: (answer: GlobalAnswer) => void) => void

/** Global requests of both sides (RFC 4254 §4). Nothing of one side reaches the other but forwards, which are judged. */
export class GlobalRequests {
  readonly #house: House
  readonly #replies: InTurn<GlobalAnswer>
  /** Judges forwards; set by who keeps them. */
  decide: GlobalHandler = (_, answer) => answer(undefined)
  noMoreSessions = false

  constructor(house: House) {
    this.#house = house
    this.#replies = new InTurn((answer) => {
      house.client.send(
        answer
          ? Buffer.concat([Buffer.from([MESSAGE.REQUEST_SUCCESS]), answer])
          : Buffer.from([MESSAGE.REQUEST_FAILURE]),
      )
    })
  }

  fromClient(message: Buffer): void {
    const request = readRequest(message, 1)
    const answer = request.wantReply ? this.#replies.place() : () => {}
    const treatment = treatmentOf(CLIENT_GLOBALS, request.name)
    if (treatment === 'here') return this.#here(request.name, answer)
    if (treatment === 'refuse' || this.#replies.size > WAITING_GLOBALS) {
      this.#house.session.refuse('ssh.request', `global request ${request.name}`, request.name)
      return answer(undefined)
    }
    this.decide(request, answer)
  }

  #here(name: string, answer: (answer: GlobalAnswer) => void): void {
    if (name === 'no-more-sessions@openssh.com') this.noMoreSessions = true
    answer(Buffer.alloc(0))
  }

  /** The target's host keys are not the gateway's, and its keepalives are answered for the client: nothing is passed on. */
  fromTarget(message: Buffer): void {
    if (readRequest(message, 1).wantReply) this.#house.target.send(Buffer.from([MESSAGE.REQUEST_FAILURE]))
  }

  /** Asks the target; `answered` gets its bytes, or undefined when it refuses. */
  askTarget(name: string, rest: Buffer, answered: (answer: GlobalAnswer) => void): void {
    this.#house.target.ask(globalRequest(name, true, rest), (granted, message) =>
      answered(granted ? Buffer.from(message.subarray(1)) : undefined),
    )
  }
}
