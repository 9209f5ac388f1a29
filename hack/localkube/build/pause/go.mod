module github.com/ry-ops/cortex/hack/localkube/build/pause

go 1.26.0
