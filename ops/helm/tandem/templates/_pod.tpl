{{- /* What the injector reads. */}}
{{- define "tandem.sidecar" -}}
{{- $v := .root.Values.sidecar -}}
dapr.io/enabled: "true"
dapr.io/app-id: {{ .role.app }}
dapr.io/config: {{ .role.app }}
{{- if .role.called }}
dapr.io/app-port: "7000"
dapr.io/app-protocol: grpc
dapr.io/enable-app-health-check: "true"
dapr.io/app-health-probe-interval: "3"
dapr.io/app-health-probe-timeout: "1000"
dapr.io/app-health-threshold: "3"
{{- end }}
dapr.io/block-shutdown-duration: "30s"
dapr.io/graceful-shutdown-seconds: "20"
dapr.io/api-token-secret: dapr-api-token
dapr.io/app-token-secret: dapr-app-token
dapr.io/disable-builtin-k8s-secret-store: "true"
dapr.io/max-body-size: 8Mi
dapr.io/log-as-json: "true"
dapr.io/log-level: {{ $v.logLevel }}
dapr.io/enable-metrics: "true"
dapr.io/metrics-port: "9090"
dapr.io/placement-host-address: " "
{{- if .role.timers }}
dapr.io/app-max-concurrency: "64"
{{- else }}
dapr.io/scheduler-host-address: " "
{{- end }}
dapr.io/sidecar-cpu-request: {{ $v.cpu | quote }}
dapr.io/sidecar-memory-request: {{ $v.memory | quote }}
dapr.io/sidecar-memory-limit: {{ $v.memoryLimit | quote }}
dapr.io/sidecar-seccomp-profile-type: RuntimeDefault
{{- with $v.image }}
dapr.io/sidecar-image: {{ . }}
{{- end }}
dapr.io/env: {{ printf "GOMEMLIMIT=%s%s" $v.goMemLimit (ternary (printf ",OTEL_EXPORTER_OTLP_ENDPOINT=http://%s,OTEL_EXPORTER_OTLP_PROTOCOL=grpc" .root.Values.tracing.endpoint) "" (ne .root.Values.tracing.endpoint "")) | quote }}
{{- end }}

{{- /* The environment of a role. */}}
{{- define "tandem.env" -}}
{{- $v := .root.Values -}}
- {name: TANDEM_OPS_ADDR, value: ":9464"}
- {name: TANDEM_DATA_DIR, value: /data}
- {name: TANDEM_LOG_FORMAT, value: json}
- {name: TANDEM_LOG_LEVEL, value: {{ $v.logLevel }}}
- {name: TANDEM_ENV, value: {{ $v.logs.env }}}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_LOG_KEY" "secret" "tandem-logs" "key" "key" "optional" true) }}
{{- with $v.logs.lokiUrl }}
- {name: TANDEM_LOKI_URL, value: {{ . | quote }}}
{{- end }}
{{- with $v.tracing.productEndpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ $v.tracing.ratio | quote }}}
{{- end }}
- {name: TANDEM_PUBLIC_URL, value: {{ $v.publicUrl }}}
- {name: GOMEMLIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: "1"}}}
- {{ include "tandem.secretEnv" (dict "env" "DAPR_API_TOKEN" "secret" "dapr-api-token" "key" "token") }}
- {{ include "tandem.secretEnv" (dict "env" "APP_API_TOKEN" "secret" "dapr-app-token" "key" "token") }}
{{- if has .name (list "web" "serve") }}
- {name: TANDEM_ADDR, value: ":8080"}
{{- with $v.auth.url }}
- {name: TANDEM_AUTH_URL, value: {{ . }}}
{{- end }}
{{- with $v.trustedProxies }}
- {name: TANDEM_TRUSTED_PROXIES, value: {{ join "," . | quote }}}
{{- end }}
{{- end }}
{{- if eq .name "web" }}
- {name: TANDEM_SERVE_URL, value: "http://tandem-serve:8080"}
{{- else }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_DATABASE_URL" "secret" "tandem-database" "key" (ternary "app-url" "worker-url" (eq .name "serve"))) }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_REDIS_URL" "secret" "tandem-redis" "key" "url") }}
{{- end }}
{{- if eq .name "serve" }}
{{- if $v.auth.sharedSecret }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_AUTH_SECRET" "secret" "tandem-auth" "key" "secret") }}
{{- end }}
{{- if .issuers }}
- {name: TANDEM_AUTH_ISSUERS, value: /etc/tandem/issuers.json}
{{- end }}
- {{ include "tandem.secretEnv" (dict "env" "OPENAI_API_KEY" "secret" "tandem-model" "key" "api_key" "optional" true) }}
{{- with $v.model.url }}
- {name: OPENAI_BASE_URL, value: {{ . }}}
{{- end }}
- {name: OPENAI_MODEL, value: {{ $v.model.name }}}
- {name: OPENAI_API, value: {{ $v.model.api }}}
- {name: TANDEM_TOKEN_BUDGET, value: {{ $v.model.tokenBudget | int64 | quote }}}
{{- end }}
{{- if has .name (list "serve" "notifications" "worker") }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_VAPID_KEY" "secret" "tandem-vapid" "key" "private_key" "optional" true) }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_WEBHOOK_KEY" "secret" "tandem-webhook" "key" "signing_key" "optional" true) }}
{{- end }}
{{- if and (has .name (list "notifications" "worker")) $v.mail.from }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_SMTP_URL" "secret" "tandem-smtp" "key" "url") }}
- {name: TANDEM_MAIL_FROM, value: {{ $v.mail.from | quote }}}
{{- end }}
{{- end }}

{{- /* The container of the sign-in service. */}}
{{- define "tandem.signIn" -}}
name: sign-in
image: {{ include "tandem.image" (dict "root" . "image" .Values.auth.service.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve]
env:
- {name: TANDEM_AUTH_URL, value: {{ .Values.auth.url }}}
- {name: TANDEM_AUTH_ORIGINS, value: {{ .Values.publicUrl }}}
- {name: TANDEM_AUTH_ADDR, value: ":8090"}
{{- with .Values.trustedProxies }}
- {name: TANDEM_TRUSTED_PROXIES, value: {{ join "," . | quote }}}
{{- end }}
- {{ include "tandem.secretEnv" (dict "env" "BETTER_AUTH_SECRET" "secret" "tandem-sign-in" "key" "secret") }}
- {{ include "tandem.secretEnv" (dict "env" "TANDEM_AUTH_DATABASE_URL" "secret" "tandem-sign-in" "key" "database-url") }}
ports:
- {name: sign-in, containerPort: 8090}
startupProbe: {httpGet: {path: /livez, port: sign-in}, periodSeconds: 2, failureThreshold: 30}
livenessProbe: {httpGet: {path: /livez, port: sign-in}, periodSeconds: 10, failureThreshold: 3}
readinessProbe: {httpGet: {path: /readyz, port: sign-in}, periodSeconds: 5, failureThreshold: 2, timeoutSeconds: 3}
lifecycle: {preStop: {sleep: {seconds: 5}}}
resources: {{ include "tandem.resources" . | nindent 2 }}
securityContext: {{ include "tandem.containerSecurity" . | nindent 2 }}
{{- end }}
