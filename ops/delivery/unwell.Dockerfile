# The image that serves, made unwell: it gets ready, and its sidecar finds nobody who takes events. For the drill on staging.
ARG IMAGE
FROM $IMAGE
ENV TANDEM_APP_ADDR=127.0.0.1:7001
