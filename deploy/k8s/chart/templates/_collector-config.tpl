{{/* What the collector runs by: the chart's part, with collector.config merged over it. YAML. */}}
{{- define "meshscope.collectorConfig" -}}
{{- toYaml (mergeOverwrite (include "meshscope.collectorBase" . | fromYaml) (deepCopy .Values.collector.config)) }}
{{- end }}

{{- define "meshscope.collectorBase" -}}
listen: "{{ .Values.listenHost }}:4318"
store:
  folder: /var/lib/meshscope
{{- if eq .Values.auth.kind "token" }}
intake:
  tokenFile: /var/run/secrets/meshscope/token
{{- end }}
{{- end }}
