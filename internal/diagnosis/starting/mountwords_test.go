// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"strings"
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func TestClassifyMount(t *testing.T) {
	const mount, attach = "FailedMount", "FailedAttachVolume"
	for name, test := range map[string]struct{ reason, text, detail, volume string }{
		"multi-attach":          {attach, `Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can't be attached to another`, detailMultiAttach, "pvc-1"},
		"multi-attach, by pods": {attach, `Multi-Attach error for volume "pvc-1" Volume is already used by 1 pod(s) in different namespaces`, detailMultiAttach, "pvc-1"},
		"attach":                {attach, `AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = NotFound desc = no such disk`, detailAttach, "pvc-1"},
		"attach, in vain":       {attach, `AttachVolume.Attach failed for volume "pvc-1" : timed out waiting for external-attacher of disk.csi.example.com CSI driver to attach volume 1`, detailTimeout, "pvc-1"},
		"attach, denied":        {attach, `AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = PermissionDenied desc = 403`, detailAttach, "pvc-1"},
		"host path":             {mount, `MountVolume.SetUp failed for volume "data" : hostPath type check failed: /mnt/x is not a file`, detailHostPath, "data"},
		"NFS denies":            {mount, `MountVolume.SetUp failed for volume "data" : mount failed: exit status 32 Output: mount.nfs: access denied by server while mounting 10.0.0.9:/x`, detailMount, "data"},
		"NFS without the tool":  {mount, `MountVolume.SetUp failed for volume "data" : mount failed: exit status 32 Mounting arguments: -t nfs 10.0.0.9:/x /y Output: mount: bad option; for several filesystems you might need a /sbin/mount.<type> helper program.`, detailMount, "data"},
		"sum":                   {mount, `Unable to attach or mount volumes: unmounted volumes=[data cfg], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition`, detailTimeout, "data"},
		"sum, new":              {mount, `Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data], failed to process volumes=[data]: context deadline exceeded`, detailTimeout, "data"},
		"CSI":                   {mount, `MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = mount failed: wrong fs type, bad option, bad superblock on /dev/sdb`, detailMount, "pvc-1"},
		"CSI in vain":           {mount, `MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = DeadlineExceeded desc = context deadline exceeded`, detailTimeout, "pvc-1"},
		"subPath":               {"", `failed to prepare subPath for volumeMount "data" of container "mcp"`, detailMount, "data"},
		"subPath, made":         {"", `failed to create subPath directory for volumeMount "data" of container "mcp"`, detailMount, "data"},
		"owner":                 {mount, `MountVolume.SetUp failed for volume "data" : applyFSGroup failed for vol x: lchown /v: operation not permitted`, detailDenied, "data"},
		"cache":                 {mount, `MountVolume.SetUp failed for volume "x" : failed to sync configmap cache: timed out waiting for the condition`, "", ""},
		"not registered":        {mount, `MountVolume.SetUp failed for volume "x" : object "ns"/"x" not registered`, "", ""},
		"another matter":        {"", `configmap "x" not found`, "", ""},
		"nothing":               {"", ``, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fault, ok := classifyMount(test.reason, test.text)
			if ok != (test.detail != "") || fault.detail != test.detail || fault.volume != test.volume {
				t.Errorf("%t %q of %q, want %q of %q", ok, fault.detail, fault.volume, test.detail, test.volume)
			}
			if ok && (fault.words == "" || fault.advice == "" || fault.cause == "") {
				t.Errorf("the fault says too little: %+v", fault)
			}
			if denied := fault.cause == v1alpha1.CauseVolumePermissionDenied; denied != (fault.detail == detailDenied) {
				t.Errorf("cause %s of detail %s", fault.cause, fault.detail)
			}
		})
	}
}

func FuzzClassifyMount(f *testing.F) {
	f.Add("FailedMount", `MountVolume.SetUp failed for volume "data" : lchown: operation not permitted`)
	f.Add("", `mounting "/var/lib/kubelet/pods/1/volume-subpaths/config/mcp/0" Are you trying to mount a directory onto a file`)
	f.Fuzz(func(t *testing.T, reason, text string) {
		fault, ok := classifyMount(reason, text)
		if ok != (fault.detail != "") || !strings.Contains(text, fault.volume) {
			t.Errorf("%t %+v", ok, fault)
		}
	})
}
