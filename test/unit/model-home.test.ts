import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { ModelHome } from "../../collector/model/home.ts"
import { SmallCollector } from "../fixtures/collector/small-collector.ts"

const noted = (...notes: string[]): ParsedModel => ({ model: { meshes: [] }, notes })

const quiet = (): void => undefined

test("notes are told once while they stay, and no more than a hundred", () => {
  const warned: string[] = []
  let emit: (model: ParsedModel) => void = quiet
  const sources = {
    run: (given: typeof emit): Promise<void> => {
      emit = given
      return Promise.resolve()
    },
    states: () => [],
    failures: new Map<string, number>(),
  }
  const collector = new SmallCollector()
  const home = new ModelHome(sources, {
    clock: systemClock,
    log: { info: quiet, error: quiet, warn: (sentence) => void warned.push(sentence) },
    store: collector.store,
    nowMs: () => collector.now,
    cluster: "",
  })
  home.start()
  emit(noted("a", "b"))
  emit(noted("b", "c"))
  expect(warned).toEqual(["a", "b", "c"])
  emit(noted("c"))
  emit(noted("a"))
  expect(warned).toEqual(["a", "b", "c", "a"])
  emit(noted(...Array.from({ length: 1000 }, (_, at) => `note ${at}`)))
  expect(warned).toHaveLength(104)
  expect(home.view()).toMatchObject({ notesTotal: 1000 })
  expect(home.view().notes).toHaveLength(100)
  return home.stop()
})
