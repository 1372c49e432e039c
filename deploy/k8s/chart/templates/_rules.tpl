{{/* What each may do in the whole cluster; empty: nothing. Each rule stands for one feature. */}}
{{- define "meshscope.agentRules" -}}
{{- $config := include "meshscope.agentConfig" . | fromYaml }}
{{- if kindIs "map" $config.discover.kubernetes }}
# discover.kubernetes: the pods of its node. No role can be held to one node; the agent asks for no others.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
{{- end }}

{{- define "meshscope.collectorRules" -}}
{{- if eq .Values.auth.kind "identity" }}
# auth.kind identity: whose the token is that an agent shows.
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
{{- end }}
{{- end }}
