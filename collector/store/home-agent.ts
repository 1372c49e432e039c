/**
 * Under this name the collector itself tells the declared model. Longer than any name that an agent can have, so that
 * no agent speaks in its place.
 */
export const HOME_AGENT = "(collector)".padEnd(257, " ")
