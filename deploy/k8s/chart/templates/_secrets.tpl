{{/* What agents show to the collector, and whom they trust. Read anew when it changes. */}}
{{- define "meshscope.agentMounts" -}}
{{- if .Values.collector.enabled }}
{{- if ne .Values.auth.kind "none" }}
- { name: token, mountPath: /var/run/secrets/meshscope, readOnly: true }
{{- end }}
{{- if .Values.tls.secretName }}
- { name: tls, mountPath: /var/run/secrets/meshscope-tls, readOnly: true }
{{- end }}
{{- end }}
{{- end }}

{{- define "meshscope.agentVolumes" -}}
{{- if .Values.collector.enabled }}
{{- if eq .Values.auth.kind "identity" }}
- name: token
  projected:
    sources:
      # Good for nothing but the collector.
      - serviceAccountToken: { audience: meshscope, expirationSeconds: 3600, path: token }
{{- else if eq .Values.auth.kind "token" }}
{{ include "meshscope.sharedToken" . }}
{{- end }}
{{- if .Values.tls.secretName }}
- name: tls
  secret:
    secretName: {{ .Values.tls.secretName }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
{{- end }}
{{- end }}

{{- define "meshscope.sharedToken" -}}
- name: token
  secret:
    secretName: {{ required "auth.secretName is needed where auth.kind is token" .Values.auth.secretName }}
    items: [{ key: token, path: token }]
{{- end }}
