// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/kube"
	"github.com/ry-ops/cortex/internal/mcp"
)

// How callers are asked who they are.
const (
	authKubernetes = "kubernetes"
	authOIDC       = "oidc"
	authNone       = "none"
)

const (
	// What a flood of made-up tokens may cost the API server, and no more: each new one is a question.
	askQPS   = 100
	askBurst = 200
	// issuerTimeout bounds one question to an issuer.
	issuerTimeout = 4 * time.Second
)

// authOptions are the flags about callers.
type authOptions struct {
	mode      string
	audiences string
	issuer    auth.IssuerOptions
	caFile    string
}

func (o *authOptions) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.mode, "auth", authKubernetes, "how callers prove who they are: kubernetes (a token of the cluster), oidc (an ID token), or none (only if --addr is a loopback address)")
	flags.StringVar(&o.audiences, "auth-audiences", "cortex", "with --auth=kubernetes: the audiences, separated by commas, of which a token must have one")
	flags.StringVar(&o.issuer.URL, "oidc-issuer-url", "", "with --auth=oidc: the issuer, an https `URL`")
	flags.StringVar(&o.issuer.Audience, "oidc-client-id", "", "with --auth=oidc: the client `ID` that a token must be for (its audience)")
	flags.StringVar(&o.issuer.UsernameClaim, "oidc-username-claim", "sub", "with --auth=oidc: the `claim` that is the user's name")
	flags.StringVar(&o.issuer.UsernamePrefix, "oidc-username-prefix", "", `with --auth=oidc: goes before the user's name; default: the issuer's URL and "#", but nothing before an email; "-" for nothing`)
	flags.StringVar(&o.issuer.GroupsClaim, "oidc-groups-claim", "", "with --auth=oidc: the `claim` that lists the user's groups")
	flags.StringVar(&o.issuer.GroupsPrefix, "oidc-groups-prefix", "", "with --auth=oidc: goes before the name of each group")
	flags.StringVar(&o.caFile, "oidc-ca-file", "", "with --auth=oidc: a `file` with the CA certificates of the issuer (default: the system's)")
}

func (o *authOptions) validate(addr string) error {
	switch o.mode {
	case authKubernetes:
		if len(o.audienceList()) == 0 {
			return errors.New("--auth-audiences is empty: name at least one, such as cortex")
		}
		return nil
	case authNone:
		if !loopback(addr) {
			return fmt.Errorf("--auth=none lets in everybody who can reach --addr=%s: listen on loopback with --addr=127.0.0.1:8000, or take --auth=kubernetes", addr)
		}
		return nil
	case authOIDC:
		return o.validateIssuer()
	default:
		return fmt.Errorf("--auth is %q: it must be kubernetes, oidc or none", o.mode)
	}
}

func (o *authOptions) validateIssuer() error {
	var errs []error
	if at, err := url.Parse(o.issuer.URL); err != nil || at.Scheme != "https" || at.Host == "" {
		errs = append(errs, fmt.Errorf("--oidc-issuer-url is %q: --auth=oidc needs the issuer's https URL", o.issuer.URL))
	}
	if o.issuer.Audience == "" {
		errs = append(errs, errors.New("--oidc-client-id is empty: --auth=oidc takes only tokens for one client"))
	}
	if o.issuer.UsernameClaim == "" {
		errs = append(errs, errors.New("--oidc-username-claim is empty: name the claim that tells who somebody is, such as sub"))
	}
	return errors.Join(errs...)
}

func (o *authOptions) audienceList() []string {
	return strings.FieldsFunc(o.audiences, func(r rune) bool { return r == ',' || r == ' ' })
}

// loopback reports whether nobody but this machine reaches an address to listen on.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && auth.Loopback(host)
}

// gate makes what every caller has to pass.
func (o *authOptions) gate(config *rest.Config, servers func() []*mcp.Server, registry prometheus.Registerer, log logr.Logger) (*auth.Gate, error) {
	if o.mode == authNone {
		return auth.Open(), nil
	}
	access, err := reviewer(config, authorizationv1.SchemeGroupVersion, "subjectaccessreviews", &authorizationv1.SubjectAccessReview{})
	if err != nil {
		return nil, err
	}
	options := auth.Options{Authorizer: auth.NewAccess(access, clock.RealClock{}), Servers: keysOf(servers), Registry: registry, Clock: clock.RealClock{}, Log: log}
	if o.mode == authKubernetes {
		tokens, err := reviewer(config, authenticationv1.SchemeGroupVersion, "tokenreviews", &authenticationv1.TokenReview{})
		if err != nil {
			return nil, err
		}
		options.Authenticator = auth.NewTokens(tokens, o.audienceList(), clock.RealClock{})
		return auth.NewGate(options), nil
	}
	issuer := o.issuer
	issuer.Clock = clock.RealClock{}
	issuer.UsernamePrefix = usernamePrefix(issuer)
	if issuer.Client, err = issuerClient(o.caFile); err != nil {
		return nil, err
	}
	options.Authenticator = auth.NewIssuer(issuer)
	return auth.NewGate(options), nil
}

// usernamePrefix is the prefix that kube-apiserver takes by default.
func usernamePrefix(o auth.IssuerOptions) string {
	switch {
	case o.UsernamePrefix == "-", o.UsernamePrefix == "" && o.UsernameClaim == "email":
		return ""
	case o.UsernamePrefix == "":
		return o.URL + "#"
	default:
		return o.UsernamePrefix
	}
}

// reviewer asks with a client of its own: questions about callers must not use up what heals may ask.
func reviewer[Question runtime.Object](config *rest.Config, group schema.GroupVersion, resource string, kind Question) (auth.Ask[Question], error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = askQPS, askBurst
	api, err := kube.Client(config, group, kind)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	return func(ctx context.Context, question Question) error {
		return api.Post().Resource(resource).Body(question).Do(ctx).Into(question)
	}, nil
}

func issuerClient(caFile string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if caFile != "" {
		certificates, err := os.ReadFile(caFile) //nolint:gosec // the flag names the file
		if err != nil {
			return nil, fmt.Errorf("--oidc-ca-file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(certificates) {
			return nil, fmt.Errorf("--oidc-ca-file: %s holds no certificate in PEM form", caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, Timeout: issuerTimeout}, nil
}

func keysOf(servers func() []*mcp.Server) func() []types.NamespacedName {
	return func() []types.NamespacedName {
		var keys []types.NamespacedName
		for _, server := range servers() {
			keys = append(keys, server.Key())
		}
		return keys
	}
}
