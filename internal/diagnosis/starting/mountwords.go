// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"regexp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// What kept a volume from a pod: the details of VolumeMountFailed.
const (
	detailMount       = "Mount"
	detailAttach      = "Attach"
	detailMultiAttach = "MultiAttach"
	detailHostPath    = "HostPath"
	detailTimeout     = "Timeout"
)

// mountFault is a classified failure to give a pod a volume.
type mountFault struct {
	cause  v1alpha1.Cause
	detail string
	// words complete "volume x ...".
	words string
	// advice says what to look at.
	advice string
	// volume is the name in the text: that of the pod's volume, or of the PersistentVolume.
	volume string
	// message is what the kubelet or the attach controller said.
	message string
}

// mountPattern is one row of the classifier.
type mountPattern struct {
	pattern *regexp.Regexp
	fault   mountFault
}

// passing are failures that the kubelet gets over by itself when a pod starts: its caches are not filled yet.
var passing = regexp.MustCompile(`object "[^"]*"/"[^"]*" not registered|failed to sync (?:configmap|secret) cache|no relationship found between node`)

// mountPatterns are tried in order on an event's text. Sources: pkg/volume/util/operationexecutor, pkg/volume/hostpath,
// pkg/kubelet/volumemanager (WaitForAttachAndMount), pkg/kubelet/kuberuntime (subPath), mount(8) and mount.nfs(8).
var mountPatterns = []mountPattern{
	{regexp.MustCompile(`^Multi-Attach error`),
		mountFault{detail: detailMultiAttach, words: "is still attached to another node, and may be to one only",
			advice: "Let the pod that holds it go first."}},
	{regexp.MustCompile(`hostPath type check failed`),
		mountFault{detail: detailHostPath, words: "is a path of the node that is not there, or is of another type",
			advice: "Make the path on the node, correct hostPath.path, or let the kubelet make it (hostPath.type DirectoryOrCreate)."}},
	{regexp.MustCompile(`access denied by server while mounting`),
		mountFault{detail: detailMount, words: "is not given out by the NFS server to this node",
			advice: "Export the path to the addresses of the nodes (exports(5))."}},
	{regexp.MustCompile(`(?i)\b(?:l?chown|chmod|mkdir|l?stat|open|readlink|mount\S*|applyFSGroup)\b[^\n]*(?:permission denied|operation not permitted)`),
		mountFault{cause: v1alpha1.CauseVolumePermissionDenied, detail: detailDenied, words: "cannot be prepared: permission denied",
			advice: "Check who owns the volume, and whether its file system takes a change of the owner (securityContext.fsGroup)."}},
	{regexp.MustCompile(`mount\.nfs|\bnfs\b`),
		mountFault{detail: detailMount, words: "cannot be mounted from its NFS server",
			advice: "Check the server and the path of the volume, and that the node reaches the server."}},
	{regexp.MustCompile(`list of registered CSI drivers|CSINode \S+ does not contain driver`),
		mountFault{detail: detailMount, words: "has a CSI driver that does not run on the node",
			advice: "Check the DaemonSet of the CSI driver on the node."}},
	{regexp.MustCompile(`(?i)\bsubpath\b|Are you trying to mount a directory onto a file`),
		mountFault{detail: detailMount, words: "has a subPath that cannot be mounted",
			advice: "Check that the subPath is there and is a file or a directory as the mountPath wants it."}},
	{regexp.MustCompile(`(?i)timed out waiting|deadline ?exceeded`),
		mountFault{detail: detailTimeout, words: "is not ready in time",
			advice: "Check the storage: its driver's pods, and the volume itself."}},
	{regexp.MustCompile(`^AttachVolume\.|FailedAttachVolume`),
		mountFault{detail: detailAttach, words: "cannot be attached to the node",
			advice: "Check the storage driver's controller, and that the disk is there and free."}},
	{regexp.MustCompile(`(?i)wrong fs type|bad superblock|bad option|unknown filesystem`),
		mountFault{detail: detailMount, words: "has a file system that the node cannot mount",
			advice: "Check the file system type and the mount options of the volume."}},
	{regexp.MustCompile(`^(?:MountVolume|UnmountVolume|MapVolume)\.|FailedMount|FailedMapVolume`),
		mountFault{detail: detailMount, words: "cannot be mounted",
			advice: "Read what the mount says."}},
	{regexp.MustCompile(`^Unable to attach or mount volumes`),
		mountFault{detail: detailMount, words: "cannot be mounted",
			advice: "Read what the mount says."}},
}

// inText finds the volume: of the operations that of the spec or the PersistentVolume, of the kubelet's sum the first.
var inText = regexp.MustCompile(`(?:for volume|volumeMount) "([^"]+)"|unmounted volumes=\[([^\s\],]+)|/volume-subpaths/([^/\s"]+)/`)

// classifyMount finds out what kept a volume from a pod, by the reason and the text of an event or of a status. It is
// false for what passes.
func classifyMount(reason, text string) (mountFault, bool) {
	text = head(text)
	if passing.MatchString(text) {
		return mountFault{}, false
	}
	for _, row := range mountPatterns {
		if !row.pattern.MatchString(text) && !row.pattern.MatchString(reason) {
			continue
		}
		fault := row.fault
		fault.message = text
		if fault.cause == "" {
			fault.cause = v1alpha1.CauseVolumeMountFailed
		}
		if at := inText.FindStringSubmatch(text); at != nil {
			fault.volume = at[1] + at[2] + at[3]
		}
		return fault, true
	}
	return mountFault{}, false
}
