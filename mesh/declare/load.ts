import type { MeshscopeError } from "../errors.ts"
import { type AnswerObject, answerObjects, answerValues, isAnswer } from "./answer-objects.ts"
import { answeredMeshes } from "./api-answers.ts"
import type { IstioOptions } from "./istio/mesh.ts"
import { KubeObjects } from "./kube-objects.ts"
import { mergeModels } from "./merge.ts"
import { modelOfObjects } from "./model-of-objects.ts"
import type { ParsedModel } from "./parsed.ts"
import { type Reading, strictReading } from "./reading.ts"
import { at, documentsOf, invalid, isThere, type Spot } from "./spot.ts"
import { isParameters, isTemplate, parametersOf, templateObjects } from "./stored/cloudformation.ts"
import { isTerraform, terraformObjects } from "./stored/terraform.ts"

/** One file's text under the name that errors and notes use. */
export interface ModelFile {
  readonly file: string
  readonly text: string
}

/**
 * The model of a set of files: Kubernetes objects, saved answers of the App Mesh API or a snapshot of them, CloudFormation
 * templates with values of their parameters, Terraform state. Which of them a file holds is told by its content, not by
 * its name. Kubernetes objects of all files are read together, since they refer to each other, and so is what each other
 * form tells of one mesh.
 * @throws MeshscopeError MODEL_INVALID
 */
export function loadModel(files: readonly ModelFile[], options: IstioOptions = {}): ParsedModel {
  const reading = strictReading()
  const values = files.flatMap(({ file, text }) => valuesOf(text, file))
  const objects = new KubeObjects(reading)
  for (const value of values) {
    const form = formOf(value)
    if (form === undefined) throw unknownForm(value)
    if (form === "objects") objects.take(value)
  }
  const stored = answeredMeshes(storedAnswers(values, reading), reading)
  const kube = modelOfObjects(objects, options)
  return { model: mergeModels([{ meshes: stored }, kube.model]), notes: kube.notes }
}

/** Every resource that is told in the API's own terms, whatever wrote it down. */
export function storedAnswers(values: readonly Spot[], { notes }: Reading): AnswerObject[] {
  const given = new Map<string, unknown>()
  for (const value of values) {
    if (formOf(value) === "parameters") for (const [name, text] of parametersOf(value)) given.set(name, text)
  }
  return values.flatMap((value) => {
    switch (formOf(value)) {
      case "answers":
        return answerObjects([value], notes)
      case "template":
        return templateObjects(value, given, notes)
      case "terraform":
        return terraformObjects(value)
      case "objects":
      case "parameters":
      case undefined:
        return []
    }
  })
}

/** JSON may be several values behind one another; YAML is documents. */
export function valuesOf(text: string, file: string): Spot[] {
  return /^\s*[{[]/.test(text) ? answerValues(text, file) : documentsOf(text, file)
}

export type StoredForm = "objects" | "answers" | "template" | "parameters" | "terraform"

export function unknownForm(value: Spot): MeshscopeError {
  return invalid(
    value,
    "declares no mesh: it is no Kubernetes object, no answer of the App Mesh API with its names, no template and no state of Terraform",
  )
}

/** What a value is, by the words that only one form has; undefined where it has none of them. */
export function formOf(value: Spot): StoredForm | undefined {
  if (isThere(at(value, "apiVersion")) || isThere(at(value, 0, "apiVersion"))) return "objects"
  if (isTemplate(value)) return "template"
  if (isTerraform(value)) return "terraform"
  if (isParameters(value)) return "parameters"
  if (isAnswer(value)) return "answers"
  return isThere(at(value, "kind")) ? "objects" : undefined
}
