package api

import (
	"log"
	"log/slog"
	"net/http"
	"time"
)

// NewServer makes the http.Server that the doors are meant to stand behind. Its timeouts bound what a slow or silent client can
// hold; the readers of feeds, who wait longer than a request may take to arrive, lift the one for reading themselves. On Shutdown
// they are answered at once.
func NewServer(a *API) *http.Server {
	s := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          connectionLog(a.cfg.Log),
	}
	s.RegisterOnShutdown(a.StopWaiting)
	return s
}

// connectionLog takes what net/http says of broken connections: the client's doing, for whoever looks closely.
func connectionLog(logger *slog.Logger) *log.Logger {
	return slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
}
