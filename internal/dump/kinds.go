// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// errOther: no check looks at objects of this kind.
var errOther = errors.New("nothing is looked at in it")

// looksAt reports whether objects of a kind are looked at.
func looksAt(kind string) bool {
	return !errors.Is((&Reader{}).add(kind, []byte("{}")), errOther)
}

// add decodes one object into the list that it belongs to. What no check looks at is errOther.
func (r *Reader) add(kind string, raw []byte) error {
	o := &r.objects
	switch kind {
	case snapshot.KindService:
		return into(r, raw, &o.Services)
	case snapshot.KindEndpointSlice:
		return lightInto(r, raw, &o.EndpointSlices)
	case "Endpoints":
		return r.addEndpoints(raw)
	case snapshot.KindDeployment:
		return into(r, raw, &o.Deployments)
	case snapshot.KindStatefulSet:
		return into(r, raw, &o.StatefulSets)
	case snapshot.KindDaemonSet:
		return into(r, raw, &o.DaemonSets)
	case snapshot.KindReplicaSet:
		return lightInto(r, raw, &o.ReplicaSets)
	case snapshot.KindControllerRevision:
		return lightInto(r, raw, &o.ControllerRevisions)
	case snapshot.KindPod:
		return lightInto(r, raw, &o.Pods)
	case snapshot.KindEvent:
		return r.addEvent(raw)
	case snapshot.KindConfigMap:
		return into(r, raw, &o.ConfigMaps)
	case snapshot.KindSecret:
		return r.addSecret(raw)
	case snapshot.KindServiceAccount:
		return into(r, raw, &o.ServiceAccounts)
	case snapshot.KindPersistentVolumeClaim:
		return into(r, raw, &o.Claims)
	case snapshot.KindPersistentVolume:
		return into(r, raw, &o.Volumes)
	case snapshot.KindStorageClass:
		return into(r, raw, &o.StorageClasses)
	case snapshot.KindNode:
		return into(r, raw, &o.Nodes)
	case snapshot.KindLease:
		return into(r, raw, &o.Leases)
	case snapshot.KindNamespace:
		return into(r, raw, &o.Namespaces)
	case snapshot.KindResourceQuota:
		return into(r, raw, &o.Quotas)
	case snapshot.KindLimitRange:
		return into(r, raw, &o.LimitRanges)
	case snapshot.KindNetworkPolicy:
		return into(r, raw, &o.NetworkPolicies)
	case snapshot.KindHorizontalPodAutoscaler:
		return into(r, raw, &o.Autoscalers)
	case snapshot.KindPodDisruptionBudget:
		return into(r, raw, &o.Budgets)
	case snapshot.KindIngress:
		return into(r, raw, &o.Ingresses)
	case snapshot.KindHTTPRoute:
		return r.addLoose(raw, &o.HTTPRoutes)
	case snapshot.KindPodMetrics:
		return into(r, raw, &o.PodMetrics)
	default:
		return errOther
	}
}

// into decodes an object and appends it.
func into[T any](r *Reader, raw []byte, list *[]T) error {
	var one T
	if err := r.decode(raw, &one); err != nil {
		return err
	}
	*list = append(*list, one)
	return nil
}

// lightInto drops who wrote which field, about a third of an object, where there are many and nobody asks for it.
func lightInto[T any, P interface {
	*T
	metav1.Object
}](r *Reader, raw []byte, list *[]T) error {
	if err := into(r, raw, list); err != nil {
		return err
	}
	P(&(*list)[len(*list)-1]).SetManagedFields(nil)
	return nil
}

func (r *Reader) decode(raw []byte, into any) error {
	if r.Strict {
		return yaml.UnmarshalStrict(raw, into)
	}
	return json.Unmarshal(raw, into)
}

// addLoose decodes an object of which only a part has a type here.
func (r *Reader) addLoose(raw []byte, list *[]snapshot.HTTPRoute) error {
	var route snapshot.HTTPRoute
	if err := json.Unmarshal(raw, &route); err != nil {
		return err
	}
	*list = append(*list, route)
	return nil
}

// addSecret keeps the names of the keys. The values are never decoded.
func (r *Reader) addSecret(raw []byte) error {
	var read struct {
		snapshot.Secret
		Data       map[string]json.RawMessage `json:"data"`
		StringData map[string]json.RawMessage `json:"stringData"`
	}
	if err := json.Unmarshal(raw, &read); err != nil {
		return fmt.Errorf("a Secret has another form: its text is not shown") // the error would quote it
	}
	secret := read.Secret
	secret.Annotations, secret.ManagedFields = nil, nil // kubectl apply keeps the whole manifest in one
	for _, values := range []map[string]json.RawMessage{read.Data, read.StringData} {
		for key := range values {
			secret.Keys = append(secret.Keys, key)
		}
	}
	slices.Sort(secret.Keys)
	secret.Keys = slices.Compact(secret.Keys)
	r.objects.Secrets = append(r.objects.Secrets, secret)
	return nil
}

// addEvent takes events of both APIs. They are one object with two faces (KEP-383).
func (r *Reader) addEvent(raw []byte) error {
	var newer struct {
		Regarding *corev1.ObjectReference `json:"regarding"`
		Note      string                  `json:"note"`
		First     metav1.Time             `json:"deprecatedFirstTimestamp"`
		Last      metav1.Time             `json:"deprecatedLastTimestamp"`
		Count     int32                   `json:"deprecatedCount"`
	}
	if err := json.Unmarshal(raw, &newer); err != nil {
		return err
	}
	if newer.Regarding == nil {
		return lightInto(r, raw, &r.objects.Events)
	}
	var event corev1.Event
	if err := json.Unmarshal(raw, &event); err != nil {
		return err
	}
	event.InvolvedObject, event.Message = *newer.Regarding, newer.Note
	event.FirstTimestamp, event.LastTimestamp, event.Count = newer.First, newer.Last, newer.Count
	r.objects.Events = append(r.objects.Events, event)
	return nil
}

// addEndpoints gives the older Endpoints the face of an EndpointSlice.
func (r *Reader) addEndpoints(raw []byte) error {
	var old corev1.Endpoints //nolint:staticcheck // older clusters and dumps have nothing else
	if err := r.decode(raw, &old); err != nil {
		return err
	}
	slice := discoveryv1.EndpointSlice{ObjectMeta: *old.ObjectMeta.DeepCopy(), AddressType: discoveryv1.AddressTypeIPv4}
	if slice.Labels == nil {
		slice.Labels = map[string]string{}
	}
	slice.Labels[discoveryv1.LabelServiceName] = old.Name
	for _, subset := range old.Subsets {
		for _, port := range subset.Ports {
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &port.Name, Port: &port.Port, Protocol: &port.Protocol, AppProtocol: port.AppProtocol})
		}
		for _, address := range subset.Addresses {
			slice.Endpoints = append(slice.Endpoints, endpoint(address.IP, address.TargetRef, true))
		}
		for _, address := range subset.NotReadyAddresses {
			slice.Endpoints = append(slice.Endpoints, endpoint(address.IP, address.TargetRef, false))
		}
	}
	r.endpoints = append(r.endpoints, slice)
	return nil
}

func endpoint(ip string, target *corev1.ObjectReference, ready bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{ip}, TargetRef: target, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
}
