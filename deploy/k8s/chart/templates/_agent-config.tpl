{{/* What the agents run by: the chart's part, with agent.config merged over it. YAML. */}}
{{- define "meshscope.agentConfig" -}}
{{- $merged := mergeOverwrite (include "meshscope.agentBase" . | fromYaml) (deepCopy .Values.agent.config) }}
{{- with .Values.agent.receive }}
{{- if and (or .xray .zipkin .otlp) (not (or (hasKey $merged.publish "xray") (hasKey $merged.publish "zipkin") (hasKey $merged.publish "otlpTraces"))) }}
{{- fail "agent.receive takes spans, which need a place to go: agent.config.publish.xray, .zipkin or .otlpTraces" }}
{{- end }}
{{- end }}
{{- if not (hasPrefix (printf "%s/" (trimSuffix "/" .Values.agent.stateFolder)) (printf "%s/" $merged.agent.state)) }}
{{- fail (printf "agent.config.agent.state is %s, which is not in agent.stateFolder, %s: that folder is what is mounted" $merged.agent.state .Values.agent.stateFolder) }}
{{- end }}
{{- toYaml $merged }}
{{- end }}

{{- define "meshscope.agentBase" -}}
agent:
  id: ${NODE_NAME}
  state: {{ .Values.agent.stateFolder }}
  cluster: {{ .Values.clusterName | quote }}
discover:
  kubernetes: {}
publish:
  prometheus:
    listen: "{{ .Values.listenHost }}:9464"
  {{- if .Values.collector.enabled }}
  otlp:
    endpoint: {{ include "meshscope.collectorUrl" . }}
    {{- with include "meshscope.asAgent" . }}
    {{- . | trim | nindent 4 }}
    {{- end }}
model:
  collector:
    url: {{ include "meshscope.collectorUrl" . }}
    {{- with include "meshscope.asAgent" . }}
    {{- . | trim | nindent 4 }}
    {{- end }}
  {{- end }}
{{- with .Values.agent.receive }}
{{- if or .accessLogs .forward .dogstatsd .xray .zipkin .otlp }}
receive:
  {{- if .accessLogs }}
  accessLogs:
    listen: "{{ $.Values.listenHost }}:18090"
    hosts: {{- include "meshscope.agentHosts" $ | nindent 6 }}
  {{- end }}
  {{- if .forward }}
  forward:
    listen: "{{ $.Values.listenHost }}:24224"
  {{- end }}
  {{- if .dogstatsd }}
  dogstatsd:
    listen: "{{ $.Values.listenHost }}:8125"
  {{- end }}
  {{- if .xray }}
  xray:
    udp: "{{ $.Values.listenHost }}:2000"
    tcp: "{{ $.Values.listenHost }}:2000"
  {{- end }}
  {{- if .zipkin }}
  zipkin:
    listen: "{{ $.Values.listenHost }}:9411"
  {{- end }}
  {{- if .otlp }}
  otlp:
    listen: "{{ $.Values.listenHost }}:4319"
    grpc: "{{ $.Values.listenHost }}:4317"
  {{- end }}
{{- end }}
{{- if or .xray .zipkin .otlp }}
spans:
  hosts: {{- include "meshscope.agentHosts" $ | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}

{{/* Names under which pods reach the agent of their node: its Service, and the node's address for host ports. */}}
{{- define "meshscope.agentHosts" -}}
- ${HOST_IP}
- {{ include "meshscope.agent" . }}
- {{ include "meshscope.agent" . }}.{{ .Release.Namespace }}
- {{ include "meshscope.agent" . }}.{{ .Release.Namespace }}.svc
- {{ include "meshscope.agent" . }}.{{ .Release.Namespace }}.svc.cluster.local
{{- end }}

{{/* How an agent shows the collector who it is, and knows the collector. */}}
{{- define "meshscope.asAgent" -}}
{{- if ne .Values.auth.kind "none" }}
headers:
  Authorization:
    file: /var/run/secrets/meshscope/token
    prefix: "Bearer "
{{- end }}
{{- if .Values.tls.secretName }}
tls:
  ca: /var/run/secrets/meshscope-tls/ca.crt
{{- end }}
{{- end }}

{{- define "meshscope.collectorUrl" -}}
{{ ternary "https" "http" (ne .Values.tls.secretName "") }}://{{ include "meshscope.collector" . }}.{{ .Release.Namespace }}.svc:{{ .Values.collector.service.port }}
{{- end }}

{{/* Where an address listens that others can reach; empty: none. */}}
{{- define "meshscope.openPort" -}}
{{- if and . (not (regexMatch "^(127\\.|localhost:|\\[::1\\]:)" .)) }}{{ regexFind "[0-9]+$" . }}{{ end -}}
{{- end }}

{{/* Ports that pods send to: of every address under `receive` that is not on loopback alone. YAML, `ports:` */}}
{{- define "meshscope.receivePorts" -}}
{{- $receive := (include "meshscope.agentConfig" . | fromYaml).receive | default dict }}
{{- $found := list }}
{{- range $intake, $settings := $receive }}
{{- range $key, $address := $settings }}
{{- if kindIs "string" $address }}
{{- with include "meshscope.openPort" (ternary $address "" (regexMatch ":[0-9]+$" $address)) }}
{{- $found = append $found (dict "name" (printf "%s-%s" ($intake | lower | trunc 10) ($key | lower | trunc 4)) "port" (int .) "protocol" (ternary "UDP" "TCP" (or (eq $key "udp") (eq $intake "dogstatsd")))) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml (dict "ports" $found) }}
{{- end }}

{{- define "meshscope.metricsPort" -}}
{{- with (include "meshscope.agentConfig" . | fromYaml).publish.prometheus }}
{{- if ne .enabled false }}{{ include "meshscope.openPort" (toString .listen) }}{{ end -}}
{{- end }}
{{- end }}
