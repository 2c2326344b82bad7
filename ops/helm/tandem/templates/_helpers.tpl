{{- /* The names are fixed: app ids and names of Secrets are those of the Dapr files. A namespace holds one release. */}}

{{- define "tandem.labels" -}}
app.kubernetes.io/name: tandem
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
app.kubernetes.io/part-of: tandem
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "tandem.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "tandem.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}{{ else }}{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* Roles that are deployed, each with its app id, its words, the topics' share of its sidecar and the Secrets that the sidecar reads. */}}
{{- define "tandem.roles" -}}
web: {app: tandem-web, args: [web], port: 8080, grace: 75, secrets: []}
serve: {app: tandem-serve, args: [serve], port: 8080, called: true, grace: 75, secrets: [tandem-kafka, tandem-cache, tandem-model]}
{{- if eq .Values.workers.mode "all" }}
worker: {app: tandem-worker, args: [worker, all], called: true, timers: true, grace: 60, secrets: [tandem-kafka, tandem-redis, tandem-smtp, tandem-vapid, tandem-webhook]}
{{- else }}
relay: {app: tandem-relay, args: [worker, relay], grace: 60, secrets: [tandem-kafka]}
recurrence: {app: tandem-recurrence, args: [worker, recurrence], called: true, topic: task-events, grace: 60, secrets: [tandem-kafka, tandem-redis]}
reminders: {app: tandem-reminders, args: [worker, reminders], called: true, timers: true, topic: task-events, grace: 60, secrets: [tandem-kafka, tandem-redis]}
notifications: {app: tandem-notifications, args: [worker, notifications], called: true, topic: reminders, grace: 60, secrets: [tandem-kafka, tandem-redis, tandem-smtp, tandem-vapid, tandem-webhook]}
audit: {app: tandem-audit, args: [worker, audit], called: true, topic: task-events, grace: 60, secrets: [tandem-kafka, tandem-redis]}
{{- end }}
{{- end }}

{{- /* The Secrets of the product and their fields. */}}
{{- define "tandem.secrets" -}}
tandem-database: [app-url, worker-url]
tandem-migrate: [url]
tandem-redis: [url, host, username, password, tls]
tandem-kafka: [brokers{{ if eq .Values.kafka.auth "sasl" }}, username, password, mechanism, ca{{ end }}]
tandem-cache: [dsn]
tandem-auth: [secret]
tandem-model: [api_key]
tandem-smtp: [url]
tandem-vapid: [public_key, private_key]
tandem-webhook: [signing_key]
tandem-logs: [key]
dapr-api-token: [token]
dapr-app-token: [token]
{{- if .Values.auth.service.enabled }}
tandem-sign-in: [secret, database-url, migrate-url]
{{- end }}
{{- end }}

{{- define "tandem.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tandem.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "tandem.resources" -}}
requests: {cpu: {{ .Values.resources.cpu }}, memory: {{ .Values.resources.memory }}}
limits: {memory: {{ .Values.resources.memoryLimit }}}
{{- end }}

{{- /* Where pods may run. */}}
{{- define "tandem.scheduling" -}}
{{- with .Values.scheduling.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.scheduling.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The port of an http or https address. */}}
{{- define "tandem.portOf" -}}
{{- $host := (urlParse .).host -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $host) | default (ternary "443" "80" (hasPrefix "https" .)) -}}
{{- end }}

{{- /* A variable from a field of a Secret. */}}
{{- define "tandem.secretEnv" -}}
{name: {{ .env }}, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .key }}{{ if .optional }}, optional: true{{ end }}}}}
{{- end }}

{{- define "tandem.issuers" -}}
{{- $rows := .Values.auth.issuers -}}
{{- if .Values.auth.service.enabled -}}
{{- $keys := ternary "http://127.0.0.1:8090" .Values.auth.url (eq .Values.auth.service.place "beside") -}}
{{- $rows = append $rows (dict "iss" .Values.auth.url "aud" (list .Values.auth.url) "alg" "EdDSA" "jwks_url" (printf "%s/api/auth/jwks" $keys)) -}}
{{- end -}}
{{- if $rows }}{{ dict "issuers" $rows | toJson }}{{ end -}}
{{- end }}

{{- /* The Dapr resources of ops/dapr as this release uses them. */}}
{{- define "tandem.dapr" -}}
{{- $root := . -}}
{{- $apps := list -}}
{{- range $_, $role := include "tandem.roles" . | fromYaml }}{{ $apps = append $apps $role.app }}{{ end -}}
{{- $files := list "files/dapr/resiliency.yaml" "files/dapr/components/idempotency.yaml" "files/dapr/components/state.yaml" "files/dapr/components/kubernetes/secrets.yaml" -}}
{{- range $path, $_ := .Files.Glob (printf "files/dapr/components/%s/*.yaml" .Values.kafka.auth) }}{{ $files = append $files $path }}{{ end -}}
{{- range $app := $apps }}{{ $files = append $files (printf "files/dapr/config/%s.yaml" $app) }}{{ end -}}
{{- range $path, $_ := .Files.Glob "files/dapr/subscriptions/*.yaml" -}}
{{- $sub := $root.Files.Get $path | fromYaml -}}
{{- if has (index $sub.scopes 0) $apps }}{{ $files = append $files $path }}{{ end -}}
{{- end -}}
{{- range $path := $files }}
{{- $doc := $root.Files.Get $path | fromYaml }}
{{- if not $doc.kind }}{{ fail (printf "%s is missing or is no resource" $path) }}{{ end }}
{{- $_ := set $doc.metadata "labels" (include "tandem.labels" (dict "root" $root "name" "dapr") | fromYaml) }}
{{- if eq $doc.kind "Configuration" }}
{{- /* What Dapr's definition asks for in a cluster; sidecars hear the addresses from the injector. */}}
{{- $sentry := printf "dapr-sentry.%s.svc.cluster.local:443" $root.Values.network.daprNamespace }}
{{- $_ := set $doc.spec "mtls" (merge (dict "sentryAddress" $sentry "controlPlaneTrustDomain" "cluster.local") $doc.spec.mtls) }}
{{- $_ := set $doc.spec "metrics" (merge (dict "enabled" true) $doc.spec.metrics) }}
{{- range $policy := dig "spec" "accessControl" "policies" list $doc }}{{ $_ := set $policy "namespace" $root.Release.Namespace }}{{ end }}
{{- end }}
---
{{ toYaml $doc }}
{{- end }}
{{- end }}
