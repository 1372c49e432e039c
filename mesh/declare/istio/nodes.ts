import type { VirtualNode } from "../../declared.ts"
import { istioNode } from "../../istio-names.ts"
import type { KubeObject, KubeObjects } from "../kube-objects.ts"
import { optional } from "../match-spec.ts"
import { readEach } from "../reading.ts"
import { at, invalid, listAt, neededText, type Spot, sentenceAt, textsAt } from "../spot.ts"
import { type KnownHost, type ShortNames, wholeName } from "./hosts.ts"

/** More than any mesh has. */
const MOST_NODES = 50_000

/** The virtual nodes of a mesh: those that something leads to, and every subset. */
export class IstioNodes {
  readonly #objects: KubeObjects
  readonly #hosts: ReadonlyMap<string, KnownHost>
  readonly #domain: string
  readonly #nodes = new Map<string, VirtualNode>()
  /** Namespaces of which Services were given: there, one that is missing can be told. */
  readonly #told: ReadonlySet<string>

  constructor(objects: KubeObjects, hosts: ReadonlyMap<string, KnownHost>, domain: string) {
    this.#objects = objects
    this.#hosts = hosts
    this.#domain = domain
    this.#told = new Set([...objects.of("Service")].map(({ namespace }) => namespace))
    for (const rule of objects.of("istio/DestinationRule"))
      objects.reading.attempt(() => this.#addSubsets(rule))
  }

  get declared(): VirtualNode[] {
    return [...this.#nodes.values()]
  }

  /** The node that a destination is, by name. `where` is what asks for it. */
  need(host: string, subset: string, where: Spot): string {
    const name = istioNode(host, subset)
    if (this.#nodes.has(name)) return name
    const known = this.#hosts.get(host)
    if (subset !== "") this.#note(where, `subset ${subset} of ${host} is in no DestinationRule`)
    else if (known === undefined && this.#canTell(host))
      this.#note(where, `no Service or ServiceEntry of ${host} is declared`)
    this.#add({
      name,
      ...(known === undefined || subset !== "" ? {} : { native: known.native }),
      ...optional("labels", subset === "" ? known?.labels : undefined),
      listeners: known?.listeners ?? [],
      backends: [],
      ...optional("discovery", known?.discovery),
      ...optional("podSelector", subset === "" ? known?.podSelector : undefined),
    })
    return name
  }

  #canTell(host: string): boolean {
    const end = `.svc.${this.#domain}`
    if (!host.endsWith(end)) return this.#told.size > 0
    return this.#told.has(host.slice(0, -end.length).split(".").at(-1) ?? "")
  }

  #note(where: Spot, what: string): void {
    this.#objects.reading.notes.add(sentenceAt(where, what))
  }

  #add(node: VirtualNode): void {
    if (this.#nodes.size < MOST_NODES) this.#nodes.set(node.name, node)
    else this.#objects.reading.notes.add(`more than ${MOST_NODES} virtual nodes: the rest is left out`)
  }

  #addSubsets(rule: KubeObject): void {
    const names: ShortNames = { namespace: rule.namespace, domain: this.#domain }
    const host = wholeName(neededText(rule.spec, "host"), names)
    const known = this.#hosts.get(host)
    const subsets = listAt(rule.spec, "subsets")
    if (host.includes("*") && subsets.length > 0)
      throw invalid(at(rule.spec, "host"), `subsets of many hosts (${host}) cannot be told apart`)
    for (const node of readEach(this.#objects.reading, subsets, (subset) =>
      this.#subset(rule, host, known, subset),
    ))
      this.#add(node)
  }

  #subset(rule: KubeObject, host: string, known: KnownHost | undefined, subset: Spot): VirtualNode {
    const name = istioNode(host, neededText(subset, "name"))
    if (this.#nodes.has(name)) throw invalid(at(subset, "name"), `${name} was declared before`)
    const labels = textsAt(subset, "labels")
    return {
      name,
      native: { kind: rule.nativeKind, name: rule.name, namespace: rule.namespace },
      ...optional("labels", rule.labels),
      listeners: known?.listeners ?? [],
      backends: [],
      ...optional("discovery", known?.discovery),
      ...optional("podSelector", labels === undefined ? undefined : { matchLabels: labels }),
    }
  }
}
