// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Family is a group of causes, and the package of the checks that find them.
type Family string

// The families.
const (
	FamilyNodes      Family = "nodes"
	FamilyRouting    Family = "routing"
	FamilyWorkloads  Family = "workloads"
	FamilyScheduling Family = "scheduling"
	FamilyStarting   Family = "starting"
	FamilyRunning    Family = "running"
)

// Entry is one cause of the catalogue.
type Entry struct {
	Cause  v1alpha1.Cause
	Family Family
	// Evidence is what proves the cause, for people.
	Evidence string
	// Explains are the causes that are its consequence and are told after it.
	Explains []v1alpha1.Cause
	// Bare marks a cause that says nothing more than "it does not work": it is left out where another explains it.
	Bare bool
}

// Groups of symptoms that several causes have.
var (
	// noPod: no pod comes to be ready, so nobody is there and no rollout ends.
	noPod = []v1alpha1.Cause{v1alpha1.CauseRolloutStuck, v1alpha1.CauseNoReadyEndpoints}
	// noStay: a pod that was started does not stay or is not ready.
	noStay = slices.Concat([]v1alpha1.Cause{
		v1alpha1.CauseLivenessProbeFailing, v1alpha1.CauseReadinessProbeFailing, v1alpha1.CauseStartupProbeFailing, v1alpha1.CauseCrashLoop,
	}, noPod)
	// noNode: what a node that does not work leaves behind.
	noNode = slices.Concat([]v1alpha1.Cause{
		v1alpha1.CauseStuckTerminating, v1alpha1.CauseEvicted, v1alpha1.CauseSandboxFailed, v1alpha1.CauseNetworkDegraded,
		v1alpha1.CauseLivenessProbeFailing, v1alpha1.CauseReadinessProbeFailing, v1alpha1.CauseStartupProbeFailing,
	}, noPod)
)

// Catalogue holds every cause but Healthy, in the order in which findings are told: the deepest first. A cause explains
// only later ones, which a test holds. What no row joins is independent, and both are told, the one that blocks the
// other's cure first. What a rollout that is held back would cure is told after what holds it back, whatever its row (rank.go).
func Catalogue() []Entry {
	return []Entry{
		// The cluster itself does not carry its pods, whatever they are.
		{Cause: v1alpha1.CauseSchedulerUnavailable, Family: FamilyScheduling, Evidence: "pods are Pending and have no PodScheduled condition: no scheduler has looked at them; its lease is old or its pod is not ready", Explains: noPod},
		{Cause: v1alpha1.CauseContainerRuntimeUnavailable, Family: FamilyNodes, Evidence: "the node says that its container runtime is down or does not answer (Ready condition, events)", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseKubeletUnavailable, v1alpha1.CauseNodeNotReady}, noNode)},
		{Cause: v1alpha1.CauseKubeletUnavailable, Family: FamilyNodes, Evidence: "the node's Ready condition is Unknown or its lease is old: the kubelet has stopped reporting, or its pods are marked from outside; which of the target's pods it holds", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseNodeNotReady}, noNode)},
		{Cause: v1alpha1.CauseNodeNotReady, Family: FamilyNodes, Evidence: "the node's Ready condition is False and what it says; which of the target's pods it holds", Explains: noNode},
		{Cause: v1alpha1.CauseNodePressure, Family: FamilyNodes, Evidence: "the node's MemoryPressure, DiskPressure or PIDPressure condition; which of the target's pods it holds or has evicted", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseEvicted}, noPod)},
		{Cause: v1alpha1.CauseKubeProxyUnavailable, Family: FamilyNodes, Evidence: "the kube-proxy pod of a node is not ready, or has failed, or is missing while others have one; which of the pods, or of those that call them, are on it", Explains: []v1alpha1.Cause{v1alpha1.CauseNetworkDegraded, v1alpha1.CauseUnresponsive, v1alpha1.CauseDependencyUnavailable}},
		{Cause: v1alpha1.CauseNetworkDegraded, Family: FamilyNodes, Evidence: "the node says that it has no network for pods, its network plugin is not ready, or its pods alone wait in vain for those of other nodes", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseUnresponsive, v1alpha1.CauseDependencyUnavailable}, noStay)},
		// Something is not there because nobody may make it.
		{Cause: v1alpha1.CauseQuotaExceeded, Family: FamilyWorkloads, Evidence: "a ResourceQuota has no room: a refusal that names it, or pods, a Service or a claim that are missing and would not fit; which resource, how much is used, and the hard limit", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseServiceNotFound, v1alpha1.CauseVolumeClaimNotFound, v1alpha1.CauseUpstreamAddressMismatch, v1alpha1.CauseDependencyUnavailable}, noStay)},
		// There is no way to the pods, whatever these do.
		{Cause: v1alpha1.CauseServiceNotFound, Family: FamilyRouting, Evidence: "there is no such Service; the workload of that name or label that stands without it", Explains: []v1alpha1.Cause{v1alpha1.CauseNoReadyEndpoints}},
		{Cause: v1alpha1.CauseSelectorMismatch, Family: FamilyRouting, Evidence: "the selector matches no pod and no template; which label differs, and from which workload's template", Explains: []v1alpha1.Cause{v1alpha1.CauseNoReadyEndpoints}},
		{Cause: v1alpha1.CauseRouteMismatch, Family: FamilyRouting, Evidence: "an Ingress, HTTPRoute or proxy configuration names a Service or port that is not there, or leads the path of one Service to another"},
		{Cause: v1alpha1.CauseDNSFailure, Family: FamilyRouting, Evidence: "the name does not resolve while the Service exists: cluster DNS has no ready endpoints, the DNS settings of the pod cannot find it, or its log says so", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseDependencyUnavailable}, noStay)},
		{Cause: v1alpha1.CauseNetworkPolicyBlocked, Family: FamilyRouting, Evidence: "the policies that select the pods admit nobody, not those who are known to call, or not the way out; a connection that was seen to time out", Explains: []v1alpha1.Cause{v1alpha1.CauseUnresponsive, v1alpha1.CauseDependencyUnavailable, v1alpha1.CauseReadinessProbeFailing}},
		{Cause: v1alpha1.CauseProtocolMismatch, Family: FamilyRouting, Evidence: "the protocol of the Service's port differs from the container port's, or its appProtocol from what the container speaks", Explains: []v1alpha1.Cause{v1alpha1.CauseUnresponsive, v1alpha1.CauseDependencyUnavailable}},
		{Cause: v1alpha1.CauseTargetPortMismatch, Family: FamilyRouting, Evidence: "the targetPort is a name that no container port has, or a number that no container port, probe, variable or argument has; a refused connection", Explains: []v1alpha1.Cause{v1alpha1.CauseUnresponsive, v1alpha1.CauseDependencyUnavailable, v1alpha1.CauseNoReadyEndpoints}},
		{Cause: v1alpha1.CauseServicePortMismatch, Family: FamilyRouting, Evidence: "the failed call, the annotation or the configuration of a client asks for a port that the Service does not have", Explains: []v1alpha1.Cause{v1alpha1.CauseUnresponsive, v1alpha1.CauseDependencyUnavailable}},
		// There are no pods.
		{Cause: v1alpha1.CauseWorkloadNotFound, Family: FamilyWorkloads, Evidence: "the Service selects nothing, and no workload carries its labels", Explains: []v1alpha1.Cause{v1alpha1.CauseNoReadyEndpoints}},
		{Cause: v1alpha1.CauseScaledToZero, Family: FamilyWorkloads, Evidence: "spec.replicas is 0; who scaled it, and from how many", Explains: noPod},
		{Cause: v1alpha1.CauseServiceAccountNotFound, Family: FamilyWorkloads, Evidence: "pods are missing, and the account that their template names is not there; the FailedCreate that says so", Explains: noPod},
		{Cause: v1alpha1.CauseAdmissionDenied, Family: FamilyWorkloads, Evidence: "pods are missing, and the last FailedCreate is a webhook's, a policy's, a Pod Security level's or a LimitRange's; what it says, and which field", Explains: noPod},
		{Cause: v1alpha1.CauseStuckTerminating, Family: FamilyWorkloads, Evidence: "a deletionTimestamp long past: the finalizers, or the node that is gone; or the namespace is being deleted", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseVolumeMountFailed}, noPod)},
		// No node takes the pods.
		{Cause: v1alpha1.CauseNodeCordoned, Family: FamilyScheduling, Evidence: "every node that would otherwise take the pods is cordoned, and since when", Explains: noPod},
		{Cause: v1alpha1.CauseVolumeClaimNotFound, Family: FamilyScheduling, Evidence: "the claim that the pod mounts is not there; the nearest name", Explains: noPod},
		{Cause: v1alpha1.CauseVolumeClaimUnbound, Family: FamilyScheduling, Evidence: "the claim is not bound: what the volume that comes nearest lacks, or why none is made", Explains: noPod},
		{Cause: v1alpha1.CauseNodeSelectorMismatch, Family: FamilyScheduling, Evidence: "no node has the labels of the nodeSelector; which values the nodes have", Explains: noPod},
		{Cause: v1alpha1.CauseNodeAffinityMismatch, Family: FamilyScheduling, Evidence: "no node matches the required node affinity; what each node lacks", Explains: noPod},
		{Cause: v1alpha1.CauseTaintNotTolerated, Family: FamilyScheduling, Evidence: "the taints, not tolerated, of the nodes that would otherwise take the pods", Explains: noPod},
		{Cause: v1alpha1.CausePodAntiAffinityConflict, Family: FamilyScheduling, Evidence: "the rule (anti-affinity, affinity or topology spread), and the pods that hold the nodes", Explains: noPod},
		{Cause: v1alpha1.CauseInsufficientCPU, Family: FamilyScheduling, Evidence: "the CPU request is more than any fitting node has free, or has at all; the nearest node and the pods that ask for most", Explains: noPod},
		{Cause: v1alpha1.CauseInsufficientMemory, Family: FamilyScheduling, Evidence: "the memory request is more than any fitting node has free, or has at all; the nearest node and the pods that ask for most", Explains: noPod},
		// The containers cannot begin.
		{Cause: v1alpha1.CauseInvalidImageName, Family: FamilyStarting, Evidence: "the kubelet cannot parse the image's name", Explains: noPod},
		{Cause: v1alpha1.CauseImageNotFound, Family: FamilyStarting, Evidence: "the registry says that there is no such image, or it is not on the node and the policy is Never", Explains: noPod},
		{Cause: v1alpha1.CauseImagePullUnauthorized, Family: FamilyStarting, Evidence: `the registry refuses: 401, 403, "access denied"; whether a pull secret is named, is there and is for this registry`, Explains: noPod},
		{Cause: v1alpha1.CauseRegistryUnreachable, Family: FamilyStarting, Evidence: "no connection, no such host, a timeout, TLS, or the registry's own error", Explains: noPod},
		{Cause: v1alpha1.CauseConfigMapNotFound, Family: FamilyStarting, Evidence: "the ConfigMap that the pod names is not there, where it is named, and the nearest name", Explains: noPod},
		{Cause: v1alpha1.CauseSecretNotFound, Family: FamilyStarting, Evidence: "the Secret that the pod names is not there, where it is named, and the nearest name", Explains: noPod},
		{Cause: v1alpha1.CauseConfigKeyNotFound, Family: FamilyStarting, Evidence: "the ConfigMap or Secret is there and lacks the key; the keys that it has", Explains: noPod},
		{Cause: v1alpha1.CauseVolumePermissionDenied, Family: FamilyStarting, Evidence: "permission denied on a path of a volume, in the log of a container that crashes or in the mount's event; the user that it runs as", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseVolumeMountFailed}, noStay)},
		{Cause: v1alpha1.CauseVolumeMountFailed, Family: FamilyStarting, Evidence: "FailedMount or FailedAttachVolume of a pod that still waits: Mount, Attach, MultiAttach, HostPath or Timeout", Explains: noPod},
		{Cause: v1alpha1.CauseOOMKilled, Family: FamilyRunning, Evidence: "the last state says so, or the runtime says that the limit is too low to begin; the memory limit", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseSandboxFailed, v1alpha1.CauseContainerCannotRun}, noStay)},
		{Cause: v1alpha1.CauseSandboxFailed, Family: FamilyStarting, Evidence: "FailedCreatePodSandBox of a pod that still waits: CNI, Cgroup, Runtime or Memory", Explains: noPod},
		{Cause: v1alpha1.CauseContainerCannotRun, Family: FamilyStarting, Evidence: "the runtime or a shell cannot execute the command: NotFound, NotExecutable, WrongArchitecture, WorkingDirectory or RunAsNonRoot", Explains: noStay},
		// The containers do not stay, or are not well.
		{Cause: v1alpha1.CausePortConflict, Family: FamilyRunning, Evidence: `"address already in use" in the log, or two containers of the pod with one port`, Explains: noStay},
		{Cause: v1alpha1.CauseCredentialsRejected, Family: FamilyRunning, Evidence: "a dependency that the log names refuses the credentials", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseInitContainerFailed, v1alpha1.CauseDependencyUnavailable}, noStay)},
		{Cause: v1alpha1.CauseConnectionExhausted, Family: FamilyRunning, Evidence: "a dependency that the log names has no connection left", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseInitContainerFailed, v1alpha1.CauseDependencyUnavailable}, noStay)},
		{Cause: v1alpha1.CauseReadOnlyStorage, Family: FamilyRunning, Evidence: "a dependency or file system that the log names is read-only", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseInitContainerFailed, v1alpha1.CauseDependencyUnavailable}, noStay)},
		{Cause: v1alpha1.CauseUpstreamAddressMismatch, Family: FamilyRouting, Evidence: "a variable, argument or file names a Service or a port that is not there; the line of the log that complains of it", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseInitContainerFailed, v1alpha1.CauseDependencyUnavailable}, noStay)},
		{Cause: v1alpha1.CauseDependencyUnavailable, Family: FamilyRunning, Evidence: "the target suffers, and its log, its configuration or a declaration names a Service that is itself not well", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseInitContainerFailed}, noStay)},
		{Cause: v1alpha1.CauseInitContainerFailed, Family: FamilyStarting, Evidence: "an init container fails: its exit code and its last words", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseCrashLoop}, noPod)},
		{Cause: v1alpha1.CauseLivenessProbeMisconfigured, Family: FamilyRunning, Evidence: "the liveness probe contradicts the container: its ports, path, scheme, protocol, host, command, or the start that was measured", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseLivenessProbeFailing}, noStay)},
		{Cause: v1alpha1.CauseReadinessProbeMisconfigured, Family: FamilyRunning, Evidence: "the readiness probe contradicts the container: its ports, path, scheme, protocol, host, command, or the answer that was measured", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseReadinessProbeFailing}, noPod)},
		{Cause: v1alpha1.CauseCPUOverload, Family: FamilyRunning, Evidence: "the measured usage of the replicas is at the CPU limit, or the autoscaler is at its end and above its target", Explains: []v1alpha1.Cause{v1alpha1.CauseStartupProbeFailing, v1alpha1.CauseLivenessProbeFailing, v1alpha1.CauseReadinessProbeFailing, v1alpha1.CauseUnresponsive}},
		{Cause: v1alpha1.CauseStartupProbeFailing, Family: FamilyRunning, Evidence: "Unhealthy events of the startup probe, with the answer that it saw", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseCrashLoop}, noPod)},
		{Cause: v1alpha1.CauseLivenessProbeFailing, Family: FamilyRunning, Evidence: "Unhealthy events of the liveness probe, with the answer that it saw", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseCrashLoop}, noPod)},
		{Cause: v1alpha1.CauseCrashLoop, Family: FamilyRunning, Evidence: "restarts with back-off; the exit code, the last error of the log, since which revision", Explains: slices.Concat([]v1alpha1.Cause{v1alpha1.CauseReadinessProbeFailing}, noPod)},
		{Cause: v1alpha1.CauseReadinessProbeFailing, Family: FamilyRunning, Evidence: "Unhealthy events of the readiness probe, with the answer that it saw", Explains: noPod},
		{Cause: v1alpha1.CauseRolloutPaused, Family: FamilyWorkloads, Evidence: "spec.paused, a partition or OnDelete while the template differs from the one that runs", Explains: noPod},
		{Cause: v1alpha1.CauseRolloutStuck, Family: FamilyWorkloads, Evidence: "Progressing is False with ProgressDeadlineExceeded, or the first pod of the newest revision has not been ready for long; whether an older one serves", Explains: []v1alpha1.Cause{v1alpha1.CauseNoReadyEndpoints}},
		// The pods are there.
		{Cause: v1alpha1.CauseNoReadyEndpoints, Family: FamilyRouting, Evidence: "pods are there and not ready, and nothing above explains it", Bare: true},
		{Cause: v1alpha1.CauseUnresponsive, Family: FamilyRouting, Evidence: "the pods are ready, the connection is taken, and no answer comes in time"},
		// What is replaced explains little, and is told last.
		{Cause: v1alpha1.CauseEvicted, Family: FamilyWorkloads, Evidence: "Failed pods that a node evicted, shut down or preempted, and what for"},
		{Cause: v1alpha1.CauseUnknown, Evidence: "something is wrong and nothing above holds; what was ruled out", Bare: true},
	}
}
