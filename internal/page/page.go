// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package page gathers lines for a person at a terminal, in colour where that is wanted.
package page

import (
	"bytes"
	"fmt"
	"io"
)

// Colour is what a text is shown in (ECMA-48, select graphic rendition).
type Colour string

// The colours: red what is wrong, green what is well, yellow what waits, bold what is a heading, dim what is beside.
const (
	Red    Colour = "31;1"
	Green  Colour = "32"
	Yellow Colour = "33"
	Bold   Colour = "1"
	Dim    Colour = "2"
)

// Page is a text in the making. It is written at once, so that nobody sees half of it.
type Page struct {
	// Colour says whether the reader sees colours.
	Colour bool

	text bytes.Buffer
}

// Line adds a line.
func (p *Page) Line(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// In gives a text a colour.
func (p *Page) In(colour Colour, text string) string {
	if !p.Colour || text == "" {
		return text
	}
	return "\x1b[" + string(colour) + "m" + text + "\x1b[0m"
}

// WriteTo writes the page.
func (p *Page) WriteTo(to io.Writer) (int64, error) { return p.text.WriteTo(to) }
