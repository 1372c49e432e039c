{{/* What the collector runs by: the chart's part, with collector.config merged over it. YAML. */}}
{{- define "meshscope.collectorConfig" -}}
{{- $merged := mergeOverwrite (include "meshscope.collectorBase" . | fromYaml) (deepCopy .Values.collector.config) }}
{{- if not (include "meshscope.openPort" (toString $merged.listen)) }}
{{- fail (printf "collector.config.listen is %v: agents and the kubelet could not reach it" $merged.listen) }}
{{- end }}
{{- if and $merged.tls (not .Values.tls.secretName) }}
{{- fail "collector.config.tls needs tls.secretName, by which agents and probes know of TLS as well" }}
{{- end }}
{{- toYaml $merged }}
{{- end }}

{{- define "meshscope.collectorBase" -}}
listen: "{{ .Values.listenHost }}:4318"
{{- if .Values.tls.secretName }}
tls:
  certFile: /var/run/secrets/meshscope-tls/tls.crt
  keyFile: /var/run/secrets/meshscope-tls/tls.key
{{- end }}
store:
  folder: /var/lib/meshscope
{{- if eq .Values.auth.kind "identity" }}
intake:
  kubernetes:
    serviceAccounts: [{{ .Release.Namespace }}/{{ include "meshscope.agentAccount" . }}]
{{- else if eq .Values.auth.kind "token" }}
intake:
  tokenFile: /var/run/secrets/meshscope/token
{{- end }}
model:
  kubernetes: {}
  cluster: {{ .Values.clusterName | quote }}
{{- end }}
