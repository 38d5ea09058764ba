# A static binary on nothing: no shell, no package manager, no root.
#
#   docker build -t signalbox .
#   docker run -p 8080:8080 -v signalbox:/data signalbox
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/signalbox ./cmd/signalbox
RUN install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
LABEL org.opencontainers.image.title="Signalbox" \
      org.opencontainers.image.description="Buying signals in, signed webhooks out" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/signalbox /signalbox
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV SIGNALBOX_ADDR=0.0.0.0:8080 SIGNALBOX_DATA_DIR=/data SIGNALBOX_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/signalbox", "healthcheck"]
ENTRYPOINT ["/signalbox"]
CMD ["serve"]
