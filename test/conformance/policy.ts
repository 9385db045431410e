/** Everything is allowed and recorded: what a suite then sees is the gateway's faithfulness alone. */
export const ALLOW_ALL = ''

/** Every label masked, every detector on, and no column labelled: a masked value is a false one. */
export const EVERY_MASK = ''
