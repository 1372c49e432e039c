import { BROWSER } from "./catalogue/browser.ts"
import { DEPLOYMENT } from "./catalogue/deployment.ts"
import { ENVOY } from "./catalogue/envoy.ts"
import { ISTIO } from "./catalogue/istio.ts"
import { KUBERNETES } from "./catalogue/kubernetes.ts"
import { NODE } from "./catalogue/node.ts"
import { PROMETHEUS } from "./catalogue/prometheus.ts"
import { TELEMETRY } from "./catalogue/telemetry.ts"
import type { Component } from "./source.ts"

/** Every real component, by the name that `component(name)` takes. */
export const COMPONENTS = {
  ...ENVOY,
  ...PROMETHEUS,
  ...BROWSER,
  ...TELEMETRY,
  ...KUBERNETES,
  ...NODE,
  ...DEPLOYMENT,
  ...ISTIO,
} satisfies Record<string, Component>

export type ComponentName = keyof typeof COMPONENTS

/** Whether a word from outside names a component. */
export const isComponentName = (word: string): word is ComponentName => Object.hasOwn(COMPONENTS, word)

/** The environment variable that names a file to use in place of the provisioned one: `ENVOY`, `PROMETHEUS_3`. */
export const overrideVariable = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")
