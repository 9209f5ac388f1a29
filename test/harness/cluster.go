// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package harness drives Cortex in a real cluster as its users do: over HTTP and the Kubernetes API. The e2e tests and the
// benchmarks stand on it. It needs a cluster whose Service and pod addresses can be reached from here, as those of
// hack/localkube can.
package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Namespace that everything runs in, as in the spec.
const Namespace = "cortex-system"

const (
	// poll is the pause between two looks at something that a test waits for.
	poll = 50 * time.Millisecond
	// Patience bounds every wait for what is bound to come, on the slowest machine: a wait that succeeds costs nothing.
	Patience = 5 * time.Minute
)

// Cluster is a cluster with Cortex and the sample servers installed.
type Cluster struct {
	client.WithWatch
	Config     *rest.Config
	Clientset  kubernetes.Interface
	Kubeconfig string

	tokenMu sync.Mutex
	token   string
}

// Connect connects to the cluster that the environment variable E2E_KUBECONFIG names. It never takes the user's own
// KUBECONFIG: these tests break things.
func Connect() (*Cluster, error) {
	path := os.Getenv("E2E_KUBECONFIG")
	if path == "" {
		return nil, errors.New("E2E_KUBECONFIG is not set: run `make test-e2e` or `make bench-heal`, which start a cluster and set it")
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	config.QPS, config.Burst = 200, 400
	config.WarningHandler = rest.NoWarnings{} // of Pod Security levels that the faults mean to break
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("building the client: %w", err)
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("building the clientset: %w", err)
	}
	return &Cluster{WithWatch: c, Config: config, Clientset: clientset, Kubeconfig: path}, nil
}

// Deployment reads a Deployment.
func (c *Cluster) Deployment(ctx context.Context, name string) (*appsv1.Deployment, error) {
	var deployment appsv1.Deployment
	err := c.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, &deployment)
	return &deployment, err
}

// Scale sets replicas and waits until that many pods, and no other, are there and ready.
func (c *Cluster) Scale(ctx context.Context, name string, replicas int32) error {
	deployment, err := c.Deployment(ctx, name)
	if err != nil {
		return err
	}
	before := deployment.DeepCopy()
	deployment.Spec.Replicas = &replicas
	if err := c.Patch(ctx, deployment, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("scaling %s to %d: %w", name, replicas, err)
	}
	return c.Settled(ctx, name)
}

// Settled waits until a Deployment is rolled out and no pod of it is left over.
func (c *Cluster) Settled(ctx context.Context, name string) error {
	return c.Until(ctx, "Deployment "+name+" to settle", func(ctx context.Context) (bool, error) {
		deployment, err := c.Deployment(ctx, name)
		if err != nil {
			return false, err
		}
		pods, err := c.Pods(ctx, deployment.Spec.Selector)
		if err != nil {
			return false, err
		}
		want, status := *deployment.Spec.Replicas, deployment.Status
		return status.ObservedGeneration >= deployment.Generation && status.UpdatedReplicas == want &&
			status.AvailableReplicas == want && len(pods) == int(want), nil
	})
}

// Pods lists the pods that a selector selects.
func (c *Cluster) Pods(ctx context.Context, selector *metav1.LabelSelector) ([]corev1.Pod, error) {
	labels, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, err
	}
	var pods corev1.PodList
	err = c.List(ctx, &pods, client.InNamespace(Namespace), client.MatchingLabelsSelector{Selector: labels})
	return pods.Items, err
}

// Requests lists the HealingRequests of a target, oldest first.
func (c *Cluster) Requests(ctx context.Context, target string) ([]v1alpha1.HealingRequest, error) {
	var requests v1alpha1.HealingRequestList
	err := c.List(ctx, &requests, client.InNamespace(Namespace), client.MatchingLabels{v1alpha1.LabelTarget: target})
	return requests.Items, err
}

// Forget deletes every HealingRequest, so that the next test begins with none, and every Event: after a hundred tests there are more than
// a diagnosis reads.
func (c *Cluster) Forget(ctx context.Context) error {
	return errors.Join(c.DeleteAllOf(ctx, &v1alpha1.HealingRequest{}, client.InNamespace(Namespace)),
		c.DeleteAllOf(ctx, &corev1.Event{}, client.InNamespace(Namespace)))
}

// Address is the address of a Service's only port.
func (c *Cluster) Address(ctx context.Context, service string) (string, error) {
	var s corev1.Service
	if err := c.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: service}, &s); err != nil {
		return "", fmt.Errorf("reading Service %s: %w", service, err)
	}
	return net.JoinHostPort(s.Spec.ClusterIP, strconv.Itoa(int(s.Spec.Ports[0].Port))), nil
}

// Here is the address of this machine that pods can reach: the one from which it reaches them.
func (c *Cluster) Here(ctx context.Context) (string, error) {
	gateway, err := c.Address(ctx, "cortex-api")
	if err != nil {
		return "", err
	}
	// A UDP socket that is connected has a route, and has sent nothing.
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", gateway)
	if err != nil {
		return "", fmt.Errorf("looking for a way to %s: %w", gateway, err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String(), nil
}

// Until polls until done reports true. Its error names what was awaited, and the last thing that went wrong.
func (c *Cluster) Until(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, poll, true, func(ctx context.Context) (bool, error) {
		ok, err := done(ctx)
		last = err
		return ok && err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, errors.Join(err, last))
	}
	return nil
}
