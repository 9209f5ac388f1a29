// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Status is how the programs are.
type Status struct {
	Programs []ProgramStatus `json:"programs"`
}

// ProgramStatus is how one program is.
type ProgramStatus struct {
	Name string `json:"name"`
	// PID is its number in the node's process namespace, 0 before it starts.
	PID     int    `json:"pid"`
	Healthy bool   `json:"healthy"`
	Problem string `json:"problem,omitempty"`
	// Ended says how the program ended and the last lines of its log, if it did.
	Ended string `json:"ended,omitempty"`
}

// Healthy tells whether all programs are.
func (s Status) Healthy() bool {
	for _, p := range s.Programs {
		if !p.Healthy {
			return false
		}
	}
	return true
}

// Ended is the first program that ended, if one did.
func (s Status) Ended() (ProgramStatus, bool) {
	for _, p := range s.Programs {
		if p.Ended != "" {
			return p, true
		}
	}
	return ProgramStatus{}, false
}

// Status asks every program for its health.
func (s *Supervisor) Status(ctx context.Context) Status {
	status := Status{Programs: make([]ProgramStatus, len(s.programs))}
	var asked sync.WaitGroup
	for i, p := range s.programs {
		asked.Go(func() { status.Programs[i] = s.statusOf(ctx, p) })
	}
	asked.Wait()
	return status
}

func (s *Supervisor) statusOf(ctx context.Context, p *program) ProgramStatus {
	p.mu.Lock()
	status := ProgramStatus{Name: p.Name, PID: p.pid, Ended: p.ended}
	p.mu.Unlock()
	switch {
	case status.Ended != "":
		status.Problem = "ended"
	case status.PID == 0:
		status.Problem = "not started yet"
	default:
		if err := s.health.check(ctx, p.Health); err != nil {
			status.Problem = err.Error()
		} else {
			status.Healthy = true
		}
	}
	return status
}

// Serve answers on a unix socket with the status, until ctx ends.
func (s *Supervisor) Serve(ctx context.Context, socket string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listening for status requests: %w", err)
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(s.Status(r.Context())); err != nil {
				log.Printf("answering a status request: %v", err)
			}
		}),
	}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() {
		if err := server.Serve(listener); err != nil && ctx.Err() == nil {
			log.Printf("serving status requests: %v", err)
		}
	}()
	return nil
}

// Ask gets the status from a supervisor's socket.
func Ask(ctx context.Context, socket string) (Status, error) {
	client := &http.Client{
		Timeout: 2 * answerWithin,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			},
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://supervisor/", nil)
	if err != nil {
		return Status{}, fmt.Errorf("preparing a status request: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return Status{}, fmt.Errorf("asking the supervisor: %w", err)
	}
	defer response.Body.Close()
	var status Status
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return Status{}, fmt.Errorf("reading the supervisor's answer: %w", err)
	}
	return status, nil
}
