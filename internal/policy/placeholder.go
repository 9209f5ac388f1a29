package policy

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

type Block struct {
	Reason, Message string
	Until           time.Time
}
type Target struct {
	Request  types.UID
	Service  string
	Workload v1alpha1.ObjectReference
}

func For(service *corev1.Service, policies []v1alpha1.HealingPolicy) (Effective, error) {
	return Default(), nil
}
func (e Effective) ModeOf(m v1alpha1.Mode) v1alpha1.Mode {
	if m == "" {
		return e.Mode
	}
	return m
}
func (e Effective) TotalOf(d *metav1.Duration) time.Duration {
	if d == nil {
		return e.Timeouts.Total
	}
	return d.Duration
}
func (e Effective) Attempts(now time.Time, t Target, r []v1alpha1.HealingRequest) *Block { return nil }
func (e Effective) Cooldown(now time.Time, t Target, r []v1alpha1.HealingRequest) *Block { return nil }
func (e Effective) Brake(u, t int, engaged bool) *Block                                  { return nil }
func (e Effective) Concurrency(n, c int) *Block {
	if n >= e.Limits.MaxConcurrentPerNamespace {
		return &Block{Reason: v1alpha1.ReasonConcurrencyLimited, Message: "as many as may be"}
	}
	return nil
}
func (e Effective) InVain(now time.Time, t Target, cause v1alpha1.Cause, r []v1alpha1.HealingRequest) []v1alpha1.ActionResult {
	var tried []v1alpha1.ActionResult
	for i := range r {
		for _, action := range r[i].Status.Actions {
			recent := action.AppliedAt != nil && now.Sub(action.AppliedAt.Time) < e.Limits.Window
			// The action itself made the next generation.
			unchanged := action.Object.UID == t.Workload.UID && t.Workload.Generation <= action.Object.Generation+1
			if action.State == v1alpha1.ActionIneffective && recent && unchanged && r[i].UID != t.Request {
				tried = append(tried, action)
			}
		}
	}
	return tried
}
func (e Effective) Expired(now time.Time, requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	return nil
}
