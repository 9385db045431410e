/** A small stream of numbers from a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}

/** Makes random queries over the schema of `canary-shop.ts`; a third of them run. */
export class QueryMaker {
  readonly #next: (below: number) => number
  #names = 0
  constructor(seed: number) {
    this.#next = numbers(seed)
  }
  #pick<T>(items: readonly T[]): T {
    return items[this.#next(items.length)]!
  }
  #name(): string {
    return `n${++this.#names}`
  }

  query(depth: number): string {
    const kind = depth > 0 ? this.#next(10) : 9
    if (kind === 0) return `WITH ${this.#with(depth)} ${this.#select(depth - 1, ['cte'])}`
    if (kind === 1)
      return `(${this.#fixed(depth - 1, 2)}) ${this.#pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} (${this.#fixed(depth - 1, 2)})`
    if (kind === 2) return `VALUES (${this.#scalar(depth - 1)}, '1'), ('2', ${this.#scalar(depth - 1)})`
    return this.#select(depth, [])
  }

  #with(depth: number): string {
    const kind = this.#next(4)
    if (kind === 0) return `RECURSIVE cte (a, b) AS (${this.#fixed(0, 2)} UNION SELECT b, a FROM cte)`
    if (kind === 1) return `cte (a) AS MATERIALIZED (${this.query(depth - 1)})`
    if (kind === 2)
      return 'cte AS (UPDATE orders SET total = total FROM customers c WHERE c.id = customer_id RETURNING *)'
    return `cte AS (${this.query(depth - 1)})`
  }

  /** A select of a fixed number of text columns. */
  #fixed(depth: number, width: number): string {
    const columns = Array.from({ length: width }, () => `(${this.#column()})::text`)
    const from = depth > 0 ? 'customers c CROSS JOIN LATERAL (SELECT c.id AS i) l' : 'customers c'
    return `SELECT ${columns.join(', ')} FROM ${from}`
  }

  #column(): string {
    return `c.${this.#pick(['id', 'name', 'email', 'ssn', 'card', 'note'])}`
  }

  #select(depth: number, extra: readonly string[]): string {
    const [a, b] = [this.#name(), this.#name()]
    const from = this.#from(depth, { a, b, extra })
    const targets = Array.from({ length: 1 + this.#next(3) }, () => this.#target(depth, { a, b }))
    const where = this.#pick(['', '', ' WHERE true', ` WHERE ${a} IS NOT NULL`])
    const tail = this.#pick(['', '', '', ' ORDER BY 1', ' LIMIT 3', ' ORDER BY 1 DESC LIMIT 2'])
    return `SELECT ${this.#pick(['', '', '', 'DISTINCT '])}${targets.join(', ')} FROM ${from}${where}${tail}`
  }

  #relation(extra: readonly string[]): string {
    if (extra.length > 0 && this.#next(2) === 0) return this.#pick(extra)
    return this.#pick([
      'customers',
      'customers',
      'ONLY customers',
      'contacts',
      'wide',
      'stored',
      'orders',
      'vip',
      'archive.customers',
    ])
  }

  #from(depth: number, { a, b, extra }: { a: string; b: string; extra: readonly string[] }): string {
    const one = `${this.#relation(extra)} ${a}`
    const other = depth > 0 ? `(${this.query(depth - 1)}) ${b}` : `${this.#relation(extra)} ${b}`
    switch (this.#next(11)) {
      case 0:
        return `${one}, ${other}`
      case 1:
        return `customers ${a} ${this.#pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} contacts ${b} USING (id)`
      case 2:
        return `customers ${a} NATURAL JOIN archive.customers ${b}`
      case 3:
        return `(customers x JOIN orders y ON x.id = y.customer_id) AS ${a} (p, q, r, s, t), orders ${b}`
      case 4:
        return `${one} CROSS JOIN LATERAL (SELECT ${a}.*, ${a}::text AS whole) ${b}`
      case 5:
        return `customers ${a}, regexp_split_to_table(${a}.ssn, '') WITH ORDINALITY AS ${b} (piece, at)`
      case 6:
        return `customers ${a}, json_each(row_to_json(${a})) ${b}`
      case 7:
        return `rows() ${a}, orders ${b}`
      case 8:
        return `customers ${a} (one, two, three), XMLTABLE('/x' PASSING xmlelement(name x, ${a}.three) COLUMNS v text PATH '.') ${b}`
      case 9:
        return `customers ${a}, unnest(ARRAY[${a}.email, ${a}.id], ARRAY['1']) AS ${b} (u, w)`
      default:
        return `customers ${a}, ${other}`
    }
  }

  #target(depth: number, { a, b }: { a: string; b: string }): string {
    switch (this.#next(7)) {
      case 0:
        return this.#pick(['*', `${a}.*`, `${b}.*`, `(${a}).*`])
      case 1:
        return this.#pick([
          a,
          b,
          `row_to_json(${a})`,
          `${a}::text`,
          `(${a}).ssn`,
          `to_jsonb(${b})`,
          `${a}.row_to_json`,
          `hashtext(${a}::text)`,
        ])
      case 2:
        return `${this.#wrap(`${a}.${this.#anyColumn()}`)} AS "${this.#name()}"`
      default:
        return this.#wrap(this.#next(3) === 0 ? this.#scalar(depth) : `${this.#pick([a, b])}.${this.#anyColumn()}`)
    }
  }

  #anyColumn(): string {
    return this.#pick([
      'id',
      'name',
      'email',
      'ssn',
      'card',
      'note',
      'address',
      'label',
      'total',
      'a',
      'n',
      'mix',
      'ctid',
    ])
  }

  #scalar(depth: number): string {
    if (depth > 0 && this.#next(3) === 0) return `(SELECT string_agg(x::text, ',') FROM (${this.query(depth - 1)}) x)`
    return this.#pick([
      "(SELECT ssn FROM customers WHERE id = '1')",
      '(SELECT max(address) FROM contacts)',
      "spill('1')",
      "(### '2')",
      'ARRAY(SELECT card FROM customers)',
      'EXISTS (SELECT email FROM customers)',
      '(SELECT count(email) FROM customers)',
      "(SELECT most_common_vals::text FROM pg_stats WHERE attname = 'email' AND tablename = 'customers')",
      "(SELECT string_agg(histogram_bounds::text, '') FROM pg_stats)",
      "(SELECT c FROM customers c WHERE id = '1')",
      '(SELECT current_query())',
      "query_to_xml('SELECT email FROM customers', true, true, '')::text",
      '(CASE WHEN (SELECT count(*) FROM customers) > 1 THEN (SELECT min(ssn) FROM customers) END)',
    ])
  }

  #wrap(e: string): string {
    return this.#pick([
      e,
      e,
      `${e} || ''`,
      `coalesce(${e}::text, 'x')`,
      `upper(${e}::text)`,
      `reverse(${e}::text)`,
      `replace(${e}::text, '-', '')`,
      `encode(${e}::text::bytea, 'hex')`,
      `encode(${e}::text::bytea, 'base64')`,
      `md5(${e}::text)`,
      `array_agg(${e}) OVER ()`,
      `json_build_object('k', ${e})`,
      `ROW(${e}, 1)`,
      `CASE WHEN true THEN ${e} END`,
      `nullif(${e}::text, '')`,
      `(ARRAY[${e}])[1]`,
      `first_value(${e}) OVER (ORDER BY 1)`,
      `xmlforest(${e} AS f)`,
      `format('%s', ${e})`,
      `(SELECT ${e})`,
      `(${e}) COLLATE "C"`,
      `count(${e}) OVER ()`,
    ])
  }
}
