// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package browser drives a real Chromium without a window, as a person with a keyboard does, and hears what it complains about.
// It stands on chromedp and not on rod, which downloads a browser of its own where it finds none.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"k8s.io/utils/ptr"
)

// ErrNone is why there is no Browser.
var ErrNone = errors.New("there is no chromium here (hack/chromium.sh installs it on Debian)")

const (
	// patience is how long something may take to show, on a machine that has much else to do.
	patience = 3 * time.Minute
	interval = 30 * time.Millisecond
)

// Browser is a running Chromium.
type Browser struct {
	ctx   context.Context
	close []context.CancelFunc
}

// Start starts a Chromium. The error is ErrNone if there is none.
func Start() (*Browser, error) {
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		return nil, ErrNone
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program))
	if os.Getuid() == 0 {
		flags = append(flags, chromedp.NoSandbox) // it refuses to run as root with one
	}
	allocated, release := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(allocated)
	b := &Browser{ctx: ctx, close: []context.CancelFunc{cancel, release}}
	if err := chromedp.Do(ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() {
	for _, end := range b.close {
		end()
	}
}

// Page is one page, with a store of its own. Close it.
type Page struct {
	ctx   context.Context
	Close func()
	// shots is where screenshots go, but for their names.
	shots string

	mu       sync.Mutex
	problems []string
}

// View is how a page is looked at.
type View struct {
	Width, Height int64
	Dark          bool
}

// Wide is a common desktop, and Narrow a telephone.
var (
	Wide   = View{Width: 1100, Height: 900}
	Narrow = View{Width: 360, Height: 740}
)

// Folder is where screenshots are kept: where SCREENSHOTS says, else in a folder that is there for the test alone.
func Folder(otherwise string) string {
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		return folder
	}
	return otherwise
}

// Open opens a page. Its screenshots go to a folder, which is made, and their names begin with a name.
func (b *Browser) Open(url, folder, name string, view View) (*Page, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the screenshots: %w", err)
	}
	p := &Page{shots: filepath.Join(folder, strings.ReplaceAll(name, "/", "-")+"-")}
	p.ctx, p.Close = chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	// The page lives as long as the context with which it is first used: it must not be that of one action.
	if err := chromedp.Do(p.ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("opening a page: %w", err)
	}
	scheme := "light"
	if view.Dark {
		scheme = "dark"
	}
	return p, p.run(
		command(audits.Enable, cdp.Empty{}), command(log.Enable, cdp.Empty{}),
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: view.Width, Height: view.Height, DeviceScaleFactor: 1}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}),
		// Of several pages one is in front, and only that one gets keys.
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		command(page.BringToFront, cdp.Empty{}),
		chromedp.Navigate(url))
}

func command[P, R any](what cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, what, params)
		return err
	})
}

func (p *Page) run(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// hear takes down what the browser complains about: errors of the page, and what its policy has forbidden.
func (p *Page) hear(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			problem += " " + thrown.Description
		}
	case *runtime.EventConsoleAPICalled:
		problem = "console." + string(e.Type)
	case *log.EventEntryAdded:
		problem = e.Entry.Text + " " + e.Entry.URL
	case *audits.EventIssueAdded:
		issue := e.Issue.Details.ContentSecurityPolicyIssueDetails
		if issue == nil {
			return
		}
		problem = "forbidden by the policy: " + issue.ViolatedDirective + " " + issue.BlockedURL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, problem)
}

// Problems are the browser's complaints so far, but for those that a test has asked for.
func (p *Page) Problems(but ...string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []string
	for _, problem := range p.problems {
		wanted := false
		for _, part := range but {
			wanted = wanted || strings.Contains(problem, part)
		}
		if !wanted {
			left = append(left, problem)
		}
	}
	return left
}

// Evaluate runs a JavaScript expression, and waits for it if it is a promise. A nil result is not looked at.
func (p *Page) Evaluate(expression string, result any) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	came, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ReturnByValue: ptr.To(true), AwaitPromise: ptr.To(true)})
	switch {
	case err != nil:
		return fmt.Errorf("evaluating %s: %w", expression, err)
	case came.ExceptionDetails != nil:
		return fmt.Errorf("evaluating %s: %s %s", expression, came.ExceptionDetails.Text, came.ExceptionDetails.Exception.Description)
	case result == nil:
		return nil
	default:
		return json.Unmarshal(came.Result.Value, result)
	}
}

// Until waits until a JavaScript expression is true. A page that is being loaded again cannot be asked for a moment.
func (p *Page) Until(expression string) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		holds := false
		err := p.Evaluate("!!("+expression+")", &holds)
		if err == nil && holds {
			return nil
		}
		again := time.NewTimer(interval)
		select {
		case <-again.C:
		case <-p.ctx.Done():
			again.Stop()
			return errors.Join(context.Cause(p.ctx), err)
		case <-deadline.C:
			again.Stop()
			return errors.Join(fmt.Errorf("after %s still not: %s\nthe page says:\n%s", patience, expression, p.Text("body")), err)
		}
	}
}

// Says waits until what a selector finds holds a text that can be seen.
func (p *Page) Says(selector, text string) error {
	return p.Until(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%q))", selector, text))
}

// Text is the text that can be seen of what a selector finds, each in a line.
func (p *Page) Text(selector string) string {
	text := ""
	_ = p.Evaluate(fmt.Sprintf("[...document.querySelectorAll(%q)].map((e) => e.innerText).join('\\n')", selector), &text)
	return text
}

// Type presses keys. Those that are no letters are in chromedp/kb.
func (p *Page) Type(keys string) error {
	for i, part := range strings.SplitAfter(keys, "\r") {
		text, enter := strings.CutSuffix(part, "\r")
		steps := []chromedp.Action[chromedp.Void]{chromedp.KeyEvent(text)}
		if enter {
			steps = append(steps, key(input.DispatchKeyEventTypeKeyDown, "\r"), key(input.DispatchKeyEventTypeKeyUp, ""))
		}
		if err := p.run(steps...); err != nil {
			return fmt.Errorf("typing part %d of %q: %w", i, keys, err)
		}
	}
	return nil
}

// key is a press of Enter in one event, as keyboards send it: chromedp sends the letter as an event of its own, which a page cannot
// prevent.
func key(kind input.DispatchKeyEventType, text string) chromedp.Action[chromedp.Void] {
	return command(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", Text: text, UnmodifiedText: text, WindowsVirtualKeyCode: 13})
}

// Click clicks on what a selector finds, as a mouse does.
func (p *Page) Click(selector string) error {
	// As a person would: what is in view may be covered by what sticks to the window's edge.
	if err := p.Until(fmt.Sprintf(`(document.querySelector(%[1]q)?.scrollIntoView({ block: "center" }), document.querySelector(%[1]q))`, selector)); err != nil {
		return err
	}
	if err := p.run(chromedp.Click(chromedp.CSS(selector))); err != nil {
		return fmt.Errorf("clicking on %s: %w", selector, err)
	}
	return nil
}

// Reload loads the page again.
func (p *Page) Reload() error {
	if err := p.run(chromedp.Reload()); err != nil {
		return fmt.Errorf("loading the page again: %w", err)
	}
	return nil
}

// Ask types a question into the page and asks it.
func (p *Page) Ask(question string) error {
	if err := p.Focus("#query"); err != nil {
		return err
	}
	return p.Type(question + "\r")
}

// Focus puts the focus on what a selector finds, once it is there.
func (p *Page) Focus(selector string) error {
	return p.Until(fmt.Sprintf("(document.querySelector(%[1]q)?.focus(), document.activeElement?.matches(%[1]q))", selector))
}

// Shot keeps a picture of the whole page, for a person to look at.
func (p *Page) Shot(name string) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return fmt.Errorf("taking a picture: %w", err)
	}
	return os.WriteFile(p.shots+name+".png", picture, 0o644)
}
