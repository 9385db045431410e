/** Full enforcement: labels on two columns of one table, a mask for them, and rules whose conditions look at effects. */
export const POLICY = ''
