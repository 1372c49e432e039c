{{- define "meshscope.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "meshscope.agent" -}}{{ include "meshscope.fullname" . }}-agent{{- end }}
{{- define "meshscope.collector" -}}{{ include "meshscope.fullname" . }}-collector{{- end }}

{{/* Roles of the whole cluster: two releases in two namespaces must not share one. */}}
{{- define "meshscope.clusterwide" -}}{{ .Release.Namespace }}-{{ include "meshscope.fullname" . }}{{- end }}

{{- define "meshscope.agentAccount" -}}
{{- with .Values.agent.serviceAccount }}
{{- if not (or .create .name) }}{{ fail "agent.serviceAccount.name is needed where create is false" }}{{ end }}
{{- .name | default (include "meshscope.agent" $) }}
{{- end }}
{{- end }}
{{- define "meshscope.collectorAccount" -}}
{{- with .Values.collector.serviceAccount }}
{{- if not (or .create .name) }}{{ fail "collector.serviceAccount.name is needed where create is false" }}{{ end }}
{{- .name | default (include "meshscope.collector" $) }}
{{- end }}
{{- end }}

{{/* Arguments: (dict "top" $ "component" "agent") */}}
{{- define "meshscope.selector" -}}
app.kubernetes.io/name: {{ .top.Chart.Name }}
app.kubernetes.io/instance: {{ .top.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "meshscope.labels" -}}
{{ include "meshscope.selector" . }}
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
{{- with .top.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "meshscope.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}
