# The program alone: a static binary, nobody's shell, a user without rights.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -X main.version=${VERSION}" -o /congvu ./cmd/congvu && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /congvu /congvu
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV CONGVU_ADDR=0.0.0.0:8080 CONGVU_DATA=/data TMPDIR=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=12s --start-period=60s --retries=3 CMD ["/congvu", "health"]
ENTRYPOINT ["/congvu"]
CMD ["serve"]
