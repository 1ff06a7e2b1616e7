package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/funnelhouse/funnelhouse/serving"
)

// stopWithin is how long answers may go on once serve is stopped.
const stopWithin = 5 * time.Second

// listen answers HTTP at server.listen until ctx is done. Answers under way
// are finished, or cut off after stopWithin; when it returns none is left, so
// that the warehouse can be closed.
func (h *house) listen(ctx context.Context) error {
	mux, err := h.routes()
	if err != nil {
		return err
	}
	listener, err := h.bind(ctx)
	if err != nil {
		return err
	}
	// Held for reading by every answer.
	var answering sync.RWMutex
	closed := false
	// Requests outlive ctx by stopWithin.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	guarded := serving.Guard(mux)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answering.RLock()
			defer answering.RUnlock()
			if closed {
				panic(http.ErrAbortHandler)
			}
			guarded.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      90 * time.Second, // questions have a shorter one of their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
	h.log.InfoContext(ctx, "answering", "url", "http://"+listener.Addr().String())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err = <-stopped:
		err = fmt.Errorf("answer at server.listen %s: %w", h.settings.listen, err)
	case <-ctx.Done():
		err = ctx.Err()
	}
	grace, end := context.WithTimeout(base, stopWithin)
	defer end()
	if shutdown := server.Shutdown(grace); shutdown != nil && !errors.Is(shutdown, context.DeadlineExceeded) {
		err = errors.Join(err, shutdown)
	}
	cut()
	_ = server.Close() // what it would say, Shutdown has said
	answering.Lock()   // waits for those under way
	closed = true
	answering.Unlock()
	return err
}

// routes is what is answered, by path.
func (h *house) routes() (*http.ServeMux, error) {
	questions, err := serving.New(serving.Config{
		Language: h.settings.language, Today: h.today, Logger: h.log,
	}, h.wh, measures{h})
	if err != nil {
		return nil, err
	}
	pages, err := h.pages()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", questions.Handler())
	mux.Handle("/", pages)
	return mux, nil
}

// bind takes the address of server.listen, which must be a loopback one
// whatever its name stands for on this machine.
func (h *house) bind(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.settings.listen)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w; stop the program that has this port, or write another one under server.listen in %s",
			h.settings.listen, err, configFile)
	}
	if address, ok := listener.Addr().(*net.TCPAddr); !ok || !address.IP.IsLoopback() {
		return nil, errors.Join(usagef("%s: server.listen: %s stands for %s, which is no loopback address; write 127.0.0.1:8080",
			configFile, h.settings.listen, listener.Addr()), listener.Close())
	}
	return listener, nil
}
