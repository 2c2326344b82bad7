# Dapr's runtime with the components that the product uses, its scheduler and its sentry. See ops/dev/dapr.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY ops/dev/dapr/ ./
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=1.16.0 -X github.com/dapr/kit/logger.DaprVersion=1.16.0" \
    -o /out/ ./daprd github.com/dapr/dapr/cmd/scheduler github.com/dapr/dapr/cmd/sentry && \
    mkdir -p /out/var/names /out/var/jobs

FROM scratch
# Volumes take over to whom these folders belong.
COPY --from=build --chown=65532:65532 /out/ /
USER 65532:65532
