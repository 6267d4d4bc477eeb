FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /congvu ./cmd/congvu && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /congvu /congvu
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV CONGVU_ADDR=0.0.0.0:8080 CONGVU_DATA=/data TMPDIR=/data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/congvu"]
CMD ["serve"]
