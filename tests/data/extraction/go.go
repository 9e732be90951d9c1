// Copyright 2024 The Authors. Licensed under MIT.

// Package server answers requests.
package server

import "fmt"

// Limit is a constant.
const Limit = 10

var (
	ErrClosed = fmt.Errorf("closed") // a trailing comment
)

// Server answers requests.
//
// It is safe for concurrent use.
type Server[T any] struct {
	addr string // where it listens
}

type (
	// Handler does the work.
	Handler interface {
		// Handle answers one request.
		Handle(req string) error
		Close()
	}
	ID = int64
)

// Serve listens until it is told to stop.
//
//go:noinline
func (s *Server[T]) Serve(addr string) error {
	inner := func() error {
		return nil
	}
	return inner()
}

/*
Map applies f to
each item.
*/
func Map[A, B any](items []A, f func(A) B) []B {
	var out []B
	for _, item := range items {
		out = append(out, f(item))
	}
	return out
}

// A blank line below: this documents nothing.

func (Server[T]) String() string { return "ünïcode" }

// add is written in assembly.
func add(a, b int) int

var hook = func(a int) int {
	return a
}

func broken( {
	x :=
}

func afterTheError() bool {
	return true
}
