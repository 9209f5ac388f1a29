// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
)

// fromSourceVariable forces builds from source where it is not empty.
const fromSourceVariable = "LOCALKUBE_FROM_SOURCE"

func help() string {
	var text strings.Builder
	text.WriteString(`localkube runs a real Kubernetes on this machine: a control plane and one node, with
no container engine and no registry. What can not be downloaded is built from source.

Usage: localkube [--from-source] COMMAND

`)
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-12s %s\n", c.name, c.summary)
	}
	text.WriteString(`
Start it, look around, and leave nothing behind:

  localkube up
  export KUBECONFIG=$(localkube kubeconfig)
  $(localkube assets)/kubectl get pods --all-namespaces
  localkube down

Give it an image: an archive as docker save or an OCI tool writes it, or static
programs of this machine that are wrapped into an image of the name given. Pods use it
with imagePullPolicy IfNotPresent or Never.

  localkube load image.tar
  localkube load cortex/operator:dev --binary bin/operator
  localkube load NAME[:TAG] --binary PATH[:DEST] ... [--file PATH:DEST ...]
                 [--entrypoint DEST] [--user UID:GID]

  --binary      a program; it goes to / unless DEST says where
  --file        a file, such as configuration
  --entrypoint  what runs; the first binary unless it is given
  --user        who runs it; 65532:65532 (nonroot) unless it is given

Run envtest on the same Kubernetes:

  KUBEBUILDER_ASSETS=$(localkube assets) go test ./...

Options and environment:

  --from-source, LOCALKUBE_FROM_SOURCE=1
                    build everything, even what could be downloaded
  LOCALKUBE_STATE   the state folder, /var/lib/cortex-localkube unless it is given
  XDG_CACHE_HOME    programs are kept in ${XDG_CACHE_HOME:-$HOME/.cache}/cortex-localkube

up, down, status and load need root. Everything runs in namespaces of its own: the host
sees an interface cortexlk0 with routes to services (10.96.0.0/16) and pods
(10.244.0.0/16), and nothing else of it.
`)
	return text.String()
}
