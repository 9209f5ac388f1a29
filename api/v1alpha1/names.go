// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Labels and annotations that people put on a Service to tell Cortex of an MCP server.
const (
	// LabelMCPServer with the value "true" on a Service says two things: an MCP server answers there, and
	// Cortex may change the workload behind it. Without the label nothing is listed and nothing is changed.
	LabelMCPServer = "healing.cortex.dev/mcp-server"

	// LabelDependency with the value "true" on a Service says that no MCP server answers there, and that Cortex may change
	// the workload behind it all the same: a database, an API that an MCP server cannot do without. It is not listed, and a
	// connection proves that it works, since Cortex does not speak its protocol.
	LabelDependency = "healing.cortex.dev/dependency"

	// AnnotationPath is the HTTP path of the MCP endpoint (streamable HTTP). Default: /mcp.
	AnnotationPath = "healing.cortex.dev/path"

	// AnnotationPort is the name or number of the Service port of the MCP endpoint. Default: the port named
	// "mcp", else the Service's only port.
	AnnotationPort = "healing.cortex.dev/port"

	// AnnotationReplicas on a workload is the count to return to when it is found scaled to zero. It wins over
	// what Cortex can find out by itself.
	AnnotationReplicas = "healing.cortex.dev/replicas"

	// AnnotationDependsOn on a Service names the Services of its namespace that it cannot do without, separated by commas.
	// Where it suffers and one of them is not well, that one is to be healed first.
	AnnotationDependsOn = "healing.cortex.dev/depends-on"
)

// Annotations that Cortex writes on what it changes.
const (
	// AnnotationAppliedBy on a changed workload is the stamp of the last action: "<request UID>/<action index>".
	// It lands in the same write as the change, so after a crash the stamp tells whether the change was made.
	AnnotationAppliedBy = "healing.cortex.dev/applied-by"

	// AnnotationRestartedAt is the pod template annotation that `kubectl rollout restart` sets as well.
	AnnotationRestartedAt = "kubectl.kubernetes.io/restartedAt"
)

// LabelTarget on a HealingRequest of the gateway or of a dependency is the name of its Service, for `kubectl get heal -l`.
const LabelTarget = "healing.cortex.dev/target"

// AnnotationReason on a HealingRequest says why a person asked for it, in that person's words. It is for the record: nothing is
// decided by it.
const AnnotationReason = "healing.cortex.dev/reason"

// AnnotationTask on a HealingRequest is the id of the gateway's task whose call failed first. A gateway that was restarted finds
// by it what a task waited for.
const AnnotationTask = "healing.cortex.dev/task"

// AnnotationTraceparent on a HealingRequest is the place in a trace of the call that asked for it (W3C Trace Context, traceparent).
// It is an id and nothing else: one that is not valid is as none.
const AnnotationTraceparent = "healing.cortex.dev/traceparent"

// AnnotationAncestors on the HealingRequest of a dependency names the Services of the requests that led to it, the first one
// first, separated by commas. A dependency that is among them would wait for itself.
const AnnotationAncestors = "healing.cortex.dev/ancestors"

// FieldManager names the operator in the managed fields of what it changes.
const FieldManager = "cortex-operator"

// Cause is the root cause that a diagnosis names. docs/reference/causes.md tells of each what proves it and what is done.
// +kubebuilder:validation:MaxLength=64
type Cause string

// Routing: how a caller gets to the pods.
const (
	CauseServiceNotFound         Cause = "ServiceNotFound"
	CauseSelectorMismatch        Cause = "SelectorMismatch"
	CauseTargetPortMismatch      Cause = "TargetPortMismatch"
	CauseServicePortMismatch     Cause = "ServicePortMismatch"
	CauseProtocolMismatch        Cause = "ProtocolMismatch"
	CauseNoReadyEndpoints        Cause = "NoReadyEndpoints"
	CauseNetworkPolicyBlocked    Cause = "NetworkPolicyBlocked"
	CauseDNSFailure              Cause = "DNSFailure"
	CauseUpstreamAddressMismatch Cause = "UpstreamAddressMismatch"
	CauseRouteMismatch           Cause = "RouteMismatch"
	CauseUnresponsive            Cause = "Unresponsive"
)

// Workload: whether anybody asks for pods, and gets them.
const (
	CauseWorkloadNotFound       Cause = "WorkloadNotFound"
	CauseScaledToZero           Cause = "ScaledToZero"
	CauseRolloutPaused          Cause = "RolloutPaused"
	CauseRolloutStuck           Cause = "RolloutStuck"
	CauseQuotaExceeded          Cause = "QuotaExceeded"
	CauseAdmissionDenied        Cause = "AdmissionDenied"
	CauseServiceAccountNotFound Cause = "ServiceAccountNotFound"
	CauseStuckTerminating       Cause = "StuckTerminating"
	CauseEvicted                Cause = "Evicted"
)

// Scheduling: whether a node takes the pods.
const (
	CauseInsufficientCPU         Cause = "InsufficientCPU"
	CauseInsufficientMemory      Cause = "InsufficientMemory"
	CauseNodeSelectorMismatch    Cause = "NodeSelectorMismatch"
	CauseNodeAffinityMismatch    Cause = "NodeAffinityMismatch"
	CausePodAntiAffinityConflict Cause = "PodAntiAffinityConflict"
	CauseTaintNotTolerated       Cause = "TaintNotTolerated"
	CauseNodeCordoned            Cause = "NodeCordoned"
	CauseVolumeClaimNotFound     Cause = "VolumeClaimNotFound"
	CauseVolumeClaimUnbound      Cause = "VolumeClaimUnbound"
	CauseSchedulerUnavailable    Cause = "SchedulerUnavailable"
)

// Start: whether the containers can begin.
const (
	CauseImageNotFound          Cause = "ImageNotFound"
	CauseImagePullUnauthorized  Cause = "ImagePullUnauthorized"
	CauseRegistryUnreachable    Cause = "RegistryUnreachable"
	CauseInvalidImageName       Cause = "InvalidImageName"
	CauseConfigMapNotFound      Cause = "ConfigMapNotFound"
	CauseSecretNotFound         Cause = "SecretNotFound"
	CauseConfigKeyNotFound      Cause = "ConfigKeyNotFound"
	CauseVolumeMountFailed      Cause = "VolumeMountFailed"
	CauseVolumePermissionDenied Cause = "VolumePermissionDenied"
	CauseContainerCannotRun     Cause = "ContainerCannotRun"
	CauseInitContainerFailed    Cause = "InitContainerFailed"
	CauseSandboxFailed          Cause = "SandboxFailed"
)

// Run: whether they stay and are well.
const (
	CauseCrashLoop                   Cause = "CrashLoop"
	CauseOOMKilled                   Cause = "OOMKilled"
	CauseLivenessProbeMisconfigured  Cause = "LivenessProbeMisconfigured"
	CauseReadinessProbeMisconfigured Cause = "ReadinessProbeMisconfigured"
	CauseLivenessProbeFailing        Cause = "LivenessProbeFailing"
	CauseReadinessProbeFailing       Cause = "ReadinessProbeFailing"
	CauseStartupProbeFailing         Cause = "StartupProbeFailing"
	CausePortConflict                Cause = "PortConflict"
	CauseDependencyUnavailable       Cause = "DependencyUnavailable"
	CauseCredentialsRejected         Cause = "CredentialsRejected"
	CauseConnectionExhausted         Cause = "ConnectionExhausted"
	CauseReadOnlyStorage             Cause = "ReadOnlyStorage"
	CauseCPUOverload                 Cause = "CPUOverload"
)

// Nodes and control plane: whether what carries all of it works.
const (
	CauseNodeNotReady                Cause = "NodeNotReady"
	CauseNodePressure                Cause = "NodePressure"
	CauseKubeletUnavailable          Cause = "KubeletUnavailable"
	CauseContainerRuntimeUnavailable Cause = "ContainerRuntimeUnavailable"
	CauseKubeProxyUnavailable        Cause = "KubeProxyUnavailable"
	CauseNetworkDegraded             Cause = "NetworkDegraded"
)

// Neither.
const (
	CauseHealthy Cause = "Healthy"
	CauseUnknown Cause = "Unknown"
)

// Causes are all of them, in the order above.
func Causes() []Cause {
	return []Cause{
		CauseServiceNotFound, CauseSelectorMismatch, CauseTargetPortMismatch, CauseServicePortMismatch,
		CauseProtocolMismatch, CauseNoReadyEndpoints, CauseNetworkPolicyBlocked, CauseDNSFailure,
		CauseUpstreamAddressMismatch, CauseRouteMismatch, CauseUnresponsive, CauseWorkloadNotFound,
		CauseScaledToZero, CauseRolloutPaused, CauseRolloutStuck, CauseQuotaExceeded, CauseAdmissionDenied,
		CauseServiceAccountNotFound, CauseStuckTerminating, CauseEvicted, CauseInsufficientCPU,
		CauseInsufficientMemory, CauseNodeSelectorMismatch, CauseNodeAffinityMismatch, CausePodAntiAffinityConflict,
		CauseTaintNotTolerated, CauseNodeCordoned, CauseVolumeClaimNotFound, CauseVolumeClaimUnbound,
		CauseSchedulerUnavailable, CauseImageNotFound, CauseImagePullUnauthorized, CauseRegistryUnreachable,
		CauseInvalidImageName, CauseConfigMapNotFound, CauseSecretNotFound, CauseConfigKeyNotFound,
		CauseVolumeMountFailed, CauseVolumePermissionDenied, CauseContainerCannotRun, CauseInitContainerFailed,
		CauseSandboxFailed, CauseCrashLoop, CauseOOMKilled, CauseLivenessProbeMisconfigured,
		CauseReadinessProbeMisconfigured, CauseLivenessProbeFailing, CauseReadinessProbeFailing,
		CauseStartupProbeFailing, CausePortConflict, CauseDependencyUnavailable, CauseCredentialsRejected,
		CauseConnectionExhausted, CauseReadOnlyStorage, CauseCPUOverload, CauseNodeNotReady, CauseNodePressure,
		CauseKubeletUnavailable, CauseContainerRuntimeUnavailable, CauseKubeProxyUnavailable, CauseNetworkDegraded,
		CauseHealthy, CauseUnknown,
	}
}

// ActionType is a change that Cortex knows how to make.
// +kubebuilder:validation:MaxLength=32
type ActionType string

// The actions.
const (
	// ActionScale sets the replicas of a workload.
	ActionScale ActionType = "Scale"
	// ActionRestart replaces every pod of a workload the way `kubectl rollout restart` does.
	ActionRestart ActionType = "Restart"
	// ActionWait changes nothing and gives the workload time to become ready by itself.
	ActionWait ActionType = "Wait"
	// ActionRollback returns a workload to the template of an earlier revision that was healthy.
	ActionRollback ActionType = "Rollback"
	// ActionResume lets a paused rollout go on.
	ActionResume ActionType = "Resume"
	// ActionRaiseMemoryLimit raises the memory limit of one container, by a bounded step and up to a cap.
	ActionRaiseMemoryLimit ActionType = "RaiseMemoryLimit"
	// ActionDeletePods deletes the pods that it names: failed, evicted, or stuck while terminating.
	ActionDeletePods ActionType = "DeletePods"
	// ActionPatch applies the one patch that the diagnosis suggests. It needs a person's approval, always.
	ActionPatch ActionType = "Patch"
	// ActionHealDependency creates a HealingRequest for a Service that the target cannot do without, and waits for its end.
	ActionHealDependency ActionType = "HealDependency"
)

// ActionTypes are all of them.
func ActionTypes() []ActionType {
	return []ActionType{
		ActionScale, ActionRestart, ActionWait, ActionRollback, ActionResume, ActionRaiseMemoryLimit, ActionDeletePods,
		ActionPatch, ActionHealDependency,
	}
}

// Types of the conditions of a HealingRequest.
const (
	// ConditionDiagnosed is True once the cause is known; its reason is the cause.
	ConditionDiagnosed = "Diagnosed"
	// ConditionPlanned is True once the plan is decided and may run; False says why it may not run (yet).
	ConditionPlanned = "Planned"
	// ConditionRemediated is True once the current action of the plan is applied.
	ConditionRemediated = "Remediated"
	// ConditionVerified is True once the rollout, the endpoints, an MCP handshake, its tools and its stability have all been seen
	// to be as they should.
	ConditionVerified = "Verified"
	// ConditionComplete is True once the request is over; its reason says how it ended.
	ConditionComplete = "Complete"
)

// Reasons of ConditionPlanned.
const (
	ReasonActionsPlanned       = "ActionsPlanned"
	ReasonNothingToDo          = "NothingToDo"
	ReasonNoSafeAction         = "NoSafeAction"
	ReasonAwaitingApproval     = "AwaitingApproval"
	ReasonAnotherRequestActive = "AnotherRequestActive"
	// ReasonCooldownActive: the last heal of the target failed, and the pause after it is not over.
	ReasonCooldownActive = "CooldownActive"
	// ReasonAttemptsExhausted: the target has seen as many changes as its window allows. A person was asked.
	ReasonAttemptsExhausted = "AttemptsExhausted"
	// ReasonConcurrencyLimited: as many heals as may be are changing something.
	ReasonConcurrencyLimited = "ConcurrencyLimited"
	// ReasonStormBrake: too much of the namespace is unhealthy at once.
	ReasonStormBrake = "StormBrake"
)

// Reasons of ConditionRemediated and ConditionVerified.
const (
	ReasonApplied         = "Applied"
	ReasonRolloutPending  = "RolloutPending"
	ReasonEndpointsNotUp  = "EndpointsNotReady"
	ReasonHandshakeFailed = "HandshakeFailed"
	ReasonHandshakePassed = "HandshakePassed"
	// ReasonToolsChanged: the server answers, and not with the tools that it had.
	ReasonToolsChanged = "ToolsChanged"
	// ReasonNotStable: the target became ready and did not stay so.
	ReasonNotStable = "NotStable"
	// ReasonDependencyPending: the heal of a dependency is not over.
	ReasonDependencyPending = "DependencyPending"
)

// Reasons of ConditionComplete.
const (
	// ReasonHealed: a fix was applied and verified.
	ReasonHealed = "Healed"
	// ReasonHealthy: nothing was wrong (any more) and nothing was changed, or what was changed is gone with its workload.
	ReasonHealthy = "Healthy"
	// ReasonDryRun: the plan was shown and nothing was changed.
	ReasonDryRun = "DryRun"
	// ReasonManualFixNeeded: the cause is known and only a person may fix it.
	ReasonManualFixNeeded = "ManualFixNeeded"
	// ReasonFixIneffective: what was applied did not help, and nothing is left that is safe.
	ReasonFixIneffective = "FixIneffective"
	// ReasonDeadlineExceeded: spec.timeout ran out.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonDenied: a person denied the plan.
	ReasonDenied = "Denied"
	// ReasonCanceled: a person stopped the heal after it had begun.
	ReasonCanceled = "Canceled"
	// ReasonUnverified: a fix was applied, and the operator has no way to the server to see whether it helped. A caller finds out.
	ReasonUnverified = "Unverified"
	// ReasonUnapproved: nobody answered the plan in time.
	ReasonUnapproved = "Unapproved"
	// ReasonPlanChanged: the target changed after a plan was approved, and no other plan was.
	ReasonPlanChanged = "PlanChanged"
	// ReasonNotOptedIn: the target carries neither LabelMCPServer nor LabelDependency.
	ReasonNotOptedIn = "NotOptedIn"
)
