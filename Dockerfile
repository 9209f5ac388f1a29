# syntax=docker/dockerfile:1

# One image with both programs; the manifests choose by command. The base images are pinned by tag and not by digest: a
# digest must be looked up in the registry, by a bot that keeps it fresh.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=bind,source=go.mod,target=go.mod \
    --mount=type=bind,source=go.sum,target=go.sum \
    go mod download
COPY api api
COPY cmd cmd
COPY internal internal
COPY go.mod go.sum ./
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/operator ./cmd/gateway

FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /out/operator /out/gateway /
USER 65532:65532
ENTRYPOINT ["/operator"]
