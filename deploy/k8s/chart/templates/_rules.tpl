{{/* What each may do in the whole cluster; empty: nothing. Each rule stands for one feature. */}}
{{- define "meshscope.agentRules" -}}
{{- $config := include "meshscope.agentConfig" . | fromYaml }}
{{- with $config.discover.kubernetes | default dict }}
{{- if kindIs "map" .kubelet }}
# discover.kubernetes.kubelet: the pods of its node, asked of the kubelet.
- apiGroups: [""]
  {{- if semverCompare ">=1.33.0-0" $.Capabilities.KubeVersion.Version }}
  resources: [nodes/pods]
  {{- else }}
  # Before Kubernetes 1.33 there is no smaller right, and this one allows much more.
  resources: [nodes/proxy]
  {{- end }}
  verbs: [get]
{{- end }}
{{- end }}
{{- if and (kindIs "map" $config.discover.kubernetes) (not (kindIs "map" (get ($config.discover.kubernetes | default dict) "kubelet"))) }}
# discover.kubernetes: the pods of its node. No role can be held to one node; the agent asks for no others.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
{{- include "meshscope.modelRules" ($config.model | default dict) }}
{{- end }}

{{- define "meshscope.collectorRules" -}}
{{- $config := include "meshscope.collectorConfig" . | fromYaml }}
{{- if kindIs "map" (get ($config.intake | default dict) "kubernetes") }}
# intake.kubernetes: whose the token is that an agent shows.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end }}
{{- include "meshscope.modelRules" ($config.model | default dict) }}
{{- end }}

{{/* Argument: the section `model` of a configuration. */}}
{{- define "meshscope.modelRules" -}}
{{- if kindIs "map" .kubernetes }}
{{- $flavors := .kubernetes.flavors | default (list "app-mesh" "istio") }}
# model.kubernetes: what the mesh was declared to be.
- apiGroups: [""]
  resources: [namespaces{{ if has "istio" $flavors }}, services{{ end }}]
  verbs: [list, watch]
{{- if has "app-mesh" $flavors }}
- apiGroups: [appmesh.k8s.aws]
  resources: [backendgroups, gatewayroutes, meshes, virtualgateways, virtualnodes, virtualrouters, virtualservices]
  verbs: [list, watch]
{{- end }}
{{- if has "istio" $flavors }}
- apiGroups: [networking.istio.io]
  resources: [destinationrules, gateways, serviceentries, virtualservices]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, httproutes]
  verbs: [list, watch]
{{- end }}
{{- end }}
{{- end }}
