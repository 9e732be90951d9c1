package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
)

func main() {
	dir := flag.String("dir", ".", "where the log lies")
	address := flag.String("listen", ":8080", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, *address); err != nil {
		log.Fatal(err)
	}
}

// run serves until the context ends, then lets requests finish.
func run(ctx context.Context, dir, address string) error {
	server := &http.Server{Addr: address}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	return server.ListenAndServe()
}
