# What docker-compose.yml needs beside the product: secrets, roles, topics, and the first container of a pod. See ops/compose.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY *.go ./
COPY ops/compose/ ops/compose/
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o /compose ./ops/compose

FROM scratch
COPY --from=build /compose /compose
USER 65532:65532
ENTRYPOINT ["/compose"]
