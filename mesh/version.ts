/** The version of agent, collector and command; the one in package.json. */
export const VERSION = "0.0.0"
