/** Answers leave in the order of their questions, whoever answers: what is refused here never overtakes what the other side has yet to say. */
export class InTurn<A> {
  readonly #places: { answer?: A }[] = []
  readonly #say: (answer: A) => void

  constructor(say: (answer: A) => void) {
    this.#say = say
  }

  /** Answers awaited. */
  get size(): number {
    return this.#places.length
  }

  /** Takes the next place; what is returned gives the answer for it, once. */
  place(): (answer: A) => void {
    const place: { answer?: A } = {}
    this.#places.push(place)
    return (answer) => {
      if ('answer' in place) return
      place.answer = answer
      while (this.#places.length > 0 && 'answer' in this.#places[0]!) this.#say(this.#places.shift()!.answer as A)
    }
  }
}
