// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/foreign"
)

// maxAsked bounds the questions to the API server about one caller at a time.
const maxAsked = 16

// errInvalid is the error of an Authenticator that knows that a token is not good. Any other error means that it does not know.
var errInvalid = errors.New("the token is not valid")

// Authenticator tells who holds a token.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (User, error)
	// How says how to get a token.
	How() string
}

// Right is one verb on one object of our API group. An empty name means all.
type Right struct {
	Verb, Resource string
	types.NamespacedName
}

// toUse is the right to use an MCP server.
func toUse(server types.NamespacedName) Right { return Right{Verb, Resource, server} }

// Authorizer tells whether a user has a right. An error means that it does not know.
type Authorizer interface {
	May(ctx context.Context, user User, right Right) (bool, error)
}

// Options of a Gate.
type Options struct {
	Authenticator Authenticator
	Authorizer    Authorizer
	// Servers lists the MCP servers that there are. A caller who may use none of them is let in nowhere: any pod of the cluster
	// can get a token, and what a question costs is somebody's money.
	Servers func() []types.NamespacedName
	// Registry takes the metric of refusals. Nil takes none.
	Registry prometheus.Registerer
	Clock    clock.Clock
	Log      logr.Logger
}

// Gate is what a call has to pass. It is safe for concurrent use.
type Gate struct {
	Options
	// entered remembers who may use any server at all.
	entered  *memory[[sha256.Size]byte, bool]
	refusals *prometheus.CounterVec
	// open is set by Open alone.
	open bool
}

// NewGate makes a Gate.
func NewGate(o Options) *Gate {
	g := &Gate{Options: o, entered: newMemory[[sha256.Size]byte, bool](o.Clock), refusals: newRefusals()}
	if o.Registry != nil {
		o.Registry.MustRegister(g.refusals)
	}
	return g
}

// Guard lets through who is known and may use a server, and puts the User into the request's context. The token goes no
// further: the request that is passed on has no Authorization.
func (g *Gate) Guard(next http.Handler) http.Handler {
	if g.open {
		return letIn(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := g.caller(r)
		if err == nil {
			err = g.enter(r.Context(), user)
		}
		if err != nil {
			refusal := *g.refused(r, user, err)
			refusal.challenge = g.pointed(r, refusal.challenge)
			refusal.WriteTo(w)
			return
		}
		r = r.WithContext(withIdentified(r.Context(), user))
		r.Header.Del("Authorization")
		next.ServeHTTP(w, r)
	})
}

func (g *Gate) caller(r *http.Request) (User, error) {
	token, err := bearer(r, g.Authenticator.How())
	if err != nil {
		return User{}, err
	}
	user, err := g.Authenticator.Authenticate(r.Context(), token)
	switch {
	case errors.Is(err, errInvalid):
		return User{}, unknown("this token is not valid, has expired, or is for another audience", g.Authenticator.How(), "invalid_token")
	case err != nil:
		return User{}, unsure("who you are could not be found out, so nothing was done; try again", err)
	}
	return user, nil
}

// enter asks whether there is any server that the user may use.
func (g *Gate) enter(ctx context.Context, user User) error {
	some, err := g.entered.get(ctx, user.id, func(ctx context.Context) (answer[bool], error) {
		servers := g.Servers()
		if len(servers) == 0 {
			servers = []types.NamespacedName{{}}
		}
		usable, err := g.usable(ctx, user, servers)
		return answer[bool]{yes: len(usable) > 0}, err
	})
	if err == nil && !some.yes {
		return forbidden(user, types.NamespacedName{})
	}
	return err
}

// MayUse is nil if the user of a context may use a server, else a *Refusal.
func (g *Gate) MayUse(ctx context.Context, server types.NamespacedName) error {
	user, known := FromContext(ctx)
	if !known {
		return unknown("nobody was asked who they are", g.Authenticator.How(), "")
	}
	may, err := g.Authorizer.May(ctx, user, toUse(server))
	switch {
	case err != nil:
		return unsure("whether you may use "+server.String()+" could not be found out, so nothing was done; try again", err)
	case !may:
		return forbidden(user, server)
	}
	return nil
}

// Refused counts an error of MayUse that a caller was told.
func (g *Gate) Refused(err error) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		g.refusals.WithLabelValues(refusal.reason()).Inc()
	}
}

// MayAnswer tells who calls, and whether they may answer the question that a HealingRequest asks: whoever may patch it with kubectl.
func (g *Gate) MayAnswer(r *http.Request, heal types.NamespacedName) (who string, may bool, err error) {
	user, known := FromContext(r.Context())
	if !known {
		return "", false, nil
	}
	may, err = g.Authorizer.May(r.Context(), user, Right{"patch", "healingrequests", heal})
	return Caller(r), may, err
}

// Usable are those servers that the user of a context may use. An error is a *Refusal, and then there is no list: a list that
// lacks what could not be asked for would be taken for the truth.
func Usable[S interface{ Key() types.NamespacedName }](ctx context.Context, g *Gate, servers []S) ([]S, error) {
	user, known := FromContext(ctx)
	if !known {
		return nil, unknown("nobody was asked who they are", g.Authenticator.How(), "")
	}
	keys := make([]types.NamespacedName, len(servers))
	for i, server := range servers {
		keys[i] = server.Key()
	}
	may, err := g.usable(ctx, user, keys)
	if err != nil {
		return nil, err
	}
	usable := make([]S, 0, len(may))
	for _, server := range servers {
		if may[server.Key()] {
			usable = append(usable, server)
		}
	}
	return usable, nil
}

func (g *Gate) usable(ctx context.Context, user User, servers []types.NamespacedName) (map[types.NamespacedName]bool, error) {
	may := make([]bool, len(servers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxAsked)
	for i, server := range servers {
		group.Go(func() (err error) {
			may[i], err = g.Authorizer.May(ctx, user, toUse(server))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, unsure("which MCP servers you may use could not be found out, so nothing was done; try again", err)
	}
	usable := map[types.NamespacedName]bool{}
	for i, server := range servers {
		if may[i] {
			usable[server] = true
		}
	}
	return usable, nil
}

func (g *Gate) refused(r *http.Request, user User, err error) *Refusal {
	refusal := &Refusal{}
	if !errors.As(err, &refusal) {
		refusal = unsure("whether you may do this could not be found out", err)
	}
	g.refusals.WithLabelValues(refusal.reason()).Inc()
	log := g.Log
	if refusal.Status != http.StatusForbidden && refusal.Status != http.StatusServiceUnavailable {
		log = log.V(1) // anybody can make these, as many as they like
	}
	log.Info("a caller is refused", "status", refusal.Status, "user", foreign.Line(user.Name, maxName), "path", foreign.Line(r.URL.Path, 256), "from", r.RemoteAddr)
	return refusal
}
