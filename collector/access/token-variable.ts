import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { ADMITTED, type Proof, sameText } from "./admission.ts"
import { goodToken } from "./token-file.ts"

/**
 * One token for all, in an environment variable: where secrets come so, as on ECS.
 * @throws MeshscopeError CONFIG_ENV_MISSING, CONFIG_INVALID
 */
export function tokenVariableProof(name: string, env: Environment): Proof {
  const text = Object.hasOwn(env, name) ? (env[name] ?? "") : ""
  if (text.trim() === "") {
    const sentence = `The environment variable ${name} holds no token, and the setting intake.tokenEnv names it.`
    throw new MeshscopeError("CONFIG_ENV_MISSING", sentence)
  }
  const token = goodToken(text, `The token in the environment variable ${name}`)
  return {
    check: (shown) =>
      Promise.resolve(
        sameText(shown, token)
          ? ADMITTED
          : { kind: "refused", message: "The bearer token is not the one of the setting intake.tokenEnv." },
      ),
  }
}
