// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TargetKind is a kind of object that can be healed.
// +kubebuilder:validation:Enum=Service;Deployment;StatefulSet;DaemonSet
type TargetKind string

// The kinds that can be healed.
const (
	KindService     TargetKind = "Service"
	KindDeployment  TargetKind = "Deployment"
	KindStatefulSet TargetKind = "StatefulSet"
	KindDaemonSet   TargetKind = "DaemonSet"
)

// TargetReference names the object to heal, in the request's own namespace.
// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self.name).hasValue()",message="targetRef.name must be the name of an object in this namespace: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit (for example sandfly-mcp-server)"
type TargetReference struct {
	// kind of the target. A Service leads to the workload that it selects.
	// +kubebuilder:default=Service
	// +optional
	Kind TargetKind `json:"kind,omitempty"`

	// name of the target (RFC 1123 subdomain).
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`
}

// Trigger says what asked for a heal.
// +kubebuilder:validation:Enum=MCPFailure;Manual;Proactive;Dependency
type Trigger string

// The triggers.
const (
	TriggerMCPFailure Trigger = "MCPFailure"
	TriggerManual     Trigger = "Manual"
	TriggerProactive  Trigger = "Proactive"
	TriggerDependency Trigger = "Dependency"
)

// ErrorClass is the class of a failed MCP call. docs/reference/failures.md tells them apart, and what each leads to.
// +kubebuilder:validation:Enum=ConnectionRefused;Timeout;DNS;Unavailable;SessionLost;Protocol;ToolError;Canceled;TLS;StreamCut;RateLimited;Unauthorized;TooLarge;DependencyDown;Internal;AddressRefused
type ErrorClass string

// The classes of failure. Those that a heal may cure have one recorded; the others are told to the caller and recorded by nobody.
const (
	ErrorConnectionRefused ErrorClass = "ConnectionRefused"
	ErrorTimeout           ErrorClass = "Timeout"
	ErrorDNS               ErrorClass = "DNS"
	ErrorUnavailable       ErrorClass = "Unavailable"
	ErrorSessionLost       ErrorClass = "SessionLost"
	ErrorProtocol          ErrorClass = "Protocol"
	ErrorToolError         ErrorClass = "ToolError"
	ErrorCanceled          ErrorClass = "Canceled"
	ErrorTLS               ErrorClass = "TLS"
	ErrorStreamCut         ErrorClass = "StreamCut"
	ErrorRateLimited       ErrorClass = "RateLimited"
	ErrorUnauthorized      ErrorClass = "Unauthorized"
	ErrorTooLarge          ErrorClass = "TooLarge"
	ErrorDependencyDown    ErrorClass = "DependencyDown"
	ErrorInternal          ErrorClass = "Internal"
	ErrorAddressRefused    ErrorClass = "AddressRefused"
)

// ObservedError is the failure that the caller saw. It is evidence, and never chooses an action.
type ObservedError struct {
	// class of the failure.
	// +optional
	Class ErrorClass `json:"class,omitempty"`

	// message of the failure, for people.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

	// endpoint that was called, as a URL without credentials or query.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Endpoint string `json:"endpoint,omitempty"`

	// tool that was called, if the failure was a tool call's.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Tool string `json:"tool,omitempty"`
}

// Mode says how far a heal may go by itself.
// +kubebuilder:validation:Enum=Auto;DryRun;Approval
type Mode string

// The modes.
const (
	// ModeAuto applies the plan.
	ModeAuto Mode = "Auto"
	// ModeDryRun writes the plan and changes nothing.
	ModeDryRun Mode = "DryRun"
	// ModeApproval waits for spec.approval before it applies the plan.
	ModeApproval Mode = "Approval"
)

// Approval is a person's answer to a plan.
// +kubebuilder:validation:Enum=Approved;Denied
type Approval string

// The answers.
const (
	ApprovalApproved Approval = "Approved"
	ApprovalDenied   Approval = "Denied"
)

// HealingRequestSpec says what to heal and how far to go. All of it but the approval is fixed at creation.
// +kubebuilder:validation:XValidation:rule="self.targetRef == oldSelf.targetRef",message="spec.targetRef cannot be changed: create another HealingRequest for another target"
// +kubebuilder:validation:XValidation:rule="has(self.trigger) == has(oldSelf.trigger) && (!has(self.trigger) || self.trigger == oldSelf.trigger)",message="spec.trigger cannot be changed"
// +kubebuilder:validation:XValidation:rule="has(self.error) == has(oldSelf.error) && (!has(self.error) || self.error == oldSelf.error)",message="spec.error cannot be changed"
// +kubebuilder:validation:XValidation:rule="has(self.requestedBy) == has(oldSelf.requestedBy) && (!has(self.requestedBy) || self.requestedBy == oldSelf.requestedBy)",message="spec.requestedBy cannot be changed"
// +kubebuilder:validation:XValidation:rule="has(self.mode) == has(oldSelf.mode) && (!has(self.mode) || self.mode == oldSelf.mode)",message="spec.mode cannot be changed: create another HealingRequest with the mode that you want"
// +kubebuilder:validation:XValidation:rule="has(self.timeout) == has(oldSelf.timeout) && (!has(self.timeout) || duration(self.timeout) == duration(oldSelf.timeout))",message="spec.timeout cannot be changed: create another HealingRequest with the timeout that you want"
// +kubebuilder:validation:XValidation:rule="has(self.expectedTools) == has(oldSelf.expectedTools) && (!has(self.expectedTools) || self.expectedTools == oldSelf.expectedTools)",message="spec.expectedTools cannot be changed"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.approval) || (has(self.approval) && (self.approval == oldSelf.approval || self.approval == 'Denied'))",message="spec.approval cannot be taken back once it is given; Approved can still become Denied, which stops the heal"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.approvedBy) || !has(oldSelf.approval) || !has(self.approval) || oldSelf.approval != self.approval || (has(self.approvedBy) && self.approvedBy == oldSelf.approvedBy)",message="spec.approvedBy cannot be changed without spec.approval"
type HealingRequestSpec struct {
	// targetRef names what to heal, in this namespace.
	// +required
	TargetRef TargetReference `json:"targetRef"`

	// trigger says what asked for the heal.
	// +kubebuilder:default=Manual
	// +optional
	Trigger Trigger `json:"trigger,omitempty"`

	// error is the failure that the caller saw.
	// +optional
	Error *ObservedError `json:"error,omitempty"`

	// requestedBy names who asked: a user, a ServiceAccount, a program.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	RequestedBy string `json:"requestedBy,omitempty"`

	// mode says how far the heal may go by itself. Empty means what the policy says, which is Auto by default. A mode that is looser
	// than the policy's has no effect.
	// +optional
	Mode Mode `json:"mode,omitempty"`

	// timeout bounds the whole heal, from 10s to 30m. Empty means what the policy says, which is 120s by default. One that is
	// longer than the policy's has no effect.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))+$') && duration(self) >= duration('10s') && duration(self) <= duration('30m')",message="spec.timeout must be a duration from 10s to 30m, for example 120s"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// expectedTools are the names of the tools that the server had while it worked. A server that comes back without one of them is
	// not healed. Empty means those of the last heal that was verified.
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=128
	// +listType=set
	// +optional
	ExpectedTools []string `json:"expectedTools,omitempty"`

	// approval answers a plan that waits for a person. Approved also lets a request through that a cooldown, a count of attempts or
	// the storm brake holds back. Denied stops the heal, at any moment.
	// +optional
	Approval Approval `json:"approval,omitempty"`

	// approvedBy names who gave the approval, for the record.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ApprovedBy string `json:"approvedBy,omitempty"`
}

// Phase sums up the conditions for people. Programs read the conditions.
// +kubebuilder:validation:Enum=Pending;Diagnosing;Blocked;AwaitingApproval;Remediating;Verifying;Succeeded;Failed
type Phase string

// The phases. Succeeded and Failed are terminal and never change.
const (
	PhasePending          Phase = "Pending"
	PhaseDiagnosing       Phase = "Diagnosing"
	PhaseBlocked          Phase = "Blocked"
	PhaseAwaitingApproval Phase = "AwaitingApproval"
	PhaseRemediating      Phase = "Remediating"
	PhaseVerifying        Phase = "Verifying"
	PhaseSucceeded        Phase = "Succeeded"
	PhaseFailed           Phase = "Failed"
)

// Confidence says how sure a finding is.
// +kubebuilder:validation:Enum=Certain;Likely;Possible
type Confidence string

// The confidences, surest first.
const (
	Certain  Confidence = "Certain"
	Likely   Confidence = "Likely"
	Possible Confidence = "Possible"
)

// ObjectReference names an object, and the state of it that was looked at.
type ObjectReference struct {
	// kind of the object.
	// +kubebuilder:validation:MaxLength=63
	// +required
	Kind string `json:"kind"`

	// name of the object.
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// namespace of the object, where it is another than the request's. Empty for a kind that has none, such as a Node.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// uid of the object, so that another one of the same name is never changed in its place.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// resourceVersion of the object when it was looked at.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	ResourceVersion string `json:"resourceVersion,omitempty"`

	// generation of the object when it was looked at. A change of the spec since then stops the plan.
	// +optional
	Generation int64 `json:"generation,omitempty"`
}

// Finding is one thing that is wrong, with what proves it.
type Finding struct {
	// cause is the name of the finding in the catalogue of causes.
	// +required
	Cause Cause `json:"cause"`

	// detail tells variants of a cause apart, in one word: which resource of a quota, which property of a volume claim.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Detail string `json:"detail,omitempty"`

	// object that is at fault.
	// +required
	Object ObjectReference `json:"object"`

	// message says in one sentence what is wrong.
	// +kubebuilder:validation:MaxLength=1024
	// +required
	Message string `json:"message"`

	// evidence is what a person would accept as proof, redacted and bounded.
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:MaxLength=512
	// +listType=atomic
	// +optional
	Evidence []string `json:"evidence,omitempty"`

	// confidence says how sure the finding is.
	// +optional
	Confidence Confidence `json:"confidence,omitempty"`
}

// Risk says how much an action can hurt.
// +kubebuilder:validation:Enum=None;Low;Medium;High
type Risk string

// The risks.
const (
	RiskNone   Risk = "None"
	RiskLow    Risk = "Low"
	RiskMedium Risk = "Medium"
	RiskHigh   Risk = "High"
)

// PlannedAction is a change as data: it is written down before anything is touched.
type PlannedAction struct {
	// type of the action.
	// +required
	Type ActionType `json:"type"`

	// object to change.
	// +required
	Object ObjectReference `json:"object"`

	// permission that the policy gives for it: Auto, or Approval if a person has to answer first.
	// +optional
	Permission Permission `json:"permission,omitempty"`

	// replicas is the count that a Scale action sets.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// revision is the ReplicaSet or ControllerRevision whose template a Rollback action returns to.
	// +optional
	Revision *ObjectReference `json:"revision,omitempty"`

	// revisionNumber is the number of that revision, as kubectl rollout history shows it.
	// +optional
	RevisionNumber int64 `json:"revisionNumber,omitempty"`

	// container whose limit a RaiseMemoryLimit action raises.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Container string `json:"container,omitempty"`

	// memoryLimit is the limit that a RaiseMemoryLimit action sets.
	// +optional
	MemoryLimit *resource.Quantity `json:"memoryLimit,omitempty"`

	// pods that a DeletePods action deletes. With a change of the template they are those that are not ready and that its rollout
	// would wait for in vain: they are deleted right after it.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Pods []ObjectReference `json:"pods,omitempty"`

	// patch that a Patch action applies.
	// +optional
	Patch *Patch `json:"patch,omitempty"`

	// dependency is the Service that a HealDependency action has healed.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Dependency string `json:"dependency,omitempty"`

	// risk of the action.
	// +optional
	Risk Risk `json:"risk,omitempty"`

	// reversible says whether the action can be undone.
	// +optional
	Reversible bool `json:"reversible,omitempty"`

	// reason says in one sentence why this action.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Reason string `json:"reason,omitempty"`

	// detail says in one sentence what is done once it is: from what to what.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Detail string `json:"detail,omitempty"`

	// undo is a kubectl command that takes the change back, where one does.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Undo string `json:"undo,omitempty"`
}

// PatchType is the type of a patch, as kubectl patch names it.
// +kubebuilder:validation:Enum=strategic;merge;json
type PatchType string

// The patch types.
const (
	PatchStrategic PatchType = "strategic"
	PatchMerge     PatchType = "merge"
	PatchJSON      PatchType = "json"
)

// Patch is a change of one object, in full.
type Patch struct {
	// type of the patch.
	// +required
	Type PatchType `json:"type"`

	// data of the patch, as JSON.
	// +kubebuilder:validation:MaxLength=1024
	// +required
	Data string `json:"data"`
}

// Plan is what the heal means to do. Only its first action runs: if that does not help, the target is diagnosed anew
// and a new plan is made without what was tried.
type Plan struct {
	// actions in the order in which they would be tried.
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	// +optional
	Actions []PlannedAction `json:"actions,omitempty"`
}

// ActionState says what became of an action.
// +kubebuilder:validation:Enum=Applied;Verified;Ineffective;Failed;Skipped
type ActionState string

// The states of an action that was begun.
const (
	// ActionApplied: the cluster shows the change; not yet verified.
	ActionApplied ActionState = "Applied"
	// ActionVerified: the change is there and the target answers.
	ActionVerified ActionState = "Verified"
	// ActionIneffective: the change is there and the target still does not answer.
	ActionIneffective ActionState = "Ineffective"
	// ActionFailed: the API server refused the change.
	ActionFailed ActionState = "Failed"
	// ActionSkipped: the object had moved since the plan was made; nothing was changed.
	ActionSkipped ActionState = "Skipped"
)

// ActionResult is an action that was begun.
type ActionResult struct {
	// type of the action.
	// +required
	Type ActionType `json:"type"`

	// object that was changed.
	// +required
	Object ObjectReference `json:"object"`

	// state of the action.
	// +required
	State ActionState `json:"state"`

	// appliedAt is when the change was made or, after a crash, found to be made.
	// +optional
	AppliedAt *metav1.MicroTime `json:"appliedAt,omitempty"`

	// detail says in one sentence what was done: before and after.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Detail string `json:"detail,omitempty"`

	// undo is a kubectl command that takes the change back, where one does.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Undo string `json:"undo,omitempty"`
}

// ProgressEntry is one step of a heal, told to the people who wait for it.
type ProgressEntry struct {
	// time of the step.
	// +required
	Time metav1.MicroTime `json:"time"`

	// phase that the request was in.
	// +required
	Phase Phase `json:"phase"`

	// message says what is looked at, found or done.
	// +kubebuilder:validation:MaxLength=512
	// +required
	Message string `json:"message"`
}

// Verdict is the outcome of a verification. Unknown is never success.
// +kubebuilder:validation:Enum=Passed;Failed;Unknown
type Verdict string

// The verdicts.
const (
	VerdictPassed  Verdict = "Passed"
	VerdictFailed  Verdict = "Failed"
	VerdictUnknown Verdict = "Unknown"
)

// CheckResult is one check of a verification.
type CheckResult struct {
	// name of the check: Dependency, Rollout, Endpoints, Handshake, Tools or Stability.
	// +kubebuilder:validation:MaxLength=32
	// +required
	Name string `json:"name"`

	// verdict of the check.
	// +required
	Verdict Verdict `json:"verdict"`

	// message says what was seen.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Message string `json:"message,omitempty"`
}

// Verification is how the target was seen to work again, or not.
type Verification struct {
	// verdict of all checks together.
	// +required
	Verdict Verdict `json:"verdict"`

	// checks that were made, in order.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	Checks []CheckResult `json:"checks,omitempty"`

	// tools are the names of the tools that the server was seen to have, in order, the first 128 of them.
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=128
	// +listType=atomic
	// +optional
	Tools []string `json:"tools,omitempty"`
}

// MaxProgress bounds status.progress. The list is only ever appended to, so an index names an entry for good.
const MaxProgress = 64

// HealingRequestStatus is what became of the request.
type HealingRequestStatus struct {
	// phase sums up the conditions for people.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// observedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Diagnosed, Planned, Remediated, Verified, Complete.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// workloadRef is the workload behind the target, once it is known.
	// +optional
	WorkloadRef *ObjectReference `json:"workloadRef,omitempty"`

	// serviceRef is the Service through which the target is verified, once it is known.
	// +optional
	ServiceRef *ObjectReference `json:"serviceRef,omitempty"`

	// cause is the root cause.
	// +optional
	Cause Cause `json:"cause,omitempty"`

	// diagnosis tells the root cause and its evidence to people, in one paragraph.
	// +kubebuilder:validation:MaxLength=4096
	// +optional
	Diagnosis string `json:"diagnosis,omitempty"`

	// findings are all that is wrong, the root cause first.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Findings []Finding `json:"findings,omitempty"`

	// plan is what the heal means to do. It is written before anything is touched.
	// +optional
	Plan *Plan `json:"plan,omitempty"`

	// actions are the actions that were begun, in order, of one plan after another.
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	// +optional
	Actions []ActionResult `json:"actions,omitempty"`

	// fixApplied says what was changed. It is set if and only if the cluster shows the change.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	FixApplied string `json:"fixApplied,omitempty"`

	// recommendation says what a person should do, where Cortex could not or may not.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	Recommendation string `json:"recommendation,omitempty"`

	// suggestedPatch is a ready kubectl command for what is recommended, where one line does it.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	SuggestedPatch string `json:"suggestedPatch,omitempty"`

	// progress tells each step to the people who wait. Entries are appended, never changed.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Progress []ProgressEntry `json:"progress,omitempty"`

	// attempts counts the actions that were applied.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`

	// blockedUntil is when a blocked request is looked at again. It is empty where no clock tells: it then goes on when another
	// heal ends or the storm is over.
	// +optional
	BlockedUntil *metav1.Time `json:"blockedUntil,omitempty"`

	// policies are the HealingPolicies that were applied. It is empty where only the defaults were.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +listType=atomic
	// +optional
	Policies []string `json:"policies,omitempty"`

	// startedAt is when the operator took up the request. The timeout counts from here.
	// +optional
	StartedAt *metav1.MicroTime `json:"startedAt,omitempty"`

	// deadline is when the heal must be over. It moves while the request is blocked or waits for a person.
	// +optional
	Deadline *metav1.MicroTime `json:"deadline,omitempty"`

	// completedAt is when the request ended.
	// +optional
	CompletedAt *metav1.MicroTime `json:"completedAt,omitempty"`

	// duration from startedAt to completedAt, rounded to milliseconds.
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Duration string `json:"duration,omitempty"`

	// verification is how the target was seen to work again, or not.
	// +optional
	Verification *Verification `json:"verification,omitempty"`
}

// HealingRequest asks Cortex to find out why an MCP server does not answer, to fix that where it is safe, and to
// prove the fix. It stays as the record of what happened.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=heal,categories=cortex
// +kubebuilder:selectablefield:JSONPath=`.spec.targetRef.name`
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.targetRef.name`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Cause",type=string,JSONPath=`.status.cause`
// +kubebuilder:printcolumn:name="Fix",type=string,JSONPath=`.status.fixApplied`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Trigger",type=string,priority=1,JSONPath=`.spec.trigger`
// +kubebuilder:printcolumn:name="Mode",type=string,priority=1,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Duration",type=string,priority=1,JSONPath=`.status.duration`
// +kubebuilder:printcolumn:name="Blocked-Until",type=string,priority=1,JSONPath=`.status.blockedUntil`
// +kubebuilder:printcolumn:name="Recommendation",type=string,priority=1,JSONPath=`.status.recommendation`
type HealingRequest struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what to heal.
	// +required
	Spec HealingRequestSpec `json:"spec"`

	// status says what became of it.
	// +optional
	Status HealingRequestStatus `json:"status,omitempty"`
}

// HealingRequestList is a list of HealingRequests.
// +kubebuilder:object:root=true
type HealingRequestList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HealingRequest `json:"items"`
}
