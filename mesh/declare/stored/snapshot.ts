import type { DeclaredModel } from "../../declared.ts"
import { ANSWER_KINDS, type AnswerObject } from "../answer-objects.ts"
import { answeredMeshes, distinctAnswers } from "../api-answers.ts"
import { formOf, type ModelFile, storedAnswers, unknownForm, valuesOf } from "../load.ts"
import { optional } from "../match-spec.ts"
import { strictReading } from "../reading.ts"
import { at, invalid, isThere } from "../spot.ts"

/** One file for what many answers tell. */
export interface Snapshot {
  /** JSON; `docs/declared-model.md` describes it. Reads back to the same model. */
  readonly text: string
  readonly model: DeclaredModel
  readonly notes: readonly string[]
}

/**
 * Puts saved answers of the App Mesh API (or CloudFormation templates, or Terraform state) into one file: each resource
 * once, by kind, in the order in which the files tell them, with nothing that a model is not made of.
 * @throws MeshscopeError MODEL_INVALID with file, line, document and field
 */
export function snapshotOf(files: readonly ModelFile[]): Snapshot {
  const reading = strictReading()
  const values = files.flatMap(({ file, text }) => valuesOf(text, file))
  for (const value of values) {
    const form = formOf(value)
    if (form === undefined) throw unknownForm(value)
    if (form === "objects")
      throw invalid(value, "is no answer of the App Mesh API; Kubernetes objects are read as they are")
  }
  const answers = distinctAnswers(storedAnswers(values, reading))
  const meshes = answeredMeshes(answers, reading)
  const described = answers.filter(({ kind, object }) => kind === "mesh" || isThere(at(object, "spec")))
  return {
    text: `${JSON.stringify(documentOf(described), null, 2)}\n`,
    model: { meshes },
    notes: reading.notes.list(),
  }
}

function documentOf(answers: readonly AnswerObject[]): object {
  const kinds = ANSWER_KINDS.toReversed().map(({ kind, many, name }) => {
    const own = answers.filter((answer) => answer.kind === kind).map((answer) => rowOf(answer, name))
    return [many, own] as const
  })
  return { snapshot: { version: 1 }, ...Object.fromEntries(kinds.filter(([, own]) => own.length > 0)) }
}

function rowOf({ kind, mesh, name, parent, object }: AnswerObject, key: string): object {
  const metadata = {
    ...optional("meshOwner", at(object, "metadata", "meshOwner").value),
    ...optional("resourceOwner", at(object, "metadata", "resourceOwner").value),
  }
  return {
    meshName: mesh,
    ...(kind === "mesh" ? {} : { [key]: name }),
    ...(kind === "route" ? { virtualRouterName: parent } : {}),
    ...(kind === "gatewayRoute" ? { virtualGatewayName: parent } : {}),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    spec: at(object, "spec").value ?? {},
    ...optional("tags", at(object, "tags").value),
  }
}
