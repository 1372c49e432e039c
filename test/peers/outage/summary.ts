import { lostAnswers } from "./drill.ts"
import { arrived, missed, repeats } from "./judge.ts"
import { DOORS } from "./receivers.ts"
import type { OutageRig } from "./rig.ts"

/** What a drill did, in one line: how often each kind of thing came again, and what was lost with the agent's memory. */
export function summary({ receivers, subject, input }: OutageRig): string {
  const { kills } = subject
  const parts = DOORS.map((name) => {
    const { taken, requests } = receivers.doors[name]
    const { lostAnswer, killed } = repeats(taken, kills)
    return `${name} ${taken.length} of ${requests} requests taken, ${lostAnswers(taken)} answers lost; again ${lostAnswer} for those, ${killed} for kills`
  })
  const spans = arrived(receivers.doors.xray.taken)
  const [udp, http] = [input.byUdp, input.byHttp].map((sent) => {
    const { uncommitted } = missed(sent, spans, kills)
    return `${uncommitted} of ${sent.length}`
  })
  return [
    `${kills.length} kills, ${input.lines} lines`,
    ...parts,
    `spans lost before their commit: ${udp} by UDP, ${http} by HTTP`,
  ].join("; ")
}
