// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const sandfly = "sandfly-mcp-server"

// server is the API server that the tests of this package share. It is started by the first that needs it.
var server struct {
	once sync.Once
	env  *envtest.Environment
	api  client.WithWatch
	err  error
}

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // as main does
	code := m.Run()
	if server.env != nil {
		_ = server.env.Stop()
	}
	os.Exit(code)
}

func startServer() {
	scheme := runtime.NewScheme()
	_ = clientgoscheme.AddToScheme(scheme)
	_ = v1alpha1.AddToScheme(scheme)
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../../config/crd/bases"}, ErrorIfCRDPathMissing: true,
		CRDInstallOptions: envtest.CRDInstallOptions{MaxTime: 3 * time.Minute}}
	config, err := env.Start()
	if server.err = err; err != nil {
		return
	}
	server.env = env
	server.api, server.err = client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// world is a namespace of an API server, without an operator: the test plays that.
type world struct {
	*testing.T
	api        client.WithWatch
	namespace  string
	kubeconfig string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test`, which builds etcd and kube-apiserver and sets it")
	}
	server.once.Do(startServer)
	if server.err != nil {
		t.Fatal(server.err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "cli-"}}
	if err := server.api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, api: server.api, namespace: namespace.Name, kubeconfig: file(t, "config", server.env.KubeConfig)}
	w.create(w.service(sandfly, map[string]string{v1alpha1.LabelMCPServer: "true"}), w.service("proxmox-mcp-server", nil), w.deployment("sandfly-cache"))
	return w
}

func (w *world) service(name string, labels map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: labels},
		Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: 3000}}}}
}

func (w *world) deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "a"}}}},
	}}
}

func (w *world) create(objects ...client.Object) {
	w.Helper()
	for _, obj := range objects {
		if err := w.api.Create(context.Background(), obj); err != nil {
			w.Fatal(err)
		}
	}
}

// args are a command line for this world.
func (w *world) args(line string, more ...string) []string {
	return append(append([]string{"-n", w.namespace, "--kubeconfig", w.kubeconfig}, strings.Fields(line)...), more...)
}

// ended is how a command ended.
type ended struct {
	code      int
	out, told string
}

// command runs a command line while the test plays the operator.
func (w *world) command(ctx context.Context, clock clock.Clock, args []string) <-chan ended {
	result := make(chan ended, 1)
	go func() {
		var out, complaints bytes.Buffer
		code := run(ctx, args, streams{strings.NewReader("y\n"), &out, &complaints}, clock)
		result <- ended{code, out.String(), complaints.String()}
	}()
	return result
}

func (w *world) start(line string, more ...string) <-chan ended {
	return w.command(w.Context(), clock.RealClock{}, w.args(line, more...))
}

func (w *world) run(line string, more ...string) ended {
	w.Helper()
	return w.await(w.start(line, more...))
}

func (w *world) await(result <-chan ended) ended {
	w.Helper()
	select {
	case e := <-result:
		return e
	case <-time.After(2 * time.Minute):
		w.Fatal("the command does not end")
		return ended{}
	}
}

// until watches the requests of the namespace until one is as it is wanted.
func (w *world) until(wanted func(*v1alpha1.HealingRequest) bool) *v1alpha1.HealingRequest {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	events, err := w.api.Watch(ctx, &v1alpha1.HealingRequestList{}, client.InNamespace(w.namespace))
	if err != nil {
		w.Fatal(err)
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if r, ok := event.Object.(*v1alpha1.HealingRequest); ok && wanted(r) {
			return r
		}
	}
	w.Fatal("no such request appears")
	return nil
}

func (w *world) appears() *v1alpha1.HealingRequest {
	w.Helper()
	return w.until(func(r *v1alpha1.HealingRequest) bool { return len(r.Status.Conditions) == 0 })
}

func (w *world) answered(approval v1alpha1.Approval) *v1alpha1.HealingRequest {
	w.Helper()
	return w.until(func(r *v1alpha1.HealingRequest) bool { return r.Spec.Approval == approval })
}

// request is one that somebody has created.
func (w *world) request(name string, options ...func(*v1alpha1.HealingRequest)) *v1alpha1.HealingRequest {
	w.Helper()
	r := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: sandfly}, RequestedBy: "cortex-gateway"}}
	for _, option := range options {
		option(r)
	}
	status := r.Status
	w.create(r)
	w.write(r, func(s *v1alpha1.HealingRequestStatus) { *s = status })
	return r
}

// write is a write of the operator's.
func (w *world) write(r *v1alpha1.HealingRequest, changes ...func(*v1alpha1.HealingRequestStatus)) {
	w.Helper()
	ctx := context.Background()
	if err := w.api.Get(ctx, client.ObjectKeyFromObject(r), r); err != nil {
		w.Fatal(err)
	}
	before := r.DeepCopy()
	for _, change := range changes {
		change(&r.Status)
	}
	r.Status.ObservedGeneration = r.Generation
	r.Status.Phase = r.DerivePhase()
	if err := w.api.Status().Patch(ctx, r, client.MergeFrom(before)); err != nil {
		w.Fatal(err)
	}
}

// as is a user without rights in the cluster.
func (w *world) as(name string) string {
	w.Helper()
	user, err := server.env.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		w.Fatal(err)
	}
	raw, err := user.KubeConfig()
	if err != nil {
		w.Fatal(err)
	}
	return file(w.T, filepath.Base(name), raw)
}

// viewer may look at everything of the namespace, as the roles for people in config/rbac/users say, and change nothing.
func (w *world) viewer(name string) {
	w.Helper()
	w.create(
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}}}},
		&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}},
	)
}
