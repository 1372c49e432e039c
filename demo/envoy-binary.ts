import { component } from "../scripts/components/component.ts"

/** The Envoy to use: `ENVOY` in the environment, else the pinned one from the cache. */
export function envoyBinary(): Promise<string> {
  return component("envoy")
}
