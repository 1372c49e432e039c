import { flagBit } from "#mesh/flags.ts"

/**
 * Fields of `envoy.data.accesslog.v3.ResponseFlags` by number (accesslog.proto). Index 0 is no field. The message has no
 * field for `DO` and `UDO`: those two are told by the response code's details alone.
 */
const BY_FIELD: readonly number[] = [
  "",
  "LH",
  "UH",
  "UT",
  "LR",
  "UR",
  "UF",
  "UC",
  "UO",
  "NR",
  "DI",
  "FI",
  "RL",
  "UAEX",
  "RLSE",
  "DC",
  "URX",
  "SI",
  "IH",
  "DPE",
  "UMSDR",
  "RFCF",
  "NFCF",
  "DT",
  "UPE",
  "NC",
  "OM",
  "DF",
  "DR",
].map((name) => (name === "" ? 0 : flagBit(name)))

/** Bit of a field's flag, `OTHER_FLAG` for fields that came later. */
export function flagOfField(field: number): number {
  return BY_FIELD[field] ?? flagBit("a field that came later")
}

/** Details that stand for a flag without a field of its own (Envoy, `StreamInfo::ResponseCodeDetailValues`). */
export const FLAG_DETAILS: readonly (readonly [details: Buffer, bit: number])[] = [
  [Buffer.from("drop_overload"), flagBit("DO")],
  [Buffer.from("unconditional_drop_overload"), flagBit("UDO")],
]
