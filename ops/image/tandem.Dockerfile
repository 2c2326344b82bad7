# The whole product: one static binary in an empty root, as a user without rights.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
ARG TARGETOS=linux
ARG TARGETARCH=amd64
ARG VERSION=devel
ARG REVISION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=$VERSION -X main.revision=$REVISION" -o /tandem ./cmd/tandem

FROM scratch
ARG VERSION=devel
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Tandem" \
      org.opencontainers.image.source=$SOURCE \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
COPY --from=build /tandem /tandem
USER 65532:65532
ENV TANDEM_DATA_DIR=/data
ENTRYPOINT ["/tandem"]
